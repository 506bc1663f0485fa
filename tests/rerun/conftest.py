"""What tests of repeats share: run and repeat, and hold one against the other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Project, Ran

WITNESS = str(Path(__file__).with_name("witness.py"))


class Repeating(Project):
    """A project whose runs are repeated."""

    def witness(self, *words: str, **options: Any) -> Ran:
        """Record what can be seen."""
        done = self.run(*words, "--", sys.executable, WITNESS, **options)
        assert done.code == 0, done.err
        return done

    def rerun(self, *words: str, code: int = 0, **options: Any) -> Ran:
        """Repeat the newest run, or the one that is named."""
        reference = () if words and not words[0].startswith("-") else ("@",)
        done = self.xt("rerun", *reference, *words, **options)
        assert done.code == code, (done.code, done.out, done.err)
        return done

    def same(self, *words: str, **options: Any) -> Ran:
        """Repeat a run of the witness: it sees the same, the recipe is the same, and nothing is left."""
        first = self.xt("logs", "@", "--stdout").out
        recipe = self.record()["snapshot"]["recipe"]
        again = self.rerun(*words, **options)
        assert again.out.splitlines() == first.splitlines()
        repeat = self.record()
        assert repeat["snapshot"]["recipe"] == recipe, self.xt("diff", "@~1", "@").out
        assert repeat["snapshot"]["recipe_doubt"] is None
        assert repeat["snapshot"]["repeat"].get("adjusted") is None
        self.clean()
        return again

    def clean(self, store: Path | None = None) -> None:
        """Assert that no repeat left anything behind."""
        at = store or self.path / ".xt"
        assert [name for name in os.listdir(at / "work") if not name.endswith(".lock")] == []
        assert os.listdir(at / "live") == []
        assert os.listdir(at / "tmp") == []
        assert str(at) not in Path("/proc/self/mounts").read_text()

    def git(self, *words: str, cwd: Path | None = None) -> str:
        return subprocess.run(
            ["git", *words], cwd=cwd or self.path, capture_output=True, check=True, text=True
        ).stdout.strip()

    def everything(self, top: Path | None = None) -> dict[str, tuple[Any, ...]]:
        """Every path but the store and what xt keeps in the repository: inode, times and content."""
        found: dict[str, tuple[Any, ...]] = {}
        at = top or self.path
        for folder, folders, names in os.walk(at):
            folders[:] = [
                name
                for name in folders
                if name != ".xt"
                and not (name == "xt" and "/.git/" in folder + "/" and folder.endswith("/refs"))
            ]
            for name in [*folders, *names]:
                path = os.path.join(folder, name)
                info = os.lstat(path)
                data = Path(path).read_bytes() if os.path.isfile(path) else b""
                # The folder of references got `xt`; an object that is wanted again gets a new time.
                loose = "/.git/objects/" in path or path.endswith(".git/refs")
                when = 0 if loose else info.st_mtime_ns
                found[path] = (info.st_ino, info.st_mode, when, data)
        return found


@pytest.fixture
def repeated(project) -> Repeating:
    """A git repository with one commit."""
    return Repeating(project.path)


@pytest.fixture
def plain(folder) -> Repeating:
    """A folder without git."""
    return Repeating(folder.path)
