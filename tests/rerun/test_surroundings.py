"""`xt rerun` and what surrounds a command: variables, time zone, umask, standard input."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rerun.conftest import Repeating
from xt.store import Store

PYTHON = sys.executable


def test_variables(repeated, tmp_path):
    names = "('OMP_NUM_THREADS', 'LC_ALL', 'PYTHONHASHSEED', 'MINE', 'CUDA_VISIBLE_DEVICES')"
    show = f"import os; [print(n, os.environ.get(n)) for n in {names}]"
    env = {"OMP_NUM_THREADS": "3", "LC_ALL": "C.UTF-8", "MINE": "1"}
    done = repeated.run("--", PYTHON, "-c", show, env=env)
    other = {"PYTHONHASHSEED": "5", "MINE": "2", "CUDA_VISIBLE_DEVICES": "7"}
    again = repeated.rerun(env=other)
    assert again.out.decode().split() == done.out.decode().replace("MINE 1", "MINE 2").split()
    assert "not as recorded: MINE" in again.err
    assert "repeats" in again.err
    assert "not set now: MINE" in repeated.rerun("@~1").err


def test_a_path_that_does_not_lead_there_any_more(repeated, tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        program = tmp_path / name / "tool"
        program.write_text(f"#!/bin/sh\necho {name}\n")
        program.chmod(0o755)
    paths = {name: f"{tmp_path / name}:{os.environ['PATH']}" for name in ("old", "new")}
    assert repeated.run("--", "tool", env={"PATH": paths["old"]}).out == b"old\n"
    assert repeated.rerun(env={"PATH": paths["new"]}).out == b"old\n"
    (tmp_path / "old/tool").unlink()
    again = repeated.rerun("@~1", env={"PATH": paths["new"]})
    assert again.out == b"new\n"
    assert "PATH does not lead to `tool`" in again.err
    gone = repeated.rerun("@~2", code=127)
    assert "tool" in gone.err
    assert repeated.record()["result"]["status"] == "not-started"
    repeated.clean()


def test_time_zone_and_locale(repeated):
    env = {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "en_GB.UTF-8"}
    done = repeated.run("--", "sh", "-c", 'date +%z; echo "$LC_ALL $LANG"', env=env)
    assert repeated.rerun(env={"TZ": "UTC", "LC_ALL": "C.UTF-8"}).out == done.out
    assert done.out.startswith(b"+0545")


@pytest.mark.parametrize("mask", [0o077, 0o002])
def test_umask(repeated, mask):
    script = "umask; touch made; mkdir folder; stat -c %a made folder; stat -c %A train.py"
    done = repeated.run("--", "sh", "-c", script, umask=mask)
    for name in ("made", "folder"):
        path = repeated.path / name
        path.rmdir() if path.is_dir() else path.unlink()
    again = repeated.rerun(umask=0o022)
    assert again.out.split()[:3] == done.out.split()[:3]
    assert "repeats" in again.err


READ = "import sys; data = sys.stdin.buffer.read(); print(len(data), hash(data) and data[:9])"


def test_standard_input(repeated, tmp_path):
    script = [
        "--",
        PYTHON,
        "-c",
        "import sys, os, stat; s = os.fstat(0).st_mode; d = sys.stdin.buffer.read(); "
        "print(len(d), d[:9], stat.S_ISFIFO(s), stat.S_ISREG(s))",
    ]
    for size in (0, 5, 100_000):
        (tmp_path / "in").write_bytes(b"x" * size)
        with open(tmp_path / "in", "rb") as file:
            done = repeated.run(*script, stdin=file)
        (tmp_path / "in").write_bytes(b"another")
        again = repeated.rerun()
        assert again.out == done.out, size
        assert "repeats" in again.err
    (tmp_path / "in").write_bytes(b"skipped, rest")
    with open(tmp_path / "in", "rb") as file:
        file.seek(8)
        done = repeated.run(*script, stdin=file)
    assert done.out.startswith(b"5")
    assert repeated.rerun().out == done.out


@pytest.mark.parametrize("how", ["gone", "damaged"])
@pytest.mark.parametrize("place", [(), ("--in-place",)])
def test_standard_input_that_is_not_to_be_had_any_more(repeated, tmp_path, how, place):
    (tmp_path / "in").write_bytes(b"once\n")
    with open(tmp_path / "in", "rb") as file:
        repeated.run("--", "cat", stdin=file)
    digest = repeated.record()["snapshot"]["command"]["stdin_digest"]
    path = Path(Store.open(str(repeated.path / ".xt")).objects.name(digest))
    path.chmod(0o600)
    path.write_bytes(b"") if how == "damaged" else path.unlink()
    refused = repeated.rerun(*place, code=3)
    assert refused.out == b""
    assert "error: standard input is not to be had any more: " in refused.err
    assert "hint: `xt run` it again" in refused.err
    if not place:
        repeated.clean()


def test_a_finished_pipe(repeated):
    read, write = os.pipe()
    os.write(write, b"from a pipe\n")
    os.close(write)
    script = [
        "--",
        PYTHON,
        "-c",
        "import sys, os, stat; print(stat.S_ISFIFO(os.fstat(0).st_mode), sys.stdin.read())",
    ]
    done = repeated.run(*script, stdin=read)
    os.close(read)
    assert b"True from a pipe" in done.out
    again = repeated.rerun()
    assert again.out == done.out
    assert "repeats" in again.err


def test_a_pipe_that_is_not_known(repeated):
    writer = subprocess.Popen(["sh", "-c", "sleep 1; echo late"], stdout=subprocess.PIPE)
    done = repeated.run("--", "cat", stdin=writer.stdout)
    writer.communicate()
    assert done.out == b"late\n"
    given = repeated.rerun(input=b"mine")
    assert given.out == b"mine"
    assert "not recorded" in given.err
    assert "caller's" in given.err


def test_null_and_closed(repeated):
    script = ["--", "sh", "-c", "cat; readlink /proc/self/fd/0"]
    done = repeated.run(*script)
    assert repeated.rerun(input=b"not for it").out == done.out


def test_a_terminal(repeated):
    ours, theirs = pty.openpty()
    try:
        done = repeated.run("--", "sh", "-c", "test -t 0 && echo terminal", stdin=theirs)
        assert done.out == b"terminal\n"
        assert repeated.rerun(stdin=theirs).out == b"terminal\n"
        again = repeated.rerun("@~1", code=1)
        assert "was a terminal" in again.err
    finally:
        os.close(ours)
        os.close(theirs)


def test_the_environment_drifted(repeated, tmp_path):
    done = repeated.run("--", "sh", "-c", "exit 0", env={"OMP_NUM_THREADS": "3"})
    assert done.code == 0
    assert "drifted" not in repeated.rerun().err
    assert repeated.rerun("--env", "strict").code == 0
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin/tool"
    tool.write_text("#!/bin/sh\necho 1\n")
    tool.chmod(0o755)
    repeated.run("--", str(tool))
    tool.write_text("#!/bin/sh\necho 2\n")
    checked = repeated.rerun()
    refused = repeated.rerun("@~1", "--env", "strict", code=3)
    assert checked.err.count("drifted") == 1, checked.err
    assert "environment is not as recorded" in refused.err
    repeated.clean()


def test_an_environment_inside_of_the_project(repeated):
    repeated.write(".gitignore", "/.venv/\n__pycache__\n")
    repeated.write("src/pack/__init__.py", "value = 'then'\n")
    repeated.git("add", "-A")
    repeated.git("commit", "-qm", "pack")
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", repeated.path / ".venv"], check=True)
    site = next((repeated.path / ".venv/lib").glob("python*/site-packages"))
    (site / "pack.pth").write_text(f"{repeated.path}/src\n")
    info = site / "pack-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pack\nVersion: 1.0\n")
    (info / "RECORD").write_text("")
    (info / "INSTALLER").write_text("hand\n")
    url = f'{{"url": "file://{repeated.path}", "dir_info": {{"editable": true}}}}'
    (info / "direct_url.json").write_text(url)
    script = "import pack, sys; print(pack.value, pack.__file__, sys.prefix)"
    for program in (".venv/bin/python", str(repeated.path / ".venv/bin/python")):
        repeated.write("src/pack/__init__.py", "value = 'then'\n")
        done = repeated.run("--", program, "-c", script, env={"PYTHONPATH": ""})
        assert done.out.split()[0] == b"then", done.err
        repeated.write("src/pack/__init__.py", "value = 'now'\n")
        again = repeated.rerun(env={"PYTHONPATH": ""})
        value, file, prefix = again.out.decode().split()
        assert value == "then"
        assert file.startswith(f"{repeated.path}/.xt/work/0/")
        assert prefix.endswith("/.venv")
        assert (
            "`.venv` is that of the project" in again.err or "is a link to that of the project" in again.err
        )
        one, other = repeated.record("@~1")["snapshot"], repeated.record()["snapshot"]
        assert one["code"]["tree"] == other["code"]["tree"]
        assert one["recipe"] == other["recipe"], repeated.xt("diff", "@~1", "@").out.decode()
        assert (repeated.path / ".venv/bin/python").exists()
        repeated.clean()


def test_activated_environments(repeated):
    repeated.write(".gitignore", "/.venv/\n")
    repeated.git("add", "-A")
    repeated.git("commit", "-qm", "ignore")
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", repeated.path / ".venv"], check=True)
    programs = repeated.path / ".venv/bin"
    env = {"PATH": f"{programs}:{os.environ['PATH']}", "VIRTUAL_ENV": str(repeated.path / ".venv")}
    script = "import sys; print(sys.prefix.endswith('/.venv'))"
    assert repeated.run("--", "python", "-c", script, env=env).out == b"True\n"
    assert repeated.rerun().out == b"True\n"


def test_help_is_there(repeated: Repeating):
    shown = repeated.xt("rerun", "--help")
    assert shown.code == 0
    assert b"--keep-workspace" in shown.out
