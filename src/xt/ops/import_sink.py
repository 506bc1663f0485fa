"""Where readers of foreign formats put what they find, within bounds."""

from __future__ import annotations

import contextlib
import os
from typing import Any, BinaryIO, Literal

import msgspec

from xt import fsio
from xt.collect import Capture
from xt.collect.documents import DocumentError
from xt.collect.numbers import Value, number, number_in
from xt.collect.params import flattened
from xt.collect.scalars import json_safe, scalar
from xt.collect.series import Book
from xt.errors import XtError
from xt.model.result import Derived
from xt.model.snapshot import Param
from xt.model.text import Text
from xt.redact import MASK, clean, secret_name, worth_masking

#: Points of all imports of a run that are kept; of further ones the last of each metric is.
MAX_POINTS = 5_000_000
#: Characters of a metric's name, of a label's value, of a setting, and of a cell of a case.
MAX_NAME, MAX_LABEL, MAX_SETTING, MAX_CELL = 500, 200, 1_000, 2_000
#: Settings of a run that are kept.
MAX_SETTINGS = 2_000
#: Bytes of the cases made of one import.
MAX_CASES = 500_000_000
#: Problems told one by one.
MAX_TOLD = 20

_encoder = msgspec.json.Encoder()


class Limits:
    """What all imports of a run share."""

    def __init__(self, capture: Capture) -> None:
        """Start at nothing."""
        self.capture = capture
        self.points = self.settings = self.doubts = self.names = 0

    def doubt(self, message: str, hint: str | None = None) -> None:
        """Tell a problem, the first of them."""
        self.doubts += 1
        if self.doubts <= MAX_TOLD:
            self.capture.problem("metrics", message, hint)

    def tell(self) -> None:
        """Tell what passed a bound."""
        if self.points > MAX_POINTS:
            over = f"{self.points} points were read; after {MAX_POINTS} only the last of each metric is kept"
            self.capture.problem("metrics", over)
        if self.settings > MAX_SETTINGS:
            over = f"{self.settings} settings are reported; the first {MAX_SETTINGS} are kept"
            self.capture.problem("params", over)
        if self.names:
            self.capture.problem(
                "metrics", f"{self.names} points with no name, or too long a one, are left out"
            )
        if self.doubts > MAX_TOLD:
            self.capture.problem("metrics", f"{self.doubts - MAX_TOLD} more problems of imported files")


class ImportSink:
    """Takes what the reader of one source finds; see `xt.exchange.importers.Sink`."""

    def __init__(
        self, capture: Capture, book: Book, limits: Limits, run: str, began: float | None, rank: int
    ) -> None:
        """Start with nothing.

        Args:
            capture: of the run.
            book: where points go.
            limits: shared with other sources.
            run: id of the run.
            began: seconds since 1970 at which the command started.
            rank: how strong the source is.
        """
        self.run, self.began, self.several = run, began, False
        self.reported: list[Param] = []
        self.cases = 0
        self._capture, self._book, self._limits, self._rank = capture, book, limits, rank
        self._source = self._shown = self._unit = ""
        self._last: dict[tuple[str, str, tuple[tuple[str, str], ...]], tuple[Value, float | int | None]] = {}
        self._spool: BinaryIO | None = None
        self._path = ""
        self._size = self._over = 0

    def begin(self, source: str, shown: str, unit: str) -> None:
        """Go on to another file.

        Args:
            source: how metrics name it.
            shown: how problems name it.
            unit: which of several runs of that tool it is of.
        """
        self._source, self._shown, self._unit = source, shown, unit

    def point(
        self,
        name: str,
        value: Any,
        step: Any = None,
        labels: dict[str, str] | None = None,
        single: bool = False,
    ) -> bool:
        """See `Sink.point`."""
        found = number_in(value) if isinstance(value, str) else number(value)
        if found is None:
            return False
        if not name or len(name) > MAX_NAME:
            self._limits.names += 1
            return True
        at = number_in(step) if isinstance(step, str) else number(step)
        when = at if isinstance(at, (int, float)) else None
        if labels or self.several:
            labels = {"run": self._unit, **(labels or {})} if self.several else labels
            labels = {key: _label(said) for key, said in (labels or {}).items()}
        self._limits.points += 1
        if self._limits.points > MAX_POINTS:
            key = (self._source, name, tuple(sorted((labels or {}).items())))
            if key in self._last or len(self._last) < 10_000:
                self._last[key] = found, when
            return True
        series = self._book.series(name, self._source, self._rank, labels)
        if series is not None:
            series.single = single
            series.add(found, when)
        return True

    def goal(self, name: str, goal: Literal["min", "max"]) -> None:
        """See `Sink.goal`."""
        if len(self._book.goals) < 10_000:
            self._book.goals.setdefault(name, goal)

    def setting(self, name: str, value: Any, *, text: bool = False) -> None:
        """See `Sink.setting`."""
        try:
            for inner, plain in flattened(scalar(value) if text else value, str(json_safe(name))):
                self._limits.settings += 1
                if self._limits.settings <= MAX_SETTINGS:
                    self.reported.append(Param(inner[:MAX_NAME], _brief(plain), self._source))
        except (DocumentError, RecursionError):
            self.doubt(f"the setting `{name[:MAX_NAME]}` is nested too deeply")

    def case(self, cells: dict[str, Any]) -> None:
        """See `Sink.case`."""
        told = {_key(key): _cell(value) for key, value in cells.items() if value is not None}
        line = _encoder.encode(told) + b"\n"
        if (text := line.decode()) != clean(text) or any(secret_name(_last(key)) for key in told):
            # The table is ours, whatever the tool keeps in its file: a header that came back in an error.
            line = _encoder.encode({key: _safe(key, value) for key, value in told.items()}) + b"\n"
        if self._size + len(line) > MAX_CASES:
            self._over += 1
            return
        if self._spool is None:
            folder = os.path.join(self._capture.store, "cache")
            os.makedirs(folder, fsio.PRIVATE_DIR, exist_ok=True)
            token = self._capture.outside.random_bytes(8).hex()
            self._path = os.path.join(folder, f"cases.{os.getpid()}.{token}.tmp")
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            self._spool = os.fdopen(os.open(self._path, flags, fsio.PRIVATE_FILE), "wb", buffering=fsio.CHUNK)
        self._spool.write(line)
        self._size += len(line)
        self.cases += 1

    def doubt(self, message: str, hint: str | None = None) -> None:
        """See `Sink.doubt`."""
        self._limits.doubt(f"{self._shown}: {message}", hint)

    def finish(self) -> None:
        """Add what was held back."""
        for (source, name, labels), (value, step) in self._last.items():
            series = self._book.series(name, source, self._rank, dict(labels))
            if series is not None:
                series.add(value, step)

    def derive(self, form: str, source: Text) -> list[Derived]:
        """Keep the cases as a table of their own; empty where that cannot be, which is a problem.

        Args:
            form: of the files they are from.
            source: the place these are in.
        """
        if self._over:
            self.doubt(f"{self._over} cases over {MAX_CASES // 1_000_000} MB are left out")
        try:
            assert self._spool is not None
            self._spool.flush()
            digest, size, _ = self._capture.keep.put_file(self._path)
        except (OSError, XtError) as error:
            self.doubt(f"its cases could not be kept: {error}")
            return []
        return [Derived("cases", form, source, digest, size, self.cases)]

    def close(self) -> None:
        """Remove the temporary file."""
        if self._spool is not None:
            with contextlib.suppress(OSError):
                self._spool.close()
            with contextlib.suppress(OSError):
                os.unlink(self._path)


def _safe(key: str, value: Any) -> Any:
    """A cell without what looks like a secret."""
    if isinstance(value, dict):
        return {inner: _safe(inner, said) for inner, said in value.items()}
    if isinstance(value, list):
        return [_safe(key, said) for said in value]
    if not isinstance(value, str):
        return value
    return MASK if secret_name(_last(key)) and worth_masking(_last(key), value) else clean(value)


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _label(text: str) -> str:
    return str(json_safe(text))[:MAX_LABEL]


def _key(key: Any) -> str:
    return str(json_safe(key))[:MAX_NAME]


def _brief(value: Any) -> Any:
    text = value if isinstance(value, str) else str(value) if isinstance(value, list) else ""
    return f"{text[:MAX_SETTING]}…" if len(text) > MAX_SETTING else value


def _cell(value: Any) -> Any:
    """Make a value fit for a table that people read: what is long is cut, and is text when it was nested."""
    if isinstance(value, list | dict):
        try:
            text = _encoder.encode(value).decode()
        except (TypeError, ValueError, RecursionError):
            text = str(json_safe(repr(value)))
        return value if len(text) <= MAX_CELL and "\\ud" not in text else f"{text[:MAX_CELL]}…"
    if isinstance(value, str) and len(value) > MAX_CELL:
        value = f"{value[:MAX_CELL]}…"
    return json_safe(value)
