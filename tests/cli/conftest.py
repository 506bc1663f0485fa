"""A run that comes out otherwise each time, as it is told to."""

from __future__ import annotations

import sys

import pytest

from tests.cli.verifying import TURN
from tests.conftest import Project
from xt.cli.app import COMMANDS


@pytest.fixture
def turn(folder, tmp_path):
    """Record a run of a piece of code; the folder, without git, is given back."""
    folder.write("turn.py", TURN)
    counter = tmp_path / "calls"

    def made(code, *options, settings="", **more):
        counter.unlink(missing_ok=True)
        if settings:
            folder.write("xt.toml", settings)
        done = folder.run("-q", *options, "--", sys.executable, "turn.py", str(counter), code, **more)
        assert "a bug" not in done.err
        return folder

    made.calls = lambda: counter.stat().st_size - 1
    return made


@pytest.fixture
def at_once():
    """A kind of `Project` that calls all but `xt run` in this process."""

    class AtOnce(Project):
        at_once = frozenset(COMMANDS.rows) - {"run"}

    return AtOnce
