"""Faults of the system, and of our own, while a command runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.execute.wrapped import LONG, Wrapper, child_of, until

PYTHON = sys.executable
UNSHARE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]


@pytest.mark.parametrize("where", ["pump", "main"])
def test_an_error_of_ours_at_any_point_is_not_the_commands(tmp_path: Path, where: str) -> None:
    """One error at each call of what carries streams, and of what waits, meters and closes logs."""
    program = str(Path(__file__).with_name("nloop.py"))
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    got = subprocess.run(
        [PYTHON, program, where, str(tmp_path)],
        env=environ,
        capture_output=True,
        timeout=LONG * 3,
        check=True,
    )
    lines = [json.loads(line) for line in got.stdout.splitlines()]
    assert len(lines) > 30
    for line in lines:
        assert (line["exit"], line["out"], line["err"], line["trouble"]) == (7, 70_004, 2, None), line
        if where == "main":
            assert any("injected" in message for message in line["problems"]), line


@pytest.mark.parametrize("count", [3, 4, 5, 6, 8, 10])
def test_without_descriptors_to_spare_the_command_runs_or_is_not_started(xt: Wrapper, count: int) -> None:
    got = xt.run(
        "sh", "-c", "exit 6", job={"before": f"import resource; resource.setrlimit(7, ({count}, 64))"}
    )
    # With none at all the test's own result cannot be written either, which is another status.
    assert got.returncode in (6, 125, 1)
    if got.returncode != 1:
        assert xt.ended()["exit_code"] == (6 if got.returncode == 6 else None)


def test_files_that_may_not_be_large_cut_the_log_and_not_the_output(xt: Wrapper) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))"
    got = xt.run("sh", "-c", "yes | head -c 200000; exit 6", job={"before": limit})
    assert (len(got.stdout), got.returncode) == (200_000, 6)
    assert xt.stream("stdout")["cut_at"] == xt.stream("stdout").get("stored", 0) <= 50_000
    assert len(xt.log("stdout")) == xt.stream("stdout").get("stored", 0)


def test_orphans_are_not_waited_for_and_leave_no_zombies(xt: Wrapper) -> None:
    script = (
        "import os, sys\n"
        "for _ in range(300):\n"
        "    if (child := os.fork()) == 0:\n"
        "        if os.fork() == 0:\n"
        "            os.closerange(0, 3); import time; time.sleep(0.05)\n"
        "        os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "os.write(1, open('/proc/%d/task/%d/children' % (os.getppid(), os.getppid()), 'rb').read())\n"
        "os._exit(5)"
    )
    got = xt.run(PYTHON, "-I", "-S", "-c", script)
    assert got.returncode == 5
    # Of all of them xt had but the command for a child.
    assert len(got.stdout.split()) == 1


def test_a_signal_after_the_end_is_sent_to_nobody_who_got_the_pid_meanwhile(
    xt: Wrapper, tmp_path: Path
) -> None:
    if subprocess.run([*UNSHARE, "true"], capture_output=True).returncode:
        pytest.skip("no new namespaces may be made here")
    # What is left behind holds the output open, so xt reads on; the command's pid is given to another.
    script = f"(sleep 1.5; exit 0) & echo $$ > {tmp_path}/pid; exit 4"
    words = " ".join(f"'{word}'" for word in xt.argv("sh", "-c", script, grace=3.0, idle_grace=3.0))
    outer = (
        f"{words} & xt=$!; until [ -s {tmp_path}/pid ]; do sleep 0.02; done; sleep 0.3\n"
        f"pid=$(cat {tmp_path}/pid); kill -0 $pid 2>/dev/null && echo still there\n"
        "echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid || exit 77\n"
        "sleep 20 & other=$!; [ $other = $pid ] || exit 78\n"
        "kill -TERM $xt; wait $xt; echo $?; kill -0 $other && echo alive; kill $other\n"
    )
    got = subprocess.run([*UNSHARE, "bash", "-c", outer], capture_output=True, timeout=LONG)
    if got.returncode in (77, 78):
        pytest.skip("pids cannot be chosen here")
    assert got.stdout == b"4\nalive\n", got.stderr


def memory_group() -> Path | None:
    """A control group that a test may fill; None where none may be made."""
    for folder, limit in (
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        ("/sys/fs/cgroup", "memory.max"),
    ):
        group = Path(folder, f"xt-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text("60000000")
            return group
        except OSError:
            group.rmdir()
    return None


def test_a_command_that_the_kernel_ends_for_want_of_memory(xt: Wrapper) -> None:
    group = memory_group()
    if group is None:
        pytest.skip("no control group for memory can be made here")
    try:
        hungry = "x = bytearray(200_000_000); print(len(x))"
        join = f'echo $$ > {group}/cgroup.procs && exec "$@"'
        argv = xt.argv(PYTHON, "-I", "-S", "-c", hungry)
        got = subprocess.run(["sh", "-c", join, "sh", *argv], capture_output=True, timeout=LONG)
        assert got.returncode == 128 + 9, got
        assert xt.ended()["signal"] == 9
        assert any("no memory was left" in problem["message"] for problem in xt.ended()["problems"])
    finally:
        until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


def test_a_command_that_somebody_kills_was_not_short_of_memory(xt: Wrapper) -> None:
    assert xt.run("sh", "-c", "kill -9 $$").returncode == 128 + 9
    assert xt.ended()["problems"] == []


def test_side_by_side_under_xargs(tmp_path: Path) -> None:
    made = [Wrapper(tmp_path / str(number)).argv("echo", str(number)) for number in range(4)]
    lines = [" ".join(map(str, words)) for words in made]
    done = subprocess.run(
        ["xargs", "-P", "4", "-d", "\n", "-n", "1", "sh", "-c", 'eval "$0"'],
        input="\n".join(lines).encode(),
        capture_output=True,
        timeout=LONG,
    )
    assert sorted(done.stdout.split()) == [b"0", b"1", b"2", b"3"], done.stderr


def test_stopped_for_a_while_as_by_a_machine_that_sleeps(xt: Wrapper) -> None:
    with subprocess.Popen(xt.argv("sh", "-c", "sleep 0.3; exit 3"), stdout=subprocess.PIPE) as process:
        child = child_of(process.pid)
        os.kill(process.pid, 19)
        os.kill(child, 19)
        time.sleep(0.4)
        os.kill(child, 18)
        os.kill(process.pid, 18)
        assert process.wait(LONG) == 3
    assert xt.ended()["usage"]["wall_s"] >= 0.0
