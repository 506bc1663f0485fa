"""A metric over steps, of two runs: where the curves part, and small pictures of both."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from xt.compare import UnreadableError
from xt.compare.tolerances import Tolerance, widest
from xt.model.delta import Delta, Measure, Relation

#: Points of a side: what fits in memory; fewer when they must be sorted.
MOST_POINTS = 2_000_000
MOST_UNSORTED = 500_000
#: Points of a small picture.
WIDTH = 24


class Points(NamedTuple):
    """A series in the order of its steps, each step once."""

    steps: array[float]
    values: array[float]
    by_position: bool
    """No point has a step: they are numbered."""
    again: int
    """Points replaced by a later one of the same step."""
    stepless: int
    """Points without a step among others that have one."""


class _Matches:
    """What the steps of both sides come to."""

    def __init__(self) -> None:
        self.both = self.only_left = self.only_right = self.differing = self.over = 0
        self.largest = 0.0
        self.at: float | None = None
        self.first: float | None = None
        self.last: tuple[float, float, float] | None = None


def compare_series(
    left: Iterable[tuple[float | None, float]],
    right: Iterable[tuple[float | None, float]],
    path: str,
    tolerances: Sequence[Tolerance] = (),
    sd: float | None = None,
) -> Delta:
    """Compare two series at the steps they share.

    Args:
        left: step and value of each point, in the order they were written; of a step that occurs more than
            once, the last value counts. Without any steps, points are matched by their position.
        right: likewise.
        path: of the metric's series.
        tolerances: of the metric, each enough by itself, held against every step.
        sd: standard deviation of the metric over repeats, None without.

    Returns:
        A part that informs and does not count (the metric's value does): `same` when all points agree,
        `within` when every step is within the tolerance. `left` and `right` are at most 24 means over equal
        ranges of steps, None where a range has no finite value.

    Raises:
        UnreadableError: there are more points than memory allows for.
    """
    one, other = ordered(left), ordered(right)
    if one.by_position != other.by_position and one.steps and other.steps:
        return Delta(path, "unknown", note="only one side has steps", counted=False)
    matches = _match(one, other, tolerances, sd)
    lone = matches.only_left or matches.only_right
    relation: Relation = "same"
    if lone or matches.over:
        relation = "changed"
    elif matches.differing:
        relation = "within"
    measures = [Measure("steps on both sides", matches.both)]
    counts = (("steps only left", matches.only_left), ("steps only right", matches.only_right))
    measures += [Measure(what, count) for what, count in counts if count]
    if matches.differing:
        measures.append(Measure("steps differing", matches.differing, at=_step(matches.first)))
        if math.isfinite(matches.largest):
            measures.append(Measure("max |Δ|", matches.largest, at=_step(matches.at)))
    if matches.last is not None and all(map(math.isfinite, matches.last)):
        step, before, after = matches.last
        measures.append(Measure("left at the last common step", before, at=_step(step)))
        measures.append(Measure("right at the last common step", after, at=_step(step)))
    low, high = _range(one, other)
    buckets = min(WIDTH, max(len(one.steps), len(other.steps)))
    return Delta(
        path,
        relation,
        left=_picture(one, low, high, buckets),
        right=_picture(other, low, high, buckets),
        measures=measures,
        note=_note(matches, one, other),
        counted=False,
    )


def ordered(series: Iterable[tuple[float | None, float]]) -> Points:
    """Put points in the order of their steps.

    Args:
        series: step and value of each point, in the order they were written; without any steps, they are
            numbered, and among some that have one, those without are left out.

    Raises:
        UnreadableError: there are more points than memory allows for.
    """
    steps, values = array("d"), array("d")
    stepless = 0
    for step, value in series:
        if len(steps) >= MOST_POINTS:
            raise UnreadableError(f"the series has more than {MOST_POINTS} points")
        known = step is not None and math.isfinite(step)
        stepless += not known
        steps.append(step if step is not None and known else math.nan)
        values.append(value)
    by_position = stepless == len(steps)
    if by_position:
        return Points(array("d", range(len(steps))), values, by_position, 0, 0)
    if not stepless and all(steps[i] < steps[i + 1] for i in range(len(steps) - 1)):
        return Points(steps, values, by_position, 0, 0)
    if len(steps) > MOST_UNSORTED:
        raise UnreadableError(f"its steps are not in order, and there are more than {MOST_UNSORTED} points")
    latest = {step: value for step, value in zip(steps, values, strict=True) if step == step}  # noqa: PLR0124
    ordered = array("d", sorted(latest))
    again = len(steps) - stepless - len(ordered)
    return Points(ordered, array("d", [latest[step] for step in ordered]), by_position, again, stepless)


def _match(one: Points, other: Points, tolerances: Sequence[Tolerance], sd: float | None) -> _Matches:
    """Walk along both sides, in the order of their steps."""
    found = _Matches()
    i = j = 0
    while i < len(one.steps) and j < len(other.steps):
        step = one.steps[i]
        if step < other.steps[j]:
            found.only_left += 1
            i += 1
        elif step > other.steps[j]:
            found.only_right += 1
            j += 1
        else:
            before, after = one.values[i], other.values[j]
            found.both += 1
            found.last = (step, before, after)
            if before != after and not (math.isnan(before) and math.isnan(after)):
                _differ(found, step, before, after, tolerances, sd)
            i += 1
            j += 1
    found.only_left += len(one.steps) - i
    found.only_right += len(other.steps) - j
    return found


def _differ(
    found: _Matches,
    step: float,
    before: float,
    after: float,
    tolerances: Sequence[Tolerance],
    sd: float | None,
) -> None:
    found.differing += 1
    if found.first is None:
        found.first = step
    size = abs(after - before)
    size = math.inf if math.isnan(size) else size
    if size > found.largest:
        found.largest, found.at = size, step
    allowance = widest(tolerances, before, after, sd) if math.isfinite(size) else None
    found.over += allowance is None or not allowance[1]


def _range(one: Points, other: Points) -> tuple[float, float]:
    ends = [side.steps[end] for side in (one, other) if side.steps for end in (0, -1)]
    return (min(ends), max(ends)) if ends else (0.0, 0.0)


def _picture(points: Points, low: float, high: float, buckets: int) -> list[float | None]:
    """Average the finite values over equal ranges of steps; both sides share the ranges."""
    sums, counts = [0.0] * buckets, [0] * buckets
    # Halves, since the width itself may be more than a float holds.
    width = high / 2 - low / 2
    for step, value in zip(points.steps, points.values, strict=True):
        if math.isfinite(value):
            share = (step / 2 - low / 2) / width if width > 0 else 0.0
            bucket = min(buckets - 1, int(share * buckets))
            counts[bucket] += 1
            # A running mean: a sum could overflow.
            sums[bucket] += value / counts[bucket] - sums[bucket] / counts[bucket]
    return [mean if count else None for mean, count in zip(sums, counts, strict=True)]


def _note(matches: _Matches, one: Points, other: Points) -> str | None:
    clauses = []
    if not matches.both and (one.steps or other.steps):
        clauses.append("no step is on both sides")
    if math.isinf(matches.largest):
        clauses.append(f"nan or infinite against another value at step {_step(matches.at)}")
    for side, name in ((one, "left"), (other, "right")):
        if side.again:
            clauses.append(f"{side.again} points on the {name} replaced by a later one of their step")
        if side.stepless:
            clauses.append(f"{side.stepless} points on the {name} have no step")
    if one.by_position and one.steps:
        clauses.append("no steps: points are matched by their position")
    return ", ".join(clauses) or None


def _step(step: float | None) -> str | None:
    if step is None:
        return None
    return str(int(step)) if step.is_integer() and abs(step) < 1e15 else repr(step)
