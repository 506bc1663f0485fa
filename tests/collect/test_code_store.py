"""The private repository: durable, shared by many at once, and with as few processes as can be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.collect.gitcase import Project, on_disk, read_tree, remove
from tests.conftest import SOURCE
from xt import flushing

COLLECT = """
import sys
from xt.collect import Capture
from xt.collect.code import collect
from xt.config import Settings
from xt.context import Outside
from xt.model.request import RunRequest
from xt.store import Store
root = sys.argv[1]
store = Store.create(root + "/.xt")
request = RunRequest(["true"], root)
capture = Capture(request, Outside.real(root), root, store.path, Settings(), store.objects, store.key())
code = collect(capture)
print(code.status, code.tree, [problem.message for problem in capture.problems])
"""


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    for number in range(20):
        made.write(f"pkg{number % 4}/f{number}.py", f"{number}\n")
    made.commit()
    return made


def dirty(project, data="dirty\n"):
    project.write("pkg0/f0.py", data)
    project.write("pkg1/new.py", data)
    if os.path.exists(project.path("pkg2/f2.py")):
        remove(project.path("pkg2/f2.py"))


def command(project, *before):
    return [*before, sys.executable, "-c", COLLECT, str(project.root)]


def environ(project):
    return project.environ | {"PYTHONPATH": SOURCE, "PYTHONDONTWRITEBYTECODE": "1"}


# --- processes ---------------------------------------------------------------------------------------


@pytest.fixture
def counted(project):
    """Git behind a script that writes down each subcommand."""
    folder = project.tmp / "bin"
    folder.mkdir()
    real = shutil.which("git", path=project.environ["PATH"])
    (folder / "git").write_text(
        f'#!/bin/sh\nprintf \'%s\\n\' "$*" >> "{project.tmp}/calls"\nexec "{real}" "$@"\n'
    )
    (folder / "git").chmod(0o755)

    def collect(**more):
        calls = project.tmp / "calls"
        calls.unlink(missing_ok=True)
        code = project.collect(environ={"PATH": f"{folder}:{project.environ['PATH']}"}, **more)
        assert code.status == "recorded", code.reason
        names = re.findall(
            r" (status|ls-files|rev-parse|config|update-index|write-tree|diff-tree|read-tree|update-ref"
            r"|pack-objects|unpack-objects|cat-file|diff-files|check-attr) ?",
            re.sub(r"-C .*? --no-pager.*? -c color.ui=false", "", calls.read_text().replace("\n", " ; ")),
        )
        assert len(names) == len(calls.read_text().splitlines())
        return sorted(names)

    return collect


READERS = ["config", "ls-files", "rev-parse", "status"]


def test_processes_when_clean(counted):
    assert counted() == sorted([*READERS, "update-ref"])
    assert counted() == READERS
    assert counted() == READERS


def test_processes_when_dirty(project, counted):
    dirty(project)
    first = sorted([*READERS, "update-ref", "read-tree", "update-index", "write-tree", "diff-tree"])
    assert counted() == first
    assert counted() == sorted([*READERS, "update-index"]), "as it was the last time"
    dirty(project, "other\n")
    changed = sorted([*READERS, "update-index", "write-tree", "diff-tree"])
    assert counted() == changed
    project.write("another.py", "x\n")
    assert counted() == changed
    remove(project.path("another.py"))
    assert counted() == sorted([*changed, "read-tree"])
    project.exact(project.collect())


def test_processes_with_conversions(project, counted):
    project.write(".gitattributes", "* text=auto\n")
    project.commit()
    assert counted() == sorted([*READERS, "update-ref", "diff-files", "ls-files", "ls-files", "check-attr"])
    assert counted() == sorted([*READERS, "diff-files"])


def test_processes_in_a_folder(tmp_path, project, counted):
    shutil.rmtree(project.path(".git"))
    assert counted() == ["diff-tree", "status", "update-index", "write-tree"]
    assert counted() == ["status", "update-index"]


def test_submodules_do_not_undo_each_others_cache(project, counted):
    for name in ("one", "two"):
        inner = Project(project.tmp, f"p/{name}")
        inner.write("x", "x\n")
        inner.commit()
        inner.write("x", "changed\n")
    dirty(project)
    counted()
    assert counted().count("update-index") == 3
    assert "read-tree" not in counted()


# --- many at once ------------------------------------------------------------------------------------


def test_two_dozen_at_once(project):
    """New store, new base, same files: every one of them has the exact tree."""
    dirty(project)
    expected = on_disk(str(project.root))

    def one(_):
        return subprocess.run(
            command(project), env=environ(project), capture_output=True, text=True, check=True
        )

    with ThreadPoolExecutor(12) as pool:
        done = list(pool.map(one, range(24)))
    lines = {run.stdout.strip() for run in done}
    assert len(lines) == 1, lines
    status, tree, problems = lines.pop().split(" ", 2)
    assert (status, problems) == ("recorded", "[]")
    assert read_tree(project.path(".xt"), tree, [project.objects()], project.environ) == expected
    assert os.listdir(project.path(".xt/tmp")) == []
    assert not [name for name in os.listdir(project.path(".xt/cache")) if name.endswith(".tmp")]


def test_many_at_once_while_files_change(project):
    """One is edited all the time; the others must be right in every snapshot."""
    dirty(project)
    expected = on_disk(str(project.root))
    del expected["pkg3/f3.py"]

    def one(number):
        if number % 5 == 0:
            project.write("pkg3/f3.py", f"{number:04}\n")
            return None
        return subprocess.run(
            command(project), env=environ(project), capture_output=True, text=True, check=True
        )

    with ThreadPoolExecutor(8) as pool:
        done = [run for run in pool.map(one, range(25)) if run]
    for run in done:
        status, tree, problems = run.stdout.strip().split(" ", 2)
        assert (status, problems) == ("recorded", "[]")
        found = read_tree(project.path(".xt"), tree, [project.objects()], project.environ)
        found.pop("pkg3/f3.py", None)
        assert found == expected
    project.exact(project.collect())


# --- durable -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks with strace")
@pytest.mark.parametrize("kind", ["first", "again", "brought from the project", "large"])
def test_objects_are_flushed_before_the_snapshot_is_named(project, kind):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    dirty(project)
    if kind == "again":
        project.collect()
        dirty(project, "changed\n")
    elif kind == "brought from the project":
        project.git("add", "-A")
        project.git("write-tree")
    elif kind == "large":
        project.write("large.bin", os.urandom(3_000_000))
        project.git("config", "--global", "core.bigFileThreshold", "1m")
    before = _objects(project)
    trace = project.tmp / "trace"
    names = "trace=fsync,fdatasync,sync_file_range,syncfs,openat,rename,link,unlink"
    subprocess.run(
        command(project, "strace", "-f", "-qq", "-y", "-s", "4096", "-e", names, "-o", str(trace)),
        env=environ(project),
        check=True,
        capture_output=True,
    )
    new = _objects(project) - before
    assert new
    # Pages of all are sent out, each is flushed, and only then are the names given.
    flushed: set[str] = set()
    named: list[str] = []
    for line in trace.read_text().splitlines():
        if call := re.search(r"fsync\(\d+<([^>]*)>\)", line):
            flushed.add(call[1])
        elif call := re.search(r'rename\("([^"]*)", "([^"]*/code.git/objects/[^"]*)"\) += 0', line):
            assert os.path.realpath(call[1]) in flushed, f"{call[2]} may be empty"
            named.append(call[2])
    assert {os.path.realpath(name) for name in named} == {os.path.realpath(name) for name in new}
    if kind == "large":
        assert any(name.endswith(".pack") for name in named)
        assert named.index(next(name for name in named if name.endswith(".idx"))) > 0
    assert not _left(project)


def _left(project):
    return [name for name in os.listdir(project.path(".xt/tmp")) if name.endswith((".objects", ".index"))]


def _objects(project):
    return {
        os.path.join(folder, name)
        for folder, _, files in os.walk(project.path(".xt/code.git/objects"))
        for name in files
    }


def test_new_repository_is_durable_and_private(project):
    dirty(project)
    project.collect()
    for folder, _, files in os.walk(project.path(".xt/code.git")):
        for name in files:
            assert os.stat(os.path.join(folder, name)).st_size > 0
    assert os.stat(project.path(".xt")).st_mode & 0o077 == 0
    assert project.read(".xt/code.git/info/attributes").startswith(b"* -text")


def test_only_new_content_is_stored(project):
    dirty(project)
    project.collect()
    # Two blobs of one content, the trees of three folders and of the whole.
    assert len(_objects(project)) == 1 + 3 + 1
    project.collect()
    assert len(_objects(project)) == 5


def test_clean_stores_nothing(project):
    project.collect()
    assert not os.path.exists(project.path(".xt/code.git"))


def test_half_made_repository_is_completed(project):
    dirty(project)
    project.collect()
    for name in ("HEAD", "config", "info/attributes"):
        os.unlink(project.path(f".xt/code.git/{name}"))
    project.exact(project.collect())


def test_objects_of_a_repository_that_lost_them_are_written_anew(project):
    dirty(project)
    project.collect()
    remove(project.path(".xt/code.git/objects"))
    for number in range(flushing.FLUSHED_EACH):
        project.write(f"more/{number}.py", f"{number}\n")
    project.exact(project.collect())
    assert not _left(project)


def test_left_over_index_is_no_matter(project):
    dirty(project)
    project.collect()
    project.write(".xt/tmp/1.abc.index.lock", "left by a crash\n")
    project.exact(project.collect())
