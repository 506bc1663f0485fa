"""Points of metrics on their way into the record: any number of them in bounded memory. A leaf.

A series is JSON Lines, `{"step":1,"value":0.5}` a point, in the order the points came; `step` is left
out where none was said. It is kept in memory until all series together pass `MEMORY`; then every one
is appended to a file of its own under `.xt/cache`, which the store takes over in the end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

import msgspec

from xt import fsio
from xt.collect import Capture
from xt.collect.numbers import Value
from xt.errors import XtError
from xt.redact import MASK, clean

#: Bytes of points held in memory.
MEMORY = 32_000_000
#: Distinct metrics of one run, by name and labels; more are counted and left out.
MAX_SERIES = 10_000

_encoder = msgspec.json.Encoder()
_NO_LABELS: tuple[tuple[str, str], ...] = ()


class Point(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of a series."""

    value: Value
    step: float | int | None = None


class Series:
    """The points of one metric from one source."""

    def __init__(self, book: Book, name: str, labels: dict[str, str], source: str, rank: int) -> None:
        """Start empty.

        Args:
            book: what it belongs to.
            name: of the metric.
            labels: of the metric.
            source: as `Metric.source`.
            rank: how strong the source is; the higher wins.
        """
        self.book = book
        self.name = name
        self.labels = labels
        self.source = source
        self.rank = rank
        self.single = False
        """Whether the source keeps values in single precision."""
        self.count = 0
        self.value: Value = 0
        self.step: float | int | None = None
        self.buffer = bytearray()
        self.path: str | None = None

    def add(self, value: Value, step: float | int | None = None) -> None:
        """Append a point."""
        self.count += 1
        self.value = value
        self.step = step
        if self.book.broken:
            return
        before = len(self.buffer)
        _encoder.encode_into(Point(value, step), self.buffer, -1)
        self.buffer += b"\n"
        self.book.held += len(self.buffer) - before
        if self.book.held > MEMORY:
            self.book.spill()

    def spill(self) -> None:
        """Move the points held in memory to the file.

        Raises:
            OSError: the disk is full, say.
        """
        if self.path is None:
            folder = os.path.join(self.book.capture.store, "cache")
            os.makedirs(folder, fsio.PRIVATE_DIR, exist_ok=True)
            token = self.book.capture.outside.random_bytes(8).hex()
            self.path = os.path.join(folder, f"series.{os.getpid()}.{token}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self.path, flags, fsio.PRIVATE_FILE)
        try:
            fsio.write_all(fd, memoryview(self.buffer))
        finally:
            os.close(fd)
        self.buffer.clear()

    def keep(self) -> str | None:
        """Give the points to the store; None for a single one, which the metric itself says.

        Raises:
            OSError: they cannot be kept.
            XtError: the store refuses.
        """
        if self.count < 2 or self.book.broken:
            return None
        if self.path is None:
            return self.book.capture.keep.put_bytes(bytes(self.buffer))
        self.spill()
        return self.book.capture.keep.put_file(self.path)[0]

    def drop(self) -> None:
        """Forget the points and remove their file."""
        self.book.held -= len(self.buffer)
        self.buffer = bytearray()
        if self.path is not None:
            path, self.path = self.path, None
            os.unlink(path)


class Book:
    """All series of a run."""

    def __init__(self, capture: Capture) -> None:
        """Start empty."""
        self.capture = capture
        self.held = 0
        self.left_out = 0
        self.broken = False
        """Whether points could not be written; the values are right, and no series is kept."""
        self.goals: dict[str, Literal["min", "max"]] = {}
        """Which way of a metric is better, where a source says it; what is declared wins."""
        self._series: dict[tuple[str, str, tuple[tuple[str, str], ...]], Series] = {}

    def __iter__(self) -> Iterator[Series]:
        """Iterate over the series in the order they were begun."""
        return iter(self._series.values())

    def series(
        self, name: str, source: str, rank: int, labels: dict[str, str] | None = None
    ) -> Series | None:
        """Find or begin a series.

        Returns:
            None when there are too many; `left_out` then counts the points.
        """
        key = (source, name, tuple(sorted(labels.items())) if labels else _NO_LABELS)
        found = self._series.get(key)
        if found is None:
            if len(self._series) >= MAX_SERIES:
                self.left_out += 1
                return None
            labels = {key: clean(said) for key, said in labels.items()} if labels else {}
            shown = clean(written := _printable(name))
            if shown != written:
                source = f"{source.partition(':')[0]}:{MASK}"  # it says where, by that name
            found = Series(self, shown, labels, source, rank)
            self._series[key] = found
        return found

    def forget(self, series: Series) -> None:
        """Take a series out again."""
        self._series = {key: one for key, one in self._series.items() if one is not series}
        series.drop()

    def spill(self) -> None:
        """Move all points to files; when that fails, values are still gathered, and series no more."""
        try:
            for series in self:
                if series.buffer:
                    series.spill()
        except OSError as error:
            self.broken = True
            self.capture.problem(
                "metrics", f"no series is kept, only values: points could not be written: {error}"
            )
            for series in self:
                # Not cleared: the error may still hold a view of it.
                series.buffer = bytearray()
        self.held = 0

    def close(self) -> None:
        """Remove the files; what cannot be removed is disposable, and said."""
        for series in self:
            try:
                series.drop()
            except OSError as error:
                self.capture.problem("metrics", f"a temporary file of `{series.name}` stays behind: {error}")

    def digest(self, series: Series) -> str | None:
        """Keep a series, or say that it could not be."""
        try:
            return series.keep()
        except (OSError, XtError) as error:
            self.capture.problem("metrics", f"the series of `{series.name}` was not kept: {error}")
            return None


def _printable(name: str) -> str:
    """Make a name fit for JSON: a file may hold half of a surrogate pair."""
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode()
