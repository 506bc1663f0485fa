"""Carry one stream from the command to where it would have gone, and to the log."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import threading
import time

from xt.execute.logfile import LogFile
from xt.execute.terminal import Terminal

#: Bytes read at a time.
BUFFER = 1 << 18
#: Asked of the kernel for our pipes; fewer switches between the processes.
PIPE_SIZE = 1 << 20
F_SETPIPE_SZ = 1031
#: Reads smaller than this, coming one after the other, are collected for a moment …
SMALL = 4096
#: … after so many of them in a row …
PATIENCE = 16
#: … for so long, in seconds. A person does not see it; a program that flushes every line is not slowed.
PAUSE = 0.001
#: How often the modes of a terminal are looked at while nothing is written, in seconds.
LOOK = 0.1


class Carrier(threading.Thread):
    """Reads a stream until its end.

    One thread per stream, so that a reader who does not read the one does not hold up the other.
    """

    def __init__(self, sink: int, log: LogFile, grace: float, idle_grace: float) -> None:
        """Prepare to carry to the descriptor `sink`.

        Args:
            sink: our standard output or error.
            log: where it is stored.
            grace: seconds to read on after `ended`, while somebody else holds the stream.
            idle_grace: of these, seconds of silence after which to stop.

        Raises:
            OSError: no pipe or pseudo-terminal can be had.
        """
        super().__init__(name=f"xt-{log.name}", daemon=True)
        self.log = log
        self.open_at_end = False
        self.sink_gone: str | None = None
        """Why the output does not reach its reader any more."""
        self.reader_left = False
        """Whether that is because the reader closed the pipe, as `head` does."""
        self.terminal: Terminal | None = None
        self._sink = sink
        self._grace, self._idle_grace = grace, idle_grace
        self._deadline: float | None = None
        if os.isatty(sink):
            self.terminal = Terminal(sink)
            self._source, self.theirs = self.terminal.master, self.terminal.slave
        else:
            self._source, self.theirs = os.pipe()
            # Over the user's allowance for pipes the usual size serves too.
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._source, F_SETPIPE_SZ, PIPE_SIZE)
        self._wake_read, self._wake_write = os.pipe()
        self._woken = False
        os.set_blocking(self._source, False)

    def started(self) -> None:
        """Let go of the command's end of the stream."""
        if self.terminal:
            self.terminal.started()
        else:
            os.close(self.theirs)

    def ended(self) -> None:
        """Say that the command has ended: read what is left, not longer than the grace."""
        self._deadline = time.monotonic() + self._grace
        os.close(self._wake_write)

    def run(self) -> None:
        """Carry until the end of the stream."""
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        poll.register(self._wake_read, 0)  # only its closing is of interest
        buffer = bytearray(BUFFER)
        view = memoryview(buffer)
        small, last = 0, 0.0
        while True:
            if not poll.poll(self._wait()):
                if self.terminal:
                    self.terminal.mirror()
                if self._deadline is not None:
                    self.open_at_end = True
                    break
                continue
            if self._deadline is not None and not self._woken:
                self._woken = True
                poll.unregister(self._wake_read)  # its hang-up would end every wait at once
            try:
                count = os.readv(self._source, [buffer])
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno != errno.EIO:  # EIO is how a pseudo-terminal says that all have closed it
                    self.log.reason = f"could not be read on: {error.strerror}"
                break
            if count == 0:
                break
            if self.terminal:
                self.terminal.mirror()
            if not self._pass_on(view[:count]):
                break
            if self._deadline is not None and time.monotonic() > self._deadline:
                self.open_at_end = True
                break
            now = time.monotonic()
            small = small + 1 if count < SMALL and now - last < PAUSE else 0
            if small > PATIENCE and self._deadline is None:
                time.sleep(PAUSE)
                now = time.monotonic()
            last = now
        if self.terminal:
            self.terminal.mirror()
        os.close(self._source)
        os.close(self._wake_read)

    def _wait(self) -> float | None:
        """Milliseconds to wait for output, None for as long as it takes."""
        if self._deadline is None:
            return LOOK * 1000 if self.terminal else None
        return max(0.0, min(self._idle_grace, self._deadline - time.monotonic())) * 1000

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
        try:
            self.log.write(data)
        except Exception as error:  # whatever is wrong with the log, the command must not feel it
            self.log.give_up(f"{type(error).__name__}: {error}")
        return goes_on

    def _deliver(self, data: memoryview) -> None:
        while data:
            try:
                data = data[os.write(self._sink, data) :]
            except BlockingIOError:
                # Somebody who shares our standard output made it non-blocking.
                ready = select.poll()
                ready.register(self._sink, select.POLLOUT)
                ready.poll()
