"""Whether a series moved: tests on ranks, which no single extreme value decides.

Values of production have heavy tails (latency) and follow one another (what was high a minute ago is high
now). Ranks answer the first; for the second the spread is widened by how much neighbours are alike.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from xt.compare.student import normal_two_sided

#: Values in all up to which every way to divide them is counted; above, the normal approximation is as good.
EXACT = 24
#: Values up to which the best split is held against those of shuffled values: in so few Pettitt's
#: approximation finds too little.
SHUFFLED = 40
_SHUFFLES = 1999
#: Shuffled values as far apart, after which no more are looked at.
_ENOUGH = 20
#: Neighbours are not held to be more alike than this: less than a tenth of the values would count.
_MOST_ALIKE = 0.9
#: Values from which on their likeness can be told from chance at all.
_TELLING = 12


class Split(NamedTuple):
    """The place where a series falls apart best."""

    at: int
    """Values before it."""
    p: float


def midranks(values: Sequence[float]) -> list[float]:
    """Rank values from 1; equal ones share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    first = 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for place in order[first : last + 1]:
            ranks[place] = (first + last) / 2 + 1
        first = last + 1
    return ranks


def rank_test(left: Sequence[float], right: Sequence[float], alike: float = 0.0) -> float:
    """Two-sided p value of the rank-sum test (Wilcoxon 1945; Mann & Whitney 1947), ties as midranks.

    Args:
        left: values, at least one.
        right: values, at least one.
        alike: correlation of neighbours, 0 where they are independent; see `likeness`.
    """
    n, m = len(left), len(right)
    ranks = midranks([*left, *right])
    observed = sum(ranks[:n])
    if n + m <= EXACT and alike == 0.0:
        return _exact(ranks, n, observed)
    distance = abs(observed - n * (n + m + 1) / 2)
    spread = _spread(ranks, n, m) * widened(alike)
    # Continuity: a rank sum moves in steps of a half where there are ties, else of 1.
    return normal_two_sided(max(distance - 0.5, 0.0) / spread) if spread > 0 else 1.0


def least_p(n: int, m: int) -> float:
    """The smallest p value that so many values before and after can give."""
    return min(1.0, 2 / math.comb(n + m, n)) if n + m <= EXACT else 0.0


def split(values: Sequence[float], alike: float = 0.0) -> Split:
    """Find where a series falls apart best, and how surprising that is without a change (Pettitt 1979).

    Args:
        values: in the order of time, at least two.
        alike: correlation of neighbours.

    Returns:
        The place, and a p value that takes into account that it was searched for: of few values by shuffling
        them, always in the same ways, so that the answer repeats; of many by Pettitt's approximation.
    """
    total = len(values)
    ranks = midranks(values)
    best, at = _best(ranks)
    ties = _tie_share(ranks)
    if ties == 0:
        return Split(at, 1.0)
    best /= widened(alike)
    if total > SHUFFLED:
        return Split(at, min(1.0, 2 * math.exp(-6 * best**2 / ((total**3 + total**2) * ties))))
    chance = random.Random(0)  # noqa: S311 - the same answer every time
    as_far = 0
    for done in range(1, _SHUFFLES + 1):
        chance.shuffle(ranks)
        as_far += _best(ranks)[0] >= best
        if as_far == _ENOUGH:  # sequential: what is no surprise is known soon (Besag & Clifford 1991)
            return Split(at, as_far / done)
    return Split(at, (as_far + 1) / (_SHUFFLES + 1))


def best_split(values: Sequence[float]) -> int:
    """Values before the place where a series falls apart best."""
    return _best(midranks(values))[1]


def likeness(segments: Sequence[Sequence[float]]) -> float:
    """Correlation of neighbours within stretches that did not move, 0 where it is negative or cannot be told.

    Args:
        segments: in the order of time; each is ranked and centred by itself, so that a move between two of
            them is no likeness.
    """
    products = squares = 0.0
    count = number = 0
    for segment in segments:
        if len(segment) < 3:
            continue
        ranks = midranks(segment)
        middle = (len(segment) + 1) / 2
        # On one scale, so that a long stretch does not drown the others.
        centred = [(rank - middle) / len(segment) for rank in ranks]
        products += sum(one * other for one, other in pairwise(centred))
        squares += sum(one * one for one in centred)
        count += len(segment)
        number += 1
    if count < _TELLING or squares == 0:
        return 0.0
    found = products / squares
    # In a stretch of n values it comes out too low by about (1 + 3 r) / n (Kendall 1954).
    n = max(count / number, 6)
    found = (n * found + 1) / (n - 3)
    # Up to one standard error it is taken for chance: in a few values it would hide every move.
    return min(_MOST_ALIKE, found) if found > 1 / math.sqrt(count) else 0.0


def _best(ranks: Sequence[float]) -> tuple[float, int]:
    """Pettitt's K and the place it is at."""
    middle = (len(ranks) + 1) / 2
    best, at, running = 0.0, 1, 0.0
    for place, rank in enumerate(ranks[:-1], 1):
        running += rank - middle
        if abs(running) > best:
            best, at = abs(running), place
    return 2 * best, at


def widened(alike: float) -> float:
    """Factor on a standard error when neighbours are alike (Bayley & Hammersley 1946, for long series)."""
    return math.sqrt((1 + alike) / (1 - alike))


def _spread(ranks: Sequence[float], n: int, m: int) -> float:
    """Standard deviation of a rank sum without a true change, given the ties."""
    total = n + m
    middle = (total + 1) / 2
    squares = math.fsum((rank - middle) ** 2 for rank in ranks)
    return math.sqrt(n * m * squares / (total * (total - 1)))


def _tie_share(ranks: Sequence[float]) -> float:
    """How much of the variance of ranks is left by ties: 1 without any, 0 when all values are equal."""
    total = len(ranks)
    squares = math.fsum((rank - (total + 1) / 2) ** 2 for rank in ranks)
    return squares * 12 / (total * (total * total - 1))


def _exact(ranks: Sequence[float], n: int, observed: float) -> float:
    """Share of all ways to choose n of the ranks whose sum is as far from the middle.

    Midranks are halves: doubled, sums are whole numbers and can be counted one rank after another.
    """
    doubled = [round(2 * rank) for rank in ranks]
    ways: list[dict[int, int]] = [{0: 1}, *({} for _ in range(n))]
    for rank in doubled:
        for chosen in range(n - 1, -1, -1):
            for total, number in ways[chosen].items():
                above = ways[chosen + 1]
                above[total + rank] = above.get(total + rank, 0) + number
    middle = n * (len(ranks) + 1)
    far = abs(round(2 * observed) - middle)
    extreme = sum(number for total, number in ways[n].items() if abs(total - middle) >= far)
    return extreme / math.comb(len(ranks), n)
