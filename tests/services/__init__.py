"""Real servers for tests: started once for all workers of pytest, stopped by the last of them.

A service is a function that starts its processes and tells how to reach them. Where it cannot be started
the tests that need it are skipped with the reason, which is remembered for the other workers.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

#: Seconds after which a server that should have started has not, or one that should have ended is killed.
#: On a machine at rest the slowest takes 10.
LONG = 150.0


class Started(NamedTuple):
    """What a start gives."""

    facts: dict[str, Any]
    """How it is reached; JSON."""
    pids: list[int]
    """Processes to end, in this order."""


class CannotStartError(Exception):
    """The service cannot be had here; the text says why."""


@contextlib.contextmanager
def shared(
    factory: pytest.TempPathFactory, name: str, start: Callable[[Path], Started]
) -> Iterator[dict[str, Any]]:
    """Use a service, which the first worker starts and the last one stops; for fixtures of scope `session`.

    Args:
        factory: `tmp_path_factory`.
        name: of the service.
        start: starts it in a new folder; raises `CannotStartError` where it cannot.
    """
    top = factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        top = top.parent
    folder = top / f"service-{name}"
    with _locked(top / f"service-{name}.lock"):
        found = _state(folder)
        if found is None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            try:
                facts, pids = start(folder)
                found = {"facts": facts, "pids": pids, "users": 0, "reason": None}
            except CannotStartError as error:
                found = {"facts": {}, "pids": [], "users": 0, "reason": str(error)}
        found["users"] += 1
        _write(folder, found)
    try:
        if found["reason"] is not None:
            pytest.skip(found["reason"])
        yield found["facts"]
    finally:
        with _locked(top / f"service-{name}.lock"):
            found = _state(folder)
            assert found is not None
            found["users"] -= 1
            if found["users"] == 0 and found["pids"]:
                for pid in found["pids"]:
                    _end(pid)
                (folder / "state.json").unlink()
            else:
                _write(folder, found)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _state(folder: Path) -> dict[str, Any] | None:
    try:
        return json.loads((folder / "state.json").read_text())
    except FileNotFoundError:
        return None


def _write(folder: Path, state: dict[str, Any]) -> None:
    (folder / "state.json").write_text(json.dumps(state))


def _end(pid: int) -> None:
    """End a process that need not be our child."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        end = time.monotonic() + (10 if number == signal.SIGTERM else LONG)
        while time.monotonic() < end:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            if _is_over(pid):
                return
            time.sleep(0.02)


def _is_over(pid: int) -> bool:
    """Whether a process has ended; as a child of another worker it stays a zombie until that one ends."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


#: Held, so that they are not taken for forgotten: `_end` ends them, and that by their ids.
_children: list[subprocess.Popen[bytes]] = []


def background(words: list[str], log: Path, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own.

    Args:
        words: its command.
        log: gets what it prints.
        env: its variables.
    """
    with open(log, "wb") as file:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=env, start_new_session=True
        )
    _children.append(process)
    return process


def need(*programs: str) -> None:
    """See that programs are installed.

    Raises:
        CannotStartError: one is not.
    """
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    for program in programs:
        if not shutil.which(program, path=path):
            raise CannotStartError(f"{program} is not installed")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_until(ready: Callable[[], object], alive: Callable[[], bool] = lambda: True) -> None:
    """Wait for a server.

    Args:
        ready: whether it answers; what it raises means no.
        alive: whether it is still worth waiting.

    Raises:
        CannotStartError: it did not answer in time, or ended.
    """
    end = time.monotonic() + LONG
    why: object = None
    while time.monotonic() < end and alive():
        try:
            if ready():
                return
        except Exception as error:
            why = error
        time.sleep(0.05)
    raise CannotStartError(f"it does not answer: {why}")


def listens(port: int) -> Callable[[], bool]:
    """Whether somebody listens on a port of 127.0.0.1."""

    def ready() -> bool:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True

    return ready
