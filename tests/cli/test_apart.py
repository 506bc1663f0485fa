"""Untracked inputs: a large one is data and no code, and whatever asks for either goes on as before."""

from __future__ import annotations

import os

import pytest

from xt.collect.globs import covers, match, split
from xt.collect.selection import choose
from xt.config import CodeSettings

SETTINGS = "[code]\nmax_input = 10\n"
PATTERNS = ["*", "data/*", "data/*.csv", "data/**", "data/**/*.csv", "**/*.csv", "data/?", "d*/.*", "[!d]*"]
FILES = ["data/a.csv", "data/b", "data/in/c.csv", "data/in/.d", "data/.hid/e.csv", "data/.f", "g.csv", ".h"]


def go(project, *words, **more):
    return project.run("-q", *words, "--", "sh", "run.sh", **more)


def snapshot(project):
    return project.record()["snapshot"]


def code(project):
    return set(project.xt("show", "@", "--code", ".").out.decode().split())


@pytest.fixture
def data(project):
    """A project whose data git has not, larger than is stored with the code."""
    project.write("run.sh", "wc -c data/a > out\n")
    project.sh("git rm -q train.py && git add run.sh && git commit -qm one")
    project.write("xt.toml", SETTINGS)
    project.write("data/a", "0123456789\n")
    project.write("data/b", "more")
    return project


def test_a_large_one_is_listed_as_data_and_not_stored_as_code(data):
    for word in ("./data/../data/", "data/*", "data/a"):
        assert go(data, "-i", word, "-o", "out").err == ""
        left = [(e["path"], e["reason"], e["size"]) for e in snapshot(data)["code"]["left_out"][:1]]
        path, size = ("data/a", 11) if word in ("data/a", "data/*") else ("data", 15)
        assert left == [(path, "a declared input", size)]
        kept = {"run.sh", "xt.toml"} | ({"data/b"} if word == "data/a" else set())
        assert code(data) == kept
    done = data.xt("show", "@", "--code", "data/a")
    assert (done.code, "`data/a` is not in the snapshot: a declared input" in done.err) == (1, True)


def test_one_that_is_small_or_holds_the_code_is_stored_with_it(data):
    for word in ("data/b", ".", "*"):
        go(data, "-i", word)
        assert code(data) >= {"run.sh", "xt.toml", "data/a", "data/b"}
    data.write("xt.toml", "[code]\nmax_input = 15\n")
    go(data, "-i", "data")
    assert code(data) >= {"data/a", "data/b"}


def test_its_time_is_no_cause_and_its_content_is_one(data):
    go(data, "-i", "data", "-o", "out")
    first = snapshot(data)["recipe"]
    os.utime(data.path / "data/a", (1, 1))
    go(data, "-i", "data", "-o", "out")
    assert snapshot(data)["recipe"] == first
    assert data.xt("rerun", "@").code == 0
    assert snapshot(data)["recipe"] == first
    assert snapshot(data)["code"]["tree"] == data.record("@~1")["snapshot"]["code"]["tree"]
    assert data.xt("stale").code == 0
    data.write("data/a", "9876543210\n")
    found = data.xt("stale")
    assert (found.code, b"data: 1 changed of 2 files" in found.out, b"code" in found.out) == (1, True, False)
    again = data.xt("rerun", "@")
    assert (again.code, "it changed since, and is not stored" in again.err) == (3, True)
    go(data, "-i", "data", "-o", "out")
    causes = data.xt("diff", "@~1", "@").out.decode().partition("Effects")[0]
    assert "1 cause differs" in causes and "inputs" in causes and "same     code" in causes


def test_a_folder_without_git_has_room_for_its_code(folder):
    folder.write("run.sh", "true\n")
    folder.write("xt.toml", SETTINGS)
    folder.write("data/deep/a", "0123456789\n")
    go(folder, "-i", "data")
    assert code(folder) == {"run.sh", "xt.toml"}
    assert snapshot(folder)["code"]["empty_dirs"] == []


def test_a_pattern_covers_what_it_lists(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for pattern in PATTERNS:
        head, rest = split(pattern)
        listing = match(str(tmp_path / head), rest)
        listed = {
            os.path.relpath(listing.absolute(folder, name), tmp_path)
            for folder in listing.folders
            for name in folder.names
        }
        below = [name for name in FILES if not head or name.startswith(head + "/")]
        taken = {
            name for name in below if covers(rest.split("/"), os.path.relpath(name, head or ".").split("/"))
        }
        assert taken == {name for name in listed if name in FILES}, pattern


def test_that_not_all_code_is_stored_is_said(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(b"12345")
    names = ["a", "b", "c"]
    assert choose(str(tmp_path), names, CodeSettings(max_files=3, max_total=15), []).much is None
    few = choose(str(tmp_path), names, CodeSettings(max_files=1), [])
    assert few.much == (
        "2 files that git does not have are left out of the snapshot:"
        " more than code.max_files = 1 untracked files"
    )
    small = choose(str(tmp_path), names, CodeSettings(max_total=10), [])
    assert small.much is not None and small.much.startswith("a file that git does not have is left out")
