"""Put signals off while something must be finished, whichever thread they reach."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

from xt.ops.verify.trials import ENDING


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Within it, signals that end are noted; they come when it is left."""
    came: list[int] = []
    before = {}
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for one in dict.fromkeys(came):
            os.kill(os.getpid(), one)


@contextlib.contextmanager
def blocked() -> Iterator[None]:
    """Within it, threads that begin never get such signals, so that they interrupt who waits."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
