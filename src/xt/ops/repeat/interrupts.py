"""Signals that end a repeat: whatever is being done then, what was made is taken away first."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

#: Those that are sent to end a program; Ctrl-C, `kill`, and a terminal that is closed.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedRepeatError(KeyboardInterrupt):
    """A signal came before the command started."""

    def __init__(self, number: int) -> None:
        """Keep which one."""
        super().__init__()
        self.number = number


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Within it, signals that end raise `InterruptedRepeatError`; one that the caller ignores stays ignored.

    After it they are ignored: the process has tidied up and is about to end.
    """

    def interrupt(number: int, frame: object) -> None:
        raise InterruptedRepeatError(number)

    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        ignore()


def ignore() -> None:
    """From now on nothing cuts short what is left: as after every run, and while a workspace is removed."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
