from __future__ import annotations

from pathlib import Path

import pytest

from tests.collect.folder_keeper import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root, home = tmp_path / "project", tmp_path / "home"
    root.mkdir()
    home.mkdir()
    return Project(root, home)
