"""JSON Lines: the file `XT_METRICS` names, and declared `.jsonl` files. A leaf of the metric collector."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import msgspec

from xt import fsio
from xt.collect.numbers import Value, number, number_in

#: Bytes of a line; a longer one is not a point.
MAX_LINE = 65_536


class Sent(msgspec.Struct, frozen=True):
    """A line as it should be: `{"name", "value", "step", "labels"}`, the last two if needed."""

    name: str
    value: int | float
    step: int | float | None = None
    labels: dict[str, str] | None = None


class Read(NamedTuple):
    """A line as it is understood."""

    name: str
    value: Value
    step: int | float | None
    labels: dict[str, str]


class Tally:
    """Lines that could not be understood, told once."""

    def __init__(self) -> None:
        """Start at none."""
        self.bad = 0
        self.first = 0

    def add(self, line: int) -> None:
        """Count one."""
        self.bad += 1
        self.first = self.first or line

    def message(self, shown: str, what: str) -> str | None:
        """Say how many there were, or None."""
        if not self.bad:
            return None
        lines = "1 line is" if self.bad == 1 else f"{self.bad} lines are"
        return f"{shown}: {lines} not {what}; the first is line {self.first}"


@cache
def _decoder() -> msgspec.json.Decoder[Sent]:
    # Made when the first point is read: most runs send none.
    return msgspec.json.Decoder(Sent)


def lines(path: str, tally: Tally) -> Iterator[tuple[int, bytes, bool]]:
    """Read a file line by line, in bounded memory.

    Args:
        path: a link is followed; a FIFO is never waited for.
        tally: counts lines that are too long, which are passed over.

    Yields:
        Number from 1, the line, and whether it ends in a newline: the last one may have been cut off.

    Raises:
        OSError: it cannot be read.
    """
    with os.fdopen(fsio.open_regular(os.path.realpath(path)), "rb", buffering=fsio.CHUNK) as file:
        count = 0
        while line := file.readline(MAX_LINE):
            count += 1
            if line.endswith(b"\n"):
                yield count, line, True
            elif len(line) < MAX_LINE:
                yield count, line, False
            else:
                tally.add(count)
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE)


def point(line: bytes) -> Read | None:
    """Understand one line of `XT_METRICS`.

    Returns:
        None when it is no point. NaN and Infinity, bare as Python writes them or in quotes, are
        values; labels that are numbers or flags are taken as text.
    """
    try:
        sent = _decoder().decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _odd_point(record(line))
    value = number(sent.value)
    if not sent.name or value is None:
        return None
    return Read(sent.name, value, _step(sent.step), sent.labels or {})


def record(line: bytes) -> Any:
    """Parse one line of JSON, NaN and infinities included; None when it is not JSON."""
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if b"NaN" not in line and b"Infinity" not in line and b"\\u" not in line:
            return None
    import json

    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _odd_point(found: Any) -> Read | None:
    if not isinstance(found, dict):
        return None
    name, value, step, labels = (found.get(key) for key in ("name", "value", "step", "labels"))
    value = number_in(value) if isinstance(value, str) else number(value)
    if not (isinstance(name, str) and name and value is not None and isinstance(labels, dict | None)):
        return None
    texts = {}
    for key, label in (labels or {}).items():
        if isinstance(label, bool):
            texts[_clean(key)] = "true" if label else "false"
        elif isinstance(label, (str, int, float)):
            texts[_clean(key)] = _clean(str(label))
        else:
            return None
    return Read(_clean(name), value, _step(step), texts)


def _step(step: Any) -> int | float | None:
    if step is None:
        return None
    found = number(step)
    return found if isinstance(found, (int, float)) else None


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
