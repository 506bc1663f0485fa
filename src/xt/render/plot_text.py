"""Metrics drawn in a terminal.

Plotille sets the dots of lines (braille: 2 × 4 in a cell); axes, labels and legend are ours, since they have
to fit any width. Without UTF-8 a cell is one dot, and lines are letters; without colour, letters are put on
the lines too, so that they can be told apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from xt.model.plot import Panel, Plot
from xt.render.cells import cells, clip
from xt.render.layout import wrap
from xt.render.plot_cells import ASCII, LETTERS, UNICODE, Grid, Signs, row_of, style_of
from xt.render.plot_frame import COLOURS, Frame, below, frame, heading, last, notes, reading, said
from xt.render.quantities import number
from xt.render.styled import Line, Span, measure, paint, say

#: As other pages: wider is no easier to read.
WIDEST, NARROWEST = 160, 24
#: Rows of a panel, alone and among others.
TALL, LOW = 14, 8
#: Cells of the labels at the right end of lines; narrower than this there are none.
_LABEL, _ROOM = 14, 56
#: Cells from one tick of x to the next, at least.
_APART = 10


def has_unicode(environ: Mapping[str, str]) -> bool:
    """Whether the locale has braille: any whose character set is UTF-8, or none set at all."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if value := environ.get(name):
            charset = value.partition(".")[2].partition("@")[0].lower().replace("-", "")
            return charset == "utf8"
    return True


def render(plot: Plot, width: int, colour: bool, *, unicode: bool = True) -> str:
    """Draw the panels, one below the other.

    Args:
        plot: what is drawn.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
        unicode: whether it has braille.
    """
    width = max(min(width, WIDEST), NARROWEST)
    rows = TALL if len(plot.panels) == 1 else LOW
    lines: list[Line] = []
    for panel in plot.panels:
        lines += [[]] if lines else []
        lines += _panel(panel, width, rows if width >= _ROOM else LOW, colour, UNICODE if unicode else ASCII)
    for note in notes(plot, pale=colour):
        lines += wrap([say(note, "dim")], width, 2)
    text = "".join(paint(line, colour) + "\n" for line in lines)
    return text if unicode else _ascii(text)


def _panel(panel: Panel, width: int, rows: int, colour: bool, signs: Signs) -> list[Line]:
    lines = wrap([say(heading(panel), "bold")], width, 2)
    found = frame(panel, max(2, (width - 12) // _APART), max(2, rows // 2))
    if found is None:
        return [*lines, [say("  nothing finite to draw", "dim")], *_legend(panel, width, colour, signs)]
    margin = max(cells(tick.label) for tick in found.y.ticks)
    room = min(_LABEL, max((cells(said(line.label)) for line in panel.lines[:COLOURS]), default=0))
    beside = room + 1 if width >= _ROOM and not panel.points_only and room else 0
    across = max(4, width - margin - 2 - beside)
    lettered = not colour and len(panel.lines) > 1
    grid = Grid(across, rows, signs, letters=lettered)
    drawn = len(panel.lines) if colour else min(COLOURS, len(panel.lines))
    for at in range(drawn - 1, -1, -1):
        grid.draw(found, panel.lines[at], at)
    if lettered:
        grid.letter(found)
    marks = {row_of(tick.at, rows): tick.label for tick in found.y.ticks}
    labels = _labels(found, rows) if beside else {}
    for row in range(rows):
        label = marks.get(row, "")
        line: Line = [say(label.rjust(margin), "dim"), Span(f" {signs.tick if label else ' '}", "dim")]
        line += grid.line(row)
        if row in labels:
            at = labels[row]
            line += [Span(" ", ""), say(clip(said(panel.lines[at].label), _LABEL), style_of(panel, at))]
        lines.append(line)
    lines += _below(found, margin, across, signs)
    return [*lines, *_legend(panel, width, colour, signs)]


def _labels(found: Frame, rows: int) -> dict[int, int]:
    """Rows at the right that name the lines which end there, each in a row of its own."""
    taken: dict[int, int] = {}
    for at, line in enumerate(found.panel.lines[:COLOURS]):
        point = last(line)
        place = found.place(point) if point is not None else None
        if place is None:
            continue
        wanted = row_of(place[1], rows)
        free = [row for row in range(rows) if row not in taken]
        if free:
            taken[min(free, key=lambda row: abs(row - wanted))] = at
    return taken


def _below(found: Frame, margin: int, across: int, signs: Signs) -> list[Line]:
    """The x axis, its labels, and what it is."""
    rule = [signs.rule] * across
    labels = [" "] * (margin + 2 + across)
    end = -1
    for tick in found.x.ticks:
        column = min(across - 1, int(tick.at * across))
        text = clip(tick.label, max(4, across // max(1, len(found.x.ticks)) - 1))
        start = min(max(0, margin + 2 + column - cells(text) // 2), len(labels) - cells(text))
        if start <= end or start < 0:
            continue
        rule[column] = signs.down
        # A wide character takes two cells, of which the second is nothing.
        for at, part in enumerate(_celled(text)):
            labels[start + at] = part
        end = start + cells(text)
    lines: list[Line] = [
        [Span(" " * (margin + 1) + signs.corner + "".join(rule), "dim")],
        [Span("".join(labels).rstrip(" "), "dim")],
    ]
    lines += _values(found, margin, across)
    name = clip(below(found.panel), across)
    gap = margin + 2 + across - cells(name)
    used = cells(lines[-1][0].text)
    if used + 1 <= gap:
        lines[-1] += [Span(" " * (gap - used), ""), Span(name, "dim")]
    else:
        lines.append([Span(" " * gap, ""), Span(name, "dim")])
    return lines


def _values(found: Frame, margin: int, across: int) -> list[Line]:
    """What a few runs come to, each below its name."""
    panel = found.panel
    if panel.categories is None or len(panel.lines) > 1 or len(panel.lines[0].points) > len(found.x.ticks):
        return []
    row = ""
    for point in panel.lines[0].points:
        column = margin + 2 + min(across - 1, int(found.x.place(point.x) * across))
        text = number(point.y)
        start = max(0, min(column - len(text) // 2, margin + 2 + across - len(text)))
        if row and start <= len(row):
            return []
        row = row.ljust(start) + text
    return [[Span(row, "")]]


def _celled(text: str) -> list[str]:
    found: list[str] = []
    for character in text:
        own = cells(character)
        if own == 0 and found:
            found[-1] += character
        elif own:
            found += [character, *[""] * (own - 1)]
    return found


def _legend(panel: Panel, width: int, colour: bool, signs: Signs) -> list[Line]:
    """One row a line: how it is drawn, which it is, what it comes to, why it was made."""
    shown = panel.lines[:COLOURS]
    if panel.points_only and len(shown) == 1 and not shown[0].label:
        return []
    names = [clip(said(line.label), _LABEL) for line in shown]
    values = [reading(panel, line) for line in shown]
    columns = [max(map(cells, column), default=0) for column in (names, values)]
    lines: list[Line] = []
    for at, line in enumerate(shown):
        style = style_of(panel, at)
        sign = signs.point if panel.points_only else signs.sample
        letter = not colour and len(panel.lines) > 1
        row: Line = [Span("  ", ""), Span(f"{LETTERS[at]} " if letter else f"{sign} ", style)]
        row += [Span(names[at], style), Span(" " * (columns[0] - cells(names[at]) + 2), "")]
        row += [Span(values[at], ""), Span(" " * (columns[1] - cells(values[at]) + 2), "")]
        about = "baseline: " * line.pinned + said(line.about or "")
        row.append(Span(clip(about, width - measure(row)), "dim"))
        lines += [row] if measure(row) <= width else wrap(row, width, 4)
    return lines


def _ascii(text: str) -> str:
    """What is left to write where there is no UTF-8; nothing gets wider."""
    plain = text.translate({ord("…"): "~", ord("–"): "-", ord("×"): "x", ord("·"): "-"})
    return "".join(sign if sign.isascii() else "?" * cells(sign) for sign in plain)
