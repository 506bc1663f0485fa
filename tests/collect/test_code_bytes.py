"""What git would convert, or would not look at again: the snapshot has the bytes that are on disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import time

import pytest

from tests.collect.gitcase import Project, on_disk, remove, touch_script


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.write("a.txt", "one\ntwo\n")
    made.write("b.py", "b = 1\n")
    made.commit()
    return made


def aged(project, *names):
    """Give files an old time, so that git's index trusts what it says of them."""
    for name in names:
        os.utime(project.path(name), (1_600_000_000, 1_600_000_000))


# --- time stamps -------------------------------------------------------------------------------------


def same_stat(name, data, times):
    """Rewrite a file in place at the same size, with its old times.

    Its ctime cannot be put back, and git looks at its whole seconds.
    """
    made = int(os.stat(name).st_ctime)
    while time.time() < made + 1.1:  # a file gets the time of the last tick
        time.sleep(0.05)
    with open(name, "r+b") as file:
        file.write(data)
    os.utime(name, ns=times)


@pytest.mark.parametrize("attempt", range(6))
@pytest.mark.parametrize("how", ["add", "commit"])
@pytest.mark.parametrize("first", [False, True], ids=["new store", "kept index"])
def test_rewritten_at_the_same_size_right_after_git_took_it(project, attempt, how, first):
    if first:
        project.write("n", "untracked\n")
        project.collect()
    project.write("a.txt", b"AAAA\n")
    project.git("add", "a.txt") if how == "add" else project.commit()
    project.write("a.txt", b"BBBB\n")
    found = project.exact(project.collect())
    assert found["a.txt"][1] == b"BBBB\n"


@pytest.mark.parametrize("attempt", range(6))
def test_rewritten_at_the_same_size_right_after_a_snapshot(project, attempt):
    """The same trap in our own index: it must not be newer than what it describes."""
    project.write("new.txt", b"AAAA\n")
    project.write("a.txt", b"AAAA\n")
    project.exact(project.collect())
    project.write("new.txt", b"BBBB\n")
    project.write("a.txt", b"BBBB\n")
    found = project.exact(project.collect())
    assert found["new.txt"][1] == found["a.txt"][1] == b"BBBB\n"


def test_rewritten_with_its_old_time(project):
    project.write("new.txt", b"AAAA\n")
    project.collect()
    for name in ("new.txt", "b.py"):
        info = os.stat(project.path(name))
        times = (info.st_atime_ns, info.st_mtime_ns)
        same_stat(project.path(name), b"BBBB\n", times)
    project.exact(project.collect())


@pytest.mark.parametrize("setting", ["core.trustctime=false", "core.checkStat=minimal"])
def test_settings_that_make_git_look_less_closely(project, setting):
    project.git("config", *setting.split("="))
    past = 1_600_000_000_000_000_000
    os.utime(project.path("b.py"), ns=(past, past))
    project.git("update-index", "--refresh")
    same_stat(project.path("b.py"), b"b = 2\n", (past, past))
    found = project.exact(project.collect())
    assert found["b.py"][1] == b"b = 2\n"


def test_times_in_the_future_and_the_past(project):
    for name, year in (("a.txt", 4_000_000_000), ("b.py", 1), ("new", 4_000_000_000)):
        project.write(name, "AAAA\n")
        os.utime(project.path(name), (year, year))
    project.exact(project.collect())
    for name, year in (("a.txt", 4_000_000_000), ("b.py", 1), ("new", 4_000_000_000)):
        same_stat(project.path(name), b"BBBB\n", (year * 10**9, year * 10**9))
    project.exact(project.collect())


def test_copied_project_where_every_time_is_new(project):
    other = Project(project.tmp, "copy", git=False)
    shutil.copytree(project.root, other.root, dirs_exist_ok=True)
    code = other.collect()
    other.exact(code)
    assert (code.dirty, code.changed) == (False, [])
    assert code.tree == project.git("rev-parse", "HEAD^{tree}").decode().strip()


@pytest.mark.parametrize("cache", ["true", "keep"])
def test_untracked_cache(project, cache):
    project.git("config", "core.untrackedCache", cache)
    project.git("update-index", "--untracked-cache", "--force-untracked-cache")
    project.git("status")
    project.write("d/new.txt", "n\n")
    project.git("status")
    project.exact(project.collect())
    project.write("d/newer.txt", "n\n")
    remove(project.path("d/new.txt"))
    project.exact(project.collect())


# --- line ends, encodings ----------------------------------------------------------------------------


def test_crlf_on_disk_under_text_auto(project):
    project.write(".gitattributes", "* text=auto\n")
    project.write("win.txt", b"one\r\ntwo\r\n")
    project.commit()
    assert b"\r" not in project.git("cat-file", "blob", "HEAD:win.txt")
    code = project.collect()
    found = project.exact(code)
    assert found["win.txt"][1] == b"one\r\ntwo\r\n"
    assert code.raw == ["win.txt"]
    assert (code.dirty, code.changed) == (False, []), "git's own conversion is no change of the user's"


def test_line_ends_changed_on_disk_only(project):
    """Git says nothing is changed, and its index need not change either."""
    project.write(".gitattributes", "* text=auto\n")
    project.commit()
    assert project.collect().raw == []
    project.write("a.txt", b"one\r\ntwo\r\n")
    found = project.exact(project.collect())
    assert found["a.txt"][1] == b"one\r\ntwo\r\n"
    project.write("a.txt", b"one\ntwo\n")
    code = project.collect()
    project.exact(code)
    assert (code.raw, code.dirty) == ([], False)


@pytest.mark.parametrize("where", ["global", "local"])
def test_autocrlf(project, where):
    project.write("win.txt", b"one\r\ntwo\r\n")
    project.git("config", f"--{where}", "core.autocrlf", "true")
    project.commit()
    remove(project.path("a.txt"))
    project.git("checkout", "a.txt")
    assert b"\r\n" in project.read("a.txt")
    project.write("new.txt", b"n\r\n")
    code = project.collect()
    project.exact(code)
    assert sorted(code.raw) == ["a.txt", "win.txt"]
    assert project.changes(code) == {"new.txt": "untracked"}


@pytest.mark.parametrize("place", ["tracked", "untracked", "ignored", "info", "home", "xdg", "setting"])
def test_wherever_the_attributes_are(project, place):
    rule = "*.txt text eol=crlf\n"
    environ = {}
    if place in ("tracked", "untracked"):
        project.write(".gitattributes", rule)
    elif place == "ignored":
        project.write(".gitattributes", rule)
        project.write(".git/info/exclude", ".gitattributes\n")
    elif place == "info":
        project.write(".git/info/attributes", rule)
    elif place == "home":
        (project.home / ".config/git").mkdir(parents=True)
        (project.home / ".config/git/attributes").write_text(rule)
    elif place == "xdg":
        (project.tmp / "xdg/git").mkdir(parents=True)
        (project.tmp / "xdg/git/attributes").write_text(rule)
        project.environ["XDG_CONFIG_HOME"] = str(project.tmp / "xdg")
    else:
        (project.home / "attributes").write_text(rule)
        project.git("config", "core.attributesFile", "~/attributes")
    if place == "tracked":
        project.commit()
    remove(project.path("a.txt"))
    project.git("checkout", "a.txt")
    assert project.read("a.txt") == b"one\r\ntwo\r\n"
    code = project.collect(environ=environ)
    away = [".gitattributes"] if place == "ignored" else []
    project.exact(code, *away)
    assert code.raw == ["a.txt"]


def test_deleted_attributes_still_count_for_git(project):
    project.write(".gitattributes", "*.txt text eol=crlf\n")
    project.commit()
    remove(project.path("a.txt"))
    project.git("checkout", "a.txt")
    remove(project.path(".gitattributes"))
    project.exact(project.collect())


@pytest.mark.parametrize("data", [b"one\n\0two\n", b"mixed\r\nand\n", b"lone\rand\n", b"\xff\xfe\n\0"])
def test_text_attribute_on_what_is_not_text(project, data):
    project.write(".gitattributes", "*.dat text eol=crlf\n")
    project.write("x.dat", data)
    project.commit()
    remove(project.path("x.dat"))
    project.git("checkout", "x.dat")
    project.exact(project.collect())


def test_ident_and_encoding(project):
    project.write(".gitattributes", "id.c ident\nu16.txt working-tree-encoding=UTF-16LE-BOM text eol=crlf\n")
    project.write("id.c", "/* $Id$ */\n")
    project.write("u16.txt", "héllo\r\n".encode("utf-16"))
    project.commit()
    remove(project.path("id.c"))
    project.git("checkout", "id.c")
    assert b"$Id: " in project.read("id.c")
    code = project.collect()
    project.exact(code)
    assert sorted(code.raw) == ["id.c", "u16.txt"]
    assert not code.dirty


def test_large_converted_file_keeps_gits_form_and_is_said(project):
    project.write(".gitattributes", "* text=auto\n")
    project.write("win.txt", b"one\r\n" * 1000)
    project.commit()
    code = project.collect(max_file=1000)
    assert project.tree(code)["win.txt"][1] == b"one\n" * 1000
    assert "in the form git stores" in project.left_out(code)["win.txt"]


# --- filters -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["clean", "process"])
@pytest.mark.parametrize("required", ["true", "false"])
@pytest.mark.parametrize("name", ["evil", "My Filter.x"])
def test_filters_are_never_executed(project, kind, required, name):
    evil = touch_script(project, tail="cat")
    attribute = "evil" if name == "evil" else "My"
    project.write(".gitattributes", f"*.txt filter={attribute}\n")
    project.commit()
    name = name if name == "evil" else "My"
    project.git("config", f"filter.{name}.{kind}", evil)
    project.git("config", f"filter.{name}.smudge", evil)
    project.git("config", f"filter.{name}.required", required)
    project.write("a.txt", "one\nTWO\n")  # same size: git would have to read it
    project.write("new.txt", "n\n")
    os.utime(project.path("b.py"))
    code = project.collect()
    project.exact(code)
    again = project.collect()
    assert again.tree == code.tree
    assert not project.pwned.exists()


def test_filter_that_cannot_be_switched_off_stops_the_snapshot(project):
    evil = touch_script(project, tail="cat")
    project.write(".gitattributes", "*.txt filter=a=b\n")
    project.commit()
    with open(project.path(".git/config"), "a") as file:
        file.write(f'[filter "a=b"]\n\tclean = {evil}\n')
    project.write("a.txt", "one\nTWO\n")
    code = project.collect()
    assert (code.status, project.pwned.exists()) == ("none", False)
    assert "a=b" in code.reason


def test_filtered_file_is_stored_as_on_disk(project):
    project.git("config", "filter.up.clean", "tr a-z A-Z")
    project.git("config", "filter.up.smudge", "tr A-Z a-z")
    project.write(".gitattributes", "*.txt filter=up\n")
    project.write("a.txt", "lower\n")
    aged(project, "a.txt")
    project.commit()
    assert project.git("cat-file", "blob", "HEAD:a.txt") == b"LOWER\n"
    code = project.collect()
    project.exact(code)
    assert (code.raw, code.dirty) == (["a.txt"], False)
    project.write("a.txt", "other\n")
    code = project.collect()
    project.exact(code)
    assert "a.txt" in project.changes(code)


# --- Git LFS -----------------------------------------------------------------------------------------


def pointer(data: bytes) -> bytes:
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{hashlib.sha256(data).hexdigest()}\n"
        f"size {len(data)}\n"
    ).encode()


@pytest.fixture
def lfs(project):
    """A model tracked by LFS and smudged, as `git lfs pull` leaves it; the filter then leaves traces."""
    data = b"weights" * 1000
    project.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    project.write("model.bin", pointer(data))
    project.write("absent.bin", pointer(b"never fetched"))
    aged(project, "absent.bin")
    project.commit()
    project.git("config", "filter.lfs.clean", f"cat > /dev/null; cat {project.tmp}/pointer")
    (project.tmp / "pointer").write_bytes(pointer(data))
    project.write("model.bin", data)
    aged(project, "model.bin")
    project.git("add", "model.bin")
    assert project.git("status", "--porcelain") == b""
    evil = touch_script(project)
    for kind in ("clean", "smudge", "process"):
        project.git("config", f"filter.lfs.{kind}", evil)
    project.git("config", "filter.lfs.required", "true")
    project.data = data
    return project


@pytest.mark.parametrize("touched", [False, True])
def test_unchanged_lfs_file_stays_a_pointer(lfs, touched):
    if touched:
        os.utime(lfs.path("model.bin"))
    code = lfs.collect()
    found = lfs.tree(code)
    assert found["model.bin"][1] == pointer(lfs.data)
    assert (code.lfs_pointers, code.raw, code.dirty, code.left_out) == (2, [], False, [])
    assert code.tree == lfs.git("rev-parse", "HEAD^{tree}").decode().strip()
    assert not lfs.pwned.exists()


def test_changed_lfs_file_is_stored(lfs):
    lfs.write("model.bin", b"WEIGHTS" * 1000)
    code = lfs.collect()
    lfs.exact(code)
    assert lfs.changes(code) == {"model.bin": "modified"}
    assert not lfs.pwned.exists()


def test_changed_lfs_file_over_the_limit_is_listed(lfs):
    lfs.write("model.bin", b"WEIGHTS" * 1000)
    code = lfs.collect(max_file=1000)
    assert "model.bin" not in lfs.tree(code)
    assert "pointer is out of date" in lfs.left_out(code)["model.bin"]
    assert code.dirty
    assert not lfs.pwned.exists()


def test_lfs_with_names_a_batch_cannot_take(lfs):
    data = b"w" * 3000
    lfs.git("config", "--remove-section", "filter.lfs")
    for name in ("new\nline.bin", "blob 12.bin", "x missing.bin"):
        lfs.write(name, pointer(data))
    lfs.commit()
    for name in ("new\nline.bin", "blob 12.bin", "x missing.bin"):
        lfs.write(name, data)
    code = lfs.collect()
    found = lfs.tree(code)
    assert found["blob 12.bin"][1] == found["x missing.bin"][1] == pointer(data)
    assert found["new\nline.bin"][1] == data


# --- settings at odds with the file system -----------------------------------------------------------


def test_executable_bit_counts_where_the_file_system_has_it(project):
    project.git("config", "core.fileMode", "false")
    os.chmod(project.path("b.py"), 0o755)
    found = project.exact(project.collect())
    assert found["b.py"][0] == "100755"


def test_file_system_without_executable_bits(project):
    """Everything looks executable there, the repository's own files too."""
    project.git("config", "core.fileMode", "false")
    for folder, _, files in os.walk(project.root):
        for name in files:
            os.chmod(os.path.join(folder, name), 0o777)
    assert project.collect().dirty is False
    project.write("b.py", "b = 2\n", 0o777)
    project.write("new.py", "n\n", 0o777)
    code = project.collect()
    found = project.tree(code)
    assert {name: mode for name, (mode, _) in found.items()} == dict.fromkeys(found, "100644")
    assert {name: data for name, (_, data) in found.items()} == {
        name: data for name, (_, data) in on_disk(str(project.root)).items()
    }


def test_ignorecase_on_a_file_system_that_knows_case(project):
    if os.path.exists(project.path(".GIT")):
        pytest.skip("the file system does not know case")
    project.git("config", "core.ignoreCase", "true")
    project.write("A.TXT", "another\n")
    project.write("NEW", "1\n")
    project.write("new", "2\n")
    project.exact(project.collect())


def test_symlinks_setting(project):
    os.symlink("b.py", project.path("link"))
    project.commit()
    project.git("config", "core.symlinks", "false")
    remove(project.path("link"))
    project.git("checkout", "link")
    assert not os.path.islink(project.path("link"))
    project.exact(project.collect())
