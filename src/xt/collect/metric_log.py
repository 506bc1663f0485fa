"""Metrics out of the log: patterns over each line, streamed. A leaf of the metric collector.

A line ends at a line feed or a carriage return, so every state of a progress bar counts; control
sequences (colours) are taken out first, so a pattern sees what a person sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from xt.collect.numbers import number_in
from xt.collect.series import Book, Series
from xt.declare import compile_pattern
from xt.limit import Limit, TooLongError
from xt.model.snapshot import MetricSpec

#: Bytes of a line that patterns see; the rest of a longer one is passed over.
MAX_LINE = 65_536
#: Seconds of processor time for one pattern and one chunk of the log (of a MB, usually), where 0.02
#: is common: a pattern like `(a+)+b` can take longer than the universe has on one line.
MAX_SECONDS = 10.0

# CSI and OSC sequences, ECMA-48 5.4 and 5.6.
_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")


class _Search:
    """One pattern on its way through the log."""

    def __init__(self, spec: MetricSpec, pattern: re.Pattern[str], rank: int) -> None:
        self.spec = spec
        self.pattern = pattern
        self.rank = rank
        self.group = 1 if pattern.groups else 0
        self.series: Series | None = None
        self.misfits = 0
        self.first_misfit = ""

    def match(self, texts: list[str]) -> list[str]:
        """Search lines; only this is timed, so that being interrupted leaves nothing half done."""
        return [
            said
            for text in texts
            for found in self.pattern.finditer(text)
            if (said := found.group(self.group)) is not None
        ]

    def add(self, said: list[str], book: Book) -> None:
        for text in said:
            value = number_in(text)
            if value is None:
                self.misfits += 1
                self.first_misfit = self.first_misfit or text
                continue
            if self.series is None:
                self.series = book.series(self.spec.name, f"log:{self.spec.pattern}", self.rank)
            if self.series is not None:
                self.series.add(value)


def search(logs: Mapping[str, Iterable[bytes]], specs: list[MetricSpec], book: Book, rank: int) -> None:
    """Search the log for declared patterns; what is found goes into the book, the rest is a problem.

    Args:
        logs: by stream; `stdout` is searched before `stderr`. Each is read at most once.
        specs: those with a pattern.
        book: where points go.
        rank: of the source.
    """
    capture = book.capture
    active: list[_Search] = []
    for spec in specs:
        try:
            active.append(_Search(spec, compile_pattern(spec.pattern or ""), rank))
        except (re.error, RecursionError, OverflowError) as error:
            capture.problem("metrics", f"`{spec.name}`: the pattern cannot be used: {error}")
    cut = 0
    for stream in sorted(logs, key=lambda name: name != "stdout"):
        if not active:
            break
        try:
            for batch, cut_here in _batches(logs[stream]):
                cut += cut_here
                active = [one for one in active if _in_time(one, batch, book)]
        except OSError as error:
            capture.problem("metrics", f"{stream} could not be searched to its end: {error}")
    for one in active:
        _tell(one, book)
    if cut:
        capture.problem(
            "metrics", f"{cut} lines of the log were searched in their first {MAX_LINE} bytes only"
        )


def _in_time(one: _Search, batch: list[str], book: Book) -> bool:
    """Match one batch; a pattern that runs away is given up, with all it found."""
    try:
        with Limit(MAX_SECONDS):
            said = one.match(batch)
    except TooLongError:
        book.capture.problem(
            "metrics",
            f"`{one.spec.name}`: the pattern `{one.spec.pattern}` took more than {MAX_SECONDS:g} s on a part"
            " of the log and was given up",
            "a repetition inside a repetition, such as `(a+)+`, is the usual reason",
        )
        if one.series is not None:
            book.forget(one.series)
        return False
    one.add(said, book)
    return True


def _tell(one: _Search, book: Book) -> None:
    if one.misfits:
        times = "once" if one.misfits == 1 else f"{one.misfits} times"
        book.capture.problem(
            "metrics",
            f"`{one.spec.name}`: the pattern matched {times} what is not a number,"
            f" first `{one.first_misfit[:60]}`",
            "put the number into the pattern's first group",
        )
    elif one.series is None:
        book.capture.problem(
            "metrics", f"`{one.spec.name}`: the pattern `{one.spec.pattern}` matches nothing in the log"
        )


def _batches(chunks: Iterable[bytes]) -> Iterator[tuple[list[str], int]]:
    """Make lines of chunks, however they are cut.

    Yields:
        The lines that end in a chunk, without control sequences, and how many of them were cut.
    """
    held = b""
    length = 0
    for chunk in chunks:
        first, *more = chunk.replace(b"\r", b"\n").split(b"\n")
        length += len(first)
        held += first[: MAX_LINE - len(held)]
        if not more:
            continue
        lines = [held, *(line[:MAX_LINE] for line in more[:-1])]
        cut = (length > MAX_LINE) + sum(len(line) > MAX_LINE for line in more[:-1])
        yield [_text(line) for line in lines if line], cut
        length = len(more[-1])
        held = more[-1][:MAX_LINE]
    if held:
        yield [_text(held)], int(length > MAX_LINE)


def _text(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return _CONTROL.sub("", text) if "\x1b" in text else text
