"""The table of effects on a terminal: columns go by their importance, and where it is narrow rows stack."""

from __future__ import annotations

from typing import NamedTuple

from xt.model.delta import Comparison
from xt.render.cells import cells, clip_front
from xt.render.diff_blocks import STACKED, indent
from xt.render.diff_numbers import scientific, sparklines
from xt.render.diff_rows import Row, column_names
from xt.render.diff_words import short
from xt.render.layout import GAP, flow, pad, wrap
from xt.render.styled import Line, Span, join, measure, say

#: What goes first where there is not room for all.
_LEAST = ("ratio", "tolerance", "noise")
#: Cells the verdict may be brought down to by wrapping, and a name by leaving out its beginning.
_VERDICT, _NAME = 15, 18


class _Column(NamedTuple):
    name: str
    head: str
    cells: list[Line]
    right: bool

    @property
    def width(self) -> int:
        return max(cells(self.head), *(measure(cell) for cell in self.cells))


def effects_table(found: Comparison, rows: list[Row], title: str, width: int, least: int = 0) -> list[Line]:
    """Lay out the rows.

    Args:
        found: whose sides name the columns.
        rows: at least one.
        title: stands where the head of the names would.
        width: of the longest line wanted.
        least: cells of the column of names, for what stands below to begin where the numbers do.
    """
    left, right, noise = column_names(found, rows)
    columns = [
        _Column("name", title.ljust(least), [[Span("  ", ""), *row.name] for row in rows], False),
        _Column("left", left, [_cell(row.figures.left, row) for row in rows], True),
        _Column("right", right, [_cell(row.figures.right, row) for row in rows], True),
        _Column("delta", "Δ", [_cell(row.figures.delta, row) for row in rows], True),
        _Column("ratio", "Δ %", [_cell(row.figures.ratio, row) for row in rows], True),
        _Column("tolerance", "tolerance", [_cell(row.figures.tolerance, row) for row in rows], False),
        _Column("noise", noise, [_cell(row.figures.noise, row) for row in rows], False),
        _Column("verdict", "verdict", [row.outcome for row in rows], False),
    ]
    columns = [column for column in columns if column.name == "name" or any(map(measure, column.cells))]
    if width >= STACKED:
        for candidate, widths in _arrangements(columns, width):
            if sum(widths) + GAP * (len(widths) - 1) <= width:
                return _laid_out(found, rows, candidate, widths, width)
    return _stacked(found, rows, title, width, (left, right, noise))


def _cell(text: str, row: Row) -> Line:
    return [say(text, "dim" if row.found.relation == "same" else "")] if text else []


def _arrangements(columns: list[_Column], width: int) -> list[tuple[list[_Column], list[int]]]:
    """What to try, best first: all of it, without what matters least, with a narrower verdict and names."""
    tries = []
    for gone in range(len(_LEAST)):
        kept = [column for column in columns if column.name not in _LEAST[:gone]]
        tries.append((kept, [column.width for column in kept]))
    # The noise matters more than a verdict in one line.
    kept = [column for column in columns if column.name not in _LEAST[:2]]
    for least_verdict, least_name, without in (
        (_VERDICT, 99, 2),
        (_VERDICT, _NAME, 2),
        (99, 99, 3),
        (_VERDICT, _NAME, 3),
    ):
        kept = [column for column in columns if column.name not in _LEAST[:without]]
        widths = [column.width for column in kept]
        for name, least in (("verdict", least_verdict), ("name", least_name)):
            at = next((number for number, column in enumerate(kept) if column.name == name), None)
            if at is not None:
                over = sum(widths) + GAP * (len(widths) - 1) - width
                widths[at] = max(min(least, widths[at]), widths[at] - max(over, 0))
        tries.append((kept, widths))
    return tries


def _laid_out(
    found: Comparison, rows: list[Row], columns: list[_Column], widths: list[int], width: int
) -> list[Line]:
    head: Line = []
    for column, own in zip(columns, widths, strict=True):
        style = "bold" if column.name == "name" else "key" if column.name in ("left", "right") else "dim"
        head += [
            *([Span(" " * GAP, "")] if head else []),
            *pad([say(column.head, style)], own, right=column.right),
        ]
    lines: list[Line] = [head]
    for number, row in enumerate(rows):
        if row.kind == "cost" and number and rows[number - 1].kind != "cost":
            lines.append([Span("  " + "┄" * (widths[0] - 2), "dim")])
        verdict = _verdict(row.outcome, widths[-1]) if columns[-1].name == "verdict" else []
        first: Line = []
        for column, own in zip(columns, widths, strict=True):
            content = column.cells[number]
            if column.name == "name":
                content = _shortened(content, own)
            elif column.name == "verdict":
                content = verdict[0]
            first += [*([Span(" " * GAP, "")] if first else []), *pad(content, own, right=column.right)]
        lines.append(first)
        before = sum(widths[:-1]) + GAP * (len(widths) - 1)
        lines += [[Span(" " * before, ""), *line] for line in verdict[1:]]
        lines += _curves(found, row, width)
    return lines


def _verdict(outcome: Line, width: int) -> list[Line]:
    """Bring a verdict to a width; the arrow stays with its word."""
    if len(outcome) > 1 and measure(outcome) > width and all(measure([span]) <= width for span in outcome):
        return [[span] for span in outcome]
    return [outcome] if measure(outcome) <= width else wrap(outcome, max(width, 4))


def _shortened(name: Line, width: int) -> Line:
    if measure(name) <= width:
        return name
    margin = name[: next((number for number, span in enumerate(name) if span.text.strip()), 0)]
    rest = "".join(span.text for span in name[len(margin) :])
    return [*margin, Span(clip_front(rest, max(width - measure(margin), 1)), name[-1].style)]


def _curves(found: Comparison, row: Row, width: int) -> list[Line]:
    """Series of both sides on one scale, old above new."""
    lines: list[Line] = []
    for curve in row.curves:
        drawn = sparklines(curve.left, curve.right)
        for side, bars, points in zip(
            (found.left, found.right), drawn, (curve.left, curve.right), strict=True
        ):
            if not bars.strip():
                continue
            line: Line = [Span("    ", ""), say(f"{short(side)} ", "dim"), say(bars, "accent")]
            if isinstance(points, list):
                line.append(say(_ends(points), "dim"))
            lines.append(line if measure(line) <= width else line[:-1])
    return [line for line in lines if measure(line) <= width]


def _ends(points: list[object]) -> str:
    """The first and the last value of a series."""
    known = [point for point in points if point is not None]
    return f" {scientific(known[0])} → {scientific(known[-1])}" if known else ""


def _stacked(
    found: Comparison, rows: list[Row], title: str, width: int, heads: tuple[str, str, str]
) -> list[Line]:
    """Every row as a small block, for terminals where no table fits."""
    sides = join([[say(heads[0], "key")], [say(heads[1], "key")]], " → ")
    lines = wrap([say(title, "bold"), say("  "), *sides] if title else sides, width, 4)
    for number, row in enumerate(rows):
        if row.kind == "cost" and number and rows[number - 1].kind != "cost":
            lines.append([Span("  " + "┄" * 8, "dim")])
        figures = row.figures
        margin = 4 if row.kind == "cohort" else 2
        lines += indent(wrap(row.name, width - margin, 2), margin)
        values = join([_cell(figures.left, row), _cell(figures.right, row)], " → ")
        parts = [values, [say(figures.delta)], [say(figures.noise, "dim")]]
        content = flow([part for part in parts if measure(part)], width - margin - 2, "  ")
        content += _verdict(row.outcome, width - margin - 2)
        lines += indent([line for line in content if line], margin + 2)
        lines += _curves(found, row, width)
    return lines
