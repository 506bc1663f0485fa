"""xt in a process of its own that is forked from one that has loaded it, which takes a third of the time.

Its variables, folder, mask and streams are those of the call, as if it had been started anew. What the start
of an interpreter makes of variables (`PYTHON…`, a locale, what the loader reads) cannot be had this way, nor
can it be seen what is loaded.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

#: Before each request: its size; before each answer: pid of the process, then how it ended.
SIZE, NUMBER = struct.Struct("<Q"), struct.Struct("<q")
#: Beginnings of variables that are read when an interpreter starts.
AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "GLIBC_", "COV", "OPENSSL_")
#: Packages of xt whose modules are loaded.
LOADED = ("cli", "collect", "execute", "ops", "store")


def at_start(environ: dict[str, str]) -> dict[str, str]:
    """Of variables, those that are read when an interpreter starts."""
    return {name: value for name, value in environ.items() if name.startswith(AT_START)}


class Forks:
    """One for each process of tests, begun when it is first asked."""

    def __init__(self, environ: dict[str, str]) -> None:
        """Prepare; gets the variables it begins with."""
        self.environ = environ
        self._way: socket.socket | None = None
        self._lock = threading.Lock()

    def call(
        self, words: list[str], cwd: str, environ: dict[str, str], timeout: float
    ) -> tuple[int, bytes, bytes]:
        """Call xt; give its status and what it wrote, once nobody can write there any more."""
        mask = os.umask(0)
        os.umask(mask)
        request = json.dumps({"words": words, "cwd": cwd, "environ": environ, "umask": mask}).encode()
        pipes = [os.pipe() for _ in range(3)]
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            with self._lock:
                if self._way is None:
                    self._way = self._begun()
                socket.send_fds(self._way, [SIZE.pack(len(request))], [null, *(write for _, write in pipes)])
                self._way.sendall(request)
        finally:
            for fd in (null, *(write for _, write in pipes)):
                os.close(fd)
        out, err, answer = _read([read for read, _ in pipes], time.monotonic() + timeout, words)
        assert len(answer) == 2 * NUMBER.size, f"xt {words} did not begin"
        return NUMBER.unpack(answer[NUMBER.size :])[0], out, err

    def _begun(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        atexit.register(ours.close)
        with theirs:
            subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            ).returncode = 0  # it ends when this process does, and nobody waits for it
        return ours


def _read(fds: list[int], until: float, words: list[str]) -> list[bytes]:
    found: dict[int, list[bytes]] = {fd: [] for fd in fds}
    with selectors.DefaultSelector() as ready:
        for fd in fds:
            ready.register(fd, selectors.EVENT_READ)
        while ready.get_map():
            for key, _ in ready.select(max(0.0, until - time.monotonic())):
                data = os.read(key.fd, 1 << 16)
                found[key.fd].append(data)
                if not data:
                    ready.unregister(key.fd)
                    os.close(key.fd)
            if time.monotonic() > until:
                with contextlib.suppress(ProcessLookupError, struct.error):
                    os.kill(NUMBER.unpack(b"".join(found[fds[2]])[: NUMBER.size])[0], signal.SIGKILL)
                raise subprocess.TimeoutExpired(words, until)
    return [b"".join(parts) for parts in found.values()]


def main() -> None:
    """Fork for every request, until nobody is there to make one."""
    import importlib
    import pkgutil

    way = socket.socket(fileno=int(sys.argv[1]))
    from xt.cli.main import load_msgspec_lean

    load_msgspec_lean()
    import xt

    for package in LOADED:
        for module in pkgutil.walk_packages([f"{xt.__path__[0]}/{package}"], f"xt.{package}."):
            importlib.import_module(module.name)
    _serve(way)


def _serve(way: socket.socket) -> None:
    """Fork for requests, and tell of each process how it ended."""
    ours, wakes = socket.socketpair()
    for end in (ours, wakes):
        end.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    before = signal.signal(signal.SIGCHLD, lambda *_: None)
    answers: dict[int, int] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(way, selectors.EVENT_READ)
        ready.register(ours, selectors.EVENT_READ)
        while True:
            come = {key.fileobj for key, _ in ready.select()}
            if ours in come:
                ours.recv(1 << 16)
                _tell(answers)
            if way not in come:
                continue
            request, fds = _request(way)
            if request is None:
                return
            answer = fds.pop()
            pid = os.fork()
            if pid == 0:
                try:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, before)
                    ready.close()
                    for end in (way, ours, wakes):
                        end.close()
                    for fd in (answer, *answers.values()):
                        os.close(fd)
                    _xt(json.loads(request), fds)
                finally:
                    os._exit(1)
            answers[pid] = answer
            os.write(answer, NUMBER.pack(pid))
            for fd in fds:
                os.close(fd)


def _request(way: socket.socket) -> tuple[bytes | None, list[int]]:
    """The next request and what came with it; none when nobody is there to make one."""
    head, fds, *_ = socket.recv_fds(way, SIZE.size, 4)
    data = b""
    while head and len(data) < SIZE.unpack(head)[0]:
        part = way.recv(SIZE.unpack(head)[0] - len(data))
        if not part:
            return None, fds
        data += part
    return data if head else None, list(fds)


def _tell(answers: dict[int, int]) -> None:
    """Answer for those that ended."""
    while answers:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with contextlib.suppress(BrokenPipeError):
            os.write(answers[pid], NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os.close(answers.pop(pid))


def _xt(request: dict, fds: list[int]) -> None:
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(request["cwd"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environ"])
    time.tzset()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    import xt
    from xt.cli.main import main

    sys.path[0] = request["cwd"]
    sys.argv = [str(Path(xt.__path__[0]) / "__main__.py"), *request["words"]]
    main()


if __name__ == "__main__":
    main()
