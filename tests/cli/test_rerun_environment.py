"""`xt rerun --env …` and `xt verify` after a package changed: real uv, real wheels, no network."""

from __future__ import annotations

import json
import os

import pytest

from tests.ops.wheels import install, venv, wheel


@pytest.fixture
def changed(project, tmp_path, monkeypatch):
    """A run with version 2.0.1 of a package, where 1.0 is now: of another size, for what Python caches."""
    wheels = tmp_path / "wheels"
    for version in ("1.0", "2.0.1"):
        wheel(wheels, "num-like", version)
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    for name, value in (("UV_NO_INDEX", "1"), ("UV_OFFLINE", "1"), ("UV_PYTHON_DOWNLOADS", "never")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    env = venv(tmp_path / "env", "num-like==2.0.1")
    monkeypatch.setenv("PATH", f"{env}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("VIRTUAL_ENV", str(env))
    project.write("use.py", "import num_like\nopen('out.txt', 'w').write(num_like.VERSION + '\\n')\n")
    project.sh("git add -A && git commit -qm second")
    # PYTHONPATH is how xt itself is found here, and would be recorded.
    ran = project.run("-o", "out.txt", "--", "env", "-u", "PYTHONPATH", "python", "use.py")
    assert ran.code == 0, ran.err
    install(env, "num-like==1.0")
    return project


def test_drift_is_named_and_the_repeat_goes_on(changed):
    done = changed.xt("rerun", "@")
    assert done.code == 0
    assert "xt: warning: the environment drifted: num-like 2.0.1 → 1.0" in done.err


def test_strict_refuses_before_anything_starts(changed):
    before = changed.xt("ls", "--all", "--json").out
    done = changed.xt("rerun", "@", "--env", "strict")
    assert done.code == 3
    assert "num-like 2.0.1 → 1.0" in done.err
    assert changed.xt("ls", "--all", "--json").out == before


def test_recreate_brings_the_recorded_version_back(changed):
    done = changed.xt("rerun", "@", "--env", "recreate")
    assert done.code == 0, done.err
    assert "drifted" not in done.err
    again = changed.xt("restore", "@", "--only", "outputs", "--to", "back")
    assert again.code == 0, again.err
    assert (changed.path / "back" / "out.txt").read_text() == "2.0.1\n"
    assert changed.record("@")["snapshot"]["recipe"] == changed.record("@~1")["snapshot"]["recipe"]


def test_verify_finds_out_that_it_is_the_environment(changed):
    done = changed.xt("verify", "@", "--json")
    assert done.code == 1
    (found,) = json.loads(done.out)["verifications"]
    assert found["drift"] == ["num-like 2.0.1 → 1.0"]
    diagnosis = found["diagnosis"]
    assert diagnosis["sources"] == ["environment"]
    assert diagnosis["pins"] == ["environment"]
    assert diagnosis["trials"][-1]["agree"] is True
    assert "num-like 2.0.1 → 1.0" in diagnosis["sentence"]


def test_in_the_recreated_environment_it_is_identical(changed):
    done = changed.xt("verify", "@", "--env", "recreate", "--repeat", "2", "--level", "identical")
    assert done.code == 0, done.out.decode() + done.err
