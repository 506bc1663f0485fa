"""What may happen to xt itself while its command runs: clocks that jump, a stop, its own removal."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SOURCE
from tests.execute.wrapped import LONG

LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")


def libfaketime() -> str:
    """Path of the library; `faketime` itself would set one time at the start."""
    found = next((str(path) for root in LIBRARIES for path in Path(root).rglob("libfaketime.so.1")), None)
    if found is None:
        pytest.skip("libfaketime is not installed")
    return found


@pytest.mark.parametrize("jump", ["+3600", "-3600"])
def test_a_clock_that_jumps_by_an_hour_makes_no_other_duration(folder, tmp_path, jump):
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    around = {
        "LD_PRELOAD": libfaketime(),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    script = f"echo {jump} > {offset}; echo 1 > out; exit 4"
    assert folder.run("-q", "-o", "out", "--", "sh", "-c", script, env=around).code == 4
    result = folder.record()["result"]
    assert 0 <= result["usage"]["wall_s"] < 60
    assert (result["status"], result["exit_code"]) == ("failed", 4)
    assert result["outputs"][0]["digest"]
    ahead = result["ended_at"] > folder.record()["started_at"]
    assert ahead == (jump[0] == "+")
    # The next, by the clock as it was, is not confused by what lies in its future.
    assert folder.run("-q", "-o", "out", "--", "sh", "-c", "echo 2 > out").code == 0
    listed = folder.xt("ls", "-n", "0")
    assert listed.code == 0
    assert listed.out.count(b"\n") >= 3
    shown = folder.xt("show")
    assert shown.code == 0, shown.err
    assert b"-1 h" not in shown.out + listed.out


def test_xt_that_stands_still_is_not_lost(folder):
    """As when the machine sleeps: no time limit makes it so."""
    process = subprocess.Popen(
        folder.command("run", "-q", "--", "sh", "-c", "echo ready; read line; exit 5"),
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGSTOP)
    # As old as the run can look: its files from another day.
    for path in (folder.path / ".xt/live").rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert b"running" in folder.xt("ls").out
    os.kill(process.pid, signal.SIGCONT)
    process.communicate(b"go\n", timeout=LONG)
    assert process.returncode == 5
    assert folder.record()["result"]["exit_code"] == 5


def test_xt_removed_while_its_command_runs_records_all_the_same(folder, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(SOURCE, source)
    script = f"rm -rf {source}; echo 1 > out; echo '{{\"loss\": 0.5}}' > m.json; seq 5000; exit 3"
    ran = folder.run(
        *("-o", "out", "-o", "metrics:m.json", "--", "sh", "-c", script), env={"PYTHONPATH": str(source)}
    )
    assert ran.code == 3
    assert "a bug" not in ran.err, ran.err
    result = folder.record()["result"]
    assert result["exit_code"] == 3
    assert [output["status"] for output in result["outputs"]] == ["stored", "stored"]
    assert [metric["name"] for metric in result["metrics"]] == ["loss"]
    logged = folder.xt("logs", "@").out
    assert len(logged.splitlines()) == 5000
    # What knows tokens is loaded when there is output, and was gone by then.
    stdout, _ = result["logs"]["streams"]
    assert stdout["unsearched"] == len(logged)


def test_under_make_each_of_many_is_as_alone(folder):
    (folder.path / "Makefile").write_text(
        "all: a b c\n"
        + "".join(f"{name}: ; @{sys.executable} -m xt run -q -- echo {name}\n" for name in "abc")
    )
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    done = subprocess.run(
        ["make", "-s", "-j3"],
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        timeout=LONG,
    )
    assert sorted(done.stdout.split()) == [b"a", b"b", b"c"], done.stderr
    assert done.stderr == b""
    assert len(list((folder.path / ".xt/runs").rglob("*.json"))) == 3


AGAIN = "moved or removed while the command ran, and made again"
GONE = {
    "removed": ("rm -r .xt", AGAIN),
    "replaced": ("mv .xt elsewhere; mkdir .xt", AGAIN),
    "no format": ("rm .xt/format", "its file `format` was removed"),
}


@pytest.mark.parametrize("how", GONE)
def test_a_store_that_goes_away_is_made_again_for_the_record(folder, how):
    """As `git clean -xfd` does, or an unmounted disk; a record in half a store would be none."""
    script, said = GONE[how]
    done = folder.run("-o", "out", "--", "sh", "-c", f"echo text; {script}; echo 1 > out; exit 3")
    assert (done.code, done.out) == (3, b"text\n")
    assert f"xt: warning: store: {said}" in done.err
    result = folder.record()["result"]
    assert (result["exit_code"], result["outputs"][0]["status"]) == (3, "stored")
    assert "store" in [problem["where"] for problem in result["problems"]]
    assert folder.xt("ls").code == 0
    assert folder.xt("fsck").code == 0


def test_a_store_that_goes_away_with_its_project_is_not_made_again(folder, tmp_path):
    (tmp_path / "project").mkdir()
    script = f"rm -r {tmp_path}/project; exit 3"
    done = folder.run("-C", str(tmp_path / "project"), "--", "sh", "-c", script, env={"XT_STORE": ".xt"})
    assert done.code == 3
    (line,) = done.err.splitlines()
    assert "this run is not recorded: the store was moved or removed while the command ran" in line
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize("script", [": > $log; echo b", "echo evil >> $log; echo b"])
def test_a_log_that_somebody_else_writes_to_is_kept_for_what_it_is(folder, script):
    """Never below the digest of what the command wrote, by which other runs name theirs."""
    waits = 'until log=$(ls .xt/live/*/stdout 2>/dev/null) && [ -s "$log" ]; do sleep 0.01; done'
    done = folder.run("--", "sh", "-c", f"echo a; {waits}; {script}")
    assert (done.code, done.out) == (0, b"a\nb\n")
    assert "stdout: somebody else wrote to it" in done.err
    stream = folder.record()["result"]["logs"]["streams"][0]
    assert (stream["size"], stream["stored"]) == (4, 2 if script[0] == ":" else 9)
    assert folder.xt("fsck", "--deep").code == 0
    assert folder.xt("logs").out == (b"b\n" if script[0] == ":" else b"a\nevil\nb\n")


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_a_store_that_may_not_be_reached_any_more_is_not_said_to_be_removed(folder):
    """For root too, who has to give up the right to reach everything."""
    drop = "-dac_override,-dac_read_search"
    words = folder.command("run", "--", "sh", "-c", "chmod 000 .xt; exit 3")
    plain = [] if os.geteuid() else ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"]
    done = subprocess.run(
        [*plain, *words],
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        check=False,
    )
    (folder.path / ".xt").chmod(0o700)
    assert done.returncode == 3
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("xt: warning: this run is not recorded: Permission denied: ")


@pytest.mark.parametrize("forks", [1, 2])
def test_without_room_for_another_process_xt_becomes_the_command(folder, forks):
    """As with `ulimit -u`, which does not hold for root: the room of xt itself is enough."""
    trace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=clone,clone3,vfork"]
    if shutil.which("strace") is None or subprocess.run([*trace, "true"], check=False).returncode:
        pytest.skip("strace is not installed, or may not trace here")
    inject = f"inject=clone,clone3,vfork:error=EAGAIN:when={forks}+"
    done = subprocess.run(
        [*trace, "-e", inject, *folder.command("run", "--", "sh", "-c", "echo out; exit 3")],
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, b"out\n"), done.stderr
    said = [line for line in done.stderr.decode().splitlines() if line.startswith("xt: ")]
    assert len(said) == 1, said
    assert "this run is not recorded" in said[0] and "bug" not in said[0]
    assert folder.xt("ls").out.startswith(b"no runs yet")


def test_an_installation_that_is_not_whole_keeps_no_command_from_running(folder, tmp_path):
    """As in the midst of an upgrade: one of its files cannot be imported."""
    (tmp_path / "xt").mkdir()
    for path in Path(SOURCE, "xt").iterdir():
        if path.name not in ("declare.py", "__pycache__"):
            (tmp_path / "xt" / path.name).symlink_to(path)
    (tmp_path / "xt/declare.py").write_text("raise ImportError('half of it is here')")
    broken = {"PYTHONPATH": str(tmp_path)}
    for words in (["-q", "-m", "why", "--"], []):
        done = folder.run(*words, "sh", "-c", "echo out; exit 5", env=broken)
        assert (done.code, done.out) == (5, b"out\n")
        assert done.err == "xt: warning: this run is not recorded: xt cannot be loaded: half of it is here\n"
    refused = folder.run("--strict", "--", "echo", "out", env=broken)
    assert (refused.code, refused.out) == (125, b"")
    assert "this installation of xt is not whole: half of it is here\n" in refused.err
    assert "Traceback" not in refused.err
    assert folder.run("--", "no-such-command", env=broken).code == 127


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    ("call", "n", "script"),
    [("wait4", "1+", "exit 5"), ("wait4", "1", "kill -9 $$"), ("rt_sigtimedwait", "1+", "exit 5")],
)
def test_how_the_command_ended_is_kept_whatever_the_system_says(folder, call, n, script):
    done = subprocess.run(
        [
            *("strace", "-qq", "-o", os.devnull, "-e", f"inject={call}:error=EIO:when={n}"),
            *folder.command("run", "--", "sh", "-c", script),
        ],
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        check=False,
    )
    assert done.returncode == (5 if script == "exit 5" else 137), done.stderr
    assert b"bug" not in done.stderr
    result = folder.record()["result"]
    assert (result["exit_code"], result["signal"]) == ((5, None) if script == "exit 5" else (None, 9))


def test_how_a_command_ended_outlives_an_xt_that_is_killed_while_it_stores(folder, tmp_path):
    """Whatever it is that takes long then: here it is a reader of its output that is in no hurry."""
    read, write = os.pipe()
    process = subprocess.Popen(
        folder.command("run", "-q", "--", "sh", "-c", "head -c 4000000 /dev/zero & exit 3"),
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdout=write,
    )
    os.close(write)
    try:
        while not list((folder.path / ".xt/live").glob("*/exit.json")):
            assert process.poll() is None
        assert b"storing (exit 3)" in folder.xt("ls").out
        assert b"what came out is being stored" in folder.xt("show").out
    finally:
        process.kill()
        process.wait()
        os.close(read)
    assert b"lost (exit 3)" in folder.xt("ls").out
    assert b"its command ended, and xt without writing its record" in folder.xt("show").out
    assert b"its command ended, its xt too, without writing the record" in folder.xt("fsck").out


def test_signals_that_come_after_the_command_cost_neither_its_status_nor_its_record(folder):
    """Those meant for it are of no effect; those that are to end xt cut the collecting short, together."""
    program = (
        "import os, signal\n"
        "from xt.cli.main import main\n"
        "from xt.exchange.importers import trainer\n"
        "def read(path, sink):\n"
        "    for name in ('USR1', 'USR2', 'ALRM', 'XCPU', 'RTMIN'):\n"
        "        os.kill(os.getpid(), getattr(signal, 'SIG' + name))\n"
        "    print('goes on', flush=True)\n"
        "    for name in ('QUIT', 'TERM', 'HUP', 'INT'):\n"
        "        os.kill(os.getpid(), getattr(signal, 'SIG' + name))\n"
        "    print('not here', flush=True)\n"
        "trainer.read = read\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "run", "--metrics", "trainer:t", "--", "sh", "-c", "touch t; exit 3"],
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, b"goes on\n"), done.stderr
    assert b"collecting was interrupted" in done.stderr
    assert folder.record()["result"]["exit_code"] == 3
