"""How a verdict was found, one statement a line: `xt diff --explain`."""

from __future__ import annotations

from xt.compare.judging import FAMILY_LEVEL
from xt.compare.verdict_rows import Evidence, Judged
from xt.model.delta import Side

#: Rows told one by one.
_MOST_ROWS = 40


def method_of(evidence: Evidence, left: Side, right: Side) -> list[str]:
    """Say what the verdict rests on.

    Args:
        evidence: the sorted effects.
        left: with its repeats.
        right: likewise.
    """
    rows = [row for row in evidence.judged if row.word != "same"]
    lines = [f"runs: {_runs(left)} on the left, {_runs(right)} on the right"]
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
    for row in rows[:_MOST_ROWS]:
        lines += _row(row)
    if len(rows) > _MOST_ROWS:
        lines.append(f"and {len(rows) - _MOST_ROWS} rows more")
    return lines


def _runs(side: Side) -> str:
    return "1 run" if side.n == 1 else f"{side.n} runs of one recipe"


def _row(row: Judged) -> list[str]:
    judgement = row.delta.judgement
    if judgement is None:
        return []
    facts: list[str] = [
        judgement.word if judgement.reason is None else f"{judgement.word}, {judgement.reason}"
    ]
    if judgement.method is not None:
        facts.append(judgement.method)
    if judgement.p is not None and judgement.level is not None:
        facts.append(f"{p_text(judgement.p)} against {judgement.level:.2g}")
    if judgement.noise is not None:
        facts.append(f"noise ± {judgement.noise:.3g}")
    if judgement.detectable is not None:
        facts.append(f"a true change of {judgement.detectable:.3g} is found 4 times of 5")
    if judgement.tolerance is not None:
        here = "" if judgement.allowed is None else f", {judgement.allowed:.3g} here"
        facts.append(f"declared `{judgement.tolerance}`{here}")
    if not row.counted:
        facts.append(f"not counted{f': {row.delta.note}' if row.delta.note else ''}")
    lines = [f"{row.name}: {'; '.join(facts)}"]
    return lines + [f"{row.name}: {note}" for note in judgement.notes]


def p_text(p: float) -> str:
    """Write a p value: `p = 0.003`, `p < 1e-06`."""
    return f"p = {p:.2g}" if p >= 1e-6 else "p < 1e-06"
