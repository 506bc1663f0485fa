"""Nothing that is written below a folder leaves it, and nothing is half written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.errors import NotWrittenError
from xt.inside import Inside, kind_of, parts


@pytest.fixture
def world(tmp_path):
    """A folder to write to, with something precious beside it."""
    (tmp_path / "root").mkdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("precious")
    return tmp_path


def everything(folder: Path) -> dict[str, bytes]:
    """Every path below a folder, and what it holds."""
    found = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        name = str(path.relative_to(folder))
        if stat.S_ISREG(info.st_mode):
            found[name] = path.read_bytes()
        else:
            found[name] = os.fsencode(os.readlink(path)) if path.is_symlink() else b"/"
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_file_is_put_in_place_with_its_folders_and_mode(world):
    old = os.umask(0o077)
    try:
        with Inside(str(world / "root")) as inside:
            inside.write("a/b/c.txt", [b"one ", b"two"], 0o664)
            inside.write("a/run", [], 0o6755)
    finally:
        os.umask(old)
    assert everything(world / "root") == {"a": b"/", "a/b": b"/", "a/b/c.txt": b"one two", "a/run": b""}
    assert mode(world / "root/a/b/c.txt") == 0o664
    assert mode(world / "root/a/run") == 0o755, "set-user-id is never given"
    assert mode(world / "root/a") == 0o700, "a folder is as the umask wants it"


HOSTILE = [
    "/etc/x",
    "../precious/file",
    "a/../../precious/file",
    "..",
    ".",
    "",
    "a//b",
    "a/",
    "/",
    "a/./b",
    "a\0b",
    ".git/config",
    "a/.GIT/hooks/pre-commit",
    ".Xt/format",
    "a/.xt",
    ".g\u200cit/config",
    "\ud800",
]


@pytest.mark.parametrize("path", HOSTILE, ids=ascii)
def test_a_path_that_is_not_plain_is_refused(world, path):
    before = everything(world)
    with Inside(str(world / "root")) as inside:
        for attempt in (
            lambda: inside.write(path, [b"x"], 0o644, replace=True),
            lambda: inside.link(path, "x", replace=True),
            lambda: inside.folder(path),
            lambda: inside.lookup(path),
            lambda: list(inside.read(path)),
        ):
            with pytest.raises(NotWrittenError):
                attempt()
    assert everything(world) == before


_PART = st.one_of(
    st.sampled_from(["..", ".", "", "a", "b", "out", ".git", ".xt", "precious", "file", "\0", "root"]),
    st.text(max_size=6),
    st.binary(max_size=6).map(os.fsdecode),
)


@given(st.lists(_PART, max_size=6).map("/".join), st.booleans(), st.sampled_from(["write", "link", "folder"]))
def test_whatever_the_path_nothing_outside_is_touched(tmp_path_factory, path, replace, what):
    world = tmp_path_factory.mktemp("world")
    (world / "root").mkdir()
    (world / "precious").mkdir()
    (world / "precious" / "file").write_text("precious")
    os.symlink("../precious", world / "root" / "out")
    with Inside(str(world / "root")) as inside:
        try:
            if what == "write":
                inside.write(path, [b"new"], 0o644, replace=replace)
            elif what == "link":
                inside.link(path, "/etc", replace=replace)
            else:
                inside.folder(path, 0o755)
        except (NotWrittenError, OSError):
            assert everything(world / "root") in ({"out": b"../precious"}, {}) or "/" in path
        else:
            assert os.path.lexists(os.path.join(os.fsencode(world / "root"), os.fsencode(path)))
            assert ".." not in parts(path)
    assert everything(world / "precious") == {"file": b"precious"}
    assert sorted(os.listdir(world)) == ["precious", "root"]
    assert not [name for name in everything(world / "root") if name.endswith(".tmp")]


@pytest.mark.parametrize("target", ["../precious", "/etc", "nowhere", "."])
def test_nothing_is_written_through_a_link(world, target):
    os.symlink(target, world / "root" / "way")
    before = everything(world)
    with Inside(str(world / "root")) as inside:
        for attempt in (
            lambda: inside.write("way/file", [b"x"], 0o644, replace=True),
            lambda: inside.link("way/file", "x", replace=True),
            lambda: inside.folder("way/sub"),
            lambda: inside.folder("way", 0o777),
            lambda: inside.lookup("way/file"),
            lambda: list(inside.read("way/file")),
        ):
            with pytest.raises(NotWrittenError, match="is a link"):
                attempt()
    assert everything(world) == before


def test_a_link_that_is_put_in_place_while_it_is_written_changes_nothing(world):
    """The folder is held open: what its name stands for later does not matter."""
    root = world / "root"
    (root / "a").mkdir()

    def pieces():
        yield b"one"
        (root / "a").rename(root / "moved")
        os.symlink("../precious", root / "a")
        yield b"two"

    with Inside(str(root)) as inside:
        inside.write("a/file", pieces(), 0o644)
        with pytest.raises(NotWrittenError, match="`a` is a link"):
            inside.write("a/file", [b"x"], 0o644, replace=True)
    assert everything(world / "precious") == {"file": b"precious"}
    assert everything(root / "moved") == {"file": b"onetwo"}


def test_the_root_itself_may_be_moved_meanwhile(world):
    with Inside(str(world / "root")) as inside:
        (world / "root").rename(world / "elsewhere")
        os.symlink("precious", world / "root")
        inside.write("file", [b"new"], 0o644, replace=True)
    assert (world / "precious/file").read_text() == "precious"
    assert (world / "elsewhere/file").read_text() == "new"


def test_what_fails_half_way_leaves_nothing(world):
    def broken():
        yield b"begin"
        raise ValueError("damaged")

    (world / "root/there").write_text("old")
    with Inside(str(world / "root")) as inside:
        with pytest.raises(ValueError, match="damaged"):
            inside.write("new", broken(), 0o644)
        with pytest.raises(ValueError, match="damaged"):
            inside.write("there", broken(), 0o644, replace=True)
    assert everything(world / "root") == {"there": b"old"}


def test_an_interruption_leaves_nothing(world):
    def interrupted():
        yield b"begin"
        raise KeyboardInterrupt

    with Inside(str(world / "root")) as inside, pytest.raises(KeyboardInterrupt):
        inside.write("new", interrupted(), 0o644)
    assert everything(world / "root") == {}


def test_what_is_there_stays_unless_it_is_to_be_replaced(world):
    root = world / "root"
    (root / "file").write_text("old")
    os.symlink("../precious/file", root / "link")
    with Inside(str(root)) as inside:
        for name in ("file", "link"):
            with pytest.raises(NotWrittenError, match="is there already"):
                inside.write(name, [b"new"], 0o644)
            with pytest.raises(NotWrittenError, match="is there already"):
                inside.link(name, "x")
        assert everything(root) == {"file": b"old", "link": b"../precious/file"}
        inside.write("file", [b"new"], 0o600, replace=True)
        inside.write("link", [b"new"], 0o644, replace=True)
    assert everything(root) == {"file": b"new", "link": b"new"}
    assert not (root / "link").is_symlink()
    assert (world / "precious/file").read_text() == "precious"
    with Inside(str(root)) as inside:
        inside.link("file", "to", replace=True)
    assert os.readlink(root / "file") == "to"


def test_what_appears_while_it_is_written_stays(world):
    def late():
        yield b"mine"
        (world / "root/file").write_text("theirs")

    with Inside(str(world / "root")) as inside, pytest.raises(NotWrittenError, match="is there already"):
        inside.write("file", late(), 0o644)
    assert everything(world / "root") == {"file": b"theirs"}


def test_another_name_of_a_replaced_file_keeps_its_content(world):
    root = world / "root"
    (root / "file").write_text("old")
    os.link(root / "file", world / "precious" / "same")
    with Inside(str(root)) as inside:
        inside.write("file", [b"new"], 0o644, replace=True)
    assert (world / "precious/same").read_text() == "old"


def test_a_folder_is_not_replaced_and_nothing_that_is_no_folder_is_entered(world):
    root = world / "root"
    (root / "folder").mkdir()
    (root / "file").write_text("x")
    os.mkfifo(root / "pipe")
    with Inside(str(root)) as inside:
        with pytest.raises(NotWrittenError, match="is a folder"):
            inside.write("folder", [b"x"], 0o644, replace=True)
        with pytest.raises(NotWrittenError, match="is a folder"):
            inside.link("folder", "x", replace=True)
        with pytest.raises(NotWrittenError, match="`file` is a file"):
            inside.write("file/x", [b"x"], 0o644, replace=True)
        with pytest.raises(NotWrittenError, match="`pipe` is a FIFO"):
            inside.folder("pipe")
        with pytest.raises(OSError, match="not a regular file"):
            list(inside.read("pipe"))
        inside.write("pipe", [b"x"], 0o644, replace=True)
    assert everything(root) == {"folder": b"/", "file": b"x", "pipe": b"x"}


def test_two_names_that_are_one_here_do_not_overwrite_each_other(world):
    """On a file system without upper and lower case; a link to the name does the same on any other."""
    root = world / "root"
    with Inside(str(root)) as inside:
        inside.write("Name", [b"first"], 0o644)
        os.link(root / "Name", root / "name")
        with pytest.raises(NotWrittenError, match="upper and lower case"):
            inside.write("name", [b"second"], 0o644, replace=True)
    assert (root / "Name").read_text() == "first"


def test_folders(world):
    root = world / "root"
    with Inside(str(root)) as inside:
        assert inside.folder("a/b") is True
        assert inside.folder("a/b") is False
        inside.write("a/b/file", [b""], 0o644)
        assert inside.folder("a/b", 0o2555) is False
        assert inside.lookup("a/b").st_mode & 0o7777 == 0o555
        inside.folder("a/b", 0o755)


def test_long_odd_and_undecodable_names(world):
    names = ["n" * 255, "line\nend", "\udcff\udcfe", "-rf", "*", " ", "a\tb"]
    with Inside(str(world / "root")) as inside:
        for name in names:
            inside.write(name, [os.fsencode(name)], 0o644)
            assert b"".join(inside.read(name)) == os.fsencode(name)
        with pytest.raises(OSError, match="too long"):
            inside.write("n" * 256, [b""], 0o644)
    assert sorted(os.listdir(world / "root")) == sorted(names)


def test_what_is_there_is_told(world):
    root = world / "root"
    os.symlink("x", root / "link")
    with Inside(str(root)) as inside:
        inside.write("file", [b"x"], 0o644)
        kinds = {name: kind_of(inside.lookup(name).st_mode) for name in ("file", "link")}
        assert inside.lookup("missing/file") is None
        assert inside.lookup("missing") is None
        assert inside.target("link") == "x"
    assert kinds == {"file": "file", "link": "link"}


def test_nothing_is_left_open(world):
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    with Inside(str(world / "root")) as inside:
        inside.write("a/b/c", [b"x"], 0o644)
        for path in ("a/b/c/d", "../x"):
            with pytest.raises(NotWrittenError):
                inside.write(path, [b"x"], 0o644)
        list(inside.read("a/b/c"))
    assert len(os.listdir("/proc/self/fd") if before else []) == len(before)
