"""Move what is on the streams, until their ends.

One thread for each place that output goes to: a reader who takes nothing from the one stream does not
hold up the other. Streams that go to the same terminal share a thread, which sees to it that what they
say comes in the order it was said.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import select
import time

from xt.execute.carrier import PIPE_SIZE, Carrier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Bytes read at a time.
BUFFER = 1 << 18
#: Reads smaller than this, coming one after the other, are collected for a moment …
SMALL = 4096
#: … after so many of them in a row …
PATIENCE = 16
#: … for so long, in seconds. A person does not see it; a program that flushes every line is not slowed.
PAUSE = 0.001
#: How often the modes of a terminal are looked at while nothing is written, in seconds …
LOOK = 0.1
#: … and how often when it may be typed at.
LOOK_AT_KEYS = 0.02
#: Errors of our own, one after the other without a byte moved, after which streams are closed.
FAILURES = 3


class Pump:
    """Carries one stream, or those that share a terminal, in a thread of its own.

    Not a `threading.Thread`: starting one waits until it runs, three tenths of a millisecond each.
    """

    def __init__(self, carriers: list[Carrier], grace: float, idle_grace: float) -> None:
        """Prepare to carry.

        Args:
            carriers: of the streams.
            grace: seconds to read on after `ended`, while somebody else holds a stream.
            idle_grace: of these, seconds of silence after which to stop.

        Raises:
            OSError: no more descriptors can be had.
        """
        self.carriers = carriers
        self._grace, self._idle_grace = grace, idle_grace
        self._live = {carrier.source: carrier for carrier in carriers}
        self._look = LOOK if any(carrier.terminal for carrier in carriers) else None
        self._deadline: float | None = None
        self._since_end = self._failures = 0
        self._busy = False
        self._over = _thread.allocate_lock()
        self._buffer: bytearray | None = None
        self._wake_read, self._wake_write = os.pipe()
        # Level-triggered and armed anew after each read, epoll gives streams in the order they became
        # ready in (its ready list is a queue); poll gives them in that of the numbers.
        self._poll: Any
        if hasattr(select, "epoll"):
            self._poll, self._in, self._unit = select.epoll(), select.EPOLLIN | select.EPOLLONESHOT, 1.0
        else:
            self._poll, self._in, self._unit = select.poll(), select.POLLIN, 1000.0
        for source in self._live:
            self._poll.register(source, self._in)
        self._poll.register(self._wake_read, 0)  # only its closing is of interest

    def start(self) -> None:
        """Begin.

        Raises:
            RuntimeError: no thread can be had.
        """
        self._over.acquire()
        _thread.start_new_thread(self._run, ())

    def join(self, seconds: float) -> bool:
        """Wait for the end of all streams, so long at most; return whether it was reached."""
        if not self._over.acquire(timeout=seconds):
            return False
        self._over.release()
        return True

    def ended(self) -> None:
        """Say that the command has ended: read what is left, not longer than the grace."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._grace
            os.close(self._wake_write)

    def settle(self, seconds: float) -> None:
        """Wait until what was written so far has been carried."""
        until = time.monotonic() + seconds
        while self._live and time.monotonic() < until:
            if not self._busy and all(carrier.idle() for carrier in list(self._live.values())):
                return
            time.sleep(PAUSE)

    def _run(self) -> None:
        try:
            while self._live:
                try:
                    self._carry()
                except Exception as error:  # a bug of ours must not become the command's
                    self._failed(error)
            os.close(self._wake_read)
            if hasattr(self._poll, "close"):
                self._poll.close()
        finally:
            self._over.release()

    def _carry(self) -> None:
        small, last = 0, 0.0
        pausing = len(self._live) == 1  # with two, the order would suffer
        while self._live:
            self._busy = False
            ready = self._poll.poll(self._patience())
            self._busy = True
            if not ready:
                if self._look is not None:
                    typed = [carrier.follow() for carrier in self._live.values()]
                    self._look = LOOK_AT_KEYS if any(typed) else LOOK
                if self._deadline is not None:
                    self._leave_open()
                continue
            count = 0
            for source, _ in ready:
                if source == self._wake_read:
                    self._poll.unregister(source)  # its hang-up would end every wait at once
                elif self._deadline is not None and self._is_late():
                    self._leave_open()
                    return
                else:
                    count = self._step(source)
            now = time.monotonic()
            small = small + 1 if 0 < count < SMALL and now - last < PAUSE else 0
            if small > PATIENCE and pausing and self._deadline is None:
                time.sleep(PAUSE)
                now = time.monotonic()
            last = now

    def _step(self, source: int) -> int:
        carrier = self._live[source]
        if self._buffer is None:
            self._buffer = bytearray(BUFFER)
        count = carrier.step(self._buffer)
        self._failures = 0
        if count < 0:
            self._let_go(source)
        else:
            if self._deadline is not None:
                self._since_end += count
            self._poll.modify(source, self._in)
        return count

    def _patience(self) -> float | None:
        """How long to wait for output in the poll's unit, None for as long as it takes."""
        if self._deadline is None:
            return self._look and self._look * self._unit
        return max(0.0, min(self._idle_grace, self._deadline - time.monotonic())) * self._unit

    def _is_late(self) -> bool:
        """Whether the grace is over, and all was read that the command itself can have left behind."""
        all_read = self._since_end >= PIPE_SIZE * len(self.carriers)
        return all_read and time.monotonic() > (self._deadline or 0.0)

    def _leave_open(self) -> None:
        for source in list(self._live):
            self._poll.unregister(source)
            self._live.pop(source).leave()

    def _let_go(self, source: int) -> None:
        self._poll.unregister(source)
        self._live.pop(source).close()

    def _failed(self, error: Exception) -> None:
        """Go on without a log; without the streams when even that fails."""
        self._failures += 1
        for carrier in self._live.values():
            carrier.log.give_up(f"{type(error).__name__}: {error}")
        for source, carrier in list(self._live.items()):
            with contextlib.suppress(OSError, KeyError):
                if self._failures <= FAILURES:
                    self._poll.modify(source, self._in)
                    continue
            del self._live[source]
            with contextlib.suppress(OSError):
                carrier.close()
