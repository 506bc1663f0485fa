"""Which elements of two sequences belong together, in bounded time.

Elements that occur once on both sides are matched first (Cohen's patience diff); what lies between is matched
by Myers' greedy algorithm ("An O(ND) difference algorithm and its variations", 1986), which is given up
at a number of edits and then goes on from the furthest point reached.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from typing import NamedTuple

#: Elements looked at in all; then what is left counts as replaced. A few seconds.
EFFORT = 8_000_000
#: Edits between two anchors before the search is given up.
EDITS = 300


class Match(NamedTuple):
    """A run of equal elements."""

    left: int
    right: int
    size: int


class Edit(NamedTuple):
    """A stretch that was replaced, or removed or added where one side is empty."""

    left: int
    left_end: int
    right: int
    right_end: int


def matches(left: Sequence[Hashable], right: Sequence[Hashable], effort: int = EFFORT) -> list[Match]:
    """Match two sequences.

    Args:
        left: one.
        right: the other.
        effort: elements to look at in all; with less, fewer matches are found, never wrong ones.

    Returns:
        Runs of equal elements, in order on both sides, none empty, no two adjacent.
    """
    found: list[Match] = []
    ranges = [(0, len(left), 0, len(right))]
    while ranges:
        low, high, start, end = ranges.pop()
        size = 0
        while low + size < high and start + size < end and left[low + size] == right[start + size]:
            size += 1
        if size:
            found.append(Match(low, start, size))
            low, start = low + size, start + size
            effort -= size
        size = 0
        while high - size > low and end - size > start and left[high - size - 1] == right[end - size - 1]:
            size += 1
        if size:
            high, end = high - size, end - size
            found.append(Match(high, end, size))
            effort -= size
        effort -= high - low + end - start
        if low == high or start == end or effort < 0:
            continue
        anchors = _anchors(left, right, low, high, start, end)
        if anchors:
            for at, other in anchors:
                found.append(Match(at, other, 1))
                if at > low and other > start:
                    ranges.append((low, at, start, other))
                low, start = at + 1, other + 1
        else:
            runs, low, start, steps = _greedy(left, right, low, high, start, end)
            found.extend(runs)
            effort -= steps
        ranges.append((low, high, start, end))
    return _joined(found)


def edits(left: Sequence[Hashable], right: Sequence[Hashable], effort: int = EFFORT) -> list[Edit]:
    """The stretches between the matches of two sequences, in order."""
    found = []
    at = other = 0
    for match in [*matches(left, right, effort), Match(len(left), len(right), 0)]:
        if match.left > at or match.right > other:
            found.append(Edit(at, match.left, other, match.right))
        at, other = match.left + match.size, match.right + match.size
    return found


def _joined(found: list[Match]) -> list[Match]:
    """Put matches in order and join those that touch."""
    joined: list[Match] = []
    for match in sorted(found):
        last = joined[-1] if joined else None
        if last is not None and (last.left + last.size, last.right + last.size) == match[:2]:
            joined[-1] = Match(last.left, last.right, last.size + match.size)
        else:
            joined.append(match)
    return joined


def _anchors(
    left: Sequence[Hashable], right: Sequence[Hashable], low: int, high: int, start: int, end: int
) -> list[tuple[int, int]]:
    """The longest increasing series of elements that occur once on each side."""
    ours, theirs = _once(left, low, high), _once(right, start, end)
    pairs = [(at, theirs.get(value, -1)) for value, at in ours.items() if at >= 0]
    pairs = sorted(pair for pair in pairs if pair[1] >= 0)
    # Patience sorting: `ends[n]` is the smallest last place of a series of n + 1.
    ends: list[int] = []
    holders: list[int] = []
    before: list[int] = []
    for index, (_, other) in enumerate(pairs):
        pile = bisect_left(ends, other)
        before.append(holders[pile - 1] if pile else -1)
        if pile == len(ends):
            ends.append(other)
            holders.append(index)
        else:
            ends[pile] = other
            holders[pile] = index
    series = []
    index = holders[-1] if holders else -1
    while index >= 0:
        series.append(pairs[index])
        index = before[index]
    return series[::-1]


def _once(items: Sequence[Hashable], low: int, high: int) -> dict[Hashable, int]:
    """Where each element is, -1 for one that occurs more than once."""
    places: dict[Hashable, int] = {}
    for at in range(low, high):
        places[items[at]] = -1 if items[at] in places else at
    return places


def _greedy(
    left: Sequence[Hashable], right: Sequence[Hashable], low: int, high: int, start: int, end: int
) -> tuple[list[Match], int, int, int]:
    """Myers' search from one corner.

    Returns:
        The matches found, the point (one place on each side) up to which they hold, and the steps it took.
    """
    rows, columns = high - low, end - start
    furthest = {1: 0}
    history: list[dict[int, int]] = []
    steps = 0
    reached, best = 0, (-1, 0)
    for count in range(min(rows + columns, EDITS) + 1):
        history.append({})
        best = (-1, 0)
        for k in range(-count, count + 1, 2):
            down = k == -count or (k != count and furthest.get(k - 1, -1) < furthest.get(k + 1, -1))
            x = furthest[k + 1] if down else furthest[k - 1] + 1
            y = x - k
            begun = x
            while x < rows and y < columns and left[low + x] == right[start + y]:
                x, y = x + 1, y + 1
            steps += x - begun + 1
            furthest[k] = x
            history[count][k] = x
            if x <= rows and y <= columns and x + y > best[0]:
                best = (x + y, k)
        reached = count
        if best[0] == rows + columns:
            break
    k = best[1]
    x = history[reached][k]
    runs = []
    stop = (low + x, start + x - k)
    for count in range(reached, -1, -1):
        x = history[count][k]
        if count == 0:
            previous = begun = 0
        else:
            earlier = history[count - 1]
            down = k == -count or (k != count and earlier.get(k - 1, -1) < earlier.get(k + 1, -1))
            previous = k + 1 if down else k - 1
            begun = earlier[previous] + (0 if down else 1)
        if x > begun:
            runs.append(Match(low + begun, start + begun - k, x - begun))
        k = previous
    return runs, *stop, steps
