"""Where two runs that should be the same first part: a step, a place in an output, a line of a log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from xt.compare.neutral import neutralise
from xt.errors import XtError
from xt.model.delta import Delta
from xt.model.result import Record
from xt.model.text import to_shown
from xt.ops.series import number
from xt.ops.verify.agreement import Point
from xt.store import Store

#: Bytes of a log or series that are looked at, and characters of a value that are shown.
LOOKED, SHOWN = 8_000_000, 80
#: Lines of a patch that are looked at.
LINES = 400
_MARK = re.compile(r"<(time|duration|rate|epoch|address|uuid|pid|path)>")


class First(NamedTuple):
    """The first difference."""

    text: str
    """For a person."""
    kinds: frozenset[str]
    """`time`, `path`, `pid`, `address`, …: what sort of text differs; empty when it is none of them."""
    path: str = ""
    """Of the thing the kinds are of, as in a `Point`."""


class _Step(msgspec.Struct):
    value: msgspec.Raw
    step: float | int | None = None


def first(store: Store, left: Record, right: Record, points: list[Point]) -> First | None:
    """Find where two runs first differ.

    Args:
        store: that has both.
        left: the run.
        right: a repeat of it.
        points: what was found comparing them.
    """
    differing = [
        point for point in points if point.counted and point.level not in ("identical", "equivalent")
    ]
    said: list[str] = []
    kinds: set[str] = set()
    where = ""
    step = _steps(store, left, right)
    if step is not None:
        said.append(step)
    for point in differing:
        found = _metric(point) if point.path.startswith("metrics/") and step is None else None
        if point.path.startswith("outputs/") and point.delta is not None:
            found = _inside(point.delta)
        if found is not None:
            said.append(found.text)
            kinds |= found.kinds
            where = point.path
            break
    if not said:
        line = _log(store, left, right)
        if line is not None:
            said.append(line.text)
            kinds |= line.kinds
            where = line.path
    if not said and differing:
        point = differing[0]
        said.append(f"{point.path}: {point.note}" if point.note else point.path)
    return First("; ".join(said), frozenset(kinds), where) if said else None


def _metric(point: Point) -> First | None:
    """A metric without a curve."""
    if point.values is None:
        return None
    before, after = point.values
    name = point.path.partition("/")[2]
    return First(f"{name}: {before:.6g} → {after:.6g}", frozenset())


def _inside(delta: Delta) -> First | None:
    """The first leaf of a tree of differences that says what differs."""
    for part in _leaves(delta):
        if part.relation == "same":
            continue
        path = part.path.removeprefix("outputs/")
        if part.text:
            pair = _lines(part.text)
            if pair is not None:
                return First(f"{path}: {_short(pair[0])} → {_short(pair[1])}", kinds_of(*pair))
        if part.left is not None or part.right is not None:
            pair = (_value(part.left), _value(part.right))
            return First(f"{path}: {_short(pair[0])} → {_short(pair[1])}", kinds_of(*pair))
        for measure in part.measures:
            if measure.at is not None:
                return First(f"{path}: {measure.what} at {measure.at}", frozenset())
        if part.note:
            return First(f"{path}: {part.note}", frozenset())
    return None


def _leaves(delta: Delta) -> Iterator[Delta]:
    for child in delta.children:
        yield from _leaves(child)
    if not delta.children:
        yield delta


def _lines(text: list[str]) -> tuple[str, str] | None:
    """The first line taken away of a patch, and the first that came."""
    gone = next((line[1:] for line in text[:LINES] if line.startswith("-")), None)
    come = next((line[1:] for line in text[:LINES] if line.startswith("+")), None)
    return None if gone is None and come is None else (gone or "", come or "")


def kinds_of(left: str, right: str) -> frozenset[str]:
    """What sort of text two lines differ in, when they are equal but for that."""
    before, after = neutralise(left), neutralise(right)
    if before != after:
        return frozenset()
    return frozenset(_MARK.findall(before))


def _steps(store: Store, left: Record, right: Record) -> str | None:
    """The earliest step at which the series of a metric differ."""
    others = {(metric.name, tuple(sorted(metric.labels.items()))): metric for metric in right.result.metrics}
    found: tuple[float, str] | None = None
    for metric in left.result.metrics:
        other = others.get((metric.name, tuple(sorted(metric.labels.items()))))
        if other is None or metric.series is None or other.series is None or metric.series == other.series:
            continue
        try:
            apart = _apart(store, metric.series, other.series)
        except (XtError, msgspec.DecodeError, ValueError):
            continue  # the comparison of the metrics says what is wrong with them
        if apart is not None and (found is None or apart[0] < found[0]):
            found = apart[0], f"{to_shown(metric.name)} at step {apart[0]:g}: {apart[1]:.6g} → {apart[2]:.6g}"
    return found[1] if found is not None else None


def _apart(store: Store, left: str, right: str) -> tuple[float, float, float] | None:
    decoder = msgspec.json.Decoder(_Step)
    values = msgspec.json.Decoder()
    rows = []
    for digest in (left, right):
        with store.objects.open(digest) as file:
            rows.append(file.read(LOOKED).splitlines())
    for at, (one, other) in enumerate(zip(*rows, strict=False)):
        if one == other:
            continue
        before, after = decoder.decode(one), decoder.decode(other)
        numbers = [number(_number(values.decode(bytes(point.value)))) for point in (before, after)]
        step = before.step if before.step is not None else float(at)
        return float(step), numbers[0], numbers[1]
    return None


def _number(value: object) -> float:
    if isinstance(value, dict):
        return float(value["special"])
    if isinstance(value, int | float):
        return float(value)
    raise ValueError(f"{value!r} is no number")


def _log(store: Store, left: Record, right: Record) -> First | None:
    """The first line of a log that differs, in more than times and the like if there is one."""
    loose: First | None = None
    for name in ("stdout", "stderr"):
        sides = []
        for record in (left, right):
            stream = next((item for item in record.result.logs.streams if item.name == name), None)
            sides.append(_text(store, stream.digest) if stream is not None else [])
        for number_, (one, other) in enumerate(_pairs(*sides), 1):
            if one == other:
                continue
            text = f"{name} line {number_}: {_short(one)} → {_short(other)}"
            found = First(text, kinds_of(one, other), f"logs/{name}")
            if not found.kinds:
                return found
            loose = loose or found
    return loose


def _pairs(left: list[str], right: list[str]) -> Iterator[tuple[str, str]]:
    yield from zip(left, right, strict=False)
    shorter = min(len(left), len(right))
    if len(left) != len(right):
        rest = (*left[shorter : shorter + 1], *right[shorter : shorter + 1])
        yield (rest[0], "") if len(left) > shorter else ("", rest[0])


def _text(store: Store, digest: str | None) -> list[str]:
    if digest is None:
        return []
    try:
        with store.objects.open(digest) as file:
            return file.read(LOOKED).decode("utf-8", "replace").splitlines()
    except XtError:
        return []


def last_words(store: Store, record: Record) -> str | None:
    """The last line that a command wrote to standard error: what a program that fails says."""
    stream = next((item for item in record.result.logs.streams if item.name == "stderr"), None)
    lines = [line.strip() for line in _text(store, stream.digest)] if stream is not None else []
    return next((line for line in reversed(lines) if line), None)


def _value(value: object) -> str:
    return (
        "nothing"
        if value is None
        else value
        if isinstance(value, str)
        else msgspec.json.encode(value).decode()
    )


def _short(text: str) -> str:
    text = text.strip()
    shown = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return f"`{shown}`"
