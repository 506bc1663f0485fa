"""How far long work is, on standard error, while it goes on.

On a terminal one line that is drawn over and erased at the end; where CI collects a log, a line a minute;
elsewhere nothing. No thread draws it, because processes that are forked must not inherit a lock that one
held: whoever waits for the work calls `tick` meanwhile, a few times a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from xt.context import in_ci
from xt.render.cells import cells, clip
from xt.render.quantities import size
from xt.render.styled import Line, measure, paint, say
from xt.render.terminal import colour, width

#: Seconds before the bar appears, between two drawings, and between two lines in CI.
BEFORE, BETWEEN, MINUTE = 0.5, 0.1, 60.0
#: Cells of the bar: at most, and below which it is left out.
BAR, LEAST_BAR = 30, 8
#: Cells of the label in a narrow terminal.
LABEL = 12
#: Cells left for the `^C` that a terminal writes, with which a full line could not be erased any more.
BESIDE = 3
#: Begin of the line, and erase to its end (ECMA-48 8.3.41).
_ERASE = "\r\x1b[K"


class Stream(Protocol):
    """What is needed of a stream."""

    def write(self, text: str, /) -> object:
        """Take text."""

    def flush(self) -> object:
        """Hand it on."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""


class Progress:
    """One piece of long work, in steps of about the same length."""

    def __init__(
        self,
        stream: Stream | None,
        environ: Mapping[str, str],
        label: str,
        clock: Callable[[], float] = time.monotonic,
        *,
        of_bytes: bool = False,
        waited: float = 0.0,
    ) -> None:
        """Begin; nothing is drawn yet.

        Args:
            stream: where to, such as `sys.stderr`; None draws nothing.
            environ: the variables; of them those of CI, `TERM`, `NO_COLOR` and `COLUMNS` count.
            label: what is done, such as `repeating nrqs`.
            clock: seconds that never jump.
            of_bytes: whether steps are bytes, of which the rate is of interest too.
            waited: seconds for which the work has been going on.
        """
        self._stream = stream
        self._environ = environ
        self.label = say(label).text
        self._clock = clock
        self._began = self._last_step = clock() - waited
        self._of_bytes = of_bytes
        self._drawn: float | None = None
        self._visible = False
        self._done = self._total = 0
        terminal = _is_terminal(stream)
        ci = in_ci(environ)
        self._in_place = terminal and not ci and environ.get("TERM") != "dumb"
        self._by_line = not self._in_place and ci

    def step(self, done: int, total: int) -> None:
        """Say how much is done.

        Args:
            done: steps that are finished.
            total: steps in all, as far as is known; it may change.
        """
        if done != self._done:
            self._last_step = self._clock()
        self._done, self._total = done, total
        self.tick()

    def tick(self) -> None:
        """Draw again if it is time to; never raises for a stream that is gone."""
        now = self._clock()
        if self._in_place:
            due = now - self._began >= BEFORE and (self._drawn is None or now - self._drawn >= BETWEEN)
            if due and self._total:
                room = max(width(self._stream, self._environ) - BESIDE, 1)
                self._write(_ERASE + paint(self._bar(now, room), colour(self._stream, self._environ)))
                self._visible = True
                self._drawn = now
        elif (
            self._by_line
            and self._total
            and now - (self._began if self._drawn is None else self._drawn) >= MINUTE
        ):
            left = self._left(now)
            after = f", {left} left" if left else ""
            done, total = self._numbers()
            self._write(f"xt: {self.label}: {done} of {total}{after}\n")
            self._drawn = now

    def close(self) -> None:
        """Take the line away; what is printed next begins where it began."""
        if self._visible:
            self._write(_ERASE)
            self._visible = False

    def _bar(self, now: float, room: int) -> Line:
        """`repeating nrqs  ━━━━━━━────  3/8  0:01:07 left`, or of it what fits."""
        done_of, total = self._numbers()
        numbers = f"{done_of} of {total}" if self._of_bytes else f"{done_of}/{total}"
        left = self._left(now)
        after = f"  {left} left" if left else ""
        if self._of_bytes and left:
            rate = f"  {size(round(self._done / max(self._last_step - self._began, 0.001)))}/s"
            if cells(self.label) + 2 + len(numbers + rate + after) <= room:
                after = rate + after
        label = self.label
        if cells(label) + 2 + len(numbers + after) > room:
            label = clip(label, max(min(LABEL, room - len(numbers) - 2), 0))
        if cells(label) + 2 + len(numbers + after) > room:
            after = ""
        bar = min(BAR, room - cells(label) - len(numbers) - len(after) - 4)
        line: Line = [say(label)] if label else []
        if bar >= LEAST_BAR:
            full = min(bar * self._done // self._total, bar)
            done, rest = ("━", "─") if self._can_show("━─") else ("#", "-")
            line += [say("  "), say(done * full, "accent"), say(rest * (bar - full), "dim")]
        line += [say("  " if line else ""), say(numbers), say(after, "dim")]
        return line if measure(line) <= room else []

    def _numbers(self) -> tuple[str, str]:
        if self._of_bytes:
            return size(self._done), size(self._total)
        return str(self._done), str(self._total)

    def _left(self, now: float) -> str:
        """Time left as `H:MM:SS`, from the mean of the steps that are finished; '' when none is."""
        if not 0 < self._done < self._total:
            return ""
        mean = (self._last_step - self._began) / self._done
        # What the step in progress has taken already is not to come any more.
        seconds = max(0.0, mean * (self._total - self._done) - (now - self._last_step))
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"

    def _can_show(self, text: str) -> bool:
        try:
            text.encode(getattr(self._stream, "encoding", None) or "utf-8")
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None  # gone: the work goes on


def _is_terminal(stream: Stream | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except (OSError, ValueError):
        return False  # closed
