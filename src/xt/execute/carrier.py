"""One stream: from the command to where it would have gone, and to the log."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import signal

from xt.context import sort_of
from xt.execute.logfile import LogFile
from xt.execute.spawn import IGNORED_BY_PYTHON
from xt.execute.terminal import Terminal

#: Asked of the kernel for our pipes, in bytes; fewer switches between the processes.
PIPE_SIZE = 1 << 20
F_SETPIPE_SZ = 1031
#: Copies standard input to standard output until its end, as POSIX has it in every system.
CARRY_ON = ("/bin/cat", "/usr/bin/cat")


class Carrier:
    """A stream's way; a `Pump` moves what is on it."""

    def __init__(self, sink: int, log: LogFile) -> None:
        """Prepare to carry to the descriptor `sink`, our standard output or error.

        Raises:
            OSError: no pipe or pseudo-terminal can be had.
        """
        self.log = log
        self.sink = sink
        self.open_at_end = False
        """Whether somebody else held it when the reading stopped."""
        self.carried_on = False
        """Whether what is written to it from then on still gets there, if not into the log."""
        self.sink_gone: str | None = None
        """Why the output does not reach its reader any more."""
        self.reader_left = False
        """Whether that is because the reader closed the pipe, as `head` does."""
        self.terminal: Terminal | None = None
        self._rest = memoryview(b"")
        if os.isatty(sink):
            self.terminal = Terminal(sink)
            self.source, self.theirs = self.terminal.master, self.terminal.slave
        else:
            self.source, self.theirs = os.pipe()
            # Over the user's allowance for pipes the usual size serves too.
            with contextlib.suppress(OSError):
                fcntl.fcntl(self.source, F_SETPIPE_SZ, PIPE_SIZE)
        os.set_blocking(self.source, False)

    def started(self) -> None:
        """Let go of the command's end of the stream."""
        if self.terminal:
            self.terminal.started()
        else:
            os.close(self.theirs)

    def leave(self) -> None:
        """Let go of a stream that somebody else still holds."""
        self.open_at_end = True
        if self.sink_gone is None and not self._rest:
            self.carried_on = _carry_on(self.source, self.sink)
        self.close()

    def close(self) -> None:
        """Let go of our end; what is written to the stream from now on fails."""
        if self.terminal:
            self.terminal.close()
        else:
            os.close(self.source)

    def follow(self) -> bool:
        """Keep the user's terminal and the command's alike; return whether to look again soon."""
        return self.terminal is not None and self.terminal.follow()

    def idle(self) -> bool:
        """Whether nothing waits to be carried."""
        ready = select.poll()
        ready.register(self.source, select.POLLIN)
        return not self._rest and not ready.poll(0)

    def step(self, buffer: bytearray) -> int:
        """Read once and pass it on.

        Args:
            buffer: to read into; nobody else's meanwhile.

        Returns:
            Bytes read; 0 when there was nothing after all, -1 at the end of the stream, be it that the
            command should find it closed.
        """
        if self._rest:  # an error came between reading it and passing it on
            return len(self._rest) if self._pass_on(self._rest) else -1
        try:
            count = os.readv(self.source, [buffer])
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno != errno.EIO:  # EIO is how a pseudo-terminal says that all have closed it
                self.log.give_up(f"could not be read on: {error.strerror}")
            return -1
        if count == 0:
            return -1
        self._rest = memoryview(buffer)[:count]
        self.follow()
        return count if self._pass_on(self._rest) else -1

    def _pass_on(self, data: memoryview) -> bool:
        """Write to the sink and to the log; False when the command should find its stream closed."""
        goes_on = True
        if self.sink_gone is None:
            try:
                self._deliver(data)
            except OSError as error:
                self.sink_gone = error.strerror
                # A closed pipe or a full disk is the command's business: its next write fails too.
                # Of a lost terminal SIGHUP tells it, and what it still writes is worth keeping.
                goes_on = self.terminal is not None
                self.reader_left = error.errno == errno.EPIPE
        self._rest = memoryview(b"")
        try:
            self.log.write(data)
        except Exception as error:  # whatever is wrong with the log, the command must not feel it
            self.log.give_up(f"{type(error).__name__}: {error}")
        return goes_on

    def _deliver(self, data: memoryview) -> None:
        while data:
            try:
                data = self._rest = data[os.write(self.sink, data) :]
            except BlockingIOError:
                # Somebody who shares our standard output made it non-blocking.
                ready = select.poll()
                ready.register(self.sink, select.POLLOUT)
                ready.poll()


def _carry_on(source: int, sink: int) -> bool:
    """Leave a process that passes a stream on until all have closed it: without it they would be ended.

    Not where a pipe is read: whoever waits for its end would wait for what was left behind.

    Args:
        source: our end of the stream; the process reads on where we stopped.
        sink: where it goes.

    Returns:
        Whether there is one.
    """
    if sort_of(sink) in ("pipe", "socket"):
        return False
    program = next((path for path in CARRY_ON if os.access(path, os.X_OK)), None)
    if program is None:
        return False
    try:
        os.set_blocking(source, True)
        os.posix_spawn(
            program,
            ["cat"],
            {},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, source, 0),
                (os.POSIX_SPAWN_DUP2, sink, 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                *((os.POSIX_SPAWN_CLOSE, fd) for fd in _inherited()),
            ],
            setsid=True,  # what is sent to the group or comes from the terminal is not for it
            setsigmask=(),
            setsigdef=[*IGNORED_BY_PYTHON, signal.SIGINT, signal.SIGQUIT],
        )
    except (OSError, NotImplementedError):
        return False
    return True


def _inherited() -> list[int]:
    """Descriptors of our caller, of a pipe perhaps whose end somebody waits for."""
    found = []
    for name in os.listdir("/dev/fd"):
        try:
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
        except OSError:
            continue  # the one that the folder was listed by
    return found
