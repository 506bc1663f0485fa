"""What `xt export` did: one line, and one for each thing that is not in what was written."""

from __future__ import annotations

import itertools

from xt.model.exported import Exportation, Gap
from xt.model.text import from_text
from xt.render.layout import wrap
from xt.render.quantities import count, size
from xt.render.styled import Line, paint, say

#: Gaps and runs that are named one by one.
FEW = 8


def render(done: Exportation, shown: dict[str, int], columns: int, colour: bool) -> str:
    """Write the report.

    Args:
        done: what came of it.
        shown: letters of each run's id that tell it from all others.
        columns: of the longest line wanted.
        colour: whether to write colours.
    """
    lines = [line for told in (*_head(done, shown), *_rest(done)) for line in wrap(told, columns, 5)]
    return "".join(f"{paint(line, colour)}\n" for line in lines)


def _head(done: Exportation, shown: dict[str, int]) -> list[Line]:
    report = done.report
    if report.place == "-":
        return []  # whoever reads it sees that it was written
    whose = count(len(done.runs), "run") if len(done.runs) > 1 else done.runs[0][: shown[done.runs[0]]]
    line: Line = [say("xt: wrote "), say(report.place, "bold"), say(f": {whose} as {done.format}")]
    if report.files:
        line.append(say(f", {count(report.files, 'file')}, {size(report.size)}"))
    return [line]


def _rest(done: Exportation) -> list[Line]:
    lines: list[Line] = [[say(f"xt: {remark}", "dim")] for remark in done.report.remarks]
    lost = [gap for gap in done.report.gaps if gap.lost]
    lines += _gaps([gap for gap in done.report.gaps if not gap.lost], "not carried", "dim")
    lines += _gaps(lost, "lost", "bad")
    for one in done.left_out[:FEW]:
        lines.append([say(f"xt: left out: {one.run}: {one.reason}", "bad")])
    if len(done.left_out) > FEW:
        lines.append([say(f"xt: left out: {len(done.left_out) - FEW} more (--json)", "bad")])
    return lines


def _gaps(gaps: list[Gap], word: str, style: str) -> list[Line]:
    """One line each, or one for all that have the same reason when they are many."""
    if len(gaps) <= FEW:
        return [[say(f"xt: {word}: {_where(gap)}: {gap.reason}", style)] for gap in gaps]
    ordered = sorted(gaps, key=lambda gap: (gap.what, gap.reason))
    lines: list[Line] = []
    for (what, reason), alike in itertools.groupby(ordered, key=lambda gap: (gap.what, gap.reason)):
        few = list(alike)
        where = _where(few[0]) if len(few) == 1 else f"{count(len(few), 'path')} of {what}"
        lines.append([say(f"xt: {word}: {where}: {reason}", style)])
    if len(lines) > FEW:
        lines[FEW - 1 :] = [[say(f"xt: {word}: {len(lines) - FEW + 1} more reasons (--json)", style)]]
    return lines


def _where(gap: Gap) -> str:
    return f"{gap.what} {from_text(gap.path)}"
