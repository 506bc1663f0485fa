"""What repeats say about noise: the test that fits the runs there are, its p value and its band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from xt.compare.resolution import Resolution
from xt.compare.student import critical, two_sided

#: A change that is called detectable is found with this probability.
POWER = 0.8


class Spread(NamedTuple):
    """Repeats of one recipe."""

    n: int
    mean: float
    sd: float | None
    """Sample standard deviation (n - 1), None for one value."""


class Noise(NamedTuple):
    """How far a difference of means goes without a true change."""

    tests: tuple[tuple[float, float], ...]
    """Standard error of the difference and degrees of freedom; where two tests fit, both must agree."""
    method: str
    notes: tuple[str, ...] = ()

    def p(self, delta: float) -> float:
        """Probability of a difference of at least this size without a true change."""
        return max(
            (two_sided(delta / error, df) if error > 0 else float(delta == 0)) for error, df in self.tests
        )

    def band(self, level: float) -> float:
        """Half width of the band: a larger difference has p below the level."""
        return max(critical(level, df) * error if error > 0 else 0.0 for error, df in self.tests)

    def detectable(self, level: float) -> float:
        """Smallest true change that comes out beyond the band with probability `POWER`.

        (t_level + t_power) times the standard error (Bloom 1995). The second quantile is Student's as well,
        since the error is estimated: averaged over all samples of repeats, exactly this share of such
        changes is found, where one that takes the estimate for the truth would promise too much.
        """
        return max(
            (critical(level, df) + critical(2 * (1 - POWER), df)) * error if error > 0 else 0.0
            for error, df in self.tests
        )


def spread_of(values: Sequence[float]) -> Spread:
    """Mean and standard deviation, exact for values that agree, without overflow in between.

    Args:
        values: finite, at least one.

    Returns:
        A mean or sd of infinity when it is beyond what a float can hold.
    """
    first = values[0]
    if len(values) == 1:
        return Spread(1, first, None)
    moved = [value - first for value in values]
    scale = float(max(map(abs, moved)))
    if scale == 0.0 or math.isinf(scale):
        return Spread(len(values), first, scale)
    parts = [move / scale for move in moved]
    middle = math.fsum(parts) / len(parts)
    squares = math.fsum((part - middle) ** 2 for part in parts)
    return Spread(len(values), first + scale * middle, scale * math.sqrt(squares / (len(values) - 1)))


def noise_of(left: Spread, right: Spread, shared: Spread | None, step: Resolution) -> Noise | None:
    """Choose the test for the repeats there are.

    - One run against n repeats: is it inside the prediction interval of the repeats (Student; the spread of
      the one is taken to be that of the others).
    - Repeats on both sides: the larger p of Welch's test (Welch 1947, degrees of freedom by Satterthwaite
      1946) and of Student's with a common spread. Alone, Welch's gives too many false alarms for 2 against
      many, and Student's when the spreads differ; together they keep the rate for equal spreads everywhere.
    - Both runs of one recipe: the spread of its other repeats.

    A spread below half a step of the values is not believed: what flips between two neighbouring values has
    an sd of up to half a step, and few repeats need not show it.

    Args:
        left: of the left side.
        right: of the right side.
        shared: of the other repeats, when both runs have the same recipe.
        step: of the metric's values.

    Returns:
        None when no spread is known.
    """
    floor = step.step / 2
    if left.sd is not None and right.sd is not None:
        return _both(left, right, floor, unseen([left, right], step))
    for one, many, lone, others in ((right, left, "right", "left"), (left, right, "left", "right")):
        if many.sd is not None and one.sd is None:
            error = max(many.sd, floor) * math.sqrt(1 + 1 / many.n)
            assumed = f"one run on the {lone}: its spread is taken to be that of the {others}"
            return Noise(
                ((error, many.n - 1),),
                f"Student, one run against {many.n} repeats",
                (assumed, *unseen([many], step)),
            )
    if shared is not None and shared.sd is not None:
        return Noise(
            ((max(shared.sd, floor) * math.sqrt(2), shared.n - 1),),
            f"Student, two runs of one recipe, spread of its {shared.n} others",
            unseen([shared], step),
        )
    return None


def _both(left: Spread, right: Spread, floor: float, notes: tuple[str, ...]) -> Noise:
    sd_left, sd_right = max(left.sd or 0.0, floor), max(right.sd or 0.0, floor)
    scale = max(sd_left, sd_right)
    against = f"{left.n} against {right.n}"
    df = left.n + right.n - 2
    if scale == 0.0:
        return Noise(((0.0, df),), f"Welch, {against}", notes)
    share_left = (sd_left / scale) ** 2 / left.n
    share_right = (sd_right / scale) ** 2 / right.n
    both = share_left + share_right
    satterthwaite = both**2 / (share_left**2 / (left.n - 1) + share_right**2 / (right.n - 1))
    welch = (scale * math.sqrt(both), satterthwaite)
    if left.n == right.n:  # the same statistic, and never more degrees of freedom: Welch's p is the larger
        return Noise((welch,), f"Welch, {against}", notes)
    pooled = (share_left * left.n * (left.n - 1) + share_right * right.n * (right.n - 1)) / df
    student = (scale * math.sqrt(pooled * (1 / left.n + 1 / right.n)), float(df))
    return Noise((welch, student), f"Welch and Student, {against}", notes)


def unseen(samples: Sequence[Spread], step: Resolution) -> tuple[str, ...]:
    """Say when repeats did not show any spread, or less than their values can.

    Args:
        samples: of repeats; those of one value say nothing.
        step: of the metric's values.
    """
    low = [sample for sample in samples if sample.sd is not None and sample.sd <= step.step / 2]
    if not low:
        return ()
    if all(sample.sd == 0 for sample in low):
        seen = f"spread was never seen in {' and '.join(str(sample.n) for sample in low)} repeats"
        if step.step == 0:
            return (f"{seen}, so any difference is beyond noise",)
    else:
        seen = "the spread is below the resolution"
    return (f"{seen}: half a step of {step.step:.4g} is taken for it",)
