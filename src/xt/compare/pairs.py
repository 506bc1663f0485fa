"""Two blocks of numbers, and which of their pairs are close by a rule.

Narrow floats are judged in single precision first; whatever lies so near a bound that rounding could decide
is judged again by the exact law of `closeness_arrays`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from xt.compare.blocks import Block, Room
from xt.compare.closeness_arrays import close_floats
from xt.compare.spread import Peak, Spread

#: Relative errors of float32 arithmetic here stay below this (three roundings of 6e-8).
MARGIN = 1e-6
#: More than the smallest float32, whose neighbourhood knows no relative error.
_SLACK = 3e-45
BOOL = np.dtype(np.bool_)


class Pairs:
    """Two blocks of one type and length."""

    def __init__(self, spread: Spread, left: Block, right: Block, first: int, room: Room) -> None:
        """Take two blocks.

        Args:
            spread: to add to.
            left: of any length.
            right: its counterpart.
            first: flat index of its first value.
            room: to compute in.
        """
        self.spread = spread
        self.left = left
        self.right = right
        self.first = first
        self.room = room
        self._sizes: NDArray[Any] | None = None

    def of(self, what: str, dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
        """Room for a result for each pair, of the type of the values."""
        values = self.left.values
        return self.room.of(what, values.dtype if dtype is None else dtype, len(values))

    def peak(self, value: float | int, at: int, rank: float | int | None = None) -> Peak:
        """A largest value at an index of the block, by its rank if that is another."""
        return Peak(value, self.first + at, value if rank is None else rank)

    def size(self) -> NDArray[Any]:
        """The larger magnitudes."""
        if self._sizes is None:
            size = np.abs(self.left.values, out=self.of("size"))
            other = np.abs(self.right.values, out=self.of("bound"))
            self._sizes = np.maximum(size, other, out=size)
        return self._sizes

    def judge(self, apart: NDArray[Any], most: float, between: NDArray[Any] | None) -> bool:
        """Count the pairs of finite floats that are not close.

        Args:
            apart: distances, signed or not.
            most: the largest.
            between: of `_between`.

        Returns:
            Whether the pairs had to be looked at.
        """
        rule = self.spread.rule
        single = apart.dtype.itemsize == 4
        margin, slack = (MARGIN, _SLACK) if single else (0.0, 0.0)
        if most <= rule.atol * (1 - margin):
            return False
        apart, size = np.abs(apart, out=apart), self.size()
        # An array of one dtype with Python's floats stays in that dtype, and these would round to it.
        scalar = apart.dtype.type
        bound = np.multiply(size, scalar(rule.rtol * (1 - margin)), out=self.of("bound"))
        bound += scalar(rule.atol * (1 - margin) - slack)
        over = np.greater(apart, bound, out=self.of("equal", BOOL))
        doubtful = rule.ulp > 0 and between is not None and rule.ulp >= np.iinfo(between.dtype).max
        if rule.ulp and between is not None and not doubtful:
            # The absolute value of the least integer is itself, negative: of none here, as no steps are cut.
            over &= np.abs(between) > rule.ulp
        count = int(np.count_nonzero(over))
        if count and (margin or doubtful):
            if not doubtful:
                np.multiply(size, scalar(rule.rtol * (1 + margin)), out=bound)
                bound += scalar(rule.atol * (1 + margin) + slack)
                sure = over & (apart > bound)
                count = int(np.count_nonzero(sure))
                over &= ~sure
            else:
                count = 0
            where = np.flatnonzero(over)
            if len(where):
                count += len(where) - int(np.count_nonzero(self.close(where)))
        self.spread.beyond += count
        return True

    def close(self, where: NDArray[Any]) -> NDArray[np.bool_]:
        """The exact law for some pairs."""
        left, right, rule, codes = self.left, self.right, self.spread.rule, None
        if left.codes is not None and right.codes is not None:
            codes = left.codes[where], right.codes[where]
        elif rule.ulp:
            # Of two types, or wider than 64 bits: steps are not counted.
            rule = replace(rule, ulp=0)
        return close_floats(left.values[where], right.values[where], rule, codes)
