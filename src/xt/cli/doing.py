"""What is being done before a command starts: one line on a terminal, erased before it does."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from types import FrameType

from xt.render.cells import clip
from xt.render.visible import visible

#: Seconds before it is shown.
BEFORE = 0.5
#: Begin of the line, and erase to its end (ECMA-48 8.3.41).
_ERASE = "\r\x1b[K"
_COLUMNS = 79


class Doing:
    """The line. A timer draws it: a thread would be in the way of forks and namespaces."""

    def __init__(self, environ: Mapping[str, str], *, quiet: bool) -> None:
        """Begin; nothing is drawn yet.

        Args:
            environ: the variables; of them `TERM` counts.
            quiet: whether nothing is ever drawn.
        """
        self._active = not quiet and os.isatty(2) and environ.get("TERM") != "dumb"
        self._visible = False
        self._text: str | None = None
        self._before: Callable[[int, FrameType | None], object] | int | None = None

    def tell(self, doing: str) -> None:
        """Say what is being done; nothing when it is done."""
        if not self._active:
            return
        if not doing:
            self.close()
            return
        first, self._text = self._text is None, doing
        if self._visible:
            self._draw()
        elif first:
            self._before = signal.signal(signal.SIGALRM, self._due)
            signal.setitimer(signal.ITIMER_REAL, BEFORE)

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
        if self._text is not None:
            self._draw()
            self._visible = True

    def _draw(self) -> None:
        self._write(f"{_ERASE}{clip(visible(f'xt: {self._text} …'), _COLUMNS)}")

    def _write(self, text: str) -> None:
        try:
            os.write(2, text.encode("utf-8", "backslashreplace"))
        except OSError:
            self._active = False  # gone: there is nobody to tell
