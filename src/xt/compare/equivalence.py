"""Whether repeats are consistent with a recorded number: two one-sided tests against its declared bound.

Where a test of difference says "not significant", it may have looked too little. This one has to show that
the means are closer than the bound: too few repeats, or too much spread, never pass.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from xt.compare.judging import TOO_FAR
from xt.compare.noise import POWER, Noise, Spread, noise_of, spread_of, unseen
from xt.compare.resolution import Resolution, resolution
from xt.compare.student import critical, two_sided
from xt.compare.tolerances import Tolerance, allowed, within
from xt.model.verification import Equivalence

#: Of each of the two tests, and so of both: both must reject, and only one can be wrong at a time.
LEVEL = 0.05
#: More repeats than this are as good as none.
MOST = 1_000_000
#: JSON knows no infinity.
_LARGEST = sys.float_info.max
#: Points at which the power is summed up: its error is below 0.001.
_POINTS = 100


class _Seen(NamedTuple):
    """What the runs show."""

    shift: float
    """Mean of the right side minus mean of the left."""
    noise: Noise
    n: int
    """Repeats on each side that has them; the smaller number of the two."""
    sd: float
    """Of one difference, as it was seen."""
    taken: float
    """The same as it is taken: not below what the resolution can hide."""
    df_each: float
    """Degrees of freedom for each repeat beyond the first."""
    notes: tuple[str, ...]


def against_one(
    metric: str, reference: float, repeats: Sequence[float], bound: float, level: float = LEVEL
) -> Equivalence:
    """Test whether the mean of repeats is within a bound of one recorded number.

    Schuirmann's two one-sided tests (1987) on the differences x - reference, with Student's t and n - 1
    degrees of freedom. The recorded number is taken as it is, its own noise included: the question is whether
    the recipe gives *that* number. A spread below half a step of the values is not believed, as in
    `noise.noise_of`.

    Args:
        metric: its name, for the report.
        reference: recorded.
        repeats: at least one; NaN and infinities are values too.
        bound: in the metric's unit, 0 or more.
        level: of each test, above 0 and below 0.5.

    Raises:
        ValueError: no repeats, or a bound that is none.
    """
    return _test(metric, [reference], repeats, bound, level)


def against_many(
    metric: str, left: Sequence[float], right: Sequence[float], bound: float, level: float = LEVEL
) -> Equivalence:
    """Test whether the means of two sets of runs are within a bound of each other.

    As `against_one`, with the tests that `noise.noise_of` chooses for two sides: Welch's, and Student's
    beside it when the sides are not equally many; both must agree. A side of one run counts as a recorded
    number.

    Args:
        metric: its name, for the report.
        left: what is held against, at least one.
        right: the runs that are judged, at least one.
        bound: in the metric's unit, 0 or more.
        level: of each test, above 0 and below 0.5.

    Returns:
        `n` and `needed` are repeats of each side (`n` of the smaller one), `sd` is that of the difference of
        one run of each.

    Raises:
        ValueError: a side without runs, or a bound that is none.
    """
    return _test(metric, left, right, bound, level)


def needed(
    shift: float, sd: float, bound: float, level: float = LEVEL, power: float = POWER, df_each: float = 1.0
) -> int | None:
    """Find how many repeats show that the means agree, if shift and spread are as given.

    Args:
        shift: true difference of the means.
        sd: true standard deviation of a difference.
        bound: in the same unit.
        level: of each test.
        power: probability with which it shall be shown.
        df_each: degrees of freedom for each repeat beyond the first: 1 for one side, up to 2 for two.

    Returns:
        At least 2; None when no number would do, or only one beyond `MOST`.
    """
    if not abs(shift) < bound:
        return None
    reached = partial(_power, shift=abs(shift), sd=sd, bound=bound, level=level, df_each=df_each)
    high = 2
    while reached(high) < power:
        if high > MOST:
            return None
        high *= 2
    low = max(2, high // 2)
    return low + bisect_left(range(low, high), power, key=reached)


def bound_of(tolerances: Sequence[Tolerance], reference: float, sd: float | None) -> float | None:
    """Express what is declared for a metric as one bound around a recorded number.

    Args:
        tolerances: each enough by itself, so the widest counts.
        reference: recorded.
        sd: standard deviation of repeats, None without. Taken from the repeats that are tested, it makes
            the bound itself scatter: `sigma 3` of 5 repeats then passes wrongly up to twice as often.

    Returns:
        In the metric's unit; None when nothing is declared, all of it needs repeats, or the number is not
        finite.
    """
    if not math.isfinite(reference):
        return None
    bounds = [
        bound
        for tolerance in tolerances
        if (bound := allowed(tolerance, reference, reference, sd)) is not None
    ]
    return min(max(bounds), _LARGEST) if bounds else None


def _test(
    metric: str, left: Sequence[float], right: Sequence[float], bound: float, level: float
) -> Equivalence:
    if not left or not right:
        raise ValueError("each side needs a run")
    if not 0 <= bound < math.inf:
        raise ValueError(f"the bound {bound} is not a finite number of 0 or more")
    plain = Equivalence(metric, len(right), float(left[0]), float(right[0]), bound, level, passed=False)
    if not all(map(math.isfinite, [*left, *right])):
        return _special(plain, left, right)
    plain = replace(plain, reference=spread_of(left).mean, mean=spread_of(right).mean)
    # Differences from a run: the mean of the values themselves would be rounded as coarsely as they are.
    moved = [[value - left[0] for value in side] for side in (left, right)]
    one, many = map(spread_of, moved)
    shift = many.mean - one.mean
    if not all(map(math.isfinite, [*moved[0], *moved[1], shift])):
        return replace(plain, note=TOO_FAR)
    seen = _seen(one, many, resolution([*left, *right]))
    if seen is None:
        return replace(plain, note="one repeat shows no spread: it cannot be decided by this one")
    return _decide(replace(plain, n=seen.n, sd=min(seen.sd, _LARGEST)), seen)


def _special(plain: Equivalence, left: Sequence[float], right: Sequence[float]) -> Equivalence:
    """Judge values that are not all finite: the same or not, there is nothing in between."""
    if all(value == left[0] or (math.isnan(value) and math.isnan(left[0])) for value in [*left, *right]):
        return replace(plain, passed=True, note=f"every run gave `{left[0]}`")
    odd = next(value for value in [*right, *left] if not math.isfinite(value))
    return replace(plain, note=f"a run gave `{odd}`, and others did not: no bound covers that")


def _seen(one: Spread, many: Spread, step: Resolution) -> _Seen | None:
    """Choose the test; None when no side has repeats."""
    shift = many.mean - one.mean
    floor = step.step / 2
    if one.sd is not None and many.sd is not None:
        noise = noise_of(one, many, None, step)
        assert noise is not None
        sds = [max(side.sd or 0.0, floor) for side in (one, many)]
        largest = max(sds)
        fourth = sum((sd / largest) ** 4 for sd in sds) if largest else 2.0
        df_each = sum((sd / largest) ** 2 for sd in sds) ** 2 / fourth if largest else 2.0
        n = min(one.n, many.n)
        return _Seen(shift, noise, n, math.hypot(one.sd, many.sd), math.hypot(*sds), df_each, noise.notes)
    repeated = many if many.sd is not None else one
    if repeated.sd is None:
        return None
    taken = max(repeated.sd, floor)
    noise = Noise(((taken / math.sqrt(repeated.n), repeated.n - 1),), "Student, one-sided twice")
    notes = unseen([repeated], step) if floor else ()
    return _Seen(shift, noise, repeated.n, repeated.sd, taken, 1.0, notes)


def _decide(plain: Equivalence, seen: _Seen) -> Equivalence:
    shift, bound, level = seen.shift, plain.bound, plain.level
    if seen.taken == 0.0:
        return _without_spread(plain, seen)
    p = max(_one_sided((bound - abs(shift)) / error, df) for error, df in seen.noise.tests)
    half = min(seen.noise.band(2 * level), _LARGEST)
    low, high = max(shift - half, -_LARGEST), min(shift + half, _LARGEST)
    passed = p < level
    enough = needed(shift, seen.taken, bound, level, df_each=seen.df_each)
    reason: list[str] = []
    if bound == 0:
        reason = ["a bound of 0 asks for equality, which no mean of scattering runs can show"]
    elif abs(shift) >= bound:
        sure = low >= bound or high <= -bound
        reason = [
            "the mean moved by more than the bound"
            + ("" if sure else ", though by so little that the spread could explain it")
        ]
    elif not passed and enough is not None:
        reason = [
            f"{seen.n} repeats are too few: {enough} would decide it 4 times of 5, "
            "if shift and spread stay as they are"
        ]
    elif not passed:
        reason = [f"the spread is too large: {MOST} repeats would not decide it"]
    note = "; ".join([*reason, *seen.notes]) or None
    return replace(plain, passed=passed, p=p, low=low, high=high, needed=enough, note=note)


def _without_spread(plain: Equivalence, seen: _Seen) -> Equivalence:
    """Judge runs that agree in every bit: by the shift alone, with a word on what so few can show.

    If another value came in a share q of all runs, n would miss it with probability (1 - q)^n; up to
    q = 1 - level^(1/n) that is not unlikely (Clopper & Pearson 1934).
    """
    passed = within(Tolerance("abs", plain.bound), 0.0, seen.shift, plain.bound)
    hidden = 1 - plain.level ** (1 / seen.n)
    note = (
        f"{seen.n} repeats agree exactly, so the shift alone decides; another value "
        f"could still come in up to {100 * hidden:.2g} % of runs"
    )
    if not passed:
        note = f"the shift is larger than the bound; {note}"
    enough = needed(seen.shift, 0.0, plain.bound, plain.level) if passed else None
    return replace(
        plain, passed=passed, p=float(not passed), low=seen.shift, high=seen.shift, needed=enough, note=note
    )


def _one_sided(t: float, df: float) -> float:
    """Probability that T is above t."""
    half = two_sided(t, df) / 2
    return half if t >= 0 else 1 - half


def _power(n: int, shift: float, sd: float, bound: float, level: float, df_each: float) -> float:
    """Probability that both tests reject, with true shift and sd.

    Given the sample's sd u·sd, the mean must lie within bound - t·u·sd/√n of 0, which is normal; summed up
    over the distribution of u, the root of a chi-squared variable over its degrees of freedom (the integral
    that Owen 1965 gives in closed form).
    """
    df = df_each * (n - 1)
    error = sd / math.sqrt(n)
    if error == 0.0:
        return 1.0
    t = critical(2 * level, df)
    width = 9 / math.sqrt(2 * df)
    first, last = max(0.0, 1 - width), min(1 + width, bound / error / t)
    if last <= first:
        return 0.0
    step = (last - first) / _POINTS
    front = math.log(2) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)
    total = 0.0
    for point in range(_POINTS):
        u = first + (point + 0.5) * step
        room = bound / error - t * u
        density = math.exp(front + (df - 1) * math.log(u) - df * u * u / 2)
        total += density * (_below(room - shift / error) - _below(-room - shift / error))
    return total * step


def _below(z: float) -> float:
    """Probability that a standard normal variable is below z."""
    return math.erfc(-z / math.sqrt(2)) / 2
