"""The table of a verification: what was compared, by how the run was repeated.

A cell is a word where there is room, a sign with a legend where there is not, and where not even signs fit
the variations become a list of what each of them changes.
"""

from __future__ import annotations

from typing import NamedTuple

from xt.model.level import Level
from xt.model.verification import Verification
from xt.render.cells import cells, clip, clip_front
from xt.render.diff_words import brief
from xt.render.layout import GAP, pad, wrap
from xt.render.levels import SIGNS, legend, style
from xt.render.styled import Line, Span, join, measure, say
from xt.render.verify_words import (
    UNCOUNTED,
    UNCOUNTED_MEANS,
    Shown,
    Tried,
    below,
    cell_of,
    changes,
    details,
    deviation,
    head,
    partly,
    tolerance,
    tried,
    where,
)

#: Cells of the label column, margin included, as on all pages.
LABEL = 12
#: Below this many columns labels stand on lines of their own.
STACKED = 60
#: Cells of the head of a column.
HEAD = 16
#: Cells that a name is not brought below if its cells can be written shorter, and at all.
NAME, LEAST_NAME = 16, 8
#: Cells the last column may be brought down to by wrapping.
WHERE = 16
#: Characters of one detail that are looked at, and cells of a deviation or a tolerance in a column.
LONGEST, LONG = 400, 30
#: Names of changed things in the list of variations.
NAMES = 6


class _Row(NamedTuple):
    label: str
    name: Line
    cells: list[Line]
    extra: tuple[Line, Line, Line]
    """Deviation, tolerance, where."""
    joined: Line
    """The same as one."""


def table(found: Verification, rows: list[Shown], width: int) -> list[Line]:
    """Lay out the lines of a verification.

    Args:
        found: the verification.
        rows: at least one.
        width: of the longest line wanted.
    """
    columns = tried(found)
    for signs in (False, True):
        if signs and len(columns) < 2:
            break
        lines = _arranged(found, rows, columns, width, signs=signs)
        if lines is not None:
            return lines
    first = _arranged(found, rows, columns[:1], width, signs=False, must=True) or []
    return first if len(columns) < 2 else [*first, [], *_varied(found, columns[1:], width)]


def left(width: int) -> int:
    """Cells left of what has a label."""
    return 4 if width < STACKED else LABEL


def labelled(label: str, lines: list[Line], width: int) -> list[Line]:
    """Put a label beside a block, or above it where there is no room."""
    name = say(label, "accent")
    if not lines:
        return []
    if width < STACKED:
        return [[Span("  ", ""), name], *([Span("    ", ""), *line] for line in lines)]
    first = pad([Span("  ", ""), name], LABEL)
    return [[*(first if number == 0 else pad([], LABEL)), *line] for number, line in enumerate(lines)]


def _arranged(
    found: Verification,
    rows: list[Shown],
    columns: list[Tried],
    width: int,
    *,
    signs: bool,
    must: bool = False,
) -> list[Line] | None:
    """Names, cells, and what is said of each line beside or below; None where names get no room."""
    made = [_row(found, row, columns, signs) for row in rows]
    if len(columns) > 1 and len(rows) > 1:
        made.append(_whole(found, columns, signs))
    heads: list[Line] = [[brief(head(one.column, found), HEAD, "dim")] for one in columns]
    widths = [
        max(measure(heads[number]), *(measure(row.cells[number]) for row in made))
        for number in range(len(columns))
    ]
    taken = left(width) + sum(GAP + own for own in widths)
    # Where labels stand above, what has no name of its own is named by its label, two cells further left.
    longest = max(
        measure(row.name) or (cells(say(row.label).text) - 2 if width < STACKED else 0) for row in made
    )
    room = min(longest, width - taken)
    if room < min(longest, NAME) and not must:
        return None
    room = max(room, min(longest, LEAST_NAME))
    extra = _extra_widths(made, width - taken - room)
    lines = [_head(heads, widths, room, extra, width)]
    label = ""
    for row in made:
        if width < STACKED and row.label != label and measure(row.name):
            lines.append([Span("  ", ""), brief(row.label, width - 2, "accent")])
        begin = _begin(row, label, room, width)
        label = row.label
        body: Line = []
        for cell, own in zip(row.cells, widths, strict=True):
            body += [Span(" " * GAP, ""), *pad(cell, own)]
        lines += _finished(row, [*begin, *body], extra, width)
    below_it: list[Line] = []
    if signs:
        used: list[Level] = [cell.level for row in rows for cell in row.line.cells]
        below_it += legend([*used, *(one.column.level for one in columns)])
    if any(not row.line.counted for row in rows):
        below_it.append([say(UNCOUNTED_MEANS, "dim")])
    if below_it:
        lines += [[], *_indented(wrap(join(below_it, "  "), width - left(width)), left(width))]
    return lines


def _row(found: Verification, row: Shown, columns: list[Tried], signs: bool) -> _Row:
    line = row.line
    said_cells: list[Line] = []
    for one in columns:
        cell = cell_of(line, one.place)
        if cell is None:
            said_cells.append([say("–", "dim")])
            continue
        tone = "dim" if cell.level == "identical" or not line.counted else style(cell.level, found.required)
        word = SIGNS[cell.level] if signs else cell.level
        said_cells.append([say(word if row.more else f"{word}{partly(cell)}", tone)])
    mark = [] if line.counted else [say(f" {UNCOUNTED}", "dim")]
    if row.more:
        return _Row(row.section, [say(row.name, "dim"), *mark], said_cells, ([], [], []), [])
    tone = "bold" if any(below(cell, line, found.required) for cell in line.cells) else ""
    said_of = (
        _short(deviation(line)),
        [brief(tolerance(line), LONG)] if tolerance(line) else [],
        _cut(where(line)),
    )
    return _Row(
        row.section,
        [say(row.name, tone), *mark] if row.name else [],
        said_cells,
        said_of,
        _cut(details(line)),
    )


def _whole(found: Verification, columns: list[Tried], signs: bool) -> _Row:
    """The last row: what every column comes to."""
    levels: list[Line] = [
        [
            say(
                SIGNS[one.column.level] if signs else one.column.level,
                style(one.column.level, found.required),
            )
        ]
        for one in columns
    ]
    return _Row("whole", [], levels, ([], [], []), [])


def _extra_widths(rows: list[_Row], room: int) -> tuple[int, int, int] | None:
    """Cells of the columns of details; None where they stand below their row, each as one line."""
    titles = ("largest deviation", "tolerance", "where")
    naturals = [max(measure(row.extra[number]) for row in rows) for number in range(3)]
    wanted = [max(own, cells(title)) if own else 0 for own, title in zip(naturals, titles, strict=True)]
    fixed = sum(GAP + own for own in wanted[:2] if own)
    if not wanted[2]:
        return (wanted[0], wanted[1], 0) if fixed <= room else None
    rest = min(wanted[2], room - fixed - GAP)
    return (wanted[0], wanted[1], rest) if rest >= min(wanted[2], WHERE) else None


def _head(
    heads: list[Line], widths: list[int], room: int, extra: tuple[int, int, int] | None, width: int
) -> Line:
    line: Line = [Span(" " * (left(width) + room), "")]
    for title, own in zip(heads, widths, strict=True):
        line += [Span(" " * GAP, ""), *pad(title, own)]
    for name, own in zip(("largest deviation", "tolerance", "where"), extra or (0, 0, 0), strict=True):
        if own:
            line += [Span(" " * GAP, ""), *pad([say(name, "dim")], own)]
    return line


def _begin(row: _Row, label: str, room: int, width: int) -> Line:
    """Label and name, filled up to where the cells begin."""
    name = row.name
    if name and measure(name) > room:
        text, *mark = name
        name = [Span(clip_front(text.text, room - measure(mark)), text.style), *mark]
    if width < STACKED:
        if measure(row.name):
            return [Span("    ", ""), *pad(name, room)]
        return [Span("  ", ""), *pad([brief(row.label, room + 2, "accent")], room + 2)]
    own = "" if row.label == label else row.label
    if measure(name) or cells(own) + 2 <= LABEL:
        return [
            *pad([Span("  ", ""), Span(clip(say(own).text, LABEL - 3), "accent")], LABEL),
            *pad(name, room),
        ]
    return pad([Span("  ", ""), Span(clip(say(own).text, LABEL + room - 2), "accent")], LABEL + room)


def _finished(row: _Row, begun: Line, extra: tuple[int, int, int] | None, width: int) -> list[Line]:
    """A row with what is said of it, on the right or below."""
    if not measure(row.joined):
        return [begun]
    if extra is None:
        at = left(width) + 2
        return [begun, *_indented(wrap(row.joined, max(width - at, 8), 2), at)]
    line = begun
    for content, own in zip(row.extra[:2], extra[:2], strict=True):
        if own:
            line = [*line, Span(" " * GAP, ""), *pad(content, own)]
    if not measure(row.extra[2]):
        return [line]
    at = measure(line) + GAP
    first, *more = wrap(row.extra[2], extra[2])
    return [[*line, Span(" " * GAP, ""), *first], *_indented(more, at)]


def _varied(found: Verification, columns: list[Tried], width: int) -> list[Line]:
    """What each variation changes; those that change nothing together."""
    room = width - left(width)
    quiet = [one.column.name for one in columns if not changes(found, one.place)]
    loud = [one for one in columns if changes(found, one.place)]
    lines: list[Line] = []
    for one in loud:
        names = changes(found, one.place)
        level = one.column.level
        line = [brief(one.column.name, LONG, "bold"), say(" → ", "dim")]
        line += [say(level, style(level, found.required) if level != "identical" else "dim")]
        line += [say(": "), *_listed(names[:NAMES])]
        if len(names) > NAMES:
            line.append(say(f" and {len(names) - NAMES} more"))
        lines += wrap(line, room, 2)
    if quiet:
        lines += wrap([*_listed(quiet), say(" → ", "dim"), say("identical", "dim")], room, 2)
    return labelled("varied", lines, width)


def _listed(names: list[str]) -> Line:
    line: Line = []
    for name in names:
        line += [*([say(", ", "dim")] if line else []), brief(name, LONG)]
    return line


def _indented(lines: list[Line], by: int) -> list[Line]:
    return [[Span(" " * by, ""), *line] for line in lines]


def _short(line: Line) -> Line:
    return [Span(clip(span.text, LONG), span.style) for span in line]


def _cut(line: Line) -> Line:
    return [
        Span(span.text if len(span.text) <= LONGEST else span.text[: LONGEST - 1] + "…", span.style)
        for span in line
    ]
