"""The meter: what a command cost, or why that is not known."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.execute.wrapped import LONG, Wrapper

PYTHON = sys.executable
MEBIBYTE = 1 << 20


def test_memory_of_a_grandchild(xt: Wrapper) -> None:
    # Two of them at a time: the largest process alone is not the answer. The time runs when both are there.
    hold = "import sys; x = bytearray(150 << 20); print(flush=True); sys.stdin.read()"
    script = (
        "import subprocess, sys, time\n"
        f"words = [sys.executable, '-S', '-c', {hold!r}]\n"
        "both = [subprocess.Popen(words, stdin=-1, stdout=-1) for _ in range(2)]\n"
        "for one in both: one.stdout.readline()\n"
        "time.sleep(2.2)\n"
        "for one in both: one.communicate()\n"
    )
    xt.run("sh", "-c", '"$@"; exit 0', "sh", PYTHON, "-c", script)
    usage = xt.ended()["usage"]
    assert 300 * MEBIBYTE < usage["peak_memory_bytes"] < 400 * MEBIBYTE
    assert 1 <= usage["samples"] <= 1 + usage["wall_s"]
    assert usage["reason"] is None


def test_memory_of_one_process_that_is_too_short_to_be_sampled(xt: Wrapper) -> None:
    xt.run(PYTHON, "-S", "-c", "x = bytearray(200 << 20)")
    usage = xt.ended()["usage"]
    assert 200 * MEBIBYTE < usage["peak_memory_bytes"] < 260 * MEBIBYTE


def test_a_command_too_small_to_be_told_from_xt(xt: Wrapper) -> None:
    xt.run("true")
    usage = xt.ended()["usage"]
    assert usage["peak_memory_bytes"] is None
    assert "not told apart from xt's own" in usage["reason"]
    assert usage["samples"] == 0
    assert 0 < usage["wall_s"] < LONG
    assert usage["user_s"] is not None
    assert usage["gpu_utilisation"] is usage["gpu_memory_bytes"] is usage["gpu_energy_j"] is None


def test_bytes_read_and_written(xt: Wrapper, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(5 * MEBIBYTE))
    # By a child that it waits for.
    xt.run("sh", "-c", f"cat {source} {source} > {tmp_path}/copy; exit 0")
    usage = xt.ended()["usage"]
    assert 10 * MEBIBYTE <= usage["read_bytes"] < 11 * MEBIBYTE
    assert 10 * MEBIBYTE <= usage["written_bytes"] < 11 * MEBIBYTE


def test_processor_time(xt: Wrapper) -> None:
    script = "import os, time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
    xt.run("sh", "-c", '"$@"; exit 0', "sh", PYTHON, "-c", script)
    usage = xt.ended()["usage"]
    assert 0.5 <= usage["user_s"] + usage["system_s"] < 5
    assert usage["wall_s"] >= 0.5


def test_nothing_heavy_is_loaded_for_a_short_command(xt: Wrapper) -> None:
    heavy = (
        "{'psutil', 'pynvml', 'subprocess', 'shutil', 'pathlib', 'json', 'ctypes', 'xt.execute.gpu_meter'}"
    )
    before = (
        "import sys, os\n"
        "known = set(sys.modules)\n"
        "from xt.execute import local\n"
        "real = local.Meter.finish\n"
        "def finish(self, used, stopped):\n"
        f"    loaded = (set(sys.modules) - known) & {heavy}\n"
        "    os.write(2, f'loaded {sorted(loaded)}'.encode())\n"
        "    return real(self, used, stopped)\n"
        "local.Meter.finish = finish"
    )
    assert xt.run("true", job={"before": before}).stderr == b"loaded []"


@pytest.mark.parametrize(
    "before",
    [
        "import sys; sys.modules['psutil'] = None",
        "import _thread\nfrom xt.execute import meter\n"
        "class none:\n"
        "    allocate_lock = _thread.allocate_lock\n"
        "    def start_new_thread(*_): raise RuntimeError('no thread')\n"
        "meter._thread = none",
    ],
    ids=["module", "thread"],
)
def test_without_samples_the_command_runs_and_the_reason_is_told(xt: Wrapper, before: str) -> None:
    got = xt.run("sh", "-c", "sleep 1; echo out; exit 3", job={"before": before})
    assert (got.stdout, got.stderr, got.returncode) == (b"out\n", b"", 3)
    assert "sampl" in xt.ended()["usage"]["reason"]


def test_a_command_that_ends_while_it_is_sampled(xt: Wrapper) -> None:
    for delay in (0.45, 0.5, 0.52, 0.55):
        assert xt.run("sleep", str(delay)).stderr == b""
        assert xt.ended()["exit_code"] == 0


def test_processes_that_come_and_go(xt: Wrapper) -> None:
    script = "end=$(($(date +%s) + 2)); while [ $(date +%s) -lt $end ]; do (true); true & done; wait"
    got = xt.run("bash", "-c", script)
    assert (got.stderr, got.returncode) == (b"", 0)
    assert xt.ended()["usage"]["samples"] >= 1


def test_the_meter_costs_little(xt: Wrapper) -> None:
    process = subprocess.Popen(xt.argv("sh", "-c", "for i in $(seq 50); do sleep 3 & done; wait"))
    time.sleep(2.5)
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    assert ticks / os.sysconf("SC_CLK_TCK") < 1.0
    assert process.wait(LONG) == 0
