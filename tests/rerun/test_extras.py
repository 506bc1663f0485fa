"""What a snapshot does not hold is brought to a repeat where it is still what it was."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from tests.rerun.conftest import Repeating

CONTENT = b"content of a large file\n" * 10


def pointer(content: bytes) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    head = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"
    return head % (digest.encode(), len(content))


def tracked_by_lfs(project: Repeating, inner: str = "") -> None:
    """Commit a pointer and check out content, as git-lfs does, without the program."""
    at = project.path / inner
    at.mkdir(exist_ok=True)
    (at / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (at / "deep").mkdir()
    (at / "deep/a.bin").write_bytes(pointer(CONTENT))
    (at / "not.txt").write_bytes(pointer(CONTENT))
    project.git("add", "-A", cwd=at)
    project.git("commit", "-qm", "lfs", cwd=at)
    (at / "deep/a.bin").write_bytes(CONTENT)


def stored(project: Repeating, inner: str = "") -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    folder = project.path / inner / ".git/lfs/objects" / digest[:2] / digest[2:4]
    folder.mkdir(parents=True)
    (folder / digest).write_bytes(CONTENT)


@pytest.mark.parametrize("where", ["store", "tree", "nowhere", "inner"])
def test_content_of_lfs(repeated, where):
    inner = "sub" if where == "inner" else ""
    if inner:
        (repeated.path / inner).mkdir()
        repeated.git("init", "-q", cwd=repeated.path / inner)
    tracked_by_lfs(repeated, inner)
    cwd = repeated.path / inner
    done = repeated.run("--", "sh", "-c", f"cd ./{inner}; sha256sum deep/a.bin not.txt")
    assert done.code == 0, done.err
    file = cwd / "deep/a.bin"
    if where in ("store", "inner"):
        stored(repeated, inner)
    if where != "tree":
        file.write_bytes(b"changed since")
    again = repeated.rerun()
    one, other = repeated.record("@~1")["snapshot"], repeated.record()["snapshot"]
    assert one["code"]["tree"] == other["code"]["tree"]
    assert one["recipe"] == other["recipe"]
    if where == "nowhere":
        assert again.out != done.out
        assert "pointers of Git LFS, whose content is not here: `deep/a.bin`" in again.err
    else:
        assert again.out == done.out
        assert "LFS" not in again.err
    repeated.clean()


def test_files_that_were_left_out(repeated):
    repeated.write("xt.toml", "[code]\nmax_file = 100\n")
    repeated.write("sub/large.txt", "x" * 101)
    repeated.write(".env", "KEY=1\n")
    repeated.witness()
    assert {item["path"] for item in repeated.record()["snapshot"]["code"]["left_out"]} == {
        "sub/large.txt",
        ".env",
    }
    before = repeated.everything()
    repeated.same()
    assert repeated.everything() == before
    repeated.write("sub/large.txt", "y" * 101)
    os.utime(repeated.path / "sub/large.txt", (1, 1))
    (repeated.path / ".env").unlink()
    changed = repeated.rerun()
    assert "left out of the snapshot, and not here as then: `.env`, `sub/large.txt`" in changed.err
    assert "repeats" not in changed.err
    assert b"KEY=1" not in repeated.stored_bytes()


def test_a_left_out_file_that_is_very_large_is_not_copied(repeated):
    with open(repeated.path / "large", "wb") as file:
        file.truncate(70_000_000)
    script = (
        "import os; print(os.path.abspath('large') in open('/proc/self/mountinfo').read(), "
        "os.path.getsize('large'))"
    )
    assert repeated.run("--", sys.executable, "-c", script).out == b"False 70000000\n"
    again = repeated.rerun()
    assert again.out in (b"True 70000000\n", b"False 70000000\n")
    assert "repeats" in again.err
    repeated.clean()


def test_declared_outputs_of_an_earlier_run_are_not_brought(repeated):
    script = "ls; mkdir -p out; echo x > out/a"
    repeated.run("-o", "out", "--", "sh", "-c", script)
    repeated.run("-o", "out", "--", "sh", "-c", script)
    again = repeated.rerun()
    assert again.out == b"out\ntrain.py\n"
    assert repeated.record()["result"]["status"] == "ok"
    assert "left out" not in again.err


def test_what_is_no_file(repeated):
    os.mkfifo(repeated.path / "pipe")
    repeated.run("--", "true")
    assert "left out of the snapshot, and not here as then: `pipe`" in repeated.rerun().err


def test_a_link_that_leads_out(repeated, tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets/a.csv").write_text("1\n")
    (repeated.path / "data").symlink_to("../datasets")
    repeated.git("add", "-A")
    repeated.git("commit", "-qm", "link")
    done = repeated.run("-i", "data/a.csv", "--", "cat", "data/a.csv")
    assert done.out == b"1\n"
    again = repeated.xt("rerun", "@")
    # Either it can be read there, or it is said why not.
    assert (again.code, again.out) == (3, b"")
    assert "data/a.csv" in again.err
    assert (tmp_path / "datasets/a.csv").read_text() == "1\n"
    assert subprocess.run(["ls", tmp_path / "datasets"], capture_output=True).stdout == b"a.csv\n"
    repeated.clean()
