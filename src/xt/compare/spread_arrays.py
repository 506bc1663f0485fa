"""The law of `spread` with numpy: some ten passes over a block that stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xt.compare.blocks import Block, Room, block
from xt.compare.closeness_arrays import close_integers, distance, steps_apart
from xt.compare.kinds import Kind, same_type
from xt.compare.pairs import BOOL, MARGIN, Pairs
from xt.compare.spread import Peak, Spread

#: Relative distances above this are normal numbers in every type, with the relative error of such.
_LEAST_RTOL = 1e-30
#: Of pairs of one sign: with a larger distance by the left side the right one may be next to nothing.
_ALIKE = 0.5
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


class _Step(Pairs):
    """Two blocks that are added to a spread."""

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
        spread.delta = spread.delta.beside(self.peak(int(apart[at]), at))
        size = np.maximum(np.abs(a.astype(np.float64)), np.abs(b.astype(np.float64)))
        share = apart / np.maximum(size, 1)
        at = int(share.argmax())
        spread.relative = spread.relative.beside(self.peak(float(share[at]), at))

    def _floats(self) -> None:
        spread, a, b = self.spread, self.left.values, self.right.values
        apart = np.subtract(a, b, out=self.of("apart"))
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
            spread.delta = self.peak(_as_float(abs(_wide(a[at]) - _wide(b[at]))), at, largest)
        most, alike, wide = self._by_larger(apart) if self.room.thorough else self._by_left(apart)
        between = None
        if self.left.codes is None or self.right.codes is None or (alike and self._no_more_steps(most)):
            differing = int(np.count_nonzero(np.not_equal(a, b, out=self.of("equal", BOOL))))
        else:
            between, differing = self._between(self.left.codes, self.right.codes, alike=alike)
        spread.differing += differing
        judged = False
        if spread.exact:
            spread.beyond += differing
        # Where the largest relative distance is within the bound, by far more than rounding, all are.
        elif not _LEAST_RTOL <= most / (1 - MARGIN) <= spread.rule.rtol:
            judged = self.judge(apart, largest, between)
        # Blocks are like those before them, as a rule.
        self.room.thorough = wide or judged

    def _by_left(self, apart: NDArray[Any]) -> tuple[float, bool, bool]:
        """Find the largest share by a look at distances by the left side: one pass and not four.

        No share is larger than that. Two zeros have none: these functions pass over their NaN.

        Args:
            apart: signed distances.

        Returns:
            The largest distance by the left side, whether all pairs are of one sign, and whether that look
            was not enough.
        """
        a, b, rank = self.left.values, self.right.values, self.spread.relative.rank
        by_left = np.divide(apart, a, out=self.of("share"))
        low, high = np.fmin.reduce(by_left), np.fmax.reduce(by_left)
        most = _as_float(max(high, -low))
        # Where signs differ it is 1 or more; a zero on the left makes it infinite.
        alike = bool(high < 1 and not np.isinf(low))
        if most <= rank:
            return most, alike, False
        # `max(|a|, |b|) <= |a| + |a - b|`, so the largest share is not much below that by the left.
        near = min(most, _FAR)
        bound = a.dtype.type(max(rank, near / (1 + near) * (1 - MARGIN)))
        far = by_left >= bound
        if -low >= bound:
            far |= by_left <= -bound
        if np.count_nonzero(far) * 16 >= len(far):
            self._by_larger(apart)
            return most, alike, True
        where = np.flatnonzero(far)
        a, b = a[where], b[where]
        self._find_relative(np.abs(a - b) / np.maximum(np.abs(a), np.abs(b)), where)
        return most, alike, False

    def _by_larger(self, apart: NDArray[Any]) -> tuple[float, bool, bool]:
        """Find the largest share among all; as `_by_left`, with shares for distances by the left side.

        Args:
            apart: signed distances; afterwards they are not.
        """
        np.abs(apart, out=apart)
        most = self._find_relative(np.divide(apart, self.size(), out=self.of("share")), None)
        alike = most < 1
        return most, alike, not alike or most / (1 - most) > self.spread.relative.rank

    def _find_relative(self, share: NDArray[Any], where: NDArray[Any] | None) -> float:
        """Find the largest share.

        Args:
            share: of pairs, NaN for two zeros.
            where: which pairs these are; all by default.
        """
        found = np.fmax.reduce(share)
        largest = _as_float(found)
        if largest > self.spread.relative.rank:
            at = int((share == found).argmax())
            at = at if where is None else int(where[at])
            one, other = _wide(self.left.values[at]), _wide(self.right.values[at])
            value = _as_float(abs(one - other) / max(abs(one), abs(other)))
            self.spread.relative = self.peak(value, at, largest)
        return largest

    def _no_more_steps(self, most: float) -> bool:
        """Whether no pair is more steps apart than the most so far.

        A step from a number is at least that number by two to its digits, so there are no more of them than
        the distance by the smaller magnitude, times that.

        Args:
            most: the largest distance by the left side, or share, of pairs of one sign.
        """
        known = self.spread.steps
        if known is None or self.spread.rule.ulp or most >= _ALIKE:
            return False
        return most / (1 - most) * (1 + MARGIN) * 2.0**self.left.digits < known.rank + 1

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
        found = np.subtract(left, right, out=self.of("share", left.dtype))
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
            peak = peak.beside(self.peak(int(steps[at]), int(where[at])))
            found[where] = np.minimum(steps, np.uint64(-1 - least)).astype(left.dtype)
            low, high = int(found.min()), int(found.max())
        most = max(high, -low)
        if most > peak.rank or (len(where) and most == peak.rank):
            peak = peak.beside(self.peak(most, _place_of_largest(found, low, high)))
        self.spread.steps = peak
        return found, differing

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
        near = self.close(where)
        spread.beyond += len(where) - int(np.count_nonzero(near)) + sum(special)
        if not len(where):
            return
        a, b = a[where], b[where]
        apart = np.abs(a - b)
        at = int(apart.argmax())
        value = _as_float(abs(_wide(a[at]) - _wide(b[at])))
        spread.delta = spread.delta.beside(self.peak(value, int(where[at]), _as_float(apart[at])))
        size = np.maximum(np.abs(a), np.abs(b))
        # Divided one by one where the distance itself overflows.
        share = np.where(np.isfinite(apart), apart / size, np.abs(a / size - b / size))
        at = int(share.argmax())
        one, other = _wide(a[at]), _wide(b[at])
        gap, larger = abs(one - other), max(abs(one), abs(other))
        value = _as_float(gap / larger if np.isfinite(gap) else abs(one / larger - other / larger))
        spread.relative = spread.relative.beside(self.peak(value, int(where[at]), _as_float(share[at])))
        if self.left.codes is not None and self.right.codes is not None:
            steps = steps_apart(self.left.codes[where], self.right.codes[where])
            at = int(steps.argmax())
            spread.steps = (spread.steps or Peak()).beside(self.peak(int(steps[at]), int(where[at])))


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
