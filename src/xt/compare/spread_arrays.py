"""The law of `spread` with numpy: some ten passes over a block that stays in the processor's cache.

Narrow floats are measured in single precision first; whatever lies so near a bound that rounding could
decide is judged again by the exact law of `closeness_arrays`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xt.compare.blocks import Block, Room, block
from xt.compare.closeness_arrays import close_floats, close_integers, distance, steps_apart
from xt.compare.kinds import Kind, same_type
from xt.compare.spread import Peak, Spread

#: Relative errors of float32 arithmetic here stay below this (three roundings of 6e-8).
_MARGIN = 1e-6
#: Relative distances above this are normal numbers in every type, with the relative error of such.
_LEAST_RTOL = 1e-30
#: More than the smallest float32, whose neighbourhood knows no relative error.
_SLACK = 3e-45
#: A share that none exceeds by much: of a number and its negative it is 2.
_FAR = 4.0


def compare_step(
    kinds: tuple[Kind, Kind],
    data: Sequence[bytes | bytearray],
    spreads: dict[str, Spread],
    first: int,
    room: Room,
) -> None:
    """Compare two runs of items that differ somewhere.

    Args:
        kinds: types of both sides, that can be compared.
        data: as many items of each, as they are stored.
        spreads: has the results: one by "", or one for each field of a record.
        first: number of the first item.
        room: to compute in; of one thread.
    """
    with np.errstate(all="ignore"):
        if kinds[0].family != "record":
            left, right = (block(kinds[at], data[at], room, "ab"[at]) for at in (0, 1))
            if not same_type(*kinds):
                left, right = (Block(side.values.astype(np.float64), None) for side in (left, right))
            _Step(spreads[""], left, right, first * kinds[0].parts, room).measure()
            return
        rows = [np.frombuffer(side, np.uint8).reshape(-1, kinds[0].itemsize) for side in data]
        for a, b in zip(kinds[0].fields, kinds[1].fields, strict=True):
            cells: list[Any] = []
            for field, side in zip((a, b), rows, strict=True):
                width = field.kind.itemsize * field.repeat
                cells.append(np.ascontiguousarray(side[:, field.offset : field.offset + width]).reshape(-1))
            if len(cells[0]):
                place = first * a.repeat * a.kind.parts
                left, right = block(a.kind, cells[0], room, "a"), block(b.kind, cells[1], room, "b")
                _Step(spreads[a.name], left, right, place, room).measure()


class _Step:
    """Two blocks of one type and length."""

    def __init__(self, spread: Spread, left: Block, right: Block, first: int, room: Room) -> None:
        self.spread = spread
        self.left = left
        self.right = right
        self.first = first
        self.room = room

    def measure(self) -> None:
        """Add them to the spread."""
        spread, a, b = self.spread, self.left.values, self.right.values
        spread.total += len(a)
        if a.ndim == 2:
            differ = int(np.count_nonzero((a != b).any(axis=1)))
            spread.differing += differ
            spread.beyond += differ
            return
        spread.measured = True
        if a.dtype.kind == "f":
            self._floats()
        else:
            self._integers()

    def _of(self, what: str, dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
        """Room for a result for each pair, of the type of the values."""
        values = self.left.values
        return self.room.of(what, values.dtype if dtype is None else dtype, len(values))

    def _integers(self) -> None:
        spread, a, b = self.spread, self.left.values, self.right.values
        differing = int(np.count_nonzero(a != b))
        if not differing:
            return
        spread.differing += differing
        spread.beyond += (
            differing if spread.exact else int(np.count_nonzero(~close_integers(a, b, spread.rule)))
        )
        apart = distance(a, b)
        at = int(apart.argmax())
        spread.delta = spread.delta.beside(self._peak(int(apart[at]), at))
        size = np.maximum(np.abs(a.astype(np.float64)), np.abs(b.astype(np.float64)))
        share = apart / np.maximum(size, 1)
        at = int(share.argmax())
        spread.relative = spread.relative.beside(self._peak(float(share[at]), at))

    def _peak(self, value: float | int, at: int, rank: float | int | None = None) -> Peak:
        return Peak(value, self.first + at, value if rank is None else rank)

    def _floats(self) -> None:
        spread, a, b = self.spread, self.left.values, self.right.values
        # Every result takes the place of the one before: that the cache holds them is worth making some anew.
        apart = np.subtract(a, b, out=self._of("result"))
        low, high = apart.min(), apart.max()
        # NaN and infinities show here: one of them makes the distance NaN or infinite.
        if not (np.isfinite(low) and np.isfinite(high)):
            self._with_special()
            return
        if not (low or high):
            return
        largest = _as_float(max(high, -low))
        if largest > spread.delta.rank:
            at = _place_of_largest(apart, low, high)
            spread.delta = self._peak(_as_float(abs(_wide(a[at]) - _wide(b[at]))), at, largest)
        # By the left side alone, which is one pass and not four; no share is larger. Two zeros have none:
        # these functions pass over their NaN.
        by_left = np.divide(apart, a, out=apart)
        low, high = np.fmin.reduce(by_left), np.fmax.reduce(by_left)
        most = _as_float(max(high, -low))
        if most > spread.relative.rank:
            self._find_relative(by_left, low, high)
        if self.left.codes is None or self.right.codes is None:
            between, differing = None, int(np.count_nonzero(a != b))
        else:
            # Where signs differ it is 1 or more; a zero on the left makes it infinite.
            alike = bool(high < 1 and not np.isinf(low))
            between, differing = self._between(self.left.codes, self.right.codes, alike=alike)
        spread.differing += differing
        if spread.exact:
            spread.beyond += differing
        # Where the largest relative distance is within the bound, by far more than rounding, all are.
        elif not _LEAST_RTOL <= most / (1 - _MARGIN) <= spread.rule.rtol:
            self._judge(largest, between)

    def _find_relative(self, by_left: NDArray[Any], low: Any, high: Any) -> None:
        """Find the largest share, when it can be larger than the largest so far.

        Args:
            by_left: signed distances by the left side, for each pair as large as its share or larger.
            low: the least of these.
            high: the largest.
        """
        a, b, rank = self.left.values, self.right.values, self.spread.relative.rank
        # `max(|a|, |b|) <= |a| + |a - b|`, so the largest share is not much below that by the left.
        most = min(_as_float(max(high, -low)), _FAR)
        bound = a.dtype.type(max(rank, most / (1 + most) * (1 - _MARGIN)))
        far = by_left >= bound
        if -low >= bound:
            far |= by_left <= -bound
        where = np.flatnonzero(far) if np.count_nonzero(far) * 16 < len(far) else None
        if where is None:
            share = np.divide(self._apart(), self._size(), out=self._of("result"))
        else:
            a, b = a[where], b[where]
            share = np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))
        found = np.fmax.reduce(share)
        largest = _as_float(found)
        if largest > rank:
            at = int((share == found).argmax())
            one, other = _wide(a[at]), _wide(b[at])
            value = _as_float(abs(one - other) / max(abs(one), abs(other)))
            self.spread.relative = self._peak(value, at if where is None else int(where[at]), largest)

    def _between(self, left: NDArray[Any], right: NDArray[Any], *, alike: bool) -> tuple[NDArray[Any], int]:
        """Count the steps of finite floats, and find the largest count.

        Bits of one sign order as numbers do, so there the absolute value of their difference is the count.

        Args:
            left: stored bits.
            right: stored bits.
            alike: whether all pairs are of one sign, but for those of two zeros.

        Returns:
            The counts, signed, those beyond the signed integer of the width cut to its largest; and how many
            pairs differ.
        """
        found = np.subtract(left, right, out=self._of("result", left.dtype))
        low, high = int(found.min()), int(found.max())
        least = -1 << 8 * left.dtype.itemsize - 1
        if low == least:
            # The two zeros, or a number and its negative.
            found[self.left.values == self.right.values] = 0
            low = int(found.min())
        differing = int(np.count_nonzero(found))
        peak = self.spread.steps or Peak()
        # Of two signs the magnitudes add up.
        where = np.flatnonzero((left ^ right) < 0) if not alike else ()
        if len(where):
            steps = steps_apart(left[where], right[where])
            at = int(steps.argmax())
            peak = peak.beside(self._peak(int(steps[at]), int(where[at])))
            found[where] = np.minimum(steps, np.uint64(-1 - least)).astype(left.dtype)
            low, high = int(found.min()), int(found.max())
        most = max(high, -low)
        if most > peak.rank or (len(where) and most == peak.rank):
            peak = peak.beside(self._peak(most, _place_of_largest(found, low, high)))
        self.spread.steps = peak
        return found, differing

    def _apart(self) -> NDArray[Any]:
        """The distances."""
        apart = np.subtract(self.left.values, self.right.values, out=self._of("apart"))
        return np.asarray(np.abs(apart, out=apart))

    def _size(self) -> NDArray[Any]:
        """The larger magnitudes."""
        size = np.abs(self.left.values, out=self._of("size"))
        other = np.abs(self.right.values, out=self._of("other"))
        return np.asarray(np.maximum(size, other, out=size))

    def _find_steps(self, between: NDArray[Any], most: int, *, alike: bool) -> None:
        """Find the largest count of steps of finite floats.

        Args:
            between: of `_between`; afterwards the counts, those beyond the signed integer of the width cut to
                its largest.
            most: the largest absolute value of it.
            alike: whether all pairs are of one sign.
        """
        peak = self.spread.steps or Peak()
        left, right = self.left.codes, self.right.codes
        assert left is not None and right is not None
        if not alike:
            # The magnitudes add up.
            where = np.flatnonzero((left ^ right) < 0)
            if len(where):
                steps = steps_apart(left[where], right[where])
                at = int(steps.argmax())
                peak = peak.beside(self._peak(int(steps[at]), int(where[at])))
                largest = np.iinfo(left.dtype).max
                between[where] = np.minimum(steps, np.uint64(largest)).astype(left.dtype)
                np.abs(between, out=between)
                at = int(between.argmax())
                peak = peak.beside(self._peak(int(between[at]), at))
                most = 0
        if most > peak.rank:
            at = _place_of_largest(between, between.min(), between.max())
            peak = peak.beside(self._peak(most, at))
        self.spread.steps = peak

    def _judge(self, most: float, between: NDArray[Any] | None) -> None:
        """Count the pairs of finite floats that are not close.

        Args:
            most: the largest distance.
            between: of `_between`.
        """
        rule = self.spread.rule
        single = self.left.values.dtype.itemsize == 4
        margin, slack = (_MARGIN, _SLACK) if single else (0.0, 0.0)
        if most <= rule.atol * (1 - margin):
            return
        apart, size = self._apart(), self._size()
        # An array of one dtype with Python's floats stays in that dtype, and these would round to it.
        scalar = apart.dtype.type
        over = apart > size * scalar(rule.rtol * (1 - margin)) + scalar(rule.atol * (1 - margin) - slack)
        doubtful = rule.ulp > 0 and between is not None and rule.ulp >= np.iinfo(between.dtype).max
        if rule.ulp and between is not None and not doubtful:
            # The absolute value of the least integer is itself, negative: of none here, as no steps are cut.
            over &= np.abs(between) > rule.ulp
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
                count += len(where) - int(np.count_nonzero(self._close(where)))
        self.spread.beyond += count

    def _with_special(self) -> None:
        """Compare a block that holds NaN, infinities, or a distance that overflows its type."""
        spread, a, b = self.spread, self.left.values, self.right.values
        nan = np.isnan(a) != np.isnan(b)
        finite = np.isfinite(a) & np.isfinite(b)
        infinite = ~finite & ~nan & ~np.isnan(a) & (a != b)
        special = int(np.count_nonzero(nan)), int(np.count_nonzero(infinite))
        spread.nan += special[0]
        spread.infinite += special[1]
        where = np.flatnonzero(finite & (a != b))
        spread.differing += len(where) + sum(special)
        near = self._close(where)
        spread.beyond += len(where) - int(np.count_nonzero(near)) + sum(special)
        if not len(where):
            return
        a, b = a[where], b[where]
        apart = np.abs(a - b)
        at = int(apart.argmax())
        value = _as_float(abs(_wide(a[at]) - _wide(b[at])))
        spread.delta = spread.delta.beside(self._peak(value, int(where[at]), _as_float(apart[at])))
        size = np.maximum(np.abs(a), np.abs(b))
        # Divided one by one where the distance itself overflows.
        share = np.where(np.isfinite(apart), apart / size, np.abs(a / size - b / size))
        at = int(share.argmax())
        one, other = _wide(a[at]), _wide(b[at])
        gap, larger = abs(one - other), max(abs(one), abs(other))
        value = _as_float(gap / larger if np.isfinite(gap) else abs(one / larger - other / larger))
        spread.relative = spread.relative.beside(self._peak(value, int(where[at]), _as_float(share[at])))
        if self.left.codes is not None and self.right.codes is not None:
            steps = steps_apart(self.left.codes[where], self.right.codes[where])
            at = int(steps.argmax())
            spread.steps = (spread.steps or Peak()).beside(self._peak(int(steps[at]), int(where[at])))

    def _close(self, where: NDArray[Any]) -> NDArray[np.bool_]:
        """The exact law for some pairs."""
        left, right, codes = self.left, self.right, None
        if left.codes is not None and right.codes is not None:
            codes = left.codes[where], right.codes[where]
        return close_floats(left.values[where], right.values[where], self.spread.rule, codes)


def _place_of_largest(values: NDArray[Any], low: Any, high: Any) -> int:
    """First index of the largest absolute value.

    Args:
        values: signed.
        low: the least of them.
        high: the largest.
    """
    if -low < high:
        return int(values.argmax())
    if -low > high:
        return int(values.argmin())
    return min(int(values.argmax()), int(values.argmin()))


def _wide(value: Any) -> Any:
    """One number in at least double precision."""
    return value if value.dtype.itemsize > 8 else np.float64(value)


def _as_float(value: Any) -> float:
    return float(value)
