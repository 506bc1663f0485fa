"""The services as fixtures: `from tests.services.fixtures import sshd, moto` in a `conftest.py`."""

from __future__ import annotations

import pytest

from tests import services
from tests.services import azurite as of_azurite
from tests.services import ceph as of_ceph
from tests.services import mlflow as of_mlflow
from tests.services import moto as of_moto
from tests.services import rclone as of_rclone
from tests.services import sshd as of_sshd


@pytest.fixture(scope="session")
def sshd(tmp_path_factory):
    with services.shared(tmp_path_factory, "sshd", of_sshd.start) as facts:
        yield facts


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    with services.shared(tmp_path_factory, "moto", of_moto.start) as facts:
        yield facts


@pytest.fixture(scope="session")
def rclone(tmp_path_factory):
    with services.shared(tmp_path_factory, "rclone", of_rclone.start) as facts:
        yield facts


@pytest.fixture(scope="session")
def ceph(tmp_path_factory):
    with services.shared(tmp_path_factory, "ceph", of_ceph.start) as facts:
        yield facts


@pytest.fixture(scope="session")
def azurite(tmp_path_factory):
    with services.shared(tmp_path_factory, "azurite", of_azurite.start) as facts:
        yield facts


def s3_variables(facts: dict) -> dict[str, str]:
    """Variables by which a gateway of S3 is reached."""
    return {
        "AWS_ENDPOINT_URL": facts["url"],
        "AWS_ACCESS_KEY_ID": facts["key"],
        "AWS_SECRET_ACCESS_KEY": facts["secret"],
        "AWS_REGION": "us-east-1",
        "XT_REMOTE_TIMEOUT": "20",
    }


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory):
    with services.shared(tmp_path_factory, "mlflow", of_mlflow.start) as facts:
        yield facts["url"]
