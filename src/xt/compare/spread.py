"""How far two arrays are apart: counts and largest distances, gathered block by block.

The blocks are small enough to stay in the processor's cache, since every step here is one pass over them.
Narrow floats are measured in single precision first; whatever lies so near a bound that rounding could
decide is judged again by the exact law of `closeness_arrays`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xt.compare import Rule
from xt.compare.closeness_arrays import close_floats, close_integers, distance, steps_apart
from xt.compare.kinds import Block

#: Relative errors of float32 arithmetic here stay below this (three roundings of 6e-8).
_MARGIN = 1e-6
#: Relative distances above this are normal numbers in every type, with the relative error of such.
_LEAST_RTOL = 1e-30
#: More than the smallest float32, whose neighbourhood knows no relative error.
_SLACK = 3e-45


class Peak(NamedTuple):
    """A largest value and the flat index where it was first met."""

    value: float | int = 0
    at: int = -1

    def beside(self, other: Peak) -> Peak:
        """The larger; of equal ones the first."""
        if other.value > self.value or (other.value == self.value and 0 <= other.at < self.at):
            return other
        return self


class Spread:
    """The comparison of two arrays of one shape, so far."""

    def __init__(self, rule: Rule) -> None:
        """Start with nothing compared."""
        self.rule = rule
        self.total = 0
        """Values compared."""
        self.differing = 0
        """Values that are not equal."""
        self.beyond = 0
        """Values that are not close by the rule."""
        self.nan = 0
        """Pairs with NaN on one side only."""
        self.infinite = 0
        """Pairs of an infinity with another number."""
        self.delta = Peak()
        """Largest |left - right| of finite pairs."""
        self.relative = Peak()
        """Largest |left - right| / max(|left|, |right|) of finite pairs."""
        self.steps: Peak | None = None
        """Largest distance in representable numbers; None where they are not counted."""
        self.measured = False
        """Whether distances have a meaning: not for raw bytes and booleans."""
        self._exact = not (rule.rtol or rule.atol or rule.ulp)
        self._scratch: list[NDArray[Any]] = []

    def join(self, other: Spread) -> None:
        """Add what was gathered over another part of the same arrays."""
        self.total += other.total
        self.differing += other.differing
        self.beyond += other.beyond
        self.nan += other.nan
        self.infinite += other.infinite
        self.delta = self.delta.beside(other.delta)
        self.relative = self.relative.beside(other.relative)
        if other.steps is not None:
            self.steps = other.steps if self.steps is None else self.steps.beside(other.steps)
        self.measured |= other.measured

    def skip(self, count: int) -> None:
        """Count values whose bytes are the same."""
        self.total += count

    def add(self, left: Block, right: Block, first: int) -> None:
        """Compare a block.

        Args:
            left: of any length.
            right: values of the same type and length.
            first: flat index of its first value.
        """
        self.total += len(left.values)
        if left.values.ndim == 2:
            differ = int(np.count_nonzero((left.values != right.values).any(axis=1)))
            self.differing += differ
            self.beyond += differ
        elif left.values.dtype.kind == "f":
            self._floats(left, right, first)
        else:
            self._integers(left.values, right.values, first)

    def _integers(self, a: NDArray[Any], b: NDArray[Any], first: int) -> None:
        self.measured = True
        differing = int(np.count_nonzero(a != b))
        if not differing:
            return
        self.differing += differing
        self.beyond += differing if self._exact else int(np.count_nonzero(~close_integers(a, b, self.rule)))
        apart = distance(a, b)
        at = int(apart.argmax())
        self.delta = self.delta.beside(Peak(int(apart[at]), first + at))
        size = np.maximum(np.abs(a.astype(np.float64)), np.abs(b.astype(np.float64)))
        share = apart / np.maximum(size, 1)
        at = int(share.argmax())
        self.relative = self.relative.beside(Peak(float(share[at]), first + at))

    def _floats(self, left: Block, right: Block, first: int) -> None:
        self.measured = True
        a, b = left.values, right.values
        with np.errstate(all="ignore"):
            apart, size, other = self._room(a)
            np.subtract(a, b, out=apart)
            np.abs(apart, out=apart)
            largest = apart.max()
            # NaN and infinities show here: one of them makes the distance NaN or infinite.
            if not np.isfinite(largest):
                self._with_special(left, right, first)
                return
            differing = int(np.count_nonzero(a != b))
            if not differing:
                return
            self.differing += differing
            if self._exact:
                self.beyond += differing
            if float(largest) > self.delta.value:
                at = int(apart.argmax())
                exact = float(abs(_wide(a[at]) - _wide(b[at])))
                self.delta = self.delta.beside(Peak(exact, first + at))
            np.abs(a, out=size)
            np.abs(b, out=other)
            np.maximum(size, other, out=size)
            share = np.divide(apart, size, out=other)
            # Two zeros have no relative distance; fmax passes over their NaN.
            most = np.fmax.reduce(share)
            if float(most) > self.relative.value:
                at = int((share == most).argmax())
                exact = float(abs(_wide(a[at]) - _wide(b[at])) / max(abs(_wide(a[at])), abs(_wide(b[at]))))
                self.relative = self.relative.beside(Peak(exact, first + at))
            steps = self._steps((left.codes, right.codes), share, float(most), first)
            # Where the largest relative distance is within the bound, by far more than rounding, all are.
            if not self._exact and not _LEAST_RTOL <= float(most) / (1 - _MARGIN) <= self.rule.rtol:
                self._judge(left, right, apart, size, float(largest), steps)

    def _room(self, like: NDArray[Any]) -> list[NDArray[Any]]:
        """Arrays to compute in, kept from block to block."""
        if not self._scratch or self._scratch[0].shape != like.shape or self._scratch[0].dtype != like.dtype:
            self._scratch = [np.empty_like(like) for _ in range(3)]
        return self._scratch

    def _steps(
        self,
        codes: tuple[NDArray[Any] | None, NDArray[Any] | None],
        share: NDArray[Any],
        most_share: float,
        first: int,
    ) -> NDArray[Any] | None:
        """Count the representable numbers from left to right, pair by pair.

        Bits of one sign order as numbers do, so their difference is the distance. Signs differ where the
        relative distance is 1 or more, and there the magnitudes add up. The difference of the two zeros
        is the least integer, whose absolute value no maximum picks.

        Args:
            codes: stored bits of finite floats on both sides, None for types wider than 64 bits.
            share: relative distances.
            most_share: the largest of them.
            first: flat index of the first.

        Returns:
            Exact distances, those beyond the signed integer of the width cut to its largest; negative
            for a pair of zeros.
        """
        left, right = codes
        if left is None or right is None:
            return None
        largest = np.iinfo(left.dtype).max
        peak = self.steps or Peak()
        apart = np.subtract(left, right)
        np.abs(apart, out=apart)
        if most_share >= 1:
            where = np.flatnonzero(share >= 1)
            steps = steps_apart(left[where], right[where])
            at = int(steps.argmax())
            peak = peak.beside(Peak(int(steps[at]), first + int(where[at])))
            apart[where] = np.minimum(steps, np.uint64(largest)).astype(left.dtype)
        most = int(apart.max())
        if most > peak.value:
            peak = peak.beside(Peak(most, first + int(apart.argmax())))
        self.steps = peak
        return np.asarray(apart)

    def _judge(
        self,
        left: Block,
        right: Block,
        apart: NDArray[Any],
        size: NDArray[Any],
        most: float,
        steps: NDArray[Any] | None,
    ) -> None:
        """Count the pairs of a block of finite floats that are not close.

        Args:
            left: the block.
            right: its counterpart.
            apart: |left - right|.
            size: max(|left|, |right|).
            most: the largest distance.
            steps: distances in representable numbers, where they are counted.
        """
        rule = self.rule
        margin, slack = (_MARGIN, _SLACK) if apart.dtype.itemsize == 4 else (0.0, 0.0)
        if most <= rule.atol * (1 - margin):
            return
        # An array of one dtype with Python's floats stays in that dtype, and these would round to it.
        scalar = apart.dtype.type
        over = apart > size * scalar(rule.rtol * (1 - margin)) + scalar(rule.atol * (1 - margin) - slack)
        doubtful = rule.ulp > 0 and steps is not None and rule.ulp >= np.iinfo(steps.dtype).max
        if rule.ulp and steps is not None and not doubtful:
            over &= steps > rule.ulp
        count = int(np.count_nonzero(over))
        if count and (margin or doubtful):
            if not doubtful:
                bound = size * scalar(rule.rtol * (1 + margin)) + scalar(rule.atol * (1 + margin) + slack)
                sure = over & (apart > bound)
                count = int(np.count_nonzero(sure))
                over &= ~sure
            else:
                count = 0
            where = np.flatnonzero(over)
            if len(where):
                count += len(where) - int(np.count_nonzero(_close(left, right, where, rule)))
        self.beyond += count

    def _with_special(self, left: Block, right: Block, first: int) -> None:
        """Compare a block that holds NaN, infinities, or a distance that overflows its type."""
        a, b = left.values, right.values
        nan = np.isnan(a) != np.isnan(b)
        finite = np.isfinite(a) & np.isfinite(b)
        infinite = ~finite & ~nan & ~np.isnan(a) & (a != b)
        special = int(np.count_nonzero(nan)), int(np.count_nonzero(infinite))
        self.nan += special[0]
        self.infinite += special[1]
        where = np.flatnonzero(finite)
        wide = np.result_type(a.dtype, np.float64)
        a, b = a[where].astype(wide), b[where].astype(wide)
        apart = np.abs(a - b)
        differing = int(np.count_nonzero(apart))
        self.differing += differing + sum(special)
        near = _close(left, right, where, self.rule)
        self.beyond += len(where) - int(np.count_nonzero(near)) + sum(special)
        if not differing:
            return
        at = int(apart.argmax())
        self.delta = self.delta.beside(Peak(float(apart[at]), first + int(where[at])))
        size = np.maximum(np.abs(a), np.abs(b))
        # Divided one by one: the distance itself may overflow.
        share = np.where(size == 0, 0, np.abs(a / size - b / size))
        at = int(share.argmax())
        self.relative = self.relative.beside(Peak(float(share[at]), first + int(where[at])))
        if left.codes is not None and right.codes is not None:
            steps = steps_apart(left.codes[where], right.codes[where])
            at = int(steps.argmax())
            self.steps = (self.steps or Peak()).beside(Peak(int(steps[at]), first + int(where[at])))


def _wide(value: Any) -> Any:
    """One number in at least double precision."""
    return value if value.dtype.itemsize > 8 else np.float64(value)


def _close(left: Block, right: Block, where: NDArray[Any], rule: Rule) -> NDArray[np.bool_]:
    """The exact law for some pairs of a block."""
    codes = None
    if left.codes is not None and right.codes is not None:
        codes = left.codes[where], right.codes[where]
    return close_floats(left.values[where], right.values[where], rule, codes)
