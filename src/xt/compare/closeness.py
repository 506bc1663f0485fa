"""The law of closeness of two numbers: reflexive, symmetric, monotone in the rule, equality at zero."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from xt.compare import Rule
from xt.compare.jsonable import number
from xt.model.delta import Measure

if TYPE_CHECKING:
    from fractions import Fraction

#: Integers up to this size are binary64 numbers themselves.
_EXACT = 2**53


def is_number(value: object) -> TypeGuard[float]:
    """Whether a parsed value is a number; a boolean is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_finite(value: float) -> bool:
    """Whether a number is neither NaN nor an infinity; an integer of any size is finite."""
    return isinstance(value, int) or math.isfinite(value)


def both_nan(left: float, right: float) -> bool:
    """Whether two numbers are both NaN."""
    return isinstance(left, float) and isinstance(right, float) and math.isnan(left) and math.isnan(right)


def close(left: float, right: float, rule: Rule) -> bool:
    """Whether two numbers count as equal.

    They do when they are identical (NaN with NaN, an infinity with itself), when
    `|left - right| <= atol + rtol * max(|left|, |right|)`, or when at most `ulp` binary64 numbers lie between
    them and one of them is a float. Integers of any size are taken exactly.
    """
    if left == right:
        return True
    if not (is_finite(left) and is_finite(right)):
        return both_nan(left, right)
    if rule.rtol or rule.atol:
        if _is_wide(left) or _is_wide(right):
            if math.isinf(rule.rtol) or math.isinf(rule.atol) or _within(left, right, rule):
                return True
        elif abs(left - right) <= rule.atol + rule.rtol * max(abs(left), abs(right)):
            return True
    if rule.ulp:
        apart = _apart(left, right)
        return apart is not None and apart <= rule.ulp
    return False


def _is_wide(value: float) -> bool:
    return isinstance(value, int) and not -_EXACT <= value <= _EXACT


def _within(left: float, right: float, rule: Rule) -> bool:
    """The same inequality without rounding."""
    from fractions import Fraction

    one, other = Fraction(left), Fraction(right)
    return abs(one - other) <= Fraction(rule.atol) + Fraction(rule.rtol) * max(abs(one), abs(other))


def _ordinal(value: float) -> int:
    """Number the binary64 values in their order (IEEE 754, sign and magnitude), both zeros as 0."""
    bits: int = struct.unpack(">q", struct.pack(">d", value))[0]
    return bits if bits >= 0 else -(bits & 0x7FFFFFFFFFFFFFFF)


def _apart(left: float, right: float) -> int | None:
    """Steps between two numbers in binary64; None when neither is a float, or one has no place there."""
    if isinstance(left, int) and isinstance(right, int):
        return None
    try:
        return abs(_ordinal(float(left)) - _ordinal(float(right)))
    except OverflowError:
        return None


class Deviation(NamedTuple):
    """How far two numbers are apart."""

    absolute: float
    """NaN when one of them is not finite and they are not identical."""
    relative: float
    """Share of the larger magnitude."""
    ulp: int | None
    """Steps in binary64; None where there are none: two integers, or not finite."""


_NONE = Deviation(0.0, 0.0, 0)
_NO_DISTANCE = Deviation(math.nan, math.nan, None)


def deviation(left: float, right: float) -> Deviation:
    """Measure how far two numbers are apart."""
    if left == right or both_nan(left, right):
        return _NONE
    if not (is_finite(left) and is_finite(right)):
        return _NO_DISTANCE
    if _is_wide(left) or _is_wide(right):
        from fractions import Fraction

        one, other = Fraction(left), Fraction(right)
        gap = abs(one - other)
        return Deviation(_as_float(gap), _as_float(gap / max(abs(one), abs(other))), _apart(left, right))
    distance = abs(left - right)
    size = max(abs(left), abs(right))
    # Halves, where the distance itself is beyond the largest float.
    share = distance / size if math.isfinite(distance) else abs(left / size - right / size)
    return Deviation(distance, share, _apart(left, right))


def _as_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


class Widest:
    """The largest deviations seen, and where."""

    def __init__(self) -> None:
        """Nothing was seen."""
        self.count = 0
        self._absolute: tuple[float, str] | None = None
        self._relative: tuple[float, str] | None = None
        self._ulp: tuple[int, str] | None = None

    def see(self, left: float, right: float, where: str) -> None:
        """Take in a pair of numbers that are not identical."""
        self.join_in(deviation(left, right), where)

    def would_widen(self, apart: Deviation) -> bool:
        """Whether `join_in` would change anything but the count, so that the place has to be named."""
        return (
            _wider(apart.absolute, self._absolute)
            or _wider(apart.relative, self._relative)
            or (apart.ulp is not None and _wider(apart.ulp, self._ulp))
        )

    def join_in(self, apart: Deviation, where: str) -> None:
        """Take in a deviation."""
        self.count += 1
        if _wider(apart.absolute, self._absolute):
            self._absolute = (apart.absolute, where)
        if _wider(apart.relative, self._relative):
            self._relative = (apart.relative, where)
        if apart.ulp is not None and _wider(apart.ulp, self._ulp):
            self._ulp = (apart.ulp, where)

    def merge(self, other: Widest, inside: str = "") -> None:
        """Take in what another saw, whose places are inside a named one."""
        self.count += other.count
        for name in ("_absolute", "_relative", "_ulp"):
            theirs = getattr(other, name)
            if theirs is not None and _wider(theirs[0], getattr(self, name)):
                setattr(self, name, (theirs[0], inside + theirs[1]))

    def measures(self, rule: Rule) -> list[Measure]:
        """Say them, beside the bounds of a rule; a bound is named only where it alone decides."""
        alone = bool(rule.atol) + bool(rule.rtol) == 1
        found = []
        for what, seen, bound in (
            ("max |Δ|", self._absolute, rule.atol),
            ("max rel", self._relative, rule.rtol),
        ):
            if seen is not None:
                found.append(Measure(what, number(seen[0]), seen[1], bound if bound and alone else None))
        if rule.ulp and self._ulp is not None:
            found.append(Measure("ulp", number(self._ulp[0]), self._ulp[1], rule.ulp))
        return found


def _wider(value: float, seen: tuple[float, str] | None) -> bool:
    """NaN, no distance at all, is wider than any."""
    return seen is None or value > seen[0] or (math.isnan(value) and not math.isnan(seen[0]))
