"""Where a series moved: at given boundaries, and within the stretches between them; all judged together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from xt.compare.judging import FAMILY_LEVEL, holm
from xt.compare.noise import noise_of, spread_of
from xt.compare.ranks import best_split, least_p, likeness, rank_test, split, widened
from xt.compare.resolution import resolution

#: Values on each side of a boundary below which nothing can be told.
LEAST = 3
#: Values of a part that a stretch is split into: fewer are outliers, and no move.
_PART = 4
#: Places within one stretch that are looked for, the strongest first.
_MOST = 8

#: A stretch of the series: first index, and the one after the last.
Span = tuple[int, int]


class Place(NamedTuple):
    """One place that was looked at."""

    at: int
    """Values before it."""
    boundary: int | None
    """Number of the boundary; None for a place within a stretch."""
    before: Span
    after: Span
    p: float | None = None
    """None when there are too few values."""
    level: float | None = None
    """What `p` had to stay below."""
    moved: bool = False
    alike: float = 0.0
    """Correlation of neighbours that the spread was widened for."""

    @property
    def too_few(self) -> bool:
        """Whether no values whatsoever could have shown a move here."""
        sizes = self.before[1] - self.before[0], self.after[1] - self.after[0]
        if self.p is None or self.level is None:
            return True
        return not self.moved and self.boundary is not None and 2 * least_p(*sizes) >= self.level


class Moves(NamedTuple):
    """What was found."""

    places: list[Place]
    """Every boundary, and within stretches those where it moved; in order."""
    family: int
    """Tests that were judged together."""


def moves(stretches: Sequence[Sequence[float]]) -> Moves:
    """Say where a series moved.

    Within each stretch, Pettitt's test looks for the best place to split it, and again within the parts while
    it finds one. Then the parts that touch a boundary are held against each other by the rank-sum test, so
    that a move some time before a boundary is not taken for one at it. Beside the ranks stand the means
    (Welch); of both the smaller p counts, doubled. All tests are one family (Holm), at the level of
    comparisons of runs.

    Args:
        stretches: values in the order of time, finite; a boundary lies between each two.
    """
    starts = [0]
    for stretch in stretches:
        starts.append(starts[-1] + len(stretch))
    values = [value for stretch in stretches for value in stretch]
    asked = FAMILY_LEVEL / max(1, 2 * len(stretches) - 1)
    alike = likeness([half for stretch in stretches for half in _halves(stretch)])
    inner: list[Place] = []
    tests = 0
    parts: list[list[Span]] = []
    for number in range(len(stretches)):
        found, made = _within(values, (starts[number], starts[number + 1]), asked, alike)
        tests += made
        cuts = [starts[number], *(place.at for place in found), starts[number + 1]]
        parts.append(list(pairwise(cuts)))
        inner += found
    places = [
        _boundary(values, number, parts[number][-1], parts[number + 1][0], alike)
        for number in range(len(stretches) - 1)
    ]
    every = [*places, *inner]
    chances = {index: place.p for index, place in enumerate(every) if place.p is not None}
    # Tests within stretches that found nothing are of the family too.
    silent = {len(every) + extra: 1.0 for extra in range(tests - len(inner))}
    levels = holm({**chances, **silent})
    judged = [
        place if place.p is None else place._replace(level=levels[index], moved=place.p < levels[index])
        for index, place in enumerate(every)
    ]
    kept = [place for place in judged if place.boundary is not None or place.moved]
    return Moves(
        sorted(kept, key=lambda place: (place.at, place.boundary is None)), len(chances) + len(silent)
    )


def _halves(stretch: Sequence[float]) -> list[Sequence[float]]:
    """A stretch in two where it falls apart best, so that a move in it does not look like likeness."""
    if len(stretch) < 2 * _PART:
        return [stretch]
    at = best_split(stretch)
    return [stretch[:at], stretch[at:]]


def _within(values: list[float], span: Span, asked: float, alike: float) -> tuple[list[Place], int]:
    """Places within a stretch where it moved, in order, and how many tests were made."""
    waiting, tests = [span], 0
    cuts: list[int] = []
    found: dict[int, float] = {}
    while waiting and len(cuts) < _MOST:
        first, end = waiting.pop(0)
        if end - first < 2 * _PART:
            continue
        tests += 1
        part = values[first:end]
        at, p = split(part, alike)
        # Means see how high a jump is; every place where it could have been is one more chance to be wrong.
        p = min(1.0, 2 * min(p, (len(part) - 1) * _of_means(part[:at], part[at:], alike)))
        if p >= asked or min(at, len(part) - at) < _PART:
            continue
        cuts.append(first + at)
        found[first + at] = p
        waiting += [(first, first + at), (first + at, end)]
    cuts.sort()
    edges = [span[0], *cuts, span[1]]
    places = [
        Place(cut, None, (edges[number], cut), (cut, edges[number + 2]), found[cut], alike=alike)
        for number, cut in enumerate(cuts)
    ]
    return places, tests


def _boundary(values: list[float], number: int, before: Span, after: Span, alike: float) -> Place:
    plain = Place(after[0], number, before, after)
    left, right = values[slice(*before)], values[slice(*after)]
    if min(len(left), len(right)) < LEAST:
        return plain
    # Ranks know no tails and no size, so few values after a jump of any height say little; means know both.
    p = min(1.0, 2 * min(rank_test(left, right, alike), _of_means(left, right, alike)))
    return plain._replace(p=p, alike=alike)


def _of_means(left: list[float], right: list[float], alike: float) -> float:
    """P value of the difference of means, as `xt diff` judges repeats, the spread widened by likeness."""
    spreads = spread_of(left), spread_of(right)
    delta = spreads[1].mean - spreads[0].mean
    if not all(map(math.isfinite, (delta, *(spread.sd or 0.0 for spread in spreads)))):
        return 1.0  # too far apart for a number to say; the ranks decide
    noise = noise_of(*spreads, None, resolution([*left, *right]))
    return 1.0 if noise is None else noise.p(delta / widened(alike))
