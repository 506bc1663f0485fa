"""Axes: where round numbers lie, how they are written, and where a value is between the ends.

Ticks are computed in decimals, so that a tick is what its label says and no sum of floats is beside it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import NamedTuple

#: Steps of a scale, as people count.
_STEPS = (1, 2, 5)
#: Seconds between ticks of time.
_SECONDS = (
    *(1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10800, 21600, 43200),
    *(86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000),
)
#: Digits that a float has, the exponent of its smallest, and room to spare.
_CONTEXT = Context(prec=700)
#: A scale from one end to the other of more than this factor is logarithmic.
LOGARITHMIC = 50


_LARGEST = sys.float_info.max


class Tick(NamedTuple):
    """A mark on an axis."""

    at: float
    """0 at its low end, 1 at its high one."""
    label: str


class Axis(NamedTuple):
    """A range of values, and its marks."""

    low: float
    high: float
    ticks: list[Tick]
    log: bool = False

    def place(self, value: float) -> float:
        """Where a finite value is: 0 at the low end, 1 at the high one."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        # Halves, since the width itself may be more than a float holds.
        return (value / 2 - low / 2) / (high / 2 - low / 2)


def linear(values: Sequence[float], most: int, *, margin: float = 0.0) -> Axis:
    """Lay a scale over values.

    Args:
        values: finite, at least one.
        most: ticks at most, 2 or more.
        margin: share of the range to add at both ends.
    """
    low, high = min(values), max(values)
    more = abs(low) / 10 or 1.0 if low == high else (high / 2 - low / 2) * margin * 2
    low, high = max(low - more, -_LARGEST), min(high + more, _LARGEST)
    if not low < high:
        low, high = math.nextafter(low, -math.inf), math.nextafter(high, math.inf)
    axis = Axis(low, high, [])
    found = round_numbers(low, high, most)
    return axis._replace(ticks=[Tick(axis.place(float(one)), label) for one, label in labelled(found)])


def round_numbers(low: float, high: float, most: int) -> list[Decimal]:
    """Round numbers from `low` to `high` at equal distances of 1, 2 or 5 times a power of ten.

    Args:
        low: finite.
        high: finite, larger.
        most: how many at most, 2 or more.

    Returns:
        As many as there can be; at least one where `most` allows it.
    """
    # As they are written: 0.1 is a tenth, and not the float beside it.
    least, largest = Decimal(repr(low)), Decimal(repr(high))
    width = _CONTEXT.subtract(largest, least)
    exponent = width.adjusted() - len(str(most)) - 1
    while True:
        for digit in _STEPS:
            step = Decimal(digit).scaleb(exponent, _CONTEXT)
            first = _CONTEXT.divide(least, step).to_integral_value(ROUND_CEILING)
            last = _CONTEXT.divide(largest, step).to_integral_value(ROUND_FLOOR)
            if last - first + 1 <= most:
                return [_CONTEXT.multiply(first + number, step) for number in range(int(last - first) + 1)]
        exponent += 1


def labelled(ticks: Sequence[Decimal]) -> list[tuple[Decimal, str]]:
    """Write numbers of one scale, all with as many digits after the point."""
    if not ticks:
        return []
    plain = [tick.normalize(_CONTEXT) for tick in ticks]
    largest = max((tick.adjusted() for tick in plain if tick), default=0)
    finest = min(int(tick.as_tuple().exponent) for tick in plain if tick) if any(plain) else 0
    if largest > 9 or finest < -9:
        return [(tick, _scientific(tick)) for tick in plain]
    digits = max(0, -finest)
    return [(tick, f"{tick:.{digits}f}" if tick else "0") for tick in plain]


def _scientific(tick: Decimal) -> str:
    if not tick:
        return "0"
    digits = "".join(map(str, tick.as_tuple().digits))
    head = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{'-' if tick < 0 else ''}{head}e{tick.adjusted()}"


def logarithmic(values: Sequence[float], most: int) -> Axis:
    """Lay a scale of powers over positive values.

    Args:
        values: finite, positive, at least two different ones.
        most: ticks at most, 2 or more.
    """
    low, high = min(values), max(values)
    bottom, top = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = [Decimal(1).scaleb(power).normalize() for power in range(bottom, top + 1)]
    every = [tick for tick in every if low <= float(tick) <= high]
    every = every[:: max(1, -(-len(every) // most))]
    axis = Axis(low, high, [], log=True)
    return axis._replace(ticks=[Tick(axis.place(float(one)), _power(one)) for one in every])


def _power(tick: Decimal) -> str:
    return f"{tick:f}" if -4 <= tick.adjusted() <= 4 else _scientific(tick)


def clock(values: Sequence[float], most: int) -> Axis:
    """Lay a scale of time (UTC) over seconds since 1970.

    Args:
        values: finite, at least one.
        most: ticks at most, 2 or more.
    """
    low, high = min(values), max(values)
    margin = (high - low) * 0.03 or 30.0
    low, high = low - margin, high + margin
    step = next((one for one in _SECONDS if (high - low) / one <= most - 1), None)
    if step is None:
        years = _SECONDS[-1]
        step = years * math.ceil((high - low) / years / (most - 1))
    axis = Axis(low, high, [])
    first = math.ceil(low / step) * step
    moments = range(first, math.floor(high) + 1, step)
    return axis._replace(ticks=[Tick(axis.place(moment), _moment(moment, step)) for moment in moments])


def _moment(seconds: int, step: int) -> str:
    when = datetime.fromtimestamp(seconds, UTC)
    if step >= 86400:
        return f"{when:%Y-%m-%d}"
    return f"{when:%H:%M:%S}" if step < 60 else f"{when:%m-%d %H:%M}" if step >= 3600 else f"{when:%H:%M}"


def named(names: Sequence[str], most: int) -> Axis:
    """Lay names side by side, each in the middle of its place.

    Args:
        names: at least one.
        most: names written at most; of more, every second, third, ….
    """
    axis = Axis(-0.5, len(names) - 0.5, [])
    every = max(1, -(-len(names) // max(1, most)))
    return axis._replace(ticks=[Tick(axis.place(at), names[at]) for at in range(0, len(names), every)])
