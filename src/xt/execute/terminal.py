r"""A terminal of its own for one output stream, as like the user's as can be.

The command keeps the user's terminal as its standard input and as `/dev/tty`; only where it writes
is replaced, by a pseudo-terminal that does no output processing, so that the bytes that are
captured are those that were written, and the user's terminal alone turns `\n` into `\r\n`. Session,
process group and controlling terminal stay the user's: Ctrl-C, Ctrl-Z and `fg` work by themselves.

A program that sets a mode on its output's terminal (curses does) means the terminal the user
types at, so modes are mirrored from the one to the other.
"""

from __future__ import annotations

import contextlib
import os
import signal
import termios

#: Positions in the list that `termios.tcgetattr` returns.
IFLAG, OFLAG, CFLAG, LFLAG = 0, 1, 2, 3


class Terminal:
    """A pseudo-terminal that stands in for the user's, on one stream."""

    def __init__(self, real: int) -> None:
        """Open it with the modes and the size of `real`, the descriptor of the user's terminal.

        Raises:
            OSError, termios.error: no pseudo-terminal can be had.
        """
        self.real = real
        self._original = termios.tcgetattr(real)
        self.master, self.slave = os.openpty()
        try:
            attributes = termios.tcgetattr(real)
            attributes[OFLAG] &= ~termios.OPOST
            termios.tcsetattr(self.slave, termios.TCSANOW, attributes)
            self._initial = self._seen = termios.tcgetattr(self.slave)
            self.resize()
        except BaseException:
            os.close(self.master)
            os.close(self.slave)
            raise

    def resize(self) -> bool:
        """Take over the size of the user's terminal; return whether it was another."""
        try:
            size = termios.tcgetwinsize(self.real)
            if size == termios.tcgetwinsize(self.master):
                return False
            termios.tcsetwinsize(self.master, size)
        except termios.error:
            return False  # the user's terminal is gone; its last size stays
        return True

    def mirror(self) -> None:
        """Bring the user's terminal into the mode the command asked of this one, if it asked."""
        try:
            wanted = termios.tcgetattr(self.master)
        except termios.error:
            return  # closed on the other side: nobody asks for anything
        if wanted == self._seen:
            return
        self._seen = wanted
        attributes = list(wanted)
        attributes[CFLAG] = self._original[CFLAG]
        if wanted[LFLAG] & termios.ICANON:
            # Line mode: the user's output processing, except for what the command changed itself.
            attributes[OFLAG] = self._original[OFLAG] ^ (wanted[OFLAG] ^ self._initial[OFLAG])
        # Else a full-screen program: it was told that output is not processed, and reckons with that.
        with contextlib.suppress(termios.error, ProcessLookupError):
            if os.tcgetpgrp(self.real) == os.getpgrp():
                _set(self.real, attributes)

    def started(self) -> None:
        """Let go of the command's side, which the command has now."""
        os.close(self.slave)


def _set(real: int, attributes: list[object]) -> None:
    # Should another job have come to the foreground meanwhile, this must not stop us.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        termios.tcsetattr(real, termios.TCSANOW, attributes)  # type: ignore[arg-type]
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
