"""An end for a search with a pattern that others wrote: `(a+)+b` can take longer than anybody waits."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class TooLongError(Exception):
    """The processor time is used up."""


class Limit:
    """Ends a search by a timer of this process's own processor time; `re` looks for signals as it runs.

    Only the main thread can do that, and only where nobody else uses the timer; elsewhere there is no limit.
    """

    def __init__(self, seconds: float) -> None:
        """Prepare.

        Args:
            seconds: of processor time, after which `TooLongError` is raised.
        """
        self._seconds = seconds

    def __enter__(self) -> None:
        self.before = None
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0
        ):
            self.before = signal.getsignal(signal.SIGVTALRM)
        if self.before is not None:
            signal.signal(signal.SIGVTALRM, self.stop)
            signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds)

    def __exit__(self, *_: object) -> None:
        if self.before is not None:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, self.before)

    def stop(self, number: int, frame: FrameType | None) -> None:
        """What the timer calls."""
        raise TooLongError
