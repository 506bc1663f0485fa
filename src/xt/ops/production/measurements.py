"""Measurements as they are typed or lie in a CSV file → points. Knows no store."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from xt.collect.numbers import number_in
from xt.context import timestamp
from xt.errors import UsageError
from xt.model.event import Point
from xt.model.result import Number
from xt.moments import length

#: Names of the column of times, the first that is there.
TIMES = ("time", "timestamp", "at", "date")
#: Names of the column of names, in the long form.
NAMES = ("name", "metric")
VALUE = "value"
#: Seconds since 1970 that a number is taken for: from 1973 to 5138, so that neither a date without dashes
#: (`20261123`) nor milliseconds are.
_EPOCH = (1e8, 1e11)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
#: A clock may be ahead; a day is a mistake.
_AHEAD = timedelta(days=1)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_AGO = re.compile(r"-(\d+(?:\.\d+)?\s*[a-z]+)", re.ASCII)
#: Characters of a name.
_LONGEST = 200
_FORMS = "such as `2026-11-23T09:30`, `2026-11-23 09:30+01:00`, seconds since 1970, `now`, or `-2h`"


class Read(NamedTuple):
    """What a file says."""

    points: list[Point]
    zoneless: int
    """Times without a zone, which were taken for UTC."""
    empty: int
    """Cells without a value, which are no measurement."""


def time_of(text: str, now: datetime) -> tuple[datetime, bool]:
    """Read a time.

    Args:
        text: ISO 8601, with or without a zone; seconds since 1970; `now`, or `-2h` for two hours before it
            (`s`, `min`, `h`, `d`, `w`).
        now: aware.

    Returns:
        It in UTC, and whether a zone was missing, so that UTC was assumed.

    Raises:
        ValueError: it is none, or one that nothing can have been measured at; with a clause that says so.
    """
    text = text.strip()
    zoneless = False
    if text == "now":
        return now.astimezone(UTC), False
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            found = now - timedelta(seconds=length(ago[1]))
        elif _NUMBER.fullmatch(text) and float(text) >= _EPOCH[0]:
            if float(text) >= _EPOCH[1]:
                raise ValueError("is too large for seconds since 1970: milliseconds must be divided by 1000")
            found = datetime.fromtimestamp(float(text), UTC)
        else:
            found = datetime.fromisoformat(text)
            zoneless = found.tzinfo is None
            found = found.replace(tzinfo=UTC) if zoneless else found.astimezone(UTC)
    except OverflowError:
        raise ValueError("is further away than a time can be") from None
    except ValueError as error:
        if "too large" in str(error):
            raise
        raise ValueError(f"is no time, {_FORMS}") from None
    if found < _EARLIEST:
        raise ValueError("is before 1970")
    if found - now > _AHEAD:
        raise ValueError("is in the future")
    return found.astimezone(UTC), zoneless


def value_of(text: str) -> float | int:
    """Read a value.

    Raises:
        ValueError: it is no finite number; with a clause that says so.
    """
    value = number_in(text)
    if isinstance(value, Number):
        raise ValueError("is not finite, and not a measurement: leave it out")
    if value is None:
        raise ValueError("is no number: digits, `.` before decimals, no unit")
    return value


def name_of(text: str) -> str:
    """Read the name of a metric.

    Raises:
        ValueError: it cannot be one; with a clause that says so.
    """
    name = text.strip()
    if not name:
        raise ValueError("has no name")
    if not name.isprintable() or len(name) > _LONGEST:
        raise ValueError(f"cannot be a name: one line of at most {_LONGEST} printable characters")
    return name


def given(words: Iterable[str], at: str) -> list[Point]:
    """Read measurements from a command line.

    Args:
        words: `NAME=VALUE` each.
        at: RFC 3339, UTC: the time of all of them.

    Raises:
        UsageError: one is not of that form, or a name is said twice.
    """
    points: dict[str, Point] = {}
    for word in words:
        name, equals, value = word.rpartition("=")
        if not equals:
            raise UsageError(f"`{word}` is not NAME=VALUE", "such as `refusal_rate=0.031`")
        what = "it "
        try:
            name = name_of(name)
            what = f"`{value}` "
            found = value_of(value)
        except ValueError as error:
            raise UsageError(f"`{word}`: {what}{error}") from None
        if name in points:
            raise UsageError(f"`{name}` is measured twice", "one value for each time; --at says when")
        points[name] = Point(name, found, at)
    return list(points.values())


def table(data: bytes, shown: str, now: datetime) -> Read:
    """Read a CSV file: a column of times and one for each metric, or time, name and value.

    Args:
        data: UTF-8; separated by commas, tabs or semicolons, as the header is.
        shown: how errors name the file.
        now: aware.

    Raises:
        UsageError: `FILE:LINE: …`.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{shown}:{line}: it is not UTF-8 text") from None
    head = text.partition("\n")[0]
    separator = max(",\t;", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    points: dict[tuple[str, str], Point] = {}
    zoneless = empty = 0
    try:
        columns = _Columns([cell.strip() for cell in next(reader, [])], f"{shown}:1")
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            where = f"{shown}:{reader.line_num}"
            if len(row) != len(columns.names):
                raise UsageError(f"{where}: it has {len(row)} cells, the header {len(columns.names)}")
            at, assumed = _time(row[columns.time], where, now)
            zoneless += assumed
            for name, cell in columns.cells(row):
                if not cell.strip():
                    empty += 1
                    continue
                point = _point(name, cell, at, where)
                known = points.setdefault((at, point.name), point)
                if known.value != point.value:
                    raise UsageError(
                        f"{where}: `{point.name}` has a second value at that time: {cell.strip()}"
                    )
    except csv.Error as error:
        raise UsageError(f"{shown}:{max(reader.line_num, 1)}: it is no CSV: {error}") from None
    return Read(list(points.values()), zoneless, empty)


class _Columns:
    """What each column is."""

    def __init__(self, names: list[str], where: str) -> None:
        lower = [name.lower() for name in names]
        times = [name for name in TIMES if name in lower]
        if not times:
            said = ", ".join(f"`{name}`" for name in TIMES)
            raise UsageError(
                f"{where}: no column of times: {said}",
                "the first line names the columns: `time,refusal_rate`",
            )
        counts = Counter(names)
        twice = next((name for name in names if counts[name] > 1), None)
        if twice is not None or "" in names:
            raise UsageError(f"{where}: {f'two columns `{twice}`' if twice else 'a column without a name'}")
        self.names = names
        self.time = lower.index(times[0])
        others = [index for index in range(len(names)) if index != self.time]
        named = [lower.index(name) for name in NAMES if name in lower]
        self.long: tuple[int, int] | None = None
        if VALUE in lower and named:
            self.long = named[0], lower.index(VALUE)
            left = [names[index] for index in others if index not in self.long]
            if left:
                raise UsageError(
                    f"{where}: beside time, name and value there is a column `{left[0]}`",
                    "leave it out, or write it into the names: `refusal_rate{region=eu}`",
                )
        elif not others:
            raise UsageError(f"{where}: no column beside the time", "one for each metric")
        else:
            for index in others:
                try:
                    name_of(names[index])
                except ValueError as error:
                    raise UsageError(f"{where}: column {index + 1} {error}") from None
        self.others = others

    def cells(self, row: list[str]) -> Iterator[tuple[str, str]]:
        """Name and value of each measurement of a row."""
        if self.long is not None:
            yield row[self.long[0]], row[self.long[1]]
            return
        for index in self.others:
            yield self.names[index], row[index]


def _time(cell: str, where: str, now: datetime) -> tuple[str, bool]:
    try:
        if cell.strip() == "now" or cell.strip().startswith("-"):
            raise ValueError("is no time that stays the same")
        found, assumed = time_of(cell, now)
    except ValueError as error:
        raise UsageError(f"{where}: `{cell.strip()}` {error}") from None
    return timestamp(found), assumed


def _point(name: str, cell: str, at: str, where: str) -> Point:
    try:
        name = name_of(name)
    except ValueError as error:
        raise UsageError(f"{where}: it {error}") from None
    try:
        return Point(name, value_of(cell), at)
    except ValueError as error:
        raise UsageError(f"{where}: `{name}`: `{cell.strip()}` {error}") from None
