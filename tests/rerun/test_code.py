"""`xt rerun` brings the code back as it was, whatever state it was in, and leaves the user's alone."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from tests.rerun.conftest import Repeating


def dirty(project) -> None:
    project.write("keep.py", "1\n")
    project.write("gone.py", "1\n")
    project.write("mode.sh", "#!/bin/sh\n")
    project.write(".gitignore", "ignored/\n")
    project.git("add", "-A")
    project.git("commit", "-qm", "more")
    project.write("keep.py", "2\n")
    project.write("deep/er/new.py", "new\n")
    project.write("ignored/x", "not code\n")
    project.write("staged.py", "staged\n")
    project.git("add", "staged.py")
    project.write("staged.py", "staged and changed\n")
    (project.path / "gone.py").unlink()
    (project.path / "mode.sh").chmod(0o755)
    (project.path / "link").symlink_to("deep/er")
    (project.path / "dangling").symlink_to("/nowhere/at all")
    (project.path / "empty/below").mkdir(parents=True)


def flat(text: bytes) -> list[bytes]:
    """What the witness saw, without what git says of the index: what was staged is not recorded."""
    return [line for line in text.splitlines() if not line.startswith((b"('status'", b"('diff'"))]


def test_a_dirty_tree(repeated):
    dirty(repeated)
    repeated.witness()
    first = repeated.xt("logs", "@", "--stdout").out
    shutil.rmtree(repeated.path / "ignored")
    before = repeated.everything()
    again = repeated.rerun()
    lines = [line for line in flat(first) if b"'ignored" not in line]
    assert flat(again.out) == lines
    one, other = repeated.record("@~1")["snapshot"], repeated.record()["snapshot"]
    assert one["recipe"] == other["recipe"]
    assert one["code"]["tree"] == other["code"]["tree"]
    assert one["code"]["changed_total"] == other["code"]["changed_total"]
    assert "repeats" in again.err
    assert repeated.everything() == before
    repeated.clean()


def test_a_tree_that_has_changed_since(repeated):
    repeated.write("a.py", "then\n")
    repeated.witness()
    repeated.git("add", "-A")
    repeated.git("commit", "-qm", "later")
    repeated.git("tag", "later")
    repeated.git("checkout", "-qb", "other")
    repeated.write("a.py", "now\n")
    repeated.write("train.py", "now\n")
    repeated.git("stash")
    repeated.write("b.py", "now\n")
    before, refs = repeated.everything(), repeated.git("show-ref", "--heads", "--tags")
    repeated.same()
    assert repeated.everything() == before
    assert repeated.git("show-ref", "--heads", "--tags") == refs
    assert repeated.git("stash", "list").count("\n") == 0


def test_detached(repeated):
    repeated.git("tag", "-am", "annotated", "v1.0")
    repeated.git("commit", "-qm", "2", "--allow-empty")
    repeated.git("checkout", "-q", "--detach")
    repeated.witness()
    repeated.same()
    assert b"v1.0-1-g" in repeated.xt("logs", "@", "--stdout").out


@pytest.mark.parametrize("name", ["feature/a-1.x", "ünï", "a'b", "x#y", "w/h,y"])
def test_branches(repeated, name):
    repeated.git("checkout", "-qb", name)
    repeated.witness()
    repeated.same()


def test_without_commits(tmp_path):
    (tmp_path / "new").mkdir()
    project = Repeating(tmp_path / "new")
    project.git("init", "-qb", "trunk")
    project.write("a.py", "1\n")
    project.witness()
    project.same()


def test_without_git(plain):
    plain.write("a.py", "1\n")
    plain.write("b/c.sh", "1\n").chmod(0o755)
    (plain.path / "e").mkdir()
    plain.witness()
    plain.same()


def test_sha256(tmp_path):
    (tmp_path / "new").mkdir()
    project = Repeating(tmp_path / "new")
    project.git("init", "-q", "--object-format=sha256")
    project.write("a.py", "1\n")
    project.git("add", "-A")
    project.git("commit", "-qm", "1")
    project.write("a.py", "2\n")
    project.witness()
    project.same()


def test_a_worktree(repeated, tmp_path):
    repeated.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    project = Repeating(tmp_path / "tree")
    project.write("new.py", "1\n")
    project.witness()
    before = repeated.everything()
    project.same()
    assert repeated.everything() == before
    repeated.git("worktree", "prune")
    assert repeated.git("worktree", "list").count("\n") == 1


def test_odd_names_and_line_ends(repeated):
    repeated.write(".gitattributes", "*.txt text=auto\n*.id ident\n")
    (repeated.path / "crlf.txt").write_bytes(b"a\r\nb\r\n")
    (repeated.path / "both.txt").write_bytes(b"a\r\nb\n")
    repeated.write("x.id", "$Id$\n")
    repeated.git("add", "-A")
    repeated.git("commit", "-qm", "texts")
    (repeated.path / "x.id").unlink()
    repeated.git("checkout", "x.id")
    odd = os.fsencode(repeated.path) + b"/"
    for name in (b"line\nend", b"not \xff utf8", b" space ", b'"quoted"', b"back\\slash", b"-rf", b"*"):
        with open(odd + name, "wb") as file:
            file.write(name)
    (repeated.path / "new.txt").write_bytes(b"\r\n\n")
    repeated.witness()
    repeated.same()


def submodule(project, tmp_path) -> None:
    inner = Repeating(tmp_path / "library")
    inner.path.mkdir()
    inner.git("init", "-q")
    inner.write("lib.py", "1\n")
    inner.git("add", "-A")
    inner.git("commit", "-qm", "lib")
    project.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.path), "sub")
    project.git("commit", "-qm", "sub")


@pytest.mark.parametrize("state", ["clean", "dirty", "commit", "branch"])
def test_a_submodule(repeated, tmp_path, state):
    submodule(repeated, tmp_path)
    sub = Repeating(repeated.path / "sub")
    if state == "dirty":
        sub.write("lib.py", "2\n")
        sub.write("new.py", "2\n")
    elif state != "clean":
        if state == "branch":
            sub.git("checkout", "-qb", "x/y")
        sub.write("lib.py", "3\n")
        sub.git("commit", "-qam", "mine alone")
    repeated.witness()
    shutil.rmtree(tmp_path / "library")
    before = repeated.everything()
    repeated.same()
    assert repeated.everything() == before


def test_nested_repositories(repeated):
    inner = Repeating(repeated.path / "nested/one")
    inner.path.mkdir(parents=True)
    inner.git("init", "-q")
    inner.write("a", "1\n")
    inner.git("add", "-A")
    inner.git("commit", "-qm", "1")
    inner.write("b", "2\n")
    empty = Repeating(repeated.path / "none")
    empty.path.mkdir()
    empty.git("init", "-q")
    empty.write("c", "3\n")
    repeated.witness()
    before = repeated.everything()
    repeated.same()
    assert repeated.everything() == before


def test_a_shallow_clone(repeated, tmp_path):
    for number in range(3):
        repeated.git("commit", "-qm", str(number), "--allow-empty")
    repeated.git("clone", "-q", "--depth", "2", f"file://{repeated.path}", str(tmp_path / "shallow"))
    project = Repeating(tmp_path / "shallow")
    project.witness()
    project.same()


def test_another_clone(repeated, tmp_path):
    dirty(repeated)
    repeated.witness("-i", "keep.py")
    one = repeated.record()["snapshot"]
    first = repeated.xt("logs", "@", "--stdout").out
    repeated.git("clone", "-q", str(repeated.path), str(tmp_path / "else where"))
    other = Repeating(tmp_path / "else where")
    shutil.copytree(repeated.path / ".xt", other.path / ".xt")
    shutil.rmtree(repeated.path)
    again = other.rerun()
    assert flat(again.out) == [line for line in flat(first) if b"'ignored" not in line]
    assert other.record()["snapshot"]["recipe"] == one["recipe"]
    other.clean()


def test_a_store_elsewhere_and_a_clone_that_lacks_the_commit(repeated, tmp_path):
    store = {"XT_STORE": str(tmp_path / "store")}
    repeated.git("clone", "-q", str(repeated.path), str(tmp_path / "clone"))
    repeated.write("mine.py", "1\n")
    repeated.git("add", "-A")
    repeated.git("commit", "-qm", "nobody else has this")
    repeated.witness(env=store)
    head = repeated.git("rev-parse", "HEAD")
    moved = tmp_path / "moved"
    repeated.path.rename(moved)
    other = Repeating(tmp_path / "clone")
    refused = other.rerun(code=3, env=store)
    assert head[:12] in refused.err
    assert "no repository has the tree" in refused.err
    # A repository that has it need not be where it was.
    again = Repeating(moved).rerun(env=store)
    assert b"mine.py" in again.out


def test_a_commit_that_is_gone(repeated):
    repeated.write("a.py", "1\n")
    repeated.git("add", "-A")
    repeated.git("commit", "-qm", "amended away")
    repeated.write("a.py", "2\n")
    repeated.witness()
    repeated.git("checkout", "-q", ".")
    repeated.git("reset", "-q", "--hard", "HEAD~1")
    repeated.git("reflog", "expire", "--expire=now", "--all")
    repeated.git("gc", "-q", "--prune=now")
    again = repeated.rerun()
    assert "history is not" in again.err
    assert repeated.record()["snapshot"]["code"]["tree"] == repeated.record("@~1")["snapshot"]["code"]["tree"]


def test_without_a_git_to_bring_it_back(repeated, tmp_path):
    repeated.witness()
    (tmp_path / "bin").mkdir()
    refused = repeated.rerun(code=3, env={"PATH": str(tmp_path / "bin")})
    assert "git not found" in refused.err
    assert "hint: install git" in refused.err
    assert "clone" not in refused.err
    repeated.clean()


def test_subfolders(repeated):
    repeated.write("part/xt.toml", "")
    repeated.write("part/src/a.py", "1\n")
    repeated.write("beside.py", "1\n")
    at = repeated.path / "part/src"
    part = Repeating(repeated.path / "part")
    script = "import os; print(os.path.relpath('.', '../..'), *sorted(os.listdir('../..')))"
    done = part.run("--", sys.executable, "-c", script, cwd=at)
    assert done.code == 0, done.err
    assert (repeated.path / "part/.xt").is_dir()
    again = part.rerun()
    assert [word for word in done.out.split() if word != b".xt"] == again.out.split()
    assert part.record()["snapshot"]["command"]["cwd"] == "src"
    assert part.record()["snapshot"]["recipe"] == part.record("@~1")["snapshot"]["recipe"]
    part.clean()


def test_the_workspace_can_be_kept(repeated):
    repeated.witness()
    kept = repeated.rerun("--keep-workspace")
    place = kept.err.split("the workspace is ")[1].strip()
    assert os.path.isfile(f"{place}/train.py")
    repeated.rerun()
    assert os.path.isfile(f"{place}/train.py")
