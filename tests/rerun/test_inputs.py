"""`xt rerun` and inputs: brought, made again from the store, protected; or why there is no repeat."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.rerun.conftest import Repeating

LARGE = 70_000_000


def ignoring(project, *names: str) -> None:
    project.write(".gitignore", "".join(f"/{name}\n" for name in names))
    project.git("add", "-A")
    project.git("commit", "-qm", "ignore")


def recorded(project, *words: str, **options) -> None:
    done = project.witness(*words, **options)
    assert done.code == 0, done.err


def without(text: bytes, *parts: bytes) -> list[bytes]:
    return [line for line in text.splitlines() if not any(part in line for part in parts)]


def test_inputs_that_are_code(repeated):
    repeated.write("data/a.csv", "1\n")
    repeated.write("data/b.csv", "2\n")
    repeated.git("add", "data/a.csv")
    repeated.git("commit", "-qm", "data")
    for words in (["-i", "data/a.csv"], ["-i", "data"], ["-i", "data/*.csv"], ["-i", "model:data/b.csv"]):
        recorded(repeated, *words)
        repeated.same()


def test_ignored_inputs_that_are_unchanged(repeated):
    ignoring(repeated, "data", "one.bin")
    repeated.write("one.bin", "one\n")
    repeated.write("data/deep/a.csv", "1\n")
    repeated.write("data/b.csv", "2\n").chmod(0o755)
    (repeated.path / "data/link").symlink_to("deep/a.csv")
    (repeated.path / "data/empty").mkdir()
    recorded(repeated, "-i", "one.bin", "-i", "data")
    before = repeated.everything()
    repeated.same()
    repeated.rerun("--keep-workspace")
    assert repeated.everything() == before
    first, last = repeated.record("@~2"), repeated.record()
    assert first["snapshot"]["inputs"] == last["snapshot"]["inputs"]


def test_globs_of_ignored_files(repeated):
    ignoring(repeated, "data")
    repeated.write("data/a.csv", "1\n")
    repeated.write("data/deep/b.csv", "2\n")
    repeated.write("data/not.txt", "3\n")
    first = repeated.run("-i", "data/**/*.csv", "--", "find", "data", "-type", "f")
    again = repeated.rerun()
    assert sorted(again.out.split()) == [line for line in sorted(first.out.split()) if b"not.txt" not in line]
    assert repeated.record()["snapshot"]["recipe"] == repeated.record("@~1")["snapshot"]["recipe"]


def test_links_to_inputs(repeated, tmp_path):
    ignoring(repeated, "link", "folder")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a").write_text("1\n")
    (repeated.path / "link").symlink_to(elsewhere / "a")
    (repeated.path / "folder").symlink_to(elsewhere)
    done = repeated.run("-i", "link", "-i", "folder", "--", "cat", "link", "folder/a")
    assert done.code == 0
    assert repeated.rerun().out == done.out
    assert repeated.record()["snapshot"]["recipe"] == repeated.record("@~1")["snapshot"]["recipe"]
    repeated.clean()


def test_changed_inputs_come_from_the_store(repeated):
    ignoring(repeated, "prompt.md", "data")
    repeated.write("prompt.md", "then\n")
    repeated.write("data/a", "then a\n")
    repeated.write("data/b/c", "then c\n")
    done = repeated.run(
        "-i", "prompts:prompt.md", "-i", "config:data", "--", "cat", "prompt.md", "data/a", "data/b/c"
    )
    assert done.out == b"then\nthen a\nthen c\n"
    repeated.write("prompt.md", "now\n")
    repeated.write("data/a", "now a\n")
    shutil.rmtree(repeated.path / "data/b")
    assert repeated.rerun().out == done.out
    assert repeated.record()["snapshot"]["recipe"] == repeated.record("@~1")["snapshot"]["recipe"]
    assert (repeated.path / "prompt.md").read_text() == "now\n"


@pytest.mark.parametrize("gone", [True, False])
def test_inputs_that_are_not_to_be_had(repeated, gone):
    ignoring(repeated, "big")
    repeated.write("big/a.bin", "x" * 100)
    repeated.write("big/b.bin", "y" * 100)
    recorded(repeated, "-i", "big/a.bin", "-i", "big")
    if gone:
        shutil.rmtree(repeated.path / "big")
    else:
        repeated.write("big/a.bin", "z" * 100)
    refused = repeated.rerun(code=3)
    assert str(repeated.path / "big/a.bin") in refused.err
    assert ("gone" if gone else "changed") in refused.err
    assert os.uname().nodename in refused.err
    assert refused.out == b""
    assert repeated.record()["snapshot"].get("repeat") is None
    repeated.clean()


def test_inputs_outside_of_the_project(repeated, tmp_path):
    data = tmp_path / "data set"
    data.mkdir()
    (data / "a.csv").write_text("1\n")
    script = "import sys; print(open(sys.argv[1]).read())"
    words = ["--", sys.executable, "-c", script, str(data / "a.csv")]
    for kind in (str(data / "a.csv"), str(data), str(data / "*.csv"), "../data set/a.csv"):
        assert repeated.run("-i", kind, *words).code == 0
        assert repeated.rerun().out == b"1\n\n"
        assert repeated.record()["snapshot"]["recipe"] == repeated.record("@~1")["snapshot"]["recipe"]
        one, other = (repeated.record(name)["snapshot"]["inputs"][0] for name in ("@", "@~1"))
        assert one | {"declared": ""} == other | {"declared": ""}
    (data / "a.csv").write_text("2\n")
    refused = repeated.rerun(code=3)
    assert str(data / "a.csv") in refused.err
    assert "changed" in refused.err


def test_partly_tracked_trees(repeated):
    repeated.write("data/tracked", "1\n")
    repeated.git("add", "-A")
    repeated.git("commit", "-qm", "data")
    ignoring(repeated, "data/*.bin")
    repeated.write("data/a.bin", "2\n")
    repeated.write("data/untracked", "3\n")
    recorded(repeated, "-i", "data")
    repeated.same()
    repeated.write("data/tracked", "changed since\n")
    (repeated.path / "data/new").write_text("new since")
    repeated.same()


def test_many_inputs(repeated):
    ignoring(repeated, "data")
    for number in range(300):
        repeated.write(f"data/{number}", f"{number}\n")
    recorded(repeated, "-i", "data/*")
    repeated.same()
    words = [word for number in range(0, 300, 3) for word in ("-i", f"data/{number}")]
    recorded(repeated, *words)
    (repeated.path / "data/3").write_text("changed")
    refused = repeated.rerun(code=3)
    assert "data/3`" in refused.err
    assert "data/6`" not in refused.err


def sparse(path) -> None:
    with open(path, "wb") as file:
        file.write(b"begin")
        file.truncate(LARGE)


WRITES = """
import os, shutil, sys
info = os.stat(sys.argv[1])
try:
    with open(sys.argv[1], "r+b") as file:
        file.write(b"BROKEN")
    print("written")
except OSError as error:
    print(error.strerror)
print(info.st_size)
print(os.path.abspath("big") in open("/proc/self/mountinfo").read())
"""


@pytest.mark.parametrize("declared", ["big/large.bin", "big"])
def test_large_inputs_are_not_copied_and_not_written_to(repeated, declared):
    """A file is read-only; to a folder the command can write, and the user's stays as it is."""
    ignoring(repeated, "big", "count")
    (repeated.path / "big").mkdir()
    sparse(repeated.path / "big/large.bin")
    words = ["--", sys.executable, "-c", WRITES.replace("BROKEN", "begin"), "big/large.bin"]
    assert repeated.run("-i", declared, *words).out.split() == [b"written", b"70000000", b"False"]
    # The run wrote to it: what is repeated is what it was before, and its content is the same.
    before = repeated.everything()
    again = repeated.rerun()
    lines = again.out.decode().splitlines()
    if lines[2] == "False":
        pytest.skip("nothing can be mounted here")
    # Not every file system can lie under an overlay: then a folder is read-only too.
    may = ["Read-only file system", *(["written"] if declared == "big" else [])]
    assert lines[0] in may
    assert lines[1:] == ["70000000", "True"]
    assert repeated.everything() == before
    assert repeated.record()["snapshot"]["recipe"] == repeated.record("@~1")["snapshot"]["recipe"]
    repeated.clean()


def test_large_inputs_are_copied_where_nothing_can_be_mounted(repeated):
    ignoring(repeated, "big")
    (repeated.path / "big").mkdir()
    sparse(repeated.path / "big/large.bin")
    # A kept workspace outlives its mounts, so nothing is mounted into one.
    script = WRITES.replace("BROKEN", "begin")
    assert repeated.run("-i", "big", "--", sys.executable, "-c", script, "big/large.bin").code == 0
    before = repeated.everything()
    again = repeated.rerun("--keep-workspace")
    assert again.out.split() == [b"written", b"70000000", b"False"]
    assert repeated.everything() == before
    place = again.err.split("the workspace is ")[1].strip()
    info = os.stat(f"{place}/big/large.bin")
    assert info.st_size == LARGE
    assert info.st_blocks * 512 < LARGE / 2, "holes stay holes"


def test_small_inputs_are_not_written_through(repeated):
    ignoring(repeated, "data")
    repeated.write("data/a", "then\n")
    done = repeated.run(
        "-i", "data/a", "--", "sh", "-c", 'cat data/a; if [ -n "$CHANGE" ]; then echo x > data/a; fi'
    )
    assert done.out == b"then\n"
    before = repeated.everything()
    assert repeated.rerun().out == b"then\n"
    assert repeated.everything() == before


def test_inputs_in_another_clone(repeated, tmp_path):
    ignoring(repeated, "data")
    repeated.write("data/a.bin", "content\n")
    recorded(repeated, "-i", "data/a.bin")
    repeated.git("clone", "-q", str(repeated.path), str(tmp_path / "clone"))
    other = Repeating(tmp_path / "clone")
    shutil.copytree(repeated.path / ".xt", other.path / ".xt")
    moved = tmp_path / "moved"
    repeated.path.rename(moved)
    refused = other.rerun(code=3)
    assert str(repeated.path / "data/a.bin") in refused.err
    other.write("data/a.bin", "content\n")
    other.same()


def test_addresses(repeated):
    repeated.run("-i", "s3://bucket/key", "--", "true")
    repeated.rerun()
    assert repeated.record()["snapshot"]["inputs"] == repeated.record("@~1")["snapshot"]["inputs"]


@pytest.fixture
def open_to_others(monkeypatch):
    """A folder with a home, for other users too. Not below pytest's: each pytest that starts closes that."""
    with tempfile.TemporaryDirectory(prefix="xt-") as name:
        os.chmod(name, 0o755)
        home = shutil.copytree(os.environ["HOME"], f"{name}/home")
        os.chmod(home, 0o755)
        monkeypatch.setenv("HOME", home)
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", f"{home}/.gitconfig")
        yield Path(name)


def test_without_the_right_to_mount(open_to_others):
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("becoming somebody else takes root and setpriv")
    path = open_to_others / "project"
    path.mkdir()
    project = Repeating(path)
    project.git("init", "-q")
    ignoring(project, "big")
    (path / "big").mkdir()
    sparse(path / "big/large.bin")
    subprocess.run(["chown", "-R", "65534:65534", str(open_to_others)], check=True)
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
    probe = subprocess.run(
        [*become, sys.executable, "-c", "import xt"], capture_output=True, check=False, cwd=path
    )
    if probe.returncode:
        pytest.skip(f"nobody cannot read the sources here: {probe.stderr.decode().splitlines()[-1:]}")
    project.command = lambda *words: [*become, sys.executable, "-m", "xt", *words]
    script = "id -u; mkdir -p a/b/c; echo > a/b/c/d; chmod 0 a/b/c; chmod 555 a/b; wc -c < big/large.bin"
    done = project.run("-i", "big", "--", "sh", "-ec", script)
    assert done.code == 0, done.err
    assert done.out.split()[0] == b"65534"
    os.chmod(path / "a/b", 0o777)
    os.chmod(path / "a/b/c", 0o777)
    shutil.rmtree(path / "a")
    assert project.rerun().out == done.out
    project.clean()
