"""Start a helper program and read what it prints; many can be started before the first is waited for.

`subprocess` would do, at 6 ms of every start for its import alone and 1 ms for each process.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Mapping

from xt import fsio

#: Python ignores these; a helper must not inherit that.
_DEFAULT = [signal.SIGPIPE, signal.SIGXFSZ]
#: Seconds that one that was told to end may take for it.
_LAST = 2.0
#: Bytes read at a time.
_STEP = 1 << 16
#: Those that go on now, waited for by any thread.
_going_on: set[int] = set()


def stop_all() -> None:
    """Tell all of them to end, for what they do is not wanted any more; whoever waits for one sees it end."""
    for pid in tuple(_going_on):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)  # so that git takes its locks away


class Child:
    """A program that was started."""

    def __init__(self, argv: list[str], environ: Mapping[str, str], data: bytes | None = None) -> None:
        """Start it.

        Args:
            argv: with the absolute path of the program first.
            environ: all its variables; one without a name, which cannot be handed on, is left out.
            data: its standard input; nothing by default.

        Raises:
            OSError: it could not be started.
        """
        streams = [_input(data)]
        self._ends: list[int] = []
        try:
            for _ in range(2):
                ours, theirs = os.pipe()
                self._ends.append(ours)
                streams.append(theirs)
            # Above 2, so that putting one into place does not overwrite another that is still to come.
            actions = [
                (os.POSIX_SPAWN_DUP2, _above(fd, streams), number) for number, fd in enumerate(streams)
            ]
            named = {name: value for name, value in environ.items() if name} if "" in environ else environ
            self.pid = os.posix_spawn(argv[0], argv, named, file_actions=actions, setsigdef=_DEFAULT)
            _going_on.add(self.pid)
        except BaseException:
            for fd in self._ends:
                os.close(fd)
            raise
        finally:
            for fd in streams:
                os.close(fd)

    def end(self) -> None:
        """Stop it if nobody waited for it; only for what reads."""
        if self._ends:
            os.kill(self.pid, signal.SIGKILL)
            for fd in self._ends:
                os.close(fd)  # what it has started itself may hold them open
            self._ends = []
            self._let_go()

    def wait(self, timeout: float) -> tuple[int, bytes, bytes]:
        """Read until it ends.

        Args:
            timeout: seconds.

        Returns:
            Exit code (negative for a signal), standard output, standard error.

        Raises:
            TimeoutError: it did not end; it was killed.
        """
        deadline = time.monotonic() + timeout
        parts: dict[int, list[bytes]] = {fd: [] for fd in self._ends}
        poll = select.poll()
        for fd in self._ends:
            poll.register(fd, select.POLLIN)
        waiting = len(self._ends)
        try:
            while waiting:
                ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
                if not ready:
                    os.kill(self.pid, signal.SIGKILL)
                    self._let_go()
                    raise TimeoutError
                for fd, _ in ready:
                    data = os.read(fd, _STEP)
                    if data:
                        parts[fd].append(data)
                    else:
                        poll.unregister(fd)
                        waiting -= 1
        except KeyboardInterrupt:
            # It knows nothing of a signal to us alone. SIGTERM, so that git takes its locks away.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            self._let_go()
            raise
        finally:
            for fd in self._ends:
                os.close(fd)
            ends, self._ends = self._ends, []
        _going_on.discard(self.pid)  # and not after: its number may then be another's
        _, status = os.waitpid(self.pid, 0)
        out, messages = (b"".join(parts[fd]) for fd in ends)
        return os.waitstatus_to_exitcode(status), out, messages

    def _let_go(self) -> None:
        """See its end if it comes at once; one that waits for a server that is gone cannot even be killed."""
        _going_on.discard(self.pid)
        until = time.monotonic() + _LAST
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0) and time.monotonic() < until:
            time.sleep(0.005)


def _input(data: bytes | None) -> int:
    if data is None:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    fd = _scratch()
    fsio.write_all(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _scratch() -> int:
    """A file without a name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("xt", os.MFD_CLOEXEC)
    import tempfile

    fd, path = tempfile.mkstemp()
    os.unlink(path)
    return fd


def _above(fd: int, streams: list[int]) -> int:
    """The descriptor, moved above the standard ones if need be; the list is kept true for closing."""
    if fd > 2:
        return fd
    import fcntl

    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(fd)
    streams[streams.index(fd)] = moved
    return moved
