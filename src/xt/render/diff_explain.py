"""How every verdict was found, for a reader who doubts it."""

from __future__ import annotations

from collections.abc import Iterator

from xt.model.delta import Comparison, Delta, Judgement, Sample
from xt.render.diff_blocks import indent
from xt.render.diff_numbers import amount, figures, own, scientific
from xt.render.diff_rows import row_name
from xt.render.diff_words import outcome, rows_of
from xt.render.layout import wrap
from xt.render.quantities import count
from xt.render.styled import Line, say

#: Rows that are explained.
MOST = 200


def explanation(found: Comparison, width: int) -> list[Line]:
    """Write the method, then of every judged row its test, bounds, notes, and what it could not have seen.

    Args:
        found: the comparison.
        width: of the longest line wanted.
    """
    lines = [line for text in found.verdict.method for line in wrap([say(text)], width - 2, 2)]
    judged = [
        row
        for row in rows_of(found.effects)
        if row.judgement is not None and (row.judgement.word != "same" or row.judgement.notes)
    ]
    for row in judged[:MOST]:
        assert row.judgement is not None
        lines += wrap([say(row_name(row), "accent"), say("  "), *outcome(row.judgement)], width - 2, 2)
        for text in facts(row, row.judgement):
            if text in found.verdict.method:
                continue  # said once for all
            lines += indent(wrap([say(text)], width - 4, 2))
    if len(judged) > MOST:
        lines.append([say(f"and {count(len(judged) - MOST, 'more row')}", "dim")])
    return [[say("How", "bold")], *indent(lines)] if lines else []


def facts(row: Delta, judged: Judgement) -> Iterator[str]:
    """Say what a judgement rests on, one statement at a time."""
    if judged.reason:
        yield judged.reason
    written = figures(row)
    sides = ((judged.left, written.left), (judged.right, written.right))
    samples = [_sample(row, side, text) for side, text in sides if side is not None]
    if samples:
        yield " against ".join(samples)
    if any(side is not None and side.n > 1 for side, _ in sides):
        yield f"the runs themselves: {' and '.join(own(row))}"
    if judged.tolerance:
        allowed = f", here {amount(row, judged.allowed)}" if judged.allowed is not None else ""
        yield f"tolerance {judged.tolerance}{allowed}"
    test = [judged.method] if judged.method else []
    if judged.p is not None:
        test.append(f"p = {scientific(judged.p)}")
    if judged.level is not None:
        family = f", Holm over {count(judged.family, 'row')}" if judged.family else ""
        test.append(f"a change needs p < {scientific(judged.level)}{family}")
    if test:
        yield ", ".join(test)
    if judged.detectable is not None:
        least = amount(row, judged.detectable).removeprefix("± ")
        yield f"a true change of {least} would be seen 4 times of 5"
    yield from judged.notes


def _sample(row: Delta, side: Sample, text: str) -> str:
    spread = f", sd {amount(row, side.sd).removeprefix('± ')}" if side.sd is not None else ""
    return f"{'mean ' if side.n > 1 else ''}{text} (n={side.n}{spread})"
