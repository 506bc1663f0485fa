"""What standard input held is recorded, and the command gets every byte of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests import builders
from tests.conftest import SOURCE
from xt.collect import stdin
from xt.model.delta import Delta
from xt.ops.diff.settings import command as compared

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs tee(2)")


def held(project, reference="@"):
    command = project.record(reference)["snapshot"]["command"]
    return command["stdin"], command["stdin_digest"], command["stdin_size"], command["stdin_reason"]


def stored(project, digest):
    from xt.store import Store

    return Store.open(str(project.path / ".xt")).objects.read(digest)


def sh(project, script):
    """Run a script in which `$XT` is xt; give what it prints."""
    environ = {**os.environ, "PYTHONPATH": SOURCE, "XT": f"{sys.executable} -m xt"}
    done = subprocess.run(
        ["sh", "-ec", script], cwd=project.path, env=environ, capture_output=True, check=True
    )
    return done.stdout


def test_a_file_is_passed_on_byte_by_byte_and_kept(project, tmp_path):
    data = bytes(range(256)) * 1000
    (tmp_path / "data").write_bytes(data)
    with open(tmp_path / "data", "rb") as file:
        assert project.run("cat", stdin=file).out == data
    sort, digest, size, reason = held(project)
    assert (sort, size, reason) == ("file", len(data), None)
    assert stored(project, digest) == data
    assert "standard input a file of 256 KB" in project.xt("show").out.decode()


def test_a_file_counts_from_where_it_stands(project, tmp_path):
    (tmp_path / "list").write_text("one\ntwo\nthree\n")
    out = sh(project, f"{{ read first; $XT run -q cat; }} < {tmp_path}/list")
    assert out == b"two\nthree\n"
    assert stored(project, held(project)[1]) == b"two\nthree\n"


def test_a_loop_over_a_list_gets_every_line(project, tmp_path):
    (tmp_path / "list").write_text("one\ntwo\nthree\n")
    loop = "while read f; do $XT run -q -- echo $f; done"
    assert sh(project, f"{loop} < {tmp_path}/list") == b"one\ntwo\nthree\n"
    assert stored(project, held(project, "@~2")[1]) == b"two\nthree\n"
    assert held(project)[1:] == ("blake3:" + EMPTY, 0, None)


@linux
def test_a_loop_over_a_pipe_gets_every_line(project, tmp_path):
    (tmp_path / "list").write_text("one\ntwo\nthree\n")
    loop = "{ sleep 0.2; while read f; do $XT run -q -- echo $f; done; }"
    assert sh(project, f"cat {tmp_path}/list | {loop}") == b"one\ntwo\nthree\n"
    assert stored(project, held(project, "@~2")[1]) == b"two\nthree\n"


EMPTY = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


def finished(data):
    """A pipe whose writer is gone."""
    ours, theirs = os.pipe()
    os.write(theirs, data)
    os.close(theirs)
    return ours


@linux
@pytest.mark.parametrize("size", [1, 4095, 4097, 65536])
def test_a_finished_pipe_is_kept_and_passed_on(project, size):
    data = os.urandom(size)
    fd = finished(data)
    assert project.run("cat", stdin=fd).out == data
    os.close(fd)
    sort, digest, count, reason = held(project)
    assert (sort, count, reason) == ("pipe", size, None)
    assert stored(project, digest) == data


@linux
def test_many_small_writes_fill_as_many_buffers(tmp_path):
    """Pieces of other pipes take a buffer each, so that a pipe is full of few bytes."""
    import fcntl

    ours, theirs = os.pipe()
    for number in range(fcntl.fcntl(ours, fcntl.F_GETPIPE_SZ) // 4096):
        (tmp_path / "piece").write_bytes(b"%d " % number)
        with open(tmp_path / "piece", "rb") as file:
            os.sendfile(theirs, file.fileno(), 0, 10)
    os.close(theirs)
    found = stdin.look("pipe", ours)
    assert (found.data, found.reason) == (os.read(ours, 1 << 20), None)
    os.close(ours)


@linux
def test_a_pipe_that_was_read_from_counts_from_there():
    fd = finished(b"0123456789" * 1000)
    assert os.read(fd, 15)
    assert stdin.look("pipe", fd).data == (b"0123456789" * 1000)[15:]
    os.close(fd)


def test_an_empty_finished_pipe_is_known_to_be_empty(project):
    fd = finished(b"")
    project.run("cat", stdin=fd)
    os.close(fd)
    assert held(project) == ("pipe", "blake3:" + EMPTY, 0, None)
    assert "a pipe with nothing in it" in project.xt("show").out.decode()
    assert project.run("cat").err.count("repeats") == 1


def test_a_pipe_that_is_still_written_is_not_known(project):
    ours, theirs = os.pipe()
    os.write(theirs, b"first\n")
    process = subprocess.Popen(
        project.command("run", "-q", "cat"),
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdin=ours,
        stdout=subprocess.PIPE,
    )
    os.close(ours)
    # What it prints shows that the command runs, and so that all was looked at.
    assert process.stdout.readline() == b"first\n"
    os.write(theirs, b"second\n")
    os.close(theirs)
    assert process.communicate(timeout=60)[0] == b"second\n"
    assert held(project) == ("pipe", None, None, "still being written when the command started")
    shown = " ".join(project.xt("show").out.decode().split())
    assert "what it held is not recorded: still being written" in shown


def test_a_large_file_is_not_read(project, tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(stdin.LARGEST + 1)
    with open(tmp_path / "large", "rb") as file:
        project.run("head", "-c1", stdin=file)
    assert held(project) == ("file", None, stdin.LARGEST + 1, f"larger than {stdin.LARGEST} bytes: not read")


def test_a_secret_in_it_is_not_kept(project, tmp_path):
    (tmp_path / "list").write_text("login\ncorrect-horse-battery\n")
    with open(tmp_path / "list", "rb") as file:
        ran = project.run("cat", stdin=file, env={"DB_PASSWORD": "correct-horse-battery"})
    assert ran.out == b"login\ncorrect-horse-battery\n"
    assert held(project) == ("file", None, 28, "a secret is in it: not kept")
    assert b"correct-horse-battery" not in project.stored_bytes()


def test_other_kinds_say_why(project, tmp_path):
    with open(tmp_path / "written", "wb") as file:
        project.run("true", stdin=file)
    assert held(project) == ("file", None, None, "not open for reading")
    with open("/dev/zero", "rb") as file:
        project.run("true", stdin=file)
    assert held(project)[0] == "other"
    assert held(project)[3]


@pytest.mark.skipif(not os.path.exists("/proc/version"), reason="needs /proc")
def test_a_file_the_system_makes_up_is_not_read(project):
    with open("/proc/version", "rb") as file:
        assert project.run("cat", stdin=file).out
    assert held(project)[1:3] == (None, None)
    assert "made by the system" in held(project)[3]


def test_a_file_that_is_written_meanwhile_is_said(tmp_path, monkeypatch):
    (tmp_path / "growing").write_bytes(b"a" * 100)
    real = os.pread

    def slow(fd, count, at):
        data = real(fd, count, at)
        if at == 0:
            with open(tmp_path / "growing", "ab") as file:
                file.write(b"b")
            time.sleep(0.01)
        return data

    monkeypatch.setattr(os, "pread", slow)
    with open(tmp_path / "growing", "rb") as file:
        assert stdin.look("file", file.fileno()).reason == "changed while it was read"


def test_it_is_part_of_the_recipe(project, tmp_path):
    for text in ("one", "two", "one"):
        (tmp_path / "in").write_text(text)
        with open(tmp_path / "in", "rb") as file:
            ran = project.run("cat", stdin=file)
    recipes = [project.record(f"@~{back}")["snapshot"]["recipe"] for back in (2, 1, 0)]
    assert recipes[0] == recipes[2] != recipes[1]
    assert "repeats" in ran.err
    assert "standard input" in project.xt("diff", "@~1", "@").out.decode()


@pytest.mark.parametrize("form", ["{}/x", "--out={}/x", "cat {}/x; ls '{}'", "a:{}:{}/b", "{}"])
def test_a_path_into_the_project_is_the_same_recipe_elsewhere(tmp_path, form):
    from tests.conftest import Project

    recipes = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        made = Project(tmp_path / name)
        made.sh("git init -q && touch x && git add x && git commit -qm x --date=@0")
        word = form.replace("{}", str(made.path))
        made.run("-p", f"where={word}", "--", "true", word)
        recipes.append(made.record()["snapshot"]["recipe"])
    assert recipes[0] == recipes[1]


@pytest.mark.parametrize("word", ["{}s/x", "/old{}/x", "./x", "{}-old", "x{}"])
def test_what_only_looks_like_one_is_another(word):
    from xt.ops.recipe import _elsewhere

    written = word.replace("{}", "/proj")
    assert _elsewhere(written, "/proj") == written
    assert _elsewhere("/proj/x", "/proj") != "/proj/x"


def known(letter, size=5, sort="file"):
    return builders.command(stdin=sort, stdin_digest=builders.digest(letter), stdin_size=size)


@pytest.mark.parametrize(
    ("left", "right", "relation"),
    [
        (known("a"), known("a"), "same"),
        (known("a"), known("b"), "changed"),
        (known("a"), known("a", sort="pipe"), "same"),
        (known("a"), builders.command(stdin="null"), "changed"),
        (known("a", 0), builders.command(stdin="null"), "same"),
        (known("a"), builders.command(stdin="pipe"), "unknown"),
        (builders.command(stdin="pipe"), builders.command(stdin="pipe"), "same"),
        (builders.command(stdin="file"), builders.command(stdin="file"), "unknown"),
        (
            builders.command(stdin="file", stdin_size=1),
            builders.command(stdin="file", stdin_size=2),
            "changed",
        ),
        (builders.command(stdin="pipe"), builders.command(stdin="null"), "changed"),
    ],
)
def test_in_a_comparison(left, right, relation):
    for one, other in ((left, right), (right, left)):
        assert compared(one, other, Delta("params", "same"), same_recipe=False).relation == relation
