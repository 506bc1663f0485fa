"""A figure, what is wanted of it, and the verdict."""

from __future__ import annotations

from typing import NamedTuple

from tests.benchmarks.clock import Series, Spread

#: Unit → factor from the unit that figures are computed in, and digits after the point.
UNITS = {
    "ms": (1000.0, 0),
    "s": (1.0, 2),
    "×": (1.0, 2),
    "MB": (1e-6, 0),
    "GB/s": (1e-9, 1),
    "MB/s": (1e-6, 0),
    "files/s": (1.0, 0),
    "µs": (1e6, 0),
}


class Row(NamedTuple):
    """One line of the table."""

    what: str
    value: Spread | None
    """Seconds, bytes or a ratio; None when it could not be measured, which `note` explains."""
    unit: str
    target: float | None = None
    """At most this, in the unit; None for a figure that others are judged by."""
    series: Series | None = None
    """Of xt itself, for processor time and memory."""
    note: str = ""
    missed: str = ""
    """Why, should it be missed."""


def number(value: float, unit: str) -> str:
    """Write a figure in its unit."""
    factor, digits = UNITS[unit]
    scaled = value * factor
    if unit == "ms" and abs(scaled) < 20:
        digits = 1
    text = f"{scaled:,.{digits}f}"
    return f"{text}×" if unit == "×" else f"{text} {unit}"


def figure(row: Row) -> str:
    """Write the median."""
    return number(row.value.median, row.unit) if row.value else "–"


def quartiles(row: Row) -> str:
    """Write the spread, in the unit of the median."""
    if row.value is None or row.value.low == row.value.high:
        return ""
    low, high = (number(value, row.unit).split(" ")[0].rstrip("×") for value in row.value[1:])
    return f"{low} – {high}"


def target(row: Row) -> str:
    """Write what is wanted."""
    return "" if row.target is None else f"≤ {number(row.target / UNITS[row.unit][0], row.unit)}"


def verdict(row: Row) -> str:
    """Judge the median; on a busy machine the better quarter of the rounds says more."""
    if row.target is None or row.value is None:
        return ""
    most = row.target / UNITS[row.unit][0]
    over = row.value.median - most
    if over <= 0:
        return "met"
    return f"missed by {number(over, row.unit)}" + (", met in a quarter" if row.value.low <= most else "")


def processor(row: Row) -> str:
    """Write the processor time of xt with all it started."""
    return "" if row.series is None else number(row.series.cpu.median, "ms")


def memory(row: Row) -> str:
    """Write the peak memory of the largest process."""
    return "" if row.series is None else number(row.series.peak.median, "MB")
