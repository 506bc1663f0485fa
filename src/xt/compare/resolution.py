"""How fine the values of a metric are written: the smallest step by which it can move at all."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

#: Significant digits from which a value is taken for computed and not for rounded.
_FULL_DIGITS = 12
#: Cases up to which a share is recognised by its value alone, stored in 64 and in 32 bits: fractions of
#: smaller denominators lie further apart than such numbers do, so that the first that fits is the right one.
#: Two values that are no shares agree on a denominator by chance once in 10^14 and 10^4 times.
_MOST_CASES = 1_000_000
_MOST_CASES_32 = 4_000


class Resolution(NamedTuple):
    """The step between values that can occur."""

    step: float
    """In the metric's unit; 0 when values are computed in full precision, so that any bit can differ."""
    cases: int | None = None
    """The step is one of so many cases."""


def resolution(values: Sequence[float], cases: int | None = None) -> Resolution:
    """Find the step of a metric from the values it took.

    A share of n cases moves by 1/n, a whole number by 1, a number written with d decimals by 10^-d. Shares
    are recognised without knowing n, by the smallest common denominator that gives exactly these values
    (which may be a divisor of n: the step is then too coarse, never too fine).

    Args:
        values: finite, at least one.
        cases: how many cases the metric is a share of, when that is known.
    """
    different = set(values)
    if all(float(value).is_integer() for value in different):
        # 0 and 1 say nothing about a share, unless it is known to be one.
        share = _share_of(different, cases, 1.0) if cases else None
        return share or Resolution(1.0)
    written = [_decimals(value) for value in different]
    decimals = max(places for places, _ in written)
    step = 10.0**-decimals if decimals < 308 else 0.0
    full = max(digits for _, digits in written) >= _FULL_DIGITS
    if cases:
        share = _share_of(different, cases, step)
        if share is not None:
            return share
    if not full:
        return Resolution(step)
    common = _common_denominator(different)
    return Resolution(1 / common, common) if common is not None else Resolution(0.0)


def _share_of(values: set[float], cases: int, step: float) -> Resolution | None:
    """Take values for shares of known cases, as a fraction or in percent, when all of them can be that."""
    for whole in (1, 100):
        slack = min(0.5 * step * cases / whole, 0.5) if step < 1 else 0.0
        if all(
            0 <= value <= whole
            and abs(value * cases / whole - round(value * cases / whole)) <= slack + 1e-9 * cases
            for value in values
        ):
            return Resolution(max(whole / cases, step if step < 1 else 0.0), cases)
    return None


def _decimals(value: float) -> tuple[int, int]:
    """Decimal places and significant digits of the shortest text that reads as this number."""
    mantissa, _, exponent = repr(abs(float(value))).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    digits = len((whole + fraction).lstrip("0"))
    return len(fraction) - int(exponent or 0), digits


def _common_denominator(values: set[float]) -> int | None:
    """Smallest n so that every value is the float nearest to some k/n, at 64 or else at 32 bits."""
    if not all(0 <= value <= 1 for value in values):
        return None
    if all(_is_32_bit(value) for value in values):
        # One value is the float nearest to too many fractions; a second one settles it.
        return _common(values, _MOST_CASES_32, _round_32) if len(values) > 1 else None
    return _common(values, _MOST_CASES, float)


def _common(values: set[float], most: int, rounded: Callable[[float], float]) -> int | None:
    common = 1
    for value in values:
        denominator = _denominator(value, most, rounded)
        if denominator is None:
            return None
        common = math.lcm(common, denominator)
        if common > most:
            return None
    return common


def _round_32(value: float) -> float:
    """Round to the nearest number of 32 bits."""
    result: float = struct.unpack("f", struct.pack("f", value))[0]
    return result


def _is_32_bit(value: float) -> bool:
    return abs(value) < 1e38 and _round_32(value) == value


def _denominator(value: float, most: int, rounded: Callable[[float], float]) -> int | None:
    """Denominator of the first convergent of the continued fraction that rounds to the value."""
    p, q, p_before, q_before = math.floor(value), 1, 1, 0
    numerator, denominator = value.as_integer_ratio()
    numerator, denominator = denominator, numerator - p * denominator
    while rounded(p / q) != value:
        if denominator == 0:
            return None
        digit, rest = divmod(numerator, denominator)
        p, q, p_before, q_before = digit * p + p_before, digit * q + q_before, p, q
        if q > most:
            return None
        numerator, denominator = denominator, rest
    return q
