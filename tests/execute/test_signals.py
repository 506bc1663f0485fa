"""Signals: each reaches the command once, and xt stays until the command ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.execute.wrapped import LONG, Pty, Wrapper, child_of, state, until

PYTHON = sys.executable
#: Says each signal it gets; ends with 7 when it is told `end` by its standard input, or by a second SIGTERM.
COUNTS = """
import os, select, signal, sys, threading
# A signal that comes just before a read would else be said only after it.
woken, wake = os.pipe()
os.set_blocking(woken, False), os.set_blocking(wake, False)
signal.set_wakeup_fd(wake)
def say(number, _):
    os.write(1, f"got {number}\\n".encode())
for number in {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
               signal.SIGALRM, signal.SIGABRT, signal.SIGXCPU, signal.SIGIO, signal.SIGRTMIN + 3}:
    signal.signal(number, say)
if "TSTP" in sys.argv:
    signal.signal(signal.SIGTSTP, say)
os.write(1, b"ready\\n")
while True:
    ready, _, _ = select.select([0, woken], [], [])
    if woken in ready:
        os.read(woken, 100)
    if 0 in ready and os.read(0, 100) in (b"end\\n", b""):
        sys.exit(7)
"""


def start(xt: Wrapper, *command: str, group: int | None = None, **options: Any) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    argv = xt.argv(*command, **options)
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, process_group=group)


def line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


def end(process: subprocess.Popen[bytes]) -> tuple[bytes, int]:
    out, _ = process.communicate(b"end\n", timeout=LONG)
    return out, process.returncode


@pytest.mark.parametrize(
    "number",
    [
        *("INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "ALRM", "ABRT", "XCPU", "IO"),
        "RTMIN+3",
    ],
)
def test_a_signal_to_xt_alone_reaches_the_command_once(xt: Wrapper, number: str) -> None:
    value = signal.SIGRTMIN + 3 if "+" in number else getattr(signal, f"SIG{number}")
    process = start(xt, PYTHON, "-c", COUNTS)
    assert line(process) == b"ready\n"
    for _ in range(3):
        process.send_signal(value)
        assert line(process) == b"got %d\n" % value
    assert end(process) == (b"", 7)  # none came twice
    ended = xt.ended()
    assert ended["received"] == [value] * 3
    assert (ended["exit_code"], ended["signal"]) == (7, None)


def test_signals_of_one_kind_that_come_together(xt: Wrapper) -> None:
    process = start(xt, PYTHON, "-c", COUNTS)
    assert line(process) == b"ready\n"
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP):
        process.send_signal(number)
    assert sorted(line(process) for _ in range(3)) == [b"got 1\n", b"got 10\n", b"got 15\n"]
    assert end(process) == (b"", 7)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_command_that_does_not_care_is_ended_by_it(xt: Wrapper, number: signal.Signals) -> None:
    process = start(xt, "sh", "-c", "echo ready; exec sleep 60")
    assert line(process) == b"ready\n"
    process.send_signal(number)
    assert process.wait(LONG) == 128 + number
    ended = xt.ended()
    assert (ended["signal"], ended["exit_code"], ended["received"]) == (number, None, [number])
    process.communicate()


def test_a_timer_set_by_the_caller_reaches_the_command(xt: Wrapper) -> None:
    alarm = "import os, signal, sys; signal.setitimer(0, 1.5); os.execvp(sys.argv[1], sys.argv[1:])"
    argv = xt.argv("sh", "-c", "trap 'exit 9' ALRM; while :; do sleep 0.1; done")
    assert subprocess.run([PYTHON, "-c", alarm, *argv], timeout=LONG, check=False).returncode == 9


def test_a_signal_that_the_command_sends_its_group_is_not_given_back(xt: Wrapper) -> None:
    below = "trap : TERM; kill -TERM 0; sleep 0.5"
    script = f"trap 'echo got' TERM; kill -TERM 0; sleep 0.3; sh -c '{below}'; sleep 0.3"
    process = subprocess.run(
        xt.argv("sh", "-c", script), stdout=subprocess.PIPE, start_new_session=True, timeout=LONG, check=False
    )
    assert process.stdout == b"got\ngot\n"


def test_sent_to_the_whole_group_it_comes_at_most_twice(xt: Wrapper) -> None:
    process = subprocess.Popen(
        xt.argv(PYTHON, "-c", COUNTS), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert line(process) == b"ready\n"
    os.killpg(process.pid, signal.SIGTERM)
    assert line(process) == b"got 15\n"
    time.sleep(0.2)
    out, status = end(process)
    assert out in (b"", b"got 15\n")
    assert status == 7


def test_a_signal_to_what_may_not_be_signalled(xt: Wrapper) -> None:
    # As `sudo` under an ordinary user.
    before = (
        "import os\nreal = os.kill\n"
        "def refuse(pid, number):\n"
        "    if pid != os.getpid(): raise PermissionError(1, 'no')\n"
        "    real(pid, number)\n"
        "os.kill = refuse"
    )
    process = start(xt, PYTHON, "-c", COUNTS, before=before)
    assert line(process) == b"ready\n"
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert end(process) == (b"", 7)
    assert xt.ended()["received"] == [15]


def test_before_the_start_ctrl_c_prevents_it(xt: Wrapper, tmp_path: Path) -> None:
    before = (
        "import os, signal\n"
        "from xt.execute.streams import Streams\n"
        "real = Streams.__init__\n"
        "def late(self, job):\n"
        "    real(self, job)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "Streams.__init__ = late"
    )
    got = xt.run("touch", str(tmp_path / "started"), job={"before": before})
    assert b"KeyboardInterrupt" in got.stderr
    assert not (tmp_path / "started").exists()


# --- at a terminal ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_comes_exactly_once(xt: Wrapper, times: int) -> None:
    with Pty(xt.argv(PYTHON, "-c", COUNTS)) as terminal:
        terminal.expect(b"ready\r\n")
        for _ in range(times):
            terminal.send(b"\x03")
            terminal.expect(b"got 2\r\n")
        terminal.send(b"\x1c")  # Ctrl-\\
        terminal.expect(b"got 3\r\n")
        terminal.send(b"end\n")
        assert terminal.wait() == 7
        assert b"got" not in terminal.seen
    # To xt two of a kind may have come as one: it is no more than the witness.
    assert set(xt.ended()["received"]) == {2, 3}


@pytest.mark.parametrize(
    ("script", "keys", "status"),
    [
        ("trap 'exit 0' INT; echo ready; while :; do sleep 0.05; done", 1, 0),
        ("trap 'exit 3' INT; echo ready; while :; do sleep 0.05; done", 1, 3),
        ("trap 'trap \"exit 4\" INT; echo first' INT; echo ready; while :; do sleep 0.05; done", 2, 4),
        ("trap '' INT; echo ready; read answer; exit 5", 0, 5),
        ("echo ready; exec sleep 60", 1, 130),
    ],
    ids=["0", "3", "twice", "ignored", "dies"],
)
def test_how_a_command_takes_ctrl_c(xt: Wrapper, script: str, keys: int, status: int) -> None:
    with Pty(xt.argv("sh", "-c", script)) as terminal:
        terminal.expect(b"ready\r\n")
        terminal.send(b"\x03")
        if keys == 2:
            terminal.expect(b"first\r\n")
            terminal.send(b"\x03")
        if keys == 0:
            terminal.send(b"\x03")
            time.sleep(0.2)
            assert terminal.process.poll() is None
            terminal.send(b"answer\n")
        assert terminal.wait() == status
    assert set(xt.ended()["received"]) == {2}


def test_ctrl_c_reaches_a_command_with_a_group_of_its_own(xt: Wrapper) -> None:
    # `timeout` takes itself out of the group that the terminal knows, since xt leads that.
    script = "trap 'exit 7' INT; echo ready; while :; do sleep 0.05; done"
    with Pty(xt.argv("timeout", "60", "sh", "-c", script)) as terminal:
        terminal.expect(b"ready\r\n")
        terminal.send(b"\x03")
        assert terminal.wait() in (7, 130)  # `timeout` signals its child twice: by pid and by group


def test_a_daemon_of_another_session_is_not_disturbed_by_ctrl_c(xt: Wrapper) -> None:
    with Pty(xt.argv("setsid", "sh", "-c", "echo ready; sleep 1; exit 6")) as terminal:
        terminal.expect(b"ready\r\n")
        terminal.send(b"\x03")
        assert terminal.wait() == 6


def test_a_lost_terminal_is_told_to_the_command(xt: Wrapper, tmp_path: Path) -> None:
    done = tmp_path / "done"
    then = f"echo after; sleep 0.2; echo end; touch {done}; exit 8"
    script = f"trap '{then}' HUP; echo ready; while :; do sleep 0.05; done"
    with Pty(xt.argv("sh", "-c", script)) as terminal:
        terminal.expect(b"ready\r\n")
        terminal.hang_up()
        assert terminal.process.wait(LONG) == 8
    assert done.exists()
    # What it still wrote has no reader, but a log.
    assert xt.log("stdout") == b"ready\nafter\nend\n"
    assert xt.ended()["received"] == [1]
    assert any("could not be passed on" in problem["message"] for problem in xt.ended()["problems"])


def test_a_lost_terminal_under_a_shell(xt: Wrapper, tmp_path: Path) -> None:
    loop = f"while [ ! -e {tmp_path}/stop ]; do sleep 0.05; done"
    script = f"trap 'echo hup >> {tmp_path}/got' HUP; echo ready; {loop}"
    with Pty(["bash", "--norc", "-ic", '"$@"; :', "bash", *xt.argv("sh", "-c", script)]) as terminal:
        terminal.expect(b"ready\r\n")
        terminal.hang_up()
        until((tmp_path / "got").exists)
        time.sleep(0.2)
        (tmp_path / "stop").touch()
        until(xt.result.exists)
    # One from the shell to the group, the same through xt, one from the kernel when the shell ends.
    assert 1 <= (tmp_path / "got").read_text().count("hup") <= 3


# --- stopping --------------------------------------------------------------------------------------------


def interactive(**how: Any) -> Pty:
    environ = {"PATH": os.environ["PATH"], "PS1": "READY> ", "TERM": "dumb", "HISTFILE": "/dev/null"}
    shell = Pty(["bash", "--norc", "--noprofile", "--noediting", "-i"], env=environ, **how)
    shell.expect(b"READY> ")
    return shell


def words(argv: list[str | bytes]) -> bytes:
    return b" ".join(b"'" + os.fsencode(word).replace(b"'", b"'\\''") + b"'" for word in argv)


def test_ctrl_z_and_fg(xt: Wrapper) -> None:
    script = (
        "trap 'echo cont' CONT; echo ready; n=0; while [ $n -lt 40 ]; do sleep 0.05; n=$((n+1)); done; exit 3"
    )
    with interactive() as shell:
        shell.send(words(xt.argv("bash", "-c", script)) + b"\n")
        shell.expect(b"ready\r\n")
        shell.send(b"\x1a")
        shell.expect(rb"\[1\]\+  Stopped.*READY> ")
        time.sleep(1.0)
        shell.send(b"fg\n")
        shell.expect(b"cont\r\n")
        shell.expect(b"READY> ")
        assert b"cont" not in shell.seen
        shell.send(b"echo status $?\n")
        shell.expect(b"status 3\r\n")
    usage = xt.ended()["usage"]
    assert usage["stopped_s"] > 0.9
    assert usage["wall_s"] < usage["stopped_s"] + 30
    assert xt.ended()["received"] == []


def test_stopped_time_is_not_wall_time(xt: Wrapper) -> None:
    with interactive() as shell:
        shell.send(words(xt.argv("sh", "-c", "echo ready; kill -STOP $$; exit 2")) + b"\n")
        shell.expect(b"ready\r\n.*Stopped.*READY> ")
        began = time.monotonic()
        time.sleep(3)
        shell.send(b"fg\n")
        stopped = time.monotonic() - began
        shell.expect(b"READY> ")
    usage = xt.ended()["usage"]
    assert usage["stopped_s"] >= stopped - 0.1
    assert usage["wall_s"] < stopped


@pytest.mark.parametrize("number", ["TSTP", "STOP"])
def test_a_command_that_stops_itself(xt: Wrapper, number: str) -> None:
    with interactive() as shell:
        shell.send(words(xt.argv("sh", "-c", f"echo before; kill -{number} $$; echo after; exit 4")) + b"\n")
        shell.expect(rb"before\r\n.*\[1\]\+  Stopped.*READY> ")
        shell.send(b"jobs; fg\n")
        shell.expect(b"Stopped.*after\r\n.*READY> ")
        shell.send(b"echo status $?\n")
        shell.expect(b"status 4\r\n")


def test_bg_lets_it_go_on_in_the_background(xt: Wrapper) -> None:
    with interactive() as shell:
        shell.send(words(xt.argv("sh", "-c", "echo before; kill -TSTP $$; echo after; exit 4")) + b"\n")
        shell.expect(rb"before\r\n.*Stopped.*READY> ")
        shell.send(b"bg; wait %1; echo status $?\n")
        shell.expect(b"after\r\n.*status 4\r\n")


def test_a_command_that_ignores_ctrl_z_goes_on(xt: Wrapper) -> None:
    with interactive() as shell:
        shell.send(words(xt.argv(PYTHON, "-c", COUNTS, "TSTP")) + b"\n")
        shell.expect(b"ready\r\n")
        shell.send(b"\x1a")
        shell.expect(b"got 20\r\n")
        shell.send(b"end\n")
        shell.expect(b"READY> ")
        assert b"got" not in shell.seen
        shell.send(b"echo status $?\n")
        shell.expect(b"status 7\r\n")


def test_in_the_background_a_reader_of_the_terminal_stops(xt: Wrapper) -> None:
    with interactive() as shell:
        shell.send(words(xt.argv("cat")) + b" & echo pid $!.\n")
        pid = int(shell.expect(rb"pid (\d+)\.").group(1))
        until(lambda: state(pid) == "T")
        child = child_of(pid)
        assert state(child) == "T"
        ticks = cpu(pid)
        time.sleep(0.5)
        assert cpu(pid) - ticks < 3  # no busy loop
        shell.send(b"fg\n")
        shell.expect(b"fg\r\n")
        until(lambda: state(pid) != "T")
        shell.send(b"through\n")
        shell.expect(b"through\r\nthrough\r\n")
        shell.send(b"\x04")
        shell.expect(b"READY> ")
    assert xt.ended()["usage"]["stopped_s"] > 0.4


def test_with_tostop_a_writer_in_the_background_stops(xt: Wrapper) -> None:
    with interactive() as shell:
        shell.send(b"stty tostop; " + words(xt.argv("sh", "-c", "sleep 0.3; echo written; exit 5")))
        shell.send(b" & echo pid $!.\n")
        pid = int(shell.expect(rb"pid (\d+)\.").group(1))
        until(lambda: state(pid) == "T")
        shell.send(b"fg\n")
        shell.expect(b"written\r\n.*READY> ")
        shell.send(b"echo status $?\n")
        shell.expect(b"status 5\r\n")


def cpu(pid: int) -> int:
    """Ticks of processor time used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_the_command_alone_stopped_and_continued(xt: Wrapper) -> None:
    # Somebody pauses a training by its pid: a parent that is no shell is not told, and nothing hangs.
    process = start(xt, "sh", "-c", "echo ready; read line; echo $line; exit 4")
    assert line(process) == b"ready\n"
    child = child_of(process.pid)
    os.kill(child, signal.SIGSTOP)
    until(lambda: state(child) == "T")
    time.sleep(0.5)
    assert state(process.pid) != "T"
    os.kill(child, signal.SIGCONT)
    assert process.communicate(b"on\n", timeout=LONG)[0] == b"on\n"
    assert process.returncode == 4
    assert xt.ended()["usage"]["stopped_s"] > 0.4


def test_xt_alone_stopped_and_continued(xt: Wrapper) -> None:
    # A job of this process: of a group without such a parent the kernel stops nobody.
    process = start(xt, PYTHON, "-c", COUNTS, group=0)
    assert line(process) == b"ready\n"
    process.send_signal(signal.SIGTSTP)  # as `kill -TSTP` from another terminal
    until(lambda: state(process.pid) == "T")
    assert state(child_of(process.pid)) == "T"
    process.send_signal(signal.SIGCONT)
    until(lambda: state(process.pid) != "T")
    assert end(process) == (b"", 7)


def test_killed_while_stopped(xt: Wrapper) -> None:
    process = start(xt, "sh", "-c", "echo ready; kill -STOP $$; exit 1")
    assert line(process) == b"ready\n"
    child = child_of(process.pid)
    until(lambda: state(child) == "T")
    os.kill(child, signal.SIGKILL)
    assert process.wait(LONG) == 137
    process.communicate()
    usage = xt.ended()["usage"]
    assert 0 <= usage["stopped_s"] <= usage["stopped_s"] + usage["wall_s"]


def test_stopped_and_continued_at_any_moment_it_takes_nothing_for_a_signal(xt: Wrapper) -> None:
    process = start(xt, PYTHON, "-c", COUNTS)
    assert line(process) == b"ready\n"
    for seconds in (0.7, 0.1, 0.1):
        process.send_signal(signal.SIGSTOP)
        until(lambda: state(process.pid) == "T")
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)
    assert end(process) == (b"", 7)
    assert xt.ended()["received"] == []
