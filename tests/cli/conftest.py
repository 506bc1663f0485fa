"""A run that comes out otherwise each time, as it is told to."""

from __future__ import annotations

import sys

import pytest

from tests.cli.verifying import TURN
from tests.conftest import Project, Ran


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
def at_once(monkeypatch, capfdbinary):
    """A kind of `Project` that calls xt in this process, all but `xt run`: it takes a tenth of the time."""
    from xt.cli.main import guarded

    class AtOnce(Project):
        def xt(self, *words, cwd=None, env=None, **options):
            if words[0] == "run" or options:
                return super().xt(*words, cwd=cwd, env=env, **options)
            with monkeypatch.context() as around:
                around.chdir(cwd or self.path)
                for name, value in (env or {}).items():
                    around.setenv(name, value)
                capfdbinary.readouterr()
                code = guarded(list(words))
                out, err = capfdbinary.readouterr()
            return Ran(code, out, err.decode("utf-8", "surrogateescape"))

    return AtOnce
