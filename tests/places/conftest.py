"""Places of each sort, empty, on real servers."""

from __future__ import annotations

import os
import secrets

import pytest

from tests.services.fixtures import azurite, ceph, moto, rclone, s3_variables, sshd  # noqa: F401  (fixtures)
from xt.context import Outside
from xt.store.remote import REMOTES
from xt.store.remote.address import parse


@pytest.fixture
def opened(monkeypatch):
    """Open a place by its URL, with variables set; all are closed at the end."""
    places = []

    def open_place(url: str, **variables: str):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        address = parse(url, "/")
        row = REMOTES.rows[address.scheme]
        if row.module is not None:
            pytest.importorskip(row.module)
        places.append(REMOTES.get(address.scheme)(address, Outside("/", os.environ)))
        return places[-1]

    yield open_place
    for place in places:
        place.close()


@pytest.fixture
def on_host(opened, sshd):  # noqa: F811
    """Open a folder on the host of the real sshd."""

    def open_folder(path: str | None = None, host: str | None = None, **variables: str):
        path = path or f"{sshd['root']}/{secrets.token_hex(6)}/runs"
        variables.setdefault("PATH", f"{sshd['path']}:{os.environ['PATH']}")
        return opened(f"ssh://{host or sshd['host']}{path}", **variables)

    return open_folder


@pytest.fixture
def in_bucket(opened):
    """Open a new folder in the bucket of a gateway."""

    def open_bucket(facts: dict, **variables: str):
        return opened(
            f"s3://{facts['bucket']}/{secrets.token_hex(6)}", **{**s3_variables(facts), **variables}
        )

    return open_bucket


@pytest.fixture
def place(request, tmp_path, opened):
    """A place of the sort that the test is parametrised with."""
    sort = request.param
    if sort == "folder":
        folder = tmp_path / "place"
        folder.mkdir()
        return opened(str(folder))
    if sort == "ssh":
        return request.getfixturevalue("on_host")()
    if sort == "azurite":
        facts = request.getfixturevalue("azurite")
        return opened(
            f"az://{facts['container']}/{secrets.token_hex(6)}",
            AZURE_STORAGE_ENDPOINT=facts["url"],
            AZURE_STORAGE_ACCOUNT_NAME=facts["account"],
            AZURE_STORAGE_ACCOUNT_KEY=facts["key"],
        )
    return request.getfixturevalue("in_bucket")(request.getfixturevalue(sort))
