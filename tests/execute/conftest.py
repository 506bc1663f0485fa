"""Fixtures: a wrapper per test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.execute.wrapped import Wrapper


@pytest.fixture
def xt(tmp_path: Path) -> Wrapper:
    return Wrapper(tmp_path / "xt")
