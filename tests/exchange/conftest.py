"""A store that is exported from."""

from __future__ import annotations

import pytest

from tests.exchange.world import World


@pytest.fixture
def world(tmp_path):
    (tmp_path / "here").mkdir()
    return World(tmp_path / "here")
