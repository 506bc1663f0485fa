"""`xt du`: what takes the space of a store, as a page."""

from __future__ import annotations

from datetime import datetime

from xt.model.upkeep import Kind, Share, Usage
from xt.render.cells import clip_front
from xt.render.diff_blocks import indent
from xt.render.layout import beside, table, wrap
from xt.render.quantities import count, seconds_since, since, size
from xt.render.styled import Line, paint, say

WIDEST, NARROWEST = 110, 24
#: Problems that are told before they are only counted.
_TOLD = 5


def render(found: Usage, now: datetime, width: int, colour: bool, *, alone: bool = False) -> str:
    """Write the page.

    Args:
        found: what was measured.
        now: to say how long ago.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
        alone: runs were named, so only they are told of.
    """
    width = max(min(width, WIDEST), NARROWEST)
    lines: list[Line] = []
    if not alone:
        total: Line = [say(size(found.size), "bold"), say(" in "), say(count(found.of, "run"))]
        lines += beside([total], [say(clip_front(found.store, width), "dim")], width)
        largest = sorted(found.sorts, key=lambda kind: -kind.size)
        lines += indent(kinds(largest, width - 2))
    if found.runs:
        lines += [*([[]] if lines else []), *_runs(found.runs, now, width)]
        if not alone and found.of > len(found.runs):
            lines += indent(wrap([say(f"and {found.of - len(found.runs)} more: --all", "dim")], width - 2, 2))
    for note in found.notes[:_TOLD]:
        lines += wrap([say(note, "bold")], width, 2)
    if len(found.notes) > _TOLD:
        lines += wrap([say(f"and {len(found.notes) - _TOLD} more that cannot be read: xt fsck")], width, 2)
    return "".join(paint(line, colour) + "\n" for line in lines)


def kinds(found: list[Kind], width: int) -> list[Line]:
    """Sorts of things: how much, how many files."""
    if not found:
        return []
    rows: list[list[Line]] = [
        [[say(size(kind.size), "key")], [say(kind.sort)], [say(count(kind.files, "file"), "dim")]]
        for kind in found
    ]
    return table(rows, width, 1, frozenset([0]))


def _runs(runs: list[Share], now: datetime, width: int) -> list[Line]:
    rows: list[list[Line]] = [[[say("own", "dim")], [say("shared", "dim")], [say("run", "dim")], [], []]]
    for run in runs:
        age = seconds_since(run.started_at, now) if run.started_at else None
        rows.append(
            [
                [say(size(run.own), "bold")],
                [say(size(run.shared))],
                [say(run.run[: run.shown], "key")],
                [say(since(age), "dim")] if age is not None else [],
                [say(run.name)] if run.name else [],
            ]
        )
    return table(rows, width, 4, frozenset([0, 1]))
