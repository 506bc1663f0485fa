"""`xt cases --history`: one evaluated example through time."""

from __future__ import annotations

from datetime import datetime

from xt.model.cases import History, Seen
from xt.render.case_cells import figure, outcome, shown
from xt.render.cases import NARROWEST, WIDEST
from xt.render.cells import clip
from xt.render.diff_blocks import indent
from xt.render.layout import flow, table, wrap
from xt.render.quantities import ago, count, seconds_since
from xt.render.styled import Line, join, paint, say

#: Cells of a purpose.
_PURPOSE = 50
#: Lines of its other columns, and characters of one.
_CELLS, _VALUE = 12, 300


def render(found: History, now: datetime, width: int, colour: bool) -> str:
    """Write the page.

    Args:
        found: the example, run by run.
        now: to say how long ago.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
    """
    width = max(min(width, WIDEST), NARROWEST)
    flips = sum(one.flipped for one in found.runs)
    head: list[Line] = [
        [say("case ", "dim"), say(clip(say(found.id[:500]).text, width - 5), "key")],
        [say(f"in {count(len(found.runs), 'run')}")],
        [
            say(
                f"outcome changed {'once' if flips == 1 else f'{flips} times'}"
                if flips
                else "outcome never changed",
                "" if flips else "dim",
            )
        ],
    ]
    lines = flow(head, width)
    scored = any(one.score is not None for one in found.runs)
    judged = any(one.outcome is not None for one in found.runs)
    rows = [_row(one, now, judged=judged, scored=scored) for one in found.runs]
    lines += [[], *indent(table(rows, width - 2, len(rows[0]) - 1))]
    cells = [(name, shown(value)) for name, value in found.cells.items()]
    pairs: list[list[Line]] = [
        [[say(clip(say(name[:200]).text, 20), "dim")], [say(text[:_VALUE])]]
        for name, text in cells[:_CELLS]
        if text
    ]
    if pairs:
        last = next(one for one in reversed(found.runs) if one.reason is None)
        title: Line = [say("in ", "dim"), say(last.run[: last.shown], "key")]
        lines += [[], *indent([title, *indent(table(pairs, width - 4, 1))])]
    lines += _foot(found, width, len(cells) - _CELLS)
    return "".join(paint(line, colour) + "\n" for line in lines)


def _row(one: Seen, now: datetime, *, judged: bool, scored: bool) -> list[Line]:
    age = seconds_since(one.started_at, now)
    row: list[Line] = [
        [say(one.run[: one.shown], "key")],
        [say(ago(age) if age is not None else "–", "dim")],
    ]
    known = one.reason is None
    if judged:
        row.append(outcome(one.outcome) if known else [say("?", "bold")])
    if scored:
        row.append([say(figure(one.score) if known else "?")])
    what = [say(f"← {', '.join(one.causes)}", "bold")] if one.causes else []
    if one.flipped and not one.causes:
        what = [say("← changed", "bold")]
    purpose = (one.purpose or "").strip()
    said = [say(clip(say(purpose[:400]).text, _PURPOSE), "dim")] if purpose else []
    why = [say(f"unknown: {one.reason}", "bold")] if one.reason else []
    return [*row, join([part for part in (what, why, said) if part], "  ")]


def _foot(found: History, width: int, hidden: int) -> list[Line]:
    lines: list[Line] = []
    for note in found.notes:
        lines += wrap([say(note, "bold")], width - 2, 2)
    facts = []
    if found.task is not None:
        facts.append(f"runs of task {found.task}")
    if found.without:
        facts.append(f"{count(found.without, 'run')} without it")
    if found.more:
        facts.append(f"{count(found.more, 'earlier run')} not looked at: -n 0")
    if hidden > 0:
        facts.append(f"{count(hidden, 'more column')}: --json")
    lines += flow([[say(fact, "dim")] for fact in facts], width - 2)
    return [[], *indent(lines)] if lines else []
