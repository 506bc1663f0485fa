"""How a verdict was found, one statement a line: `xt diff --explain`."""

from __future__ import annotations

from xt.compare.judging import FAMILY_LEVEL, SEED_FIXED
from xt.compare.verdict_rows import Evidence
from xt.model.delta import Side

#: Rows named that are not counted.
_NAMED = 8


def method_of(evidence: Evidence, left: Side, right: Side) -> list[str]:
    """Say what the verdict rests on.

    Args:
        evidence: the sorted effects.
        left: with its repeats.
        right: likewise.
    """
    rows = [row for row in evidence.judged if row.word != "same"]
    lines = [f"runs: {_both(left, right)}"]
    family = max((row.delta.judgement.family or 0 for row in rows if row.delta.judgement), default=0)
    if family:
        lines.append(
            f"Holm over {family} {'row' if family == 1 else 'rows'} at {FAMILY_LEVEL:g} for all of them "
            "together: of 100 comparisons without a true change, at most 5 say that something moved"
        )
    elif rows:
        lines.append("no repeats, so noise is not known and only declared tolerances decide")
    same = len(evidence.judged) - len(rows)
    if same:
        lines.append(f"{same} {'row' if same == 1 else 'rows'} with the same values everywhere")
    if any(SEED_FIXED in (row.delta.judgement.notes if row.delta.judgement else ()) for row in rows):
        lines.append(SEED_FIXED)
    apart = [row.name for row in rows if not row.counted]
    if apart:
        names = ", ".join(apart[:_NAMED])
        lines.append(f'not counted, since nothing like `[metrics."cost/wall"]` is declared: {names}')
    return lines


def _both(left: Side, right: Side) -> str:
    if left.repeats and left.repeats == right.repeats:
        others = len(left.repeats)
        return f"both are runs of one recipe, which has {others} {'other' if others == 1 else 'others'}"
    return f"{_runs(left)} on the left, {_runs(right)} on the right"


def _runs(side: Side) -> str:
    return "1 run" if side.n == 1 else f"{side.n} runs of one recipe"


def p_text(p: float) -> str:
    """Write a p value: `p = 0.003`, `p < 1e-06`."""
    return f"p = {p:.2g}" if p >= 1e-6 else "p < 1e-06"
