"""A file as it ran: from the snapshot, wherever the project is now."""

from __future__ import annotations

import os
import shutil

import pytest
from msgspec.structs import replace

from tests import builders
from tests.collect.gitcase import Project
from xt import codec
from xt.context import Outside
from xt.errors import NotRecordedError
from xt.model import runid
from xt.model.result import Start
from xt.model.text import to_text
from xt.ops.show import code_file
from xt.store import Store


class Recorded(Project):
    """A project whose runs can be asked for their files."""

    def run(self, cwd=".", **more):
        """Record one run in flight; returns its id."""
        code = self.collect(**more)
        whole = builders.record().snapshot
        snapshot = replace(
            whole,
            code=code,
            command=replace(whole.command, cwd=to_text(cwd)),
            context=replace(whole.context, project=to_text(str(more.get("root", self.root)))),
        )
        store = Store.open(f"{more.get('root', self.root)}/.xt")
        name = runid.make(os.urandom(runid.LENGTH // 2))
        live = store.begin(name)
        live.publish(codec.encode(Start(name, "2026-11-23T09:30:00.000000Z", builders.SUPERVISOR, snapshot)))
        os.close(live.lock)
        return name

    def shown(self, run, path, root=None, **environ):
        folder = str(root or self.root)
        return code_file(Store.open(f"{folder}/.xt"), run, path, Outside(folder, self.environ | environ))


@pytest.fixture
def project(tmp_path):
    made = Recorded(tmp_path)
    made.write("a.py", "committed\n")
    made.write("pkg/b.py", "b committed\n")
    made.write("pkg/deep/c.py", "c\n")
    made.commit()
    return made


def test_file_as_it_was(project):
    clean = project.run()
    project.write("a.py", b"dirty \r\n\0\xff")
    project.write("pkg/new.py", "new\n")
    dirty = project.run()
    project.write("a.py", "later\n")
    shutil.rmtree(project.path("pkg"))
    project.commit()
    assert project.shown(clean, "a.py") == b"committed\n"
    assert project.shown(dirty, "a.py") == b"dirty \r\n\0\xff"
    assert project.shown(dirty, "pkg/new.py") == b"new\n"
    with pytest.raises(NotRecordedError, match=r"no file `pkg/new\.py`"):
        project.shown(clean, "pkg/new.py")


def test_folder_is_listed(project):
    project.write("pkg/new.py", "new\n")
    run = project.run()
    assert project.shown(run, "pkg") == b"b.py\ndeep/c.py\nnew.py\n"
    assert project.shown(run, "pkg/") == b"b.py\ndeep/c.py\nnew.py\n"
    whole = b"a.py\npkg/b.py\npkg/deep/c.py\npkg/new.py\n"
    for path in (".", "", "./", "pkg/.."):
        assert project.shown(run, path) == whole, path


def test_from_where_the_command_ran(project):
    run = project.run(cwd="pkg")
    assert project.shown(run, "b.py") == b"b committed\n"
    assert project.shown(run, "deep/c.py") == b"c\n"
    assert project.shown(run, "../a.py") == b"committed\n"
    assert project.shown(run, "a.py") == b"committed\n", "else from the top"
    assert project.shown(run, "pkg/b.py") == b"b committed\n"
    assert project.shown(run, ".") == b"b.py\ndeep/c.py\n"


def test_root_below_the_top(project):
    project.write("pkg/xt.toml", "")
    root = project.path("pkg")
    run = project.run(root=root)
    assert project.shown(run, "b.py", root) == b"b committed\n"
    assert project.shown(run, "../a.py", root) == b"committed\n"
    assert project.shown(run, "a.py", root) == b"committed\n"


def test_absolute_paths(project):
    run = project.run(cwd="pkg")
    assert project.shown(run, project.path("a.py")) == b"committed\n"
    old = project.path("a.py")
    os.rename(project.root, project.tmp / "moved")
    project.root = project.tmp / "moved"
    assert project.shown(run, old) == b"committed\n"
    assert project.shown(run, project.path("a.py")) == b"committed\n"
    with pytest.raises(NotRecordedError):
        project.shown(run, "/etc/passwd")
    with pytest.raises(NotRecordedError):
        project.shown(run, "../../../../etc/passwd")


def test_moved_project(project):
    project.write("a.py", "dirty\n")
    run = project.run(cwd="pkg")
    moved = project.tmp / "some where: else"
    os.rename(project.root, moved)
    project.root = moved
    assert project.shown(run, "../a.py") == b"dirty\n"
    assert project.shown(run, "b.py") == b"b committed\n"


NAMES = ["new\nline", "-x", ":(glob)*", "a b\t", 'q"', "\udcff", "*", "HEAD:a.py", "d\n/e"]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names(project, name):
    project.write(name, f"{name!r}\n")
    run = project.run()
    assert project.shown(run, name) == f"{name!r}\n".encode()


def test_links(project):
    os.symlink("pkg", project.path("link"))
    run = project.run()
    assert project.shown(run, "link") == b"pkg"


@pytest.fixture
def nested(project):
    library = Project(project.tmp, "library")
    library.write("lib.c", "int one;\n")
    library.write("sub/x.c", "x\n")
    library.commit()
    project.git("submodule", "add", "-q", f"file://{library.root}", "vendor/lib")
    project.git("commit", "-qm", "c")
    inner = Project(project.tmp, "p/vendor/lib/own", True, "--object-format=sha256")
    inner.write("o.c", "committed\n")
    inner.commit()
    return project


def test_files_of_repositories_inside(nested):
    clean = nested.run()
    nested.write("vendor/lib/lib.c", "int two;\n")
    nested.write("vendor/lib/own/o.c", "changed\n")
    dirty = nested.run(cwd="vendor/lib/own")
    nested.git("checkout", "-q", ".", cwd=nested.path("vendor/lib"))
    assert nested.shown(clean, "vendor/lib/lib.c") == b"int one;\n"
    assert nested.shown(clean, "vendor/lib/own/o.c") == b"committed\n"
    assert nested.shown(dirty, "vendor/lib/lib.c") == b"int two;\n"
    assert nested.shown(dirty, "o.c") == b"changed\n"
    assert nested.shown(dirty, "../lib.c") == b"int two;\n"
    assert nested.shown(dirty, "vendor/lib") == b"lib.c\nown/o.c\nsub/x.c\n"
    assert nested.shown(clean, "vendor") == b"lib/lib.c\nlib/own/o.c\nlib/sub/x.c\n"
    listing = nested.shown(clean, ".").splitlines()
    assert b"vendor/lib/own/o.c" in listing
    assert b"vendor/lib" not in listing
    assert b"a.py" in listing


def test_repository_inside_that_is_gone(nested):
    run = nested.run()
    shutil.rmtree(nested.path("vendor"))
    shutil.rmtree(nested.path(".git/modules"))
    assert nested.shown(run, "a.py") == b"committed\n"
    with pytest.raises(NotRecordedError, match="cannot be read"):
        nested.shown(run, "vendor/lib/lib.c")


def test_what_was_left_out_is_said(project):
    project.write("big.bin", b"0" * 2000)
    project.write(".env", "SECRET=1\n")
    run = project.run(max_file=1000)
    with pytest.raises(NotRecordedError, match="larger than"):
        project.shown(run, "big.bin")
    with pytest.raises(NotRecordedError, match="secret"):
        project.shown(run, ".env")


def test_no_snapshot_is_said(project):
    run = project.run(environ={"PATH": "/nowhere"})
    with pytest.raises(NotRecordedError, match="no code snapshot: git not found"):
        project.shown(run, "a.py")


def test_no_git_today_is_said(project):
    run = project.run()
    with pytest.raises(NotRecordedError, match="git not found"):
        project.shown(run, "a.py", PATH="/nowhere")


def test_lost_repository_is_said(project):
    project.write("new.py", "new\n")
    run = project.run()
    shutil.rmtree(project.path(".git"))
    assert project.shown(run, "new.py") == b"new\n"
    with pytest.raises(NotRecordedError, match="cannot be read"):
        project.shown(run, "a.py")


@pytest.mark.parametrize("also", [False, True])
def test_folder_without_git(tmp_path, also):
    project = Recorded(tmp_path, git=False)
    project.write("a.py", "a\n")
    if also:
        inner = Project(tmp_path, "p/tool")
        inner.write("t.py", "t\n")
        inner.commit()
    run = project.run()
    assert project.shown(run, "a.py") == b"a\n"
    assert project.shown(run, ".") == (b"a.py\ntool/t.py\n" if also else b"a.py\n")
    if also:
        assert project.shown(run, "tool/t.py") == b"t\n"


def test_sha256(tmp_path):
    project = Recorded(tmp_path, "p", True, "--object-format=sha256")
    project.write("a.py", "a\n")
    project.commit()
    project.write("b.py", "b\n")
    run = project.run()
    assert project.shown(run, "a.py") == b"a\n"
    assert project.shown(run, "b.py") == b"b\n"


def test_linked_worktree(project):
    project.git("worktree", "add", "-q", str(project.tmp / "wt"))
    other = Recorded(project.tmp, "wt", git=False)
    other.write("a.py", "in the worktree\n")
    run = other.run()
    assert other.shown(run, "a.py") == b"in the worktree\n"
    assert other.shown(run, "pkg/b.py") == b"b committed\n"
