"""The snapshot in every sort of repository, and with repositories inside repositories."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.collect.gitcase import Project, entry_of, on_disk, read_tree, remove
from xt.model.text import from_text


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.write("a.py", "print(1)\n")
    made.write("pkg/b.py", "b = 1\n")
    made.commit()
    return made


def head(project, cwd=None):
    return project.git("rev-parse", "HEAD", cwd=cwd).decode().strip()


# --- one repository ----------------------------------------------------------------------------------


def test_no_commits_yet(tmp_path):
    project = Project(tmp_path)
    project.write("a.py", "1\n")
    project.write("staged.py", "2\n")
    project.git("add", "staged.py")
    project.write("staged.py", "3\n")
    code = project.collect()
    project.exact(code)
    assert (code.head, code.branch, code.detached, code.dirty) == (None, "main", False, True)
    assert project.problems == []
    assert not os.path.exists(project.path(".git/refs/xt"))


def test_no_commits_and_no_files(tmp_path):
    project = Project(tmp_path)
    code = project.collect()
    assert project.exact(code) == {}
    assert (code.head, code.dirty) == (None, False)


def test_detached(project):
    project.git("checkout", "-q", "--detach")
    code = project.collect()
    project.exact(code)
    assert (code.branch, code.detached) == (None, True)


@pytest.mark.parametrize(
    "name",
    ["feature/x", "ünïcode", "-x"[1:], "(detached)", "a'b\"c$d`e", "x" * 200, "# branch.oid", "@{"[:1]],
)
def test_branch_names(project, name):
    name = name.replace(" ", "")
    project.git("checkout", "-q", "-b", name)
    code = project.collect()
    assert (code.branch, code.detached) == (name, False)


def test_branch_name_that_is_no_text(project):
    project.git("checkout", "-q", "-b", b"br\xff")
    code = project.collect()
    assert from_text(code.branch) == "br\udcff"


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        ({"origin": "https://user:s3cret@example.org/x.git"}, "https://example.org/x.git"),
        ({"origin": "https://example.org/a", "up": "https://x:y@example.org/b"}, "https://example.org/a"),
        ({"only": "git@example.org:x/y.git"}, "git@example.org:x/y.git"),
        ({"one": "https://e.org/1", "two": "https://e.org/2"}, None),
        ({}, None),
    ],
)
def test_remote(project, urls, expected):
    for name, url in urls.items():
        project.git("remote", "add", name, url)
    code = project.collect()
    assert code.remote == expected or (expected and "***" in code.remote and "s3cret" not in code.remote)
    for folder, _, files in os.walk(project.path(".xt")):
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                assert b"s3cret" not in file.read()


def test_remote_of_the_branch_goes_before_origin(project):
    project.git("remote", "add", "origin", "https://e.org/origin")
    project.git("remote", "add", "fork", "https://e.org/fork")
    project.git("config", "branch.main.remote", "fork")
    assert project.collect().remote == "https://e.org/fork"


def test_first_of_several_urls(project):
    project.git("remote", "add", "origin", "https://e.org/first")
    project.git("remote", "set-url", "--add", "origin", "https://e.org/second")
    assert project.collect().remote == "https://e.org/first"


def clone(project, name, *words):
    other = Project(project.tmp, name, git=False)
    project.git("clone", "-q", *words, f"file://{project.root}", str(other.root))
    return other


def dirty(project):
    project.write("a.py", "dirty\n")
    project.write("new.py", "n\n")
    if os.path.exists(project.path("pkg/b.py")):
        remove(project.path("pkg/b.py"))


def test_shallow(project):
    project.write("a.py", "2\n")
    project.commit()
    other = clone(project, "shallow", "--depth=1")
    code = other.collect()
    other.exact(code)
    assert (code.shallow, code.dirty) == (True, False)
    dirty(other)
    other.exact(other.collect())


@pytest.mark.parametrize("sparse", [False, True])
def test_partial_clone_fetches_nothing(project, sparse):
    project.git("config", "uploadpack.allowFilter", "true")
    project.write("gone.py", "once\n")
    project.commit()
    remove(project.path("gone.py"))
    project.write(".gitattributes", "* text=auto\n")
    project.commit()
    other = clone(project, "partial", "--filter=blob:none", *(["--sparse"] if sparse else []))
    evil = other.tmp / "evil"
    evil.write_text(f"#!/bin/sh\ntouch '{other.pwned}'\n")
    evil.chmod(0o755)
    other.git("config", "remote.origin.uploadpack", str(evil))
    missing = other.git("rev-list", "--objects", "--all", "--missing=print").count(b"\n?")
    code = other.collect()
    other.exact(code)
    assert code.partial
    assert not code.dirty
    dirty(other)
    other.write("gone.py", "once\n")  # its blob is known to the promisor, and not here
    other.exact(other.collect())
    assert other.git("rev-list", "--objects", "--all", "--missing=print").count(b"\n?") == missing
    assert not other.pwned.exists()


def test_linked_worktree(project):
    top = project.tmp / "linked"
    project.git("worktree", "add", "-q", "-b", "other", str(top))
    other = Project(project.tmp, "linked", git=False)
    clean = other.collect()
    assert (clean.worktree, clean.branch, clean.dirty) == (True, "other", False)
    dirty(other)
    other.exact(other.collect())
    assert os.path.exists(project.path(f".git/refs/xt/keep/{head(project)}")), "in the common folder"


def test_worktree_of_a_bare_repository(project):
    bare = str(project.tmp / "bare.git")
    project.git("clone", "-q", "--bare", str(project.root), bare)
    project.git("worktree", "add", "-q", str(project.tmp / "wt"), cwd=bare)
    other = Project(project.tmp, "wt", git=False)
    dirty(other)
    code = other.collect()
    other.exact(code)
    assert code.worktree
    assert os.path.exists(f"{bare}/refs/xt/keep/{code.head}")


def test_bare_repository_has_no_tree(project):
    other = Project(project.tmp, "b", git=False)
    project.git("clone", "-q", "--bare", str(project.root), other.path(".git"))
    code = other.collect()
    assert (code.status, code.tree) == ("none", None)
    assert "work tree" in code.reason


def test_sha256(tmp_path):
    project = Project(tmp_path, "p", True, "--object-format=sha256")
    project.write("a.py", "1\n")
    project.write("pkg/b.py", "2\n")
    project.commit()
    code = project.collect()
    assert code.tree == project.git("rev-parse", "HEAD^{tree}").decode().strip()
    assert (code.object_format, len(code.tree)) == ("sha256", 64)
    dirty(project)
    project.exact(project.collect())


def test_sha256_without_commits(tmp_path):
    project = Project(tmp_path, "p", True, "--object-format=sha256")
    project.write("a.py", "1\n")
    project.exact(project.collect())


def test_shared_clone_borrows_through_two_steps(project):
    other = Project(project.tmp, "shared", git=False)
    project.git("clone", "-q", "--shared", str(project.root), str(other.root))
    dirty(other)
    other.exact(other.collect())


def test_packed_repository(project):
    project.git("gc", "-q")
    dirty(project)
    code = project.collect()
    project.exact(code)
    project.git("pack-refs", "--all")
    project.collect()
    assert not os.path.exists(project.path(f".git/refs/xt/keep/{code.head}")), "packed is there as well"


def conflict(project):
    project.git("checkout", "-q", "-b", "side")
    project.write("a.py", "side\n")
    project.write("deleted.py", "x\n")
    project.commit()
    project.git("checkout", "-q", "main")
    project.write("a.py", "main\n")
    project.commit()


def test_merge_conflict(project):
    conflict(project)
    with pytest.raises(AssertionError):
        project.git("merge", "side")
    code = project.collect()
    found = project.exact(code)
    assert b"<<<<<<<" in found["a.py"][1]
    assert project.changes(code) == {"a.py": "unmerged", "deleted.py": "added"}
    project.write("a.py", "main\n")
    assert "a.py" not in project.changes(project.collect())


def test_delete_modify_conflict(project):
    project.git("checkout", "-q", "-b", "side")
    project.git("rm", "-q", "a.py")
    project.git("commit", "-qm", "x")
    project.git("checkout", "-q", "main")
    project.write("a.py", "main\n")
    project.commit()
    with pytest.raises(AssertionError):
        project.git("merge", "side")
    project.exact(project.collect())
    remove(project.path("a.py"))
    project.exact(project.collect())


def test_rebase_in_progress(project):
    conflict(project)
    project.git("checkout", "-q", "side")
    with pytest.raises(AssertionError):
        project.git("rebase", "main")
    code = project.collect()
    project.exact(code)
    assert (code.branch, code.detached) == (None, True)


def test_conflict_in_gitmodules(project):
    project.write(".gitmodules", "<<<<<<< HEAD\n[submodule\n=======\n>>>>>>> x\n")
    code = project.collect()
    project.exact(code)


def test_split_index(project):
    project.git("config", "core.splitIndex", "true")
    project.git("update-index", "--split-index")
    dirty(project)
    project.git("add", "new.py")
    project.exact(project.collect())


@pytest.mark.parametrize("sparse_index", [False, True])
def test_sparse_checkout(project, sparse_index):
    for name in ("in/a", "in/b", "out/c", "out/deep/d"):
        project.write(name, f"{name}\n")
    project.commit()
    project.git("sparse-checkout", "init", "--cone", *(["--sparse-index"] if sparse_index else []))
    project.git("sparse-checkout", "set", "in")
    assert not os.path.exists(project.path("out/c"))
    code = project.collect()
    project.exact(code)
    assert (code.dirty, code.changed) == (False, []), "what is left away on purpose is no change"
    project.write("out/c", "there after all\n")
    project.write("in/a", "changed\n")
    project.exact(project.collect())


def test_index_versions(project):
    dirty(project)
    for version in ("2", "4"):
        project.git("update-index", "--index-version", version)
        project.exact(project.collect())


def test_damaged_index_is_said(project):
    project.write(".git/index", b"DIRC garbage")
    code = project.collect()
    assert (code.status, code.tree) == ("none", None)
    assert code.reason
    assert project.problems[0].where == "code"


@pytest.mark.parametrize("damage", ["empty folder", "no HEAD", "gone", "garbage", "folder"])
def test_broken_dot_git_is_not_taken_for_the_outer_repository(project, damage):
    project.write("inner/x.py", "x\n")
    project.commit()
    other = Project(project.tmp, "p/inner", git=damage in ("no HEAD",))
    if damage == "empty folder":
        os.mkdir(other.path(".git"))
    elif damage == "no HEAD":
        other.write(".git/HEAD", "")
    elif damage == "gone":
        other.write(".git", "gitdir: /nowhere/at/all\n")
    elif damage == "garbage":
        other.write(".git", b"\0\xff" * 10)
    else:
        other.write(".git", "gitdir: .\n")
    code = other.collect()
    if damage == "empty folder":  # git too passes it over
        assert (code.root, "inner/x.py" in project.tree(code, borrowed=[project.objects()])) == (
            "..",
            True,
        ) or (code.root == "..")
    else:
        assert (code.status, code.tree) == ("none", None)
        assert code.reason
        assert other.problems


def test_worktree_elsewhere_is_said(project):
    project.git("config", "core.worktree", str(project.tmp))
    code = project.collect()
    assert (code.status, code.tree) == ("none", None)
    assert "elsewhere" in code.reason or "work tree" in code.reason


def test_moved_project(project):
    dirty(project)
    code = project.collect()
    expected = on_disk(str(project.root))
    moved = project.tmp / "moved: here"
    os.rename(project.root, moved)
    assert read_tree(f"{moved}/.xt", code.tree, [f"{moved}/.git/objects"], project.environ) == expected
    project.root = moved
    project.exact(project.collect())


# --- repositories inside -----------------------------------------------------------------------------


@pytest.fixture
def library(tmp_path):
    made = Project(tmp_path, "library")
    made.write("lib.c", "int one;\n")
    made.write(".gitignore", "*.o\n")
    made.commit()
    return made


@pytest.fixture
def outer(project, library):
    project.git("submodule", "add", "-q", f"file://{library.root}", "vendor/lib")
    project.git("commit", "-qm", "submodule")
    return project


def inner(code, path="vendor/lib"):
    return {from_text(item.path): item for item in code.repositories}[path]


def inner_tree(project, code, path="vendor/lib"):
    return project.tree(code, tree=inner(code, path).tree, borrowed=[project.objects(project.path(path))])


def test_clean_submodule(outer):
    sub = outer.path("vendor/lib")
    code = outer.collect()
    outer.exact(code, links={"vendor/lib": head(outer, sub)})
    found = inner(code)
    assert (found.kind, found.status, found.dirty) == ("submodule", "recorded", False)
    assert found.recorded_head == found.head == head(outer, sub)
    assert found.tree == outer.git("rev-parse", "HEAD^{tree}", cwd=sub).decode().strip()
    assert found.branch == "main"
    assert not code.dirty


def test_dirty_submodule(outer):
    sub = outer.path("vendor/lib")
    outer.write("vendor/lib/lib.c", "int two;\n")
    outer.write("vendor/lib/new.c", "int new;\n")
    outer.write("vendor/lib/x.o", "ignored\n")
    code = outer.collect()
    outer.exact(code, links={"vendor/lib": head(outer, sub)})
    assert inner(code).dirty
    assert inner_tree(outer, code) == on_disk(sub, ("x.o",))
    assert outer.collect().repositories == code.repositories


def test_submodule_with_a_new_commit(outer):
    sub = outer.path("vendor/lib")
    before = head(outer, sub)
    outer.write("vendor/lib/lib.c", "int two;\n")
    outer.commit(cwd=sub)
    code = outer.collect()
    outer.exact(code, links={"vendor/lib": head(outer, sub)})
    found = inner(code)
    assert (found.recorded_head, found.head, found.dirty) == (before, head(outer, sub), False)
    assert outer.changes(code) == {"vendor/lib": "modified"}


@pytest.mark.parametrize("setting", ["all", "dirty", "untracked"])
def test_ignore_settings_of_submodules_hide_nothing(outer, setting):
    sub = outer.path("vendor/lib")
    outer.git("config", "-f", ".gitmodules", "submodule.vendor/lib.ignore", setting)
    outer.git("config", "diff.ignoreSubmodules", setting)
    outer.write("vendor/lib/lib.c", "int two;\n")
    outer.commit(cwd=sub)
    code = outer.collect()
    outer.exact(code, links={"vendor/lib": head(outer, sub)})


def test_submodule_not_initialised(outer):
    other = clone(outer, "again")
    code = other.collect()
    recorded = head(outer, outer.path("vendor/lib"))
    other.exact(code, links={"vendor/lib": recorded})
    found = inner(code)
    assert (found.status, found.head, found.recorded_head) == ("absent", None, recorded)
    assert not code.dirty


def test_files_in_the_place_of_a_submodule_are_said(outer):
    other = clone(outer, "again")
    other.write("vendor/lib/mine.c", "not seen by git\n")
    code = other.collect()
    assert "vendor/lib" in other.left_out(code)


def test_submodule_removed_from_disk(outer):
    remove(outer.path("vendor"))
    code = outer.collect()
    outer.exact(code)
    assert inner(code).status == "absent"


def test_submodule_replaced_by_a_file(outer):
    remove(outer.path("vendor/lib"))
    outer.write("vendor/lib", "a file\n")
    outer.exact(outer.collect())


def test_submodules_in_submodules(outer, tmp_path):
    top = Project(tmp_path, "top")
    top.write("t", "t\n")
    top.git("submodule", "add", "-q", f"file://{outer.root}", "mid")
    top.git("submodule", "update", "-q", "--init", "--recursive")
    top.git("commit", "-qam", "c")
    top.write("mid/vendor/lib/deep.c", "deep\n")
    top.write("mid/pkg/new.py", "n\n")
    code = top.collect()
    assert [from_text(item.path) for item in code.repositories] == ["mid", "mid/vendor/lib"]
    assert inner_tree(top, code, "mid/vendor/lib") == on_disk(top.path("mid/vendor/lib"))
    mid = on_disk(top.path("mid"))
    found = inner_tree(top, code, "mid")
    assert found.pop("vendor/lib")[0] == "160000"
    assert found == mid


def test_nested_repository_that_is_not_registered(project):
    other = Project(project.tmp, "p/third party")
    other.write("x.c", "x\n")
    other.commit()
    other.write("y.c", "y\n")
    os.mkfifo(other.path("fifo"))
    os.mkdir(other.path("empty"))
    code = project.collect()
    project.exact(code)
    found = inner(code, "third party")
    assert (found.kind, found.recorded_head, found.dirty) == ("nested", None, True)
    assert inner_tree(project, code, "third party") == on_disk(str(other.root))
    assert project.left_out(code) == {"third party/fifo": "not a file: FIFO"}
    assert code.empty_dirs == ["third party/empty"]


def test_nested_repository_without_commits(project):
    other = Project(project.tmp, "p/nested")
    other.write("x.c", "x\n")
    code = project.collect()
    project.exact(code)
    assert project.tree(code, tree=inner(code, "nested").tree, borrowed=[]) == on_disk(str(other.root))


def test_nested_repository_of_the_other_hash(project):
    other = Project(project.tmp, "p/nested", True, "--object-format=sha256")
    other.write("x.c", "x\n")
    other.commit()
    other.write("y.c", "y\n")
    code = project.collect()
    found = inner(code, "nested")
    assert len(found.tree) == 64
    assert inner_tree(project, code, "nested") == on_disk(str(other.root))


def test_committed_as_a_link_without_gitmodules(project):
    other = Project(project.tmp, "p/nested")
    other.write("x.c", "x\n")
    other.commit()
    project.git("add", "nested")
    project.git("commit", "-qm", "link")
    other.write("x.c", "changed\n")
    code = project.collect()
    project.exact(code, links={"nested": head(other)})
    assert inner_tree(project, code, "nested") == on_disk(str(other.root))


def test_worktree_inside_the_project(project):
    project.git("worktree", "add", "-q", "wt")
    project.write("wt/a.py", "in the worktree\n")
    code = project.collect()
    project.exact(code)
    assert inner_tree(project, code, "wt") == on_disk(project.path("wt"))


def test_too_many_repositories_inside_each_other(project):
    path = "p"
    for _ in range(6):
        path += "/n"
        other = Project(project.tmp, path)
        other.write("x", "x\n")
        other.commit()
    code = project.collect()
    assert [item.status for item in code.repositories] == ["recorded"] * 4 + ["failed"]
    assert project.problems


def test_failed_submodule_does_not_take_the_rest_with_it(outer):
    outer.write("vendor/lib/.git", "gitdir: /nowhere\n")
    outer.write("a.py", "changed\n")
    code = outer.collect()
    assert code.status == "recorded"
    assert outer.tree(code)["a.py"][1] == b"changed\n"
    assert inner(code).status == "failed"
    assert outer.problems


# --- no repository -----------------------------------------------------------------------------------


def test_folder(tmp_path):
    project = Project(tmp_path, git=False)
    project.write("a.py", "1\n")
    project.write("pkg/run.sh", "2\n", 0o755)
    project.write("win.txt", b"x\r\n")
    os.symlink("a.py", project.path("link"))
    os.mkdir(project.path("empty"))
    os.mkfifo(project.path("fifo"))
    project.git("config", "--global", "core.autocrlf", "true")
    code = project.collect()
    project.exact(code)
    assert (code.vcs, code.head, code.dirty, code.root) == (None, None, None, ".")
    assert "not a git repository" in code.reason
    assert project.left_out(code) == {"fifo": "not a file: FIFO"}
    assert code.empty_dirs == ["empty"]
    project.write("a.py", "3\n")
    remove(project.path("link"))
    project.exact(project.collect())


def test_folder_obeys_ignore_rules(tmp_path):
    project = Project(tmp_path, git=False)
    project.write(".gitignore", "*.log\n.venv/\n")
    project.write(".gitattributes", "* text=auto ident\n")
    project.write("a.txt", b"$Id$\r\n")
    project.write("x.log", "no\n")
    project.write(".venv/lib/y", "no\n")
    code = project.collect()
    project.exact(code, "x.log", ".venv")
    assert code.ignored_total == 2


def test_empty_folder(tmp_path):
    project = Project(tmp_path, git=False)
    assert project.exact(project.collect()) == {}


def test_folder_with_repositories_in_it(tmp_path):
    project = Project(tmp_path, git=False)
    project.write("notes.txt", "n\n")
    other = Project(tmp_path, "p/src/tool")
    other.write("t.py", "t\n")
    other.commit()
    other.write("t.py", "changed\n")
    code = project.collect()
    project.exact(code)
    assert inner_tree(project, code, "src/tool") == on_disk(str(other.root))


def test_same_content_in_folder_and_repository_is_the_same_tree(project):
    other = Project(project.tmp, "plain", git=False)
    shutil.copytree(
        project.root, other.root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git", ".xt")
    )
    assert other.collect().tree == project.collect().tree


def test_git_fsck_is_content(outer):
    """What we wrote is sound in git's own eyes, and the project still is."""
    dirty(outer)
    outer.write("vendor/lib/new.c", "n\n")
    code = outer.collect()
    borrowed = f"{outer.objects()}:{outer.objects(outer.path('vendor/lib'))}"
    for tree in (code.tree, inner(code).tree):
        done = subprocess.run(
            ["git", "fsck", "--strict", "--no-dangling", tree],
            env=outer.environ
            | {"GIT_DIR": outer.path(".xt/code.git"), "GIT_ALTERNATE_OBJECT_DIRECTORIES": borrowed},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, b""), done.stderr
    assert b"error" not in outer.git("fsck", "--no-dangling")
    assert entry_of(outer.path("a.py"))
