r"""A terminal of its own for one output stream, as like the user's as can be.

The command keeps the user's terminal as its standard input and as `/dev/tty`; only where it writes
is replaced, by a pseudo-terminal that does no output processing, so that the bytes that are
captured are those that were written, and the user's terminal alone turns `\n` into `\r\n`. Session,
process group and controlling terminal stay the user's: Ctrl-C, Ctrl-Z and `fg` work by themselves.

A program that sets a mode on its output's terminal (curses does) means the terminal the user
types at, so what it changes is changed there too.
"""

from __future__ import annotations

import errno
import os
import signal
import termios
import threading
import time

from xt.execute.keyboard import Keyboard
from xt.execute.kin import descends

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Seconds after which the command is told again that its terminal has another size.
REMINDER = 0.1
#: Positions in the list that `termios.tcgetattr` returns.
IFLAG, OFLAG, CFLAG, LFLAG, CC = 0, 1, 2, 3, 6


class Terminal:
    """A pseudo-terminal that stands in for the user's, on one stream."""

    def __init__(self, real: int) -> None:
        """Open it with the modes and the size of `real`, the descriptor of the user's terminal.

        Raises:
            OSError: no pseudo-terminal can be had.
        """
        self.real = real
        self._lock = threading.Lock()
        self._closed = False
        self._remind_at: float | None = None
        self.master, self.slave = os.openpty()
        try:
            self._original = termios.tcgetattr(real)
            self._seen: list[Any] = []
            self._set_own(self._original)
            self.resize()
            self._keyboard = Keyboard(real, self.master, os.ttyname(self.slave))
        except BaseException as error:
            os.close(self.master)
            os.close(self.slave)
            if isinstance(error, termios.error):
                raise OSError(*error.args) from error
            raise

    def started(self) -> None:
        """Let go of the command's side, which the command has now."""
        os.close(self.slave)

    def close(self) -> None:
        """Bring over the modes that the command left, and let go of it."""
        self.mirror()
        with self._lock:
            self._closed = True
            os.close(self.master)

    def resize(self) -> bool:
        """Take over the size of the user's terminal; return whether it was another."""
        with self._lock:
            if self._closed:
                return False
            try:
                size = termios.tcgetwinsize(self.real)
                if size == termios.tcgetwinsize(self.master):
                    return False
                termios.tcsetwinsize(self.master, size)
            except termios.error:
                return False  # the user's terminal is gone; its last size stays
            return True

    def follow(self) -> bool:
        """Keep the user's terminal and this one alike; return whether to look again soon."""
        self.mirror()
        if self._remind_at and time.monotonic() > self._remind_at:
            self._remind_at = None
            os.killpg(os.getpgrp(), signal.SIGWINCH)
        with self._lock:
            if self._closed:
                return False
            raw = not self._seen[LFLAG] & termios.ICANON
            try:
                return self._keyboard.carry(raw and self._in_foreground())
            except OSError:
                return False  # the user's terminal is gone, or not for reading: nobody types at it

    def tell_size(self) -> None:
        """Tell the command, which may have asked too early, that the size is another; soon once more.

        The user's terminal told the whole group when it changed, but ours had the old size until now. A
        second signal so close to the first can find a program between looking for one and waiting.
        """
        os.killpg(os.getpgrp(), signal.SIGWINCH)
        self._remind_at = time.monotonic() + REMINDER

    def mirror(self) -> None:
        """Bring the user's terminal into the mode the command asked of this one, if it asked."""
        with self._lock:
            if self._closed:
                return
            try:
                wanted = termios.tcgetattr(self.master)
                if wanted == self._seen or not self._in_foreground():
                    return
                _set(self.real, self._changed(termios.tcgetattr(self.real), wanted))
            except termios.error:
                return  # closed on one of its sides: nobody asks for anything
            self._seen = wanted

    def stopped(self) -> None:
        """Take on the modes a shell gives its terminal while a job is stopped.

        So a command that asks for its own modes again when it goes on is seen to ask for something.
        """
        self.mirror()
        with self._lock:
            if not self._closed:
                try:
                    self._set_own(self._original)
                except termios.error:
                    return  # closed on the other side: nobody asks for anything

    def _set_own(self, attributes: list[Any]) -> None:
        own = list(attributes)
        own[OFLAG] &= ~termios.OPOST
        termios.tcsetattr(self.master, termios.TCSANOW, own)
        self._seen = termios.tcgetattr(self.master)

    def _changed(self, now: list[Any], wanted: list[Any]) -> list[Any]:
        """Apply what the command changed since it was last looked at; the rest may be from elsewhere."""
        result = list(now)
        for place in (IFLAG, OFLAG, LFLAG):
            asked = wanted[place] ^ self._seen[place]
            result[place] = now[place] & ~asked | wanted[place] & asked
        result[CC] = [
            new if new != old else current
            for current, old, new in zip(now[CC], self._seen[CC], wanted[CC], strict=True)
        ]
        # It found output processing off; whether it wants that shows in what goes with it (`cfmakeraw`).
        if not wanted[OFLAG] & termios.OPOST:
            raw = not wanted[LFLAG] & (termios.ICANON | termios.ISIG | termios.IEXTEN)
            keep = 0 if raw else self._original[OFLAG] & termios.OPOST
            result[OFLAG] = result[OFLAG] & ~termios.OPOST | keep
        return result

    def _in_foreground(self) -> bool:
        """Whether the user's terminal is with the command or what it started, not with another job."""
        try:
            group = os.tcgetpgrp(self.real)
        except OSError as error:
            # The controlling terminal of nobody here: whoever holds it may set it.
            return error.errno == errno.ENOTTY
        return group == os.getpgrp() or descends(group)


def _set(real: int, attributes: list[Any]) -> None:
    # Should another job have come to the foreground meanwhile, this must not stop us.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        termios.tcsetattr(real, termios.TCSANOW, attributes)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
