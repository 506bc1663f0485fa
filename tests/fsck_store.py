"""A small store with some of everything, made once by real runs and copied for every test that damages it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from pathlib import Path

from tests.conftest import Project

PROGRAM = """\
import json, os, random, sys
random.seed(sys.argv[1])
print("training", sys.argv[1])
os.makedirs("plots", exist_ok=True)
open("model.bin", "wb").write(random.randbytes(6000))
open("table.csv", "w").write("".join(f"{n},{n}\\n" for n in range(2000)) + sys.argv[1])
for name in ("a", "b"):
    open(f"plots/{name}.txt", "w").write(f"{name} of {sys.argv[1]}")
with open(os.environ["XT_METRICS"], "a") as file:
    for step in range(3):
        file.write(json.dumps({"name": "loss", "value": random.random(), "step": step}) + "\\n")
"""
OUTPUTS = ("-o", "model:model.bin", "-o", "table.csv", "-o", "plots/")
_MADE: dict[str, Path] = {}


class Kept(Project):
    """The project of one test, with two runs, A and B."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.store = path / ".xt"
        self.a, self.b = (path / "ids").read_text().split()
        self.names = {self.a: "A", self.b: "B"}

    def record_path(self, run: str) -> Path:
        return self.store / f"runs/{run[:2]}/{run}.json"

    def sealed(self, run: str) -> dict:
        return json.loads(self.record_path(run).read_bytes())

    def object(self, digest: str) -> Path:
        path = self.store / f"objects/{digest[7:9]}/{digest[7:]}"
        return path if path.exists() else path.with_name(path.name + ".zst")

    def output(self, run: str, name: str) -> Path:
        """Where the content of an output is; of a tree, its manifest."""
        outputs = {one["path"]: one["digest"] for one in self.sealed(run)["result"]["outputs"]}
        return self.object(outputs[name])

    def inner(self, run: str, name: str) -> Path:
        """Where the content of a file of the tree is."""
        entries = json.loads(self.output(run, "plots").read_bytes())["entries"]
        return self.object(next(one["digest"] for one in entries if one["path"] == name))

    def log(self, run: str) -> Path:
        return self.object(self.sealed(run)["result"]["logs"]["streams"][0]["digest"])

    def code_blob(self, text: str) -> Path:
        """Where git keeps the file of that text, if it is not borrowed."""
        data = text.encode()
        oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        return self.store / f"code.git/objects/{oid[:2]}/{oid[2:]}"

    def fsck(self, *words: str) -> tuple[int, dict]:
        done = self.xt("fsck", *words, "--json")
        assert "Traceback" not in done.err
        assert done.out, done.err
        return done.code, json.loads(done.out)

    def told(self, found: dict, *, faults: bool = True) -> list[tuple[str, dict[str, list[str]]]]:
        """Code of each finding, and what of which run is concerned."""
        return [
            (one["code"], {self.names.get(run["run"], run["run"]): run["parts"] for run in one["runs"]})
            for one in found["findings"]
            if one["fault"] or not faults
        ]


def changed_text() -> str:
    return PROGRAM + "# changed\n"


def kept(base: Path, fresh: Path) -> Kept:
    """Copy the store, which is made on the first call.

    Args:
        base: a folder that lives as long as the tests.
        fresh: the folder of one test.
    """
    key = str(base)
    if key not in _MADE:
        made = _make(base / "fsck-template")
        # Where the runs say that they were made is nothing any more.
        made.parent.rename(base / "fsck-kept")
        _MADE[key] = base / "fsck-kept/project"
    project = fresh / "project"
    shutil.copytree(_MADE[key], project, symlinks=True, copy_function=shutil.copy2)
    remote = _MADE[key].parent / "remote"
    shutil.copytree(remote, fresh / "remote", copy_function=shutil.copy2)
    return Kept(project)


def _make(path: Path) -> Path:
    folder = path / "project"
    folder.mkdir(parents=True)
    (path / "remote").mkdir()
    project = Project(folder)
    project.write("train.py", PROGRAM)
    project.write("prompts.md", "be brief\n")
    project.write(".gitignore", "ids\nmodel.bin\ntable.csv\nplots/\n")
    project.sh("git init -q && git add -A && git commit -qm first")
    project.write("train.py", changed_text())
    ids = []
    for number in ("1", "2"):
        done = project.run("-q", "-i", "prompts:prompts.md", *OUTPUTS, "--", "python3", "train.py", number)
        assert done.code == 0, done.err
        ids.append(project.record()["id"])
    project.write("ids", " ".join(ids))
    for words in (
        ("tag", ids[0], "gold"),
        ("baseline", "set", ids[0], "-m", "good"),
        ("note", ids[1], "-m", "ok"),
    ):
        done = project.xt(*words)
        assert done.code == 0, done.err
    project.xt("ls")
    done = project.xt("push", "-r", str(path / "remote"), "--code", "--outputs", "--inputs", "--json")
    assert done.code == 0, done.err + done.out.decode()
    # What the runs made is not in the project any more: it must come from elsewhere.
    project.sh("rm -rf model.bin table.csv plots")
    return folder


def flip(path: Path, at: int | None = None) -> None:
    """Flip a bit."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 4
    rewrite(path, bytes(data))


def rewrite(path: Path, data: bytes) -> None:
    """Write other bytes into a file that is read-only."""
    mode = stat.S_IMODE(path.stat().st_mode)
    path.chmod(0o600)
    path.write_bytes(data)
    path.chmod(mode)


def everything(folder: Path) -> dict[str, tuple]:
    """All there is below a folder, with all but the time of access."""
    found = {}
    for above, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(above, name)
            info = os.lstat(path)
            content = b""
            if stat.S_ISREG(info.st_mode):
                with open(path, "rb") as file:
                    content = file.read()
            found[os.path.relpath(path, folder)] = (info.st_mode, info.st_mtime_ns, info.st_ino, content)
    return found
