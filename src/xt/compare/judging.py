"""Change or noise: one call judges all numbers of a comparison, because each more is one more false alarm."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Literal, NamedTuple

from xt.compare.noise import Noise, Spread, noise_of, spread_of
from xt.compare.resolution import resolution
from xt.compare.tolerances import Tolerance, declared, finer_than, widest
from xt.model.delta import Judgement, Relation, Sample, Word
from xt.model.result import Number

#: The promise is that of 100 comparisons without a true change at most 5 say that something moved. The
#: correction is made for 3.5: the rest pays for noise that is not quite normal and spreads that are not quite
#: equal, and lets 1000 simulated comparisons show that the promise holds. It costs 1 % of the power of
#: 5 repeats on each side.
FAMILY_LEVEL = 0.035

#: What a word means in the tree.
RELATION_OF: dict[Word, Relation] = {
    "same": "same",
    "within tolerance": "within",
    "within noise": "within",
    "cannot tell": "unknown",
    "not comparable": "unknown",
    "beyond tolerance": "changed",
    "beyond noise": "changed",
    "improved": "changed",
    "regressed": "changed",
}

#: What is wider than any number is written as the largest: JSON knows no infinity.
_LARGEST = sys.float_info.max

#: Of two finite values without a finite distance.
TOO_FAR = "the values are further apart than a number can say"
#: Why a move inside a band that no repeat filled tells nothing; how coarse the values are is in the notes.
AGREE = "repeats agree exactly, and a few steps of the values are too little to tell"
SEED_FIXED = "the seed was held fixed, so what another seed would give is not in the noise"

Goal = Literal["min", "max", "none"]


class Chance(NamedTuple):
    """A p value that was found elsewhere, such as over cases."""

    p: float
    method: str
    detectable: float | None = None


class Row(NamedTuple):
    """One number of a comparison: what both runs and their repeats gave."""

    name: str
    left: Sequence[float]
    """The left run's own value, then those of its repeats; NaN and infinities are values too."""
    right: Sequence[float]
    shared: Sequence[float] = ()
    """When both runs have the same recipe: values of its other repeats (then one value left and right)."""
    goal: Goal = "none"
    tolerances: Sequence[Tolerance] = ()
    """Each is enough by itself."""
    cases: int | None = None
    """How many cases it is a share of, when that is known."""
    incomparable: str | None = None
    """Why the two cannot be compared."""
    chance: Chance | None = None
    """Taken instead of the repeats' noise."""
    seed_fixed: bool = False
    """Whether all repeats were given one and the same seed."""


class _Facts(NamedTuple):
    """A row as far as it can be judged by itself."""

    row: Row
    left: Spread
    right: Spread
    delta: float
    tolerance: tuple[float, bool] | None
    noise: Noise | None
    p: float | None
    notes: list[str]
    unseen: bool = False
    """Whether repeats agree exactly, so that the band is made of the values' resolution alone."""


def judge(rows: Sequence[Row]) -> list[Judgement]:
    """Judge all numbers of a comparison.

    Every row that has a p value is one of a family, whose false alarms are held together by Holm's step-down
    procedure (Holm 1979) at `FAMILY_LEVEL`, however the rows depend on each other. Rows that have no p value,
    and those in which not one value differs, cannot raise a false alarm and do not count.

    Args:
        rows: all of them, cohorts and costs too.

    Returns:
        One judgement for each row, in order.
    """
    found = [_facts(row) for row in rows]
    chances = {
        index: facts.p
        for index, facts in enumerate(found)
        if isinstance(facts, _Facts) and facts.p is not None
    }
    levels = holm(chances)
    return [
        _conclude(facts, levels.get(index), len(chances)) if isinstance(facts, _Facts) else facts
        for index, facts in enumerate(found)
    ]


def holm(chances: dict[int, float], level: float = FAMILY_LEVEL) -> dict[int, float]:
    """Find what each p value must stay below (Holm 1979).

    Args:
        chances: p value by row.
        level: of the family.

    Returns:
        By row: the level of its step; of rows after the first that fails, the level at which that one did.
    """
    levels: dict[int, float] = {}
    step = level
    failed = False
    for place, (index, p) in enumerate(sorted(chances.items(), key=lambda item: (item[1], item[0]))):
        if not failed:
            step = level / (len(chances) - place)
            failed = not p < step
        levels[index] = step
    return levels


def _facts(row: Row) -> _Facts | Judgement:
    """Judge what needs no statistics; else collect what is known."""
    if row.incomparable is not None:
        return Judgement("not comparable", reason=row.incomparable, goal=row.goal)
    if not row.left or not row.right:
        there = "left" if row.left else "right"
        return Judgement("not comparable", reason=f"it is only on the {there}", goal=row.goal)
    if not (math.isfinite(row.left[0]) and math.isfinite(row.right[0])):
        return _special(row)
    notes: list[str] = []
    sides = [[value for value in side if math.isfinite(value)] for side in (row.left, row.right, row.shared)]
    lost = len(row.left) + len(row.right) + len(row.shared) - sum(map(len, sides))
    if lost:
        notes.append(f"{lost} {'repeat has' if lost == 1 else 'repeats have'} no finite value to count")
    values = [*sides[0], *sides[1]]
    left, right = spread_of(sides[0]), spread_of(sides[1])
    shared = spread_of(sides[2]) if sides[2] else None
    if row.chance is None and all(value == values[0] for value in values):
        return Judgement(
            "same", goal=row.goal, left=_sample(left), right=_sample(right), delta=0, notes=notes
        )
    delta = right.mean - left.mean
    spreads = [side.sd for side in (left, right, shared) if side is not None and side.sd is not None]
    if not all(map(math.isfinite, (delta, *spreads))):
        return _over(row, TOO_FAR)
    step = resolution([*values, *sides[2]], row.cases)
    # The reference's own spread counts: a side that scatters more does not widen its own tolerance.
    sd = max(spreads[0], step.step / 2) if spreads else None
    allowance = widest(row.tolerances, left.mean, right.mean, sd)
    if allowance is not None and (warning := finer_than(row.tolerances, allowance[0], step)):
        notes.append(warning)
    noise = noise_of(left, right, shared, step) if row.chance is None else None
    p = row.chance.p if row.chance is not None else noise.p(delta) if noise is not None else None
    if noise is not None:
        notes.extend(noise.notes)
    if p is not None and row.seed_fixed:
        notes.append(SEED_FIXED)
    unseen = noise is not None and not any(spreads)
    return _Facts(row, left, right, delta, allowance, noise, p, notes, unseen)


def _conclude(facts: _Facts, level: float | None, family: int) -> Judgement:
    row, p = facts.row, facts.p
    beyond = p is not None and level is not None and p < level
    word, reason = _word(facts, beyond=beyond)
    method, band, detectable = None, None, None
    if row.chance is not None:
        method, detectable = row.chance.method, row.chance.detectable
    elif facts.noise is not None and level is not None:
        method, detectable = facts.noise.method, min(facts.noise.detectable(level), _LARGEST)
        band = _agreeing(min(facts.noise.band(level), _LARGEST), abs(facts.delta), beyond=beyond)
    mean = facts.left.mean
    ratio = facts.delta / abs(mean) if mean else None
    return Judgement(
        word,
        direction=_direction(row.goal, facts.delta),
        reason=reason,
        goal=row.goal,
        left=_sample(facts.left),
        right=_sample(facts.right),
        delta=facts.delta,
        ratio=ratio if ratio is not None and math.isfinite(ratio) else None,
        tolerance=declared(row.tolerances),
        allowed=min(facts.tolerance[0], _LARGEST) if facts.tolerance is not None else None,
        noise=band,
        p=p,
        level=level,
        family=family if p is not None else None,
        method=method,
        detectable=detectable,
        notes=facts.notes,
    )


def _word(facts: _Facts, *, beyond: bool) -> tuple[Word, str | None]:
    """Choose the word, and the reason of one that does not tell."""
    row, allowance = facts.row, facts.tolerance
    if allowance is not None and allowance[1]:
        return "within tolerance", None
    by_goal: dict[str | None, Word] = {"better": "improved", "worse": "regressed"}
    moved = by_goal.get(_direction(row.goal, facts.delta))
    needs = f"`{declared(row.tolerances)}` needs repeats" if row.tolerances and allowance is None else None
    if facts.p is not None:
        if beyond:
            return moved or "beyond noise", None
        if allowance is not None:
            # However wide the band is, it never lets a violated tolerance pass.
            return "cannot tell", "over the tolerance, and within the noise"
        if needs:
            return "cannot tell", needs
        # A band made of the resolution alone clears nothing: no repeat ever moved that far.
        return ("cannot tell", AGREE) if facts.unseen else ("within noise", None)
    if allowance is not None:
        return moved or "beyond tolerance", None
    if needs:
        return "cannot tell", f"n=1, {needs}"
    if row.shared:
        return "cannot tell", "n=1 besides these two, which shows no spread, no tolerance declared"
    return "cannot tell", "n=1, no tolerance declared"


def _special(row: Row) -> Judgement:
    """Judge a pair in which one run's own value is NaN or infinite: by identity alone."""
    left, right = row.left[0], row.right[0]
    if _alike(left, right):
        return Judgement("same", goal=row.goal)
    odd, repeats = (right, [*row.left, *row.shared]) if not math.isfinite(right) else (left, row.right)
    others = [*repeats, *row.shared]
    if any(_alike(odd, value) for value in others):
        return Judgement("cannot tell", reason=f"repeats are `{odd}` at times too", goal=row.goal)
    if math.isfinite(left) == math.isfinite(right):
        return _over(row, f"it went from `{left}` to `{right}`")
    lost = math.isfinite(left)
    note = f"it {'became' if lost else 'was'} `{odd}`, which no noise and no tolerance covers"
    if row.goal == "none":
        return _over(row, note)
    word: Word = "regressed" if lost else "improved"
    return Judgement(
        word,
        direction="worse" if lost else "better",
        goal=row.goal,
        tolerance=declared(row.tolerances),
        notes=[note],
    )


def _over(row: Row, note: str) -> Judgement:
    """Call a pair beyond all noise and every tolerance, without a number that says how far."""
    delta = row.right[0] - row.left[0]
    special: dict[float, Literal["inf", "-inf"]] = {math.inf: "inf", -math.inf: "-inf"}
    return Judgement(
        "beyond tolerance" if row.tolerances else "beyond noise",
        goal=row.goal,
        delta=Number(special[delta]) if delta in special else None,
        tolerance=declared(row.tolerances),
        notes=[note],
    )


def _alike(left: float, right: float) -> bool:
    return left == right or (math.isnan(left) and math.isnan(right))


def _direction(goal: Goal, delta: float) -> Literal["better", "worse"] | None:
    if goal == "none" or delta == 0:
        return None
    return "better" if (delta > 0) == (goal == "max") else "worse"


def _sample(spread: Spread) -> Sample:
    return Sample(spread.n, float(spread.mean), spread.sd)


def _agreeing(band: float, size: float, *, beyond: bool) -> float:
    """Keep band and verdict consistent where p and quantile are rounded differently."""
    if beyond and band >= size:
        return math.nextafter(size, 0)
    return size if not beyond and band < size else band
