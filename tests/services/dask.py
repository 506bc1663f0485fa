"""A real Dask cluster of processes: one scheduler, workers of one thread."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.services import CannotStartError, Started, free_port, listens, wait_until

#: Without a task, what it does to watch itself takes a tenth of a processor; this leaves a seventh of that.
QUIET = {
    "WORKER__PROFILE__ENABLED": "False",
    "WORKER__MEMORY__MONITOR_INTERVAL": "10s",
    "ADMIN__TICK__INTERVAL": "2s",
    "ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
    "SCHEDULER__WORK_STEALING": "False",
    "SCHEDULER__ACTIVE_MEMORY_MANAGER__START": "False",
}


def start(folder: Path, workers: int = 3) -> Started:
    """Start one; `address` of the facts is HOST:PORT.

    Args:
        folder: of its own.
        workers: how many.
    """
    if find_spec("distributed") is None:
        raise CannotStartError("distributed is not installed")
    port = free_port()
    address = f"127.0.0.1:{port}"
    process = _begin(folder, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    wait_until(listens(port), lambda: process.poll() is None)
    pids = [*(worker(folder, address) for _ in range(workers)), process.pid]
    return Started({"address": address, "folder": str(folder), "pids": pids}, pids)


def worker(folder: Path, address: str) -> int:
    """Start one more worker, without a nanny, and give the number of its group."""
    words = ["worker", f"tcp://{address}", "--no-nanny", "--nthreads", "1", "--no-dashboard"]
    return _begin(folder, *words, "--local-directory", str(folder), "--death-timeout", "60").pid


def end(started: Started) -> None:
    """End one that a test has for itself."""
    for pid in started.pids:
        try:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            continue


def _begin(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    quiet = {f"DASK_DISTRIBUTED__{name}": value for name, value in QUIET.items()}
    environ = {**os.environ, **quiet, "PYTHONWARNINGS": "ignore"}
    with open(folder / f"{words[0]}.log", "ab") as log:
        process = subprocess.Popen(
            # Told to end, they would take their time.
            ["sh", "-c", 'trap "kill -9 \\$!" TERM; "$@" & wait', "-", sys.executable, "-m", "dask", *words],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    process.poll = lambda: None if os.path.exists(f"/proc/{process.pid}") else 0
    process.returncode = 0  # whoever ends it waits for its pid
    return process
