"""What is being done before a command starts and after it ended: one line on a terminal, erased at last."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Protocol

from xt.context import in_ci

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.render.progress import Progress

#: Seconds before it is shown, and between two drawings.
BEFORE, BETWEEN = 0.5, 0.25
#: Begin of the line, and erase to its end (ECMA-48 8.3.41).
_ERASE = "\r\x1b[K"


class Amount(Protocol):
    """How many bytes are to be worked through, and have been."""

    @property
    def done(self) -> int:
        """Bytes."""

    @property
    def total(self) -> int:
        """Bytes, as far as is known; 0 while nothing is."""


class Doing:
    """The line. A timer draws it: a thread would be in the way of forks and namespaces.

    What it needs is loaded when it is drawn first, which it hardly ever is.
    """

    def __init__(self, environ: Mapping[str, str], *, quiet: bool) -> None:
        """Begin; nothing is drawn yet.

        Args:
            environ: the variables; of them `TERM` and those of CI count.
            quiet: whether nothing is ever drawn.
        """
        self._environ = environ
        self._active = (
            not quiet and os.isatty(2) and environ.get("TERM") != "dumb" and not in_ci(environ) and _is_free()
        )
        self._visible = False
        self._text: str | None = None
        self._amount: Amount | None = None
        self._progress: Progress | None = None
        self._began = 0.0
        self._before: Callable[[int, FrameType | None], object] | int | None = None

    def tell(self, doing: str, amount: Amount | None = None) -> None:
        """Say what is being done; nothing when it is done.

        Args:
            doing: what.
            amount: how much of it is done, where that is known; it is looked at now and then.
        """
        if not self._active:
            return
        if not doing:
            self.close()
            return
        first, self._text, self._amount = self._text is None, doing, amount
        self._progress, self._began = None, time.monotonic()
        if self._visible:
            self._draw()
        elif first:
            self._before = signal.signal(signal.SIGALRM, self._due)
            signal.setitimer(signal.ITIMER_REAL, BEFORE, BETWEEN)

    def close(self) -> None:
        """Take the line away; what is printed next begins where it began."""
        if self._text is None:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        self._text = None
        if self._visible:
            self._write(_ERASE)
            self._visible = False

    def _due(self, number: int, frame: FrameType | None) -> None:
        if self._text is not None and (self._amount is not None or not self._visible):
            self._draw()
            self._visible = True

    def _draw(self) -> None:
        # Whatever is wrong with it, the work goes on.
        with contextlib.suppress(Exception):
            if self._amount is not None and self._amount.total:
                self._draw_amount(self._amount)
            else:
                self._draw_text()

    def _draw_text(self) -> None:
        from xt.render.cells import clip
        from xt.render.progress import BESIDE
        from xt.render.terminal import width
        from xt.render.visible import visible

        room = max(width(sys.stderr, self._environ) - BESIDE, 1)
        self._write(f"{_ERASE}{clip(visible(f'xt: {self._text} …'), room)}")

    def _draw_amount(self, amount: Amount) -> None:
        from xt.render.progress import Progress

        if self._progress is None:
            waited = time.monotonic() - self._began
            label = f"xt: {self._text}"
            self._progress = Progress(sys.stderr, self._environ, label, of_bytes=True, waited=waited)
        self._progress.step(min(amount.done, amount.total), amount.total)

    def _write(self, text: str) -> None:
        try:
            os.write(2, text.encode("utf-8", "backslashreplace"))
        except OSError:
            self._active = False  # gone: there is nobody to tell


@contextlib.contextmanager
def saying(doing: str, environ: Mapping[str, str]) -> Iterator[None]:
    """Say what is being done while it is done; nothing where that is done in a moment.

    Args:
        doing: what.
        environ: see `Doing`.
    """
    line = Doing(environ, quiet=False)
    line.tell(doing)
    try:
        yield
    finally:
        line.close()


def _is_free() -> bool:
    """Whether the timer is ours to take: whoever started us may have set it, or does not want its signal."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    return signal.SIGALRM not in blocked and signal.getitimer(signal.ITIMER_REAL)[0] == 0.0
