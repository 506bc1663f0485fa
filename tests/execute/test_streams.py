"""Streams: every byte arrives, in order, on its own stream, whoever reads and whoever still writes."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.execute.wrapped import LONG, Pty, Wrapper, until

PYTHON = sys.executable
PIPE = subprocess.PIPE


# --- what the command leaves behind ----------------------------------------------------------------------


@pytest.mark.parametrize("where", ["pipe", "pty"])
def test_a_process_left_behind_does_not_hold_xt_up(xt: Wrapper, where: str) -> None:
    argv = xt.argv("sh", "-c", "echo out; (sleep 600) & exit 5", grace=400.0, idle_grace=0.25)
    if where == "pty":
        with Pty(argv) as terminal:
            assert terminal.wait() == 5  # within LONG, which is far less than the grace and the sleep
            assert terminal.seen == b"out\r\n"
    else:
        process = subprocess.Popen(argv, stdout=PIPE, stderr=PIPE, start_new_session=True)
        out, _ = process.communicate(timeout=LONG)
        os.killpg(process.pid, signal.SIGKILL)  # what was left behind
        assert (process.returncode, out) == (5, b"out\n")
    ended = xt.ended()
    assert ended["logs"]["open_at_end"]
    assert any("holds stdout and stderr open" in problem["message"] for problem in ended["problems"])


@pytest.mark.parametrize("where", ["pipe", "pty"])
def test_what_it_writes_for_a_while_is_read(xt: Wrapper, where: str) -> None:
    script = "(for n in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; echo late $n; done) & echo first; exit 5"
    argv = xt.argv("sh", "-c", script, grace=20.0, idle_grace=5.0)
    if where == "pty":
        with Pty(argv) as terminal:
            assert terminal.wait() == 5
            shown = terminal.seen.replace(b"\r", b"")
    else:
        got = subprocess.run(argv, stdout=PIPE, stderr=PIPE, timeout=LONG, check=False)
        assert got.returncode == 5
        shown = got.stdout
    assert shown == b"first\n" + b"".join(b"late %d\n" % n for n in range(1, 11))
    assert xt.log("stdout") == shown
    assert not xt.ended()["logs"]["open_at_end"]


def test_what_it_writes_for_ever_is_not(xt: Wrapper, tmp_path: Path) -> None:
    script = "(echo $BASHPID >&3; exec yes) & exit 5"
    with open(tmp_path / "pid", "wb") as file:
        argv = xt.argv("bash", "-c", script, grace=0.5, idle_grace=0.25)
        got = subprocess.run(
            ["bash", "-c", '"$@" 3>"$0" | cat > /dev/null; exit ${PIPESTATUS[0]}', tmp_path / "pid", *argv],
            stderr=PIPE,
            timeout=LONG,
            check=False,
        )
        file.flush()
    assert got.returncode == 5
    assert xt.ended()["logs"]["open_at_end"]
    writer = int((tmp_path / "pid").read_text())
    until(lambda: not Path(f"/proc/{writer}").exists())  # it finds its stream closed


@pytest.mark.parametrize("where", ["file", "pty"])
def test_a_process_left_behind_writes_on_as_without_xt(xt: Wrapper, tmp_path: Path, where: str) -> None:
    """What it says later is in no log, but gets where it would have, and does not end it."""
    proof, late = tmp_path / "proof", tmp_path / "late"
    script = (
        f"(until [ -e {late} ]; do sleep 0.05; done; echo late && echo alive > {proof}) & echo out; exit 5"
    )
    argv = xt.argv("sh", "-c", script, grace=0.2, idle_grace=0.1)
    if where == "pty":
        with Pty(["sh", "-c", '"$@"; echo status $?; read line', "sh", *argv]) as terminal:
            terminal.expect(b"status 5")
            late.touch()
            terminal.expect(b"late")
            until(proof.exists)
    else:
        with open(tmp_path / "out", "wb") as file:
            got = subprocess.run(argv, stdout=file, stderr=file, timeout=LONG, check=False)
        assert got.returncode == 5
        late.touch()
        until(proof.exists)
        until(lambda: (tmp_path / "out").read_bytes() == b"out\nlate\n")
    assert xt.log("stdout").replace(b"\r", b"") == b"out\n"
    assert "not in the log" in xt.ended()["problems"][-1]["message"]


def test_a_daemon(xt: Wrapper) -> None:
    daemon = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(1); os.write(1, b'%d\\n' % os.getpid()); time.sleep(600)\n"
        "    os._exit(0)\n"
        "sys.exit(9)\n"
    )
    argv = xt.argv(PYTHON, "-c", daemon, grace=300.0, idle_grace=3.0)
    got = subprocess.run(argv, stdout=PIPE, stderr=PIPE, timeout=LONG, check=False)
    os.kill(int(got.stdout), signal.SIGKILL)  # it is there, and what it wrote arrived
    assert got.returncode == 9
    assert xt.ended()["logs"]["open_at_end"]


# --- readers ---------------------------------------------------------------------------------------------


def test_a_reader_that_leaves_ends_the_command_as_without_xt(xt: Wrapper) -> None:
    line = '"$@" | head -n 2; echo "${PIPESTATUS[@]}"'
    for argv in (["yes"], xt.argv("yes")):
        got = subprocess.run(
            ["bash", "-c", line, "bash", *argv], stdout=PIPE, stderr=PIPE, timeout=LONG, check=False
        )
        assert got.stdout == b"y\ny\n141 0\n"
        assert got.stderr == b""
    ended = xt.ended()
    assert (ended["signal"], ended["xt_exit"]) == (13, 141)
    assert ended["problems"] == []  # it is how `head` works


def test_a_command_that_ignores_the_lost_reader_is_told_by_its_write(xt: Wrapper) -> None:
    script = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGPIPE, signal.SIG_IGN)\n"
        "try:\n"
        "    while True: os.write(1, b'x' * 1000)\n"
        "except BrokenPipeError: sys.exit(6)\n"
    )
    line = '"$@" | head -c 5000 | wc -c; echo "${PIPESTATUS[0]}"'
    got = subprocess.run(
        ["bash", "-c", line, "bash", *xt.argv(PYTHON, "-c", script)], stdout=PIPE, timeout=LONG, check=False
    )
    assert got.stdout.split() == [b"5000", b"6"]


def test_a_full_pipe_holds_up_that_stream_alone(xt: Wrapper) -> None:
    script = (
        "import os, threading\n"
        "def flood():\n"
        "    for _ in range(100): os.write(1, b'o' * 100_000)\n"
        "thread = threading.Thread(target=flood); thread.start()\n"
        "for n in range(1000): os.write(2, b'err %d\\n' % n)\n"
        "os.write(2, b'end\\n'); thread.join()\n"
    )
    process = subprocess.Popen(xt.argv(PYTHON, "-c", script), stdout=PIPE, stderr=PIPE)
    assert process.stderr is not None
    assert process.stdout is not None
    expected = b"".join(b"err %d\n" % n for n in range(1000)) + b"end\n"
    assert process.stderr.read(len(expected)) == expected  # while nobody reads the other one
    assert process.poll() is None
    assert resident(process.pid) < 100 << 20
    assert len(process.stdout.read()) == 10_000_000
    assert process.wait(LONG) == 0
    process.stderr.close()
    process.stdout.close()


def test_a_reader_that_is_slower_than_the_grace_gets_everything(xt: Wrapper) -> None:
    # The command has ended long before its last bytes are taken.
    process = subprocess.Popen(
        xt.argv("head", "-c", "900000", "/dev/zero", grace=0.2, idle_grace=0.1), stdout=PIPE
    )
    assert process.stdout is not None
    time.sleep(1.5)
    assert process.poll() is None
    assert len(process.stdout.read()) == 900_000
    assert process.wait(LONG) == 0
    process.stdout.close()
    assert xt.ended()["logs"]["open_at_end"] is False
    assert xt.stream("stdout")["stored"] == 900_000


@pytest.mark.parametrize("when", ["before", "after"])
def test_told_to_end_it_does_not_wait_for_a_reader(xt: Wrapper, tmp_path: Path, when: str) -> None:
    # Told while the command runs, which ends by that, or when it has ended.
    last = "exit 3" if when == "after" else "sleep 60 & wait"
    script = f"trap 'kill $!; exit 3' TERM; head -c 300000 /dev/zero; touch {tmp_path}/written; {last}"
    process = subprocess.Popen(xt.argv("sh", "-c", script, grace=1.0), stdout=PIPE)
    until((tmp_path / "written").exists)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG) == 3
    assert process.stdout is not None
    process.stdout.close()
    ended = xt.ended()
    assert ended["received"] == [15]
    assert any("was not waited for" in problem["message"] for problem in ended["problems"])


def test_a_standard_output_that_somebody_made_non_blocking(xt: Wrapper) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    process = subprocess.Popen(xt.argv("head", "-c", "3000000", "/dev/zero"), stdout=writer)
    os.close(writer)
    time.sleep(0.5)
    with open(reader, "rb") as file:
        assert len(file.read()) == 3_000_000
    assert process.wait(LONG) == 0
    assert xt.ended()["problems"] == []


# --- bytes -----------------------------------------------------------------------------------------------


@given(chunks=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(min_size=1, max_size=300)), max_size=40))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_bytes_are_exact(xt: Wrapper, chunks: list[tuple[int, bytes]]) -> None:
    (xt.folder).mkdir(exist_ok=True, parents=True)
    (xt.folder / "script.py").write_text(f"import os\nfor fd, data in {chunks!r}: os.write(fd, data)\n")
    got = xt.run(PYTHON, str(xt.folder / "script.py"))
    for name, fd, seen in (("stdout", 1, got.stdout), ("stderr", 2, got.stderr)):
        expected = b"".join(data for number, data in chunks if number == fd)
        assert seen == expected
        assert xt.log(name) == expected


@pytest.mark.parametrize("where", ["pipe", "pty"])
def test_the_last_bytes_before_the_end(xt: Wrapper, where: str) -> None:
    script = "import os; os.write(1, b'x' * 299_999 + b'e'); os._exit(3)"
    for _ in range(15):
        argv = xt.argv(PYTHON, "-S", "-I", "-c", script)
        if where == "pty":
            with Pty(argv) as terminal:
                assert terminal.wait() == 3
                shown = terminal.seen
        else:
            got = subprocess.run(argv, stdout=PIPE, timeout=LONG, check=False)
            assert got.returncode == 3
            shown = got.stdout
        assert len(shown) == 300_000
        assert shown.endswith(b"xe")
        assert xt.log("stdout") == shown


def test_many_small_writes(xt: Wrapper) -> None:
    script = "import os\nfor n in range(100_000): os.write(1, b'%d\\n' % n)"
    got = xt.run(PYTHON, "-c", script)
    assert got.stdout == b"".join(b"%d\n" % n for n in range(100_000)) == xt.log("stdout")


def test_a_line_comes_when_it_is_written(xt: Wrapper) -> None:
    process = subprocess.Popen(xt.argv("cat"), stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    for number in range(200):
        process.stdin.write(b"%d\n" % number)
        process.stdin.flush()
        assert process.stdout.readline() == b"%d\n" % number
    process.communicate(timeout=LONG)


# --- two streams in one place ----------------------------------------------------------------------------

MIXED = "i=0; while [ $i -lt 2000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done"


@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_joined_streams_keep_their_order(xt: Wrapper, tmp_path: Path, kind: str) -> None:
    expected = b"".join(b"o%d\ne%d\n" % (n, n) for n in range(2000))
    argv = xt.argv("sh", "-c", MIXED)
    if kind == "file":
        with open(tmp_path / "both", "wb") as file:
            subprocess.run(argv, stdout=file, stderr=subprocess.STDOUT, timeout=LONG, check=False)
        shown = (tmp_path / "both").read_bytes()
    else:
        shown = subprocess.run(argv, stdout=PIPE, stderr=subprocess.STDOUT, timeout=LONG, check=False).stdout
    assert shown == expected
    assert xt.log("stdout") == expected
    assert xt.log("stderr") == b""
    assert "joined to stdout" in xt.stream("stderr")["reason"]
    assert xt.ended()["problems"] == []


def test_two_descriptors_of_one_file_are_not_joined(xt: Wrapper, tmp_path: Path) -> None:
    # Each has its own place in the file, and overwrites what the other wrote.
    for wrapped in (False, True):
        command = ["sh", "-c", "printf 12345678; printf abc >&2"]
        argv = xt.argv(*command) if wrapped else command
        subprocess.run(
            ["sh", "-c", f'"$@" >{tmp_path}/{wrapped} 2>{tmp_path}/{wrapped}', "sh", *argv], check=True
        )
    assert (tmp_path / "True").read_bytes() in (b"abc45678", b"12345678")
    assert len((tmp_path / "False").read_bytes()) == 8
    assert xt.log("stderr") == b"abc"


def test_appended_to_a_file(xt: Wrapper, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"before\n")
    line = f'"$@" >>{tmp_path}/log 2>>{tmp_path}/log; echo after >>{tmp_path}/log'
    subprocess.run(
        ["sh", "-c", line, "sh", *xt.argv("sh", "-c", "echo out; sleep 0.1; echo err >&2")], check=True
    )
    assert (tmp_path / "log").read_bytes() == b"before\nout\nerr\nafter\n"


def test_joined_to_nowhere_they_are_kept_apart(xt: Wrapper) -> None:
    with open(os.devnull, "wb") as null:
        subprocess.run(xt.argv("sh", "-c", "echo out; echo err >&2"), stdout=null, stderr=null, check=True)
    assert (xt.log("stdout"), xt.log("stderr")) == (b"out\n", b"err\n")


def test_the_callers_descriptors_are_left_as_they_were(xt: Wrapper) -> None:
    reader, writer = os.pipe()
    before = [fcntl.fcntl(writer, what) for what in (fcntl.F_GETFL, fcntl.F_GETFD, 11, 1032)]
    subprocess.run(xt.argv("true"), stdout=writer, stderr=writer, check=True)
    assert [fcntl.fcntl(writer, what) for what in (fcntl.F_GETFL, fcntl.F_GETFD, 11, 1032)] == before
    os.close(reader)
    os.close(writer)


# --- faults of our own -----------------------------------------------------------------------------------

#: Code that makes a method raise, from its n-th call on, so many times.
FAULT = """
import itertools
import xt.execute.{module} as module
owner = module.{owner}
real = owner.{name}
calls = itertools.count(1)
def faulty(self, *args, **more):
    if {first} <= next(calls) < {first} + {times}:
        raise {error}
    return real(self, *args, **more)
owner.{name} = faulty
"""


def fault(
    module: str, owner: str, name: str, first: int, times: int, error: str = "ValueError('injected')"
) -> str:
    return FAULT.format(module=module, owner=owner, name=name, first=first, times=times, error=error)


@pytest.mark.parametrize("error", ["ValueError('injected')", "MemoryError()", "OSError(5, 'injected')"])
@pytest.mark.parametrize(
    ("module", "owner", "name"),
    [
        ("logfile", "LogFile", "write"),
        ("logfile", "LogFile", "_store"),
        ("logfile", "Timing", "add"),
        ("logfile", "Timing", "_flush"),
        ("carrier", "Carrier", "step"),
        ("carrier", "Carrier", "follow"),
        ("pump", "Pump", "_step"),
        ("pump", "Pump", "_patience"),
    ],
)
@pytest.mark.parametrize("first", [1, 3])
def test_an_error_of_ours_is_not_the_commands(
    xt: Wrapper, module: str, owner: str, name: str, error: str, first: int
) -> None:
    before = fault(module, owner, name, first, 1, error)
    script = (
        "import os, time\nfor n in range(5): os.write(1, b'%d\\n' % n * 50_000); time.sleep(0.02)\n"
        "os._exit(7)"
    )
    got = xt.run(PYTHON, "-c", script, job={"before": before})
    assert got.stderr == b""
    assert got.returncode == 7
    assert got.stdout == b"".join(b"%d\n" % n * 50_000 for n in range(5))
    ended = xt.ended()
    assert ended["exit_code"] == 7
    assert xt.stream("stdout").get("stored", 0) == len(xt.log("stdout"))


def test_an_error_that_stays_closes_the_streams(xt: Wrapper) -> None:
    before = fault("carrier", "Carrier", "step", 1, 10**9)
    got = xt.run("sh", "-c", "yes; exit 7", job={"before": before})
    assert got.returncode == 7
    assert any("injected" in problem["message"] for problem in xt.ended()["problems"])


@pytest.mark.parametrize(
    "before",
    [
        "import os\nreal = os.pipe\ndef no(): raise OSError(24, 'Too many open files')\nos.pipe = no",
        "import _thread\ndef no(*_): raise RuntimeError('no thread')\n_thread.start_new_thread = no",
    ],
    ids=["pipe", "thread"],
)
def test_what_cannot_be_captured_goes_straight(xt: Wrapper, before: str) -> None:
    got = xt.run("sh", "-c", "echo out; echo err >&2; exit 4", job={"before": before})
    assert (got.stdout, got.stderr, got.returncode) == (b"out\n", b"err\n", 4)
    assert xt.stream("stdout")["via"] == "inherited"
    assert len([p for p in xt.ended()["problems"] if "is not captured" in p["message"]]) == 2


def test_without_a_pseudo_terminal(xt: Wrapper) -> None:
    before = "import os\ndef no(): raise OSError(28, 'No space left on device')\nos.openpty = no"
    with Pty(xt.argv("sh", "-c", "test -t 1 && echo out", before=before)) as terminal:
        assert terminal.wait() == 0
        assert terminal.seen == b"out\r\n"
    assert xt.stream("stdout")["via"] == "inherited"


def resident(pid: int) -> int:
    """Most bytes of memory a process had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def test_memory_does_not_grow_with_the_output(xt: Wrapper, tmp_path: Path) -> None:
    peaks: list[int] = []
    for size in (10**6, 10**9):
        own: Any = Wrapper(tmp_path / str(size))
        argv = own.argv("head", "-c", str(size), "/dev/zero", max_log=10**8)
        process = subprocess.Popen([*argv], stdout=subprocess.DEVNULL)
        peak = 0
        while process.poll() is None:
            try:
                peak = max(peak, resident(process.pid))
            except (OSError, IndexError):
                break  # it has just ended
            time.sleep(0.01)
        assert process.wait(LONG) == 0
        assert own.stream("stdout")["size"] == size
        peaks.append(peak)
    assert peaks[1] < 100 << 20
