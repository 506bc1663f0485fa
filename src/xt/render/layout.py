"""Styled lines brought to a width: wrapped with hanging indents, in columns, as tables."""

from __future__ import annotations

import re

from xt.render.cells import cells, clip, split
from xt.render.styled import Line, Span, join, measure

#: Cells between columns.
GAP = 2
#: Cells left on a line that make it worth beginning a word there that must be broken anyway.
ROOM = 16
#: Narrower than this no column wraps.
NARROW = 18
_SPACES = re.compile("( +)")


def wrap(line: Line, width: int, hang: int = 0) -> list[Line]:
    """Break at spaces, and inside words that are wider than a line.

    Args:
        line: to break.
        width: of the longest line wanted; at least 4 more than `hang`.
        hang: cells by which all lines but the first are indented.
    """
    lines: list[Line] = [[]]
    used = gap = 0

    def new_line() -> None:
        nonlocal used, gap
        lines.append([Span(" " * hang, "")] if hang else [])
        used, gap = hang, 0

    for word in _words(line):
        if isinstance(word, int):
            gap = word
            continue
        own = measure(word)
        fresh = used == (hang if len(lines) > 1 else 0)
        # A word too long for any line begins where it stands if there is some room.
        long = own > width - hang and used + gap + ROOM <= width
        if not fresh and not long and used + gap + own > width:
            new_line()
            fresh = True
        if gap and not fresh:
            lines[-1].append(Span(" " * gap, ""))
            used += gap
        gap = 0
        rest = word
        while used + own > width:
            head, rest = _split(rest, width - used)
            lines[-1] += head
            new_line()
            own = measure(rest)
        lines[-1] += rest
        used += own
    return lines


def flow(items: list[Line], width: int, separator: str = " · ") -> list[Line]:
    """Put items one after another; an item is broken only if it is wider than a line.

    Args:
        items: in order.
        width: of the longest line wanted.
        separator: between items of one line, at least a cell wide; a line never begins or ends with it.
    """
    lines: list[Line] = []
    used = width
    for item in items:
        own = measure(item)
        if used + cells(separator) + own <= width:
            lines[-1] = join([lines[-1], item], separator)
            used += cells(separator) + own
            continue
        lines += wrap(item, width, 2)
        # After an item of several lines the next one begins a line of its own.
        used = own if own <= width else width
    return lines


def pad(line: Line, width: int, *, right: bool = False) -> Line:
    """Fill up to a width with spaces, on the left if the content belongs to the right."""
    space = [Span(" " * max(0, width - measure(line)), "")]
    return space + line if right else line + space


def clipped(line: Line, width: int) -> Line:
    """Shorten a line to a width."""
    if measure(line) <= width:
        return line
    kept: Line = []
    for span in line:
        room = width - measure(kept)
        kept.append(Span(clip(span.text, room), span.style))
        if kept[-1].text != span.text:
            break
    return kept


def beside(lines: list[Line], aside: Line, width: int) -> list[Line]:
    """Put a remark at the right end of the first line, or below all where it does not fit."""
    if not aside:
        return lines
    room = width - measure(lines[0]) - measure(aside) if lines else -1
    if room >= GAP + 1:
        return [[*lines[0], Span(" " * room, ""), *aside], *lines[1:]]
    return [*lines, *wrap(aside, width, 2)]


def table(
    rows: list[list[Line]], width: int, flexible: int, right: frozenset[int] = frozenset()
) -> list[Line]:
    """Align cells in columns; the flexible one wraps, and if that is not enough every row flows.

    Args:
        rows: of equal length; none is no row.
        width: of the longest line wanted.
        flexible: the column that wraps.
        right: columns whose content belongs to the right.
    """
    widths = [max(measure(cell) for cell in column) for column in zip(*rows, strict=True)]
    shown = [number for number, own in enumerate(widths) if own]
    others = sum(widths[number] + GAP for number in shown if number != flexible)
    room = min(widths[flexible], width - others)
    if room < min(widths[flexible], NARROW):
        if len(shown) > 2 and width - widths[0] > NARROW:
            # What comes first stays in its column, the rest flows.
            return table([[row[0], join([cell for cell in row[1:] if cell], "  ")] for row in rows], width, 1)
        return [line for row in rows for line in wrap(join([cell for cell in row if cell], "  "), width, 2)]
    widths[flexible] = room
    lines = []
    for row in rows:
        wrapped = wrap(row[flexible], max(room, 4), 1) if row[flexible] else [[]]
        for number, part in enumerate(wrapped):
            cells_of_line = [
                pad(
                    part if column == flexible else row[column] if number == 0 else [],
                    widths[column],
                    right=column in right,
                )
                for column in shown
            ]
            line: Line = []
            for cell in cells_of_line:
                line += [*([Span(" " * GAP, "")] if line else []), *cell]
            lines.append(line)
    return lines


def grid(pairs: list[tuple[Line, Line]], width: int) -> list[Line]:
    """Set names and values side by side in as many columns as fit, read downwards.

    Args:
        pairs: name and value.
        width: of the longest line wanted.
    """
    names = max(measure(name) for name, _ in pairs)
    values = max(measure(value) for _, value in pairs)
    one = names + GAP + values
    if one > width:
        return [line for name, value in pairs for line in wrap(join([name, value], "  "), width, 2)]
    between = 2 * GAP
    count = max(1, (width + between) // (one + between))
    height = -(-len(pairs) // count)
    lines = []
    for top in range(height):
        line: Line = []
        for name, value in pairs[top::height]:
            if line:
                line.append(Span(" " * between, ""))
            line += [*pad(name, names), Span(" " * GAP, ""), *pad(value, values)]
        lines.append(line)
    return lines


def _words(line: Line) -> list[Line | int]:
    """Split into words, whose parts may have several styles, and numbers of spaces between them."""
    found: list[Line | int] = []
    for span in line:
        for part in _SPACES.split(span.text):
            if not part:
                continue
            if part[0] == " ":
                found.append(len(part))
            elif found and isinstance(found[-1], list):
                found[-1].append(Span(part, span.style))
            else:
                found.append([Span(part, span.style)])
    return found


def _split(word: Line, width: int) -> tuple[Line, Line]:
    """Break a word that is wider than `width`."""
    head: Line = []
    rest = list(word)
    room = width
    while rest and cells(rest[0].text) <= room:
        room -= cells(rest[0].text)
        head.append(rest.pop(0))
    if rest and (room >= 2 or not head):
        first, second = split(rest[0].text, room)
        head.append(Span(first, rest[0].style))
        rest[0] = Span(second, rest[0].style)
    return head, rest
