"""`xt ls`: runs in rows, newest first, as wide as the terminal and no wider.

No rich table: importing it takes 20 ms of the 150 a list of 10,000 runs may take, and it shrinks all columns
alike where here the least important one goes first. Of rich only the widths of characters are used
(`xt.render.cells`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from xt.model.summary import Summary
from xt.render.layout import clipped, wrap
from xt.render.levels import legend
from xt.render.listing_columns import LACKING, Cells, Column, chosen_columns, columns_of, status
from xt.render.quantities import count
from xt.render.styled import Line, Span, join, measure, paint, say

#: Below this many columns the table has no margin.
MARGIN_FROM = 60
GAP = 2
MARK = "◆"
#: Narrower than this nothing is laid out; lines are then longer than the terminal is wide.
NARROWEST = 10


def table(
    rows: list[Summary],
    shown: dict[str, int],
    total: int,
    now: datetime,
    width: int,
    colour: bool,
    baseline: str | None = None,
    trials: int = 0,
    *,
    query: str = "",
    chosen: Sequence[str] = (),
    cells: Cells | None = None,
    away: int = 0,
) -> str:
    """Write the rows, a head above and a line below that says how many there are and where to look next.

    Args:
        rows: newest first.
        shown: letters of each id that tell it from all others.
        total: runs of the store.
        now: to say how long ago.
        width: of the terminal; every line fits, from 10 columns on.
        colour: whether it may have colours.
        baseline: id of the run that is pinned as such; it gets a mark in the margin.
        trials: repeats made by `xt verify` that are not among the rows.
        query: what was asked, for the words when nothing fulfils it.
        chosen: names of columns, none for those a list has by itself.
        cells: values for the chosen ones.
        away: runs that were put away, said when there is no other.
    """
    width = max(width, NARROWEST)
    margin = 2 if width >= MARGIN_FROM else 0
    pinned = baseline if margin else None
    if not rows:
        nothing = [say("no runs yet"), say(" · ", "dim"), say("xt run -m WHY -- COMMAND", "accent")]
        if away:
            nothing = [say(f"no runs but {away} put away"), say(" · ", "dim"), say("xt rm", "accent")]
            nothing.append(say(" lists them" if away > 1 else " lists it", "dim"))
        if query:
            nothing = [say("no run fulfils "), say(query, "accent"), say(" · xt ls lists all", "dim")]
        lines = wrap(nothing, width)
        lines += wrap(_hidden(trials), width) if trials else []
        return "".join(paint(line, colour) + "\n" for line in lines)
    room = width - margin
    columns = (
        chosen_columns(rows, shown, now, chosen, cells or {}) if chosen else columns_of(rows, shown, now)
    )
    heads = [column.head for column in columns]
    if _needed(columns, room) > room and "status" in heads and any(row.verified_at for row in rows):
        # Before any column, how long ago runs were verified goes.
        at = heads.index("status")
        columns[at] = Column("status", [status(row) for row in rows], columns[at].last_to_go)
    columns = _fitting(columns, room)
    marked = any(column.head == "status" for column in columns)
    lines = _lay_out(columns, room)
    marks = [MARK if row.id == pinned else " " for row in rows]
    footer = _footer(rows, shown, total, room, baseline=MARK in marks, chosen=bool(chosen), marked=marked)
    footer += wrap(_hidden(trials), room) if trials else []
    if not margin:
        return "".join(paint(line, colour) + "\n" for line in [*lines, *footer])
    lines = [[Span(f"{mark} ", "key"), *line] for mark, line in zip([" ", *marks], lines, strict=True)]
    return "".join(
        paint(line, colour) + "\n" for line in [*lines, [], *([Span("  ", ""), *line] for line in footer)]
    )


def _fitting(columns: list[Column], room: int) -> list[Column]:
    """Drop the least important columns until the rest fits with a readable purpose."""
    columns = list(columns)
    while len(columns) > 1 and _needed(columns, room) > room:
        columns.remove(min(columns, key=lambda column: column.last_to_go))
    return columns


def _needed(columns: list[Column], room: int) -> int:
    least = max(12, min(28, room // 3))
    widths = [
        min(column.natural, least) if column.head == "purpose" else column.natural for column in columns
    ]
    return sum(widths) + GAP * (len(columns) - 1)


def _lay_out(columns: list[Column], room: int) -> list[Line]:
    others = sum(column.natural + GAP for column in columns if column.head != "purpose")
    # The purpose gets what is left; alone, any column may still be too wide.
    widths = [min(column.natural, room - others if column.head == "purpose" else room) for column in columns]
    lines = []
    for row in range(len(columns[0].cells)):
        line: Line = []
        for column, width in zip(columns, widths, strict=True):
            if line:
                line.append(Span(" " * GAP, ""))
            line += column.cell(row, width)
        lines.append(line)
    return lines


def _footer(
    rows: list[Summary],
    shown: dict[str, int],
    total: int,
    room: int,
    *,
    baseline: bool,
    chosen: bool,
    marked: bool,
) -> list[Line]:
    """How many there are, what every mark means on as many lines as that takes, and hints that fit."""
    runs = count(total, "run")
    first = rows[0].id[: shown.get(rows[0].id, 16)]
    legends: list[Line] = []
    if baseline:
        legends.append([say(MARK, "key"), say(" baseline", "dim")])
    levels = [row.level for row in rows if row.level is not None]
    if marked and levels:
        legends.append([say("verified: ", "dim"), *join(legend(levels), " ")])
    lacking = next((row.id[: shown.get(row.id, 16)] for row in rows if row.lacking), None)
    if lacking is not None:
        legends.append(
            [say(LACKING, "bad"), say(" not evidence: ", "dim"), say(f"xt audit {lacking}", "accent")]
        )
    if marked and any(row.problems for row in rows):
        legends.append([say("!", "bold"), say(" recording problems", "dim")])
    hints: list[Line] = []
    if chosen:
        hints.append([say("columns as chosen: ", "dim"), say("--columns auto", "accent")])
    if len(rows) < total:
        hints.append([say("xt ls -n 0", "accent"), say(" lists all", "dim")])
    lines: list[Line] = [[say(f"{len(rows)} of {runs}" if len(rows) < total else runs)]]
    said = [([say(f"xt show {first}", "accent")], False)]
    said += [(one, True) for one in legends] + [(one, False) for one in hints]
    for one, needed in said:
        if measure(lines[-1]) + 3 + measure(one) <= room:
            lines[-1] = [*lines[-1], say("   "), *one]
        elif needed:
            lines.append(one)
    return [clipped(line, room) for line in lines]


def _hidden(trials: int) -> Line:
    are = "is" if trials == 1 else "are"
    return [
        say(f"{count(trials, 'repeat')} made by xt verify {are} not shown: ", "dim"),
        say("xt ls --all", "accent"),
    ]
