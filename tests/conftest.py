"""A world of its own for every test: home, configuration, clock zone, no network, no variables of ours."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from tests import ahead
from tests.at_once import ANSWERING, call
from tests.forked import Forks, at_start
from tests.services.docker import docker_engine
from xt.collect.statcache import TICK

__all__ = ["docker_engine"]
#: Homes of this worker, so far: pytest's own numbering lists the folder for each.
HOMES = itertools.count()
SOURCE = str(Path(__file__).resolve().parent.parent / "src")
_LANGUAGE = {name: value for name, value in os.environ.items() if name == "LANG"}
FORKS = Forks({"PATH": os.environ["PATH"], **_LANGUAGE, "PYTHONPATH": SOURCE})


# A check of a change must not fail for what the change did not do: new examples are sought at home.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=40)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """More than cores: a third of the time is waiting, for timers and disks."""
    return (os.cpu_count() or 1) * 3 // 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session):
    """Share the work of the first collection among the workers."""
    ahead.load(session.config)


@pytest.fixture(autouse=True)
def hermetic(tmp_path_factory, monkeypatch):
    """Clear what could reach a test from outside."""
    home = tmp_path_factory.mktemp(f"home-{next(HOMES)}", numbered=False)
    kept = {"PATH", "LANG", "TERM", "TMPDIR", "PYTHONPATH", "SYSTEMROOT", "VIRTUAL_ENV"}
    for name in list(os.environ):
        if name not in kept and not name.startswith(("PYTEST", "COV")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    (home / ".gitconfig").write_text(
        "[user]\n\tname = T\n\temail = t@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    return home


class Ran(NamedTuple):
    code: int
    out: bytes
    err: str


class Project:
    """A folder in which xt is run as a user runs it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "xt", *words]

    #: Those of its commands that are called in this process.
    at_once: frozenset[str] = ANSWERING

    def xt(self, *words: str, cwd: Path | None = None, env: dict[str, str] | None = None, **options) -> Ran:
        if words and words[0] in self.at_once and not options:
            code, out, err = call(list(words), str(cwd or self.path), env or {})
            return Ran(code, out, err.decode("utf-8", "surrogateescape"))
        environ = {**os.environ, "PYTHONPATH": SOURCE, **(env or {})}
        ordinary = not options and getattr(self.command, "__func__", None) is Project.command
        if ordinary and at_start(environ) == at_start(FORKS.environ):
            code, out, err = FORKS.call(list(words), str(cwd or self.path), environ, 200)
            return Ran(code, out, err.decode("utf-8", "surrogateescape"))
        options.setdefault("stdin", subprocess.DEVNULL)
        if "input" in options:
            del options["stdin"]
        done = subprocess.run(
            self.command(*words),
            cwd=cwd or self.path,
            env=environ,
            capture_output=True,
            timeout=200,
            **options,
        )
        return Ran(done.returncode, done.stdout, done.stderr.decode("utf-8", "surrogateescape"))

    def run(self, *words: str, **options) -> Ran:
        return self.xt("run", *words, **options)

    def record(self, reference: str = "@") -> dict:
        shown = self.xt("show", reference, "--json")
        assert shown.code == 0, shown.err
        return json.loads(shown.out)

    def sh(self, script: str) -> str:
        return subprocess.run(
            ["sh", "-ec", script], cwd=self.path, capture_output=True, check=True, text=True
        ).stdout

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def settle(self) -> None:
        """Wait until what was written is older than a tick of the clock: within one, no order can be told."""
        time.sleep(2 * TICK / 1e9)

    def stored_bytes(self) -> bytes:
        """Every byte below `.xt`, decompressed, git's objects too."""
        import zlib

        import zstandard

        parts = []
        for folder, _, names in os.walk(self.path / ".xt"):
            for name in names:
                data = Path(folder, name).read_bytes()
                parts += [os.fsencode(Path(folder, name)), data]
                if name.endswith(".zst"):
                    parts.append(zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 30))
                elif "/code.git/objects/" in folder + "/":
                    try:
                        parts.append(zlib.decompress(data))
                    except zlib.error:
                        continue
        return b"\0".join(parts)


@pytest.fixture(scope="session")
def committed(tmp_path_factory):
    """A function that puts a git repository with one commit somewhere: copied, in a third of the time."""
    template = tmp_path_factory.mktemp("committed")

    def put(path: Path) -> Project:
        made = Project(template)
        if not any(template.iterdir()):  # here and not before, where the test has its variables
            made.write("train.py", "print('training')\n")
            made.sh("git init -q && rm .git/hooks/* && git add -A && git commit -qm first")
        shutil.copytree(template, path)
        subprocess.run(["git", "update-index", "--refresh"], cwd=path, check=True, capture_output=True)
        return Project(path)

    return put


@pytest.fixture
def project(tmp_path, committed):
    """A git repository with one commit."""
    return committed(tmp_path / "project")


@pytest.fixture
def folder(tmp_path):
    """A folder without git."""
    path = tmp_path / "folder"
    path.mkdir()
    return Project(path)


@pytest.fixture
def record():
    """A realistic sealed run."""
    from tests import builders

    return builders.record()
