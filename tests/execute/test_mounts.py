"""Bind mounts, each in a process with a mount namespace of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.conftest import SOURCE

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bind mounts are only on Linux")

BEGIN = """
import os, sys
from xt.execute.mounts import bind, mounts_below, overlay, unbind
from xt.execute.vary import Around, ImpossibleError
from xt.execute.vary.enter import enter
around = Around({}, "/nowhere")
around.namespaces.add("mount")
try:
    enter(around)
except ImpossibleError as error:
    print("not permitted:", error)
    sys.exit()
def write(path):
    try:
        open(path, "w").write("written")
        return "written"
    except OSError as error:
        return error.strerror
def fails(act, *words, **named):
    try:
        act(*words, **named)
        return "done"
    except OSError as error:
        return str(error.strerror or error)
"""
AS = {"root": (), "user": ("setpriv", "--bounding-set=-sys_admin")}


@pytest.fixture(params=["root", "user"])
def apart(request, tmp_path):
    """Run lines in such a process, as root and without root's rights; return what they printed."""
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("not root")
    prefix = AS[request.param] if os.geteuid() == 0 else ()
    if prefix and subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("setpriv cannot take the right away")

    def run(lines: str) -> list[str]:
        done = subprocess.run(
            [*prefix, sys.executable, "-c", BEGIN + textwrap.dedent(lines)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": SOURCE},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        if done.stdout.startswith("not permitted"):
            pytest.skip(done.stdout.strip())
        return done.stdout.splitlines()

    return run


def test_a_folder_is_shown_and_nothing_can_be_written_through_it(apart, tmp_path):
    (tmp_path / "data/deep").mkdir(parents=True)
    (tmp_path / "data/deep/a").write_text("content")
    (tmp_path / "there").mkdir()
    said = apart("""
        bind("data", "there", read_only=True)
        print(open("there/deep/a").read())
        print(write("there/deep/a"), write("there/new"), sep="|")
        print(fails(os.unlink, "there/deep/a"), fails(os.chmod, "there/deep/a", 0o777), sep="|")
        print(fails(os.rename, "there/deep", "there/other"))
        print(write("data/deep/new"))
        print(mounts_below("there") == [os.path.realpath("there")])
        unbind("there")
        print(mounts_below("there"), os.listdir("there"), fails(unbind, "there"))
    """)
    refused = "Read-only file system"
    assert said == [
        "content",
        f"{refused}|{refused}",
        f"{refused}|{refused}",
        refused,
        "written",
        "True",
        "[] [] Invalid argument",
    ]
    assert (tmp_path / "data/deep/a").read_text() == "content"
    assert not list((tmp_path / "there").iterdir())


def test_a_file_is_shown_and_protected_and_one_may_stay_writable(apart, tmp_path):
    for name in ("one", "two", "at-one", "at-two"):
        (tmp_path / name).write_text(name)
    said = apart("""
        bind("one", "at-one", read_only=True)
        bind("two", "at-two", read_only=False)
        print(open("at-one").read(), write("at-one"), write("at-two"))
    """)
    assert said == ["one Read-only file system written"]
    assert (tmp_path / "two").read_text() == "written"
    assert (tmp_path / "at-two").read_text() == "at-two"


def test_what_is_mounted_below_is_shown_and_protected_too(apart, tmp_path):
    """A flag of one mount does not hold for those below it: each is made read-only by itself."""
    for name in ("data/below", "more", "there"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "more/b").write_text("b")
    said = apart("""
        bind("more", "data/below", read_only=False)
        bind("data", "there", read_only=True)
        print(open("there/below/b").read(), write("there/below/b"), sep="|")
        print(write("there/a"), write("data/below/c"), sep="|")
        print([os.path.relpath(path) for path in mounts_below("there")])
        unbind("there")
        print(mounts_below("there"))
    """)
    assert said == [
        "b|Read-only file system",
        "Read-only file system|written",
        "['there', 'there/below']",
        "[]",
    ]


def test_names_that_the_kernel_escapes_are_read_right(apart, tmp_path):
    names = ["a b", "a\tb", "a\nb", "a\\040b", "ü\udcff"]
    for name in names:
        (tmp_path / name).mkdir()
    said = apart(f"""
        for name in {names!r}:
            bind(".", name, read_only=True)
            print(mounts_below(name) == [os.path.realpath(name)], write(name + "/x"))
        print(len(mounts_below(".")))
    """)
    # "." is shown with what was mounted in it before: 1, 2, 4, 8, 16 in the end.
    assert said[:1] == ["True Read-only file system"]
    assert all(line.endswith("Read-only file system") for line in said[:5])
    assert len(said) == 6


def test_what_cannot_be_done_leaves_nothing_behind(apart, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("folder")
    said = apart("""
        print(fails(bind, "nothing", "folder", read_only=True))
        print(fails(bind, "other", "nothing", read_only=True))
        print(fails(bind, "file", "folder", read_only=True))
        print(fails(bind, "other", "link", read_only=True))
        print(mounts_below("."))
    """)
    assert said == [
        "No such file or directory",
        "No such file or directory",
        "Not a directory",
        "`link` is a link, nothing is mounted over it",
        "[]",
    ]


def test_flags_of_a_file_system_stay_in_force(apart, tmp_path):
    """A remount that leaves one out takes it away, or is refused where a namespace above has set it."""
    (tmp_path / "source").mkdir()
    (tmp_path / "there").mkdir()
    said = apart("""
        import subprocess
        from xt.execute import namespaces
        options = "nosuid,nodev,noexec,noatime"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", "source"], check=True)
        for again in range(2):
            before = os.statvfs("source").f_flag
            bind("source", "there", read_only=True)
            print(before & 0o17 == 0o16, os.statvfs("there").f_flag == before | os.ST_RDONLY)
            if not again:
                namespaces.become_owner()
                namespaces.unshare(namespaces.CLONE_NEWNS)
                os.chdir(".")
    """)
    assert said == ["True True", "True True"]


def test_nothing_is_seen_from_outside(apart, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a").write_text("a")
    (tmp_path / "there").mkdir()
    assert apart("bind('data', 'there', read_only=True); print(os.listdir('there'))") == ["['a']"]
    assert not list(Path(tmp_path / "there").iterdir())


def test_an_overlay_takes_what_is_written_elsewhere(apart, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.bin").write_text("content")
    (tmp_path / "seen").mkdir()
    before = (tmp_path / "data" / "a.bin").stat()
    lines = apart("""
        here = os.getcwd()
        failed = fails(overlay, f"{here}/data", f"{here}/seen", f"{here}/scratch")
        if failed != "done":
            print("no overlay:", failed, mounts_below(f"{here}/seen"))
            sys.exit()
        print(os.stat("seen/a.bin").st_ino == os.stat("data/a.bin").st_ino)
        print(write("seen/a.bin"), write("seen/new"))
        os.unlink("seen/a.bin")
        print(sorted(os.listdir("seen")), sorted(os.listdir("data")), open("data/a.bin").read())
        unbind(f"{here}/seen")
        print(os.listdir("seen"))
    """)
    if lines[0].startswith("no overlay"):
        assert lines[0].endswith("[]"), "nothing is mounted when it fails"
        pytest.skip(lines[0])
    assert lines == ["True", "written written", "['new'] ['a.bin'] content", "[]"]
    assert (tmp_path / "data" / "a.bin").stat().st_mtime_ns == before.st_mtime_ns


def test_paths_that_options_cannot_hold_are_refused(apart, tmp_path):
    (tmp_path / "a,b").mkdir()
    (tmp_path / "seen").mkdir()
    lines = apart("""
        here = os.getcwd()
        print(fails(overlay, f"{here}/a,b", f"{here}/seen", f"{here}/scratch"))
        print(mounts_below(f"{here}/seen"))
    """)
    assert "cannot be written in the options" in lines[0]
    assert lines[1] == "[]"
