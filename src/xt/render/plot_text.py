"""Metrics drawn in a terminal.

Plotille sets the dots of lines (braille: 2 × 4 in a cell); axes, labels and legend are ours, since they have
to fit any width. Without UTF-8 a cell is one dot, and lines are letters; without colour, letters are put on
the lines too, so that they can be told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from plotille import Canvas

from xt.model.plot import Panel, Plot, PlotLine
from xt.model.result import Number
from xt.render.cells import cells, clip
from xt.render.layout import wrap
from xt.render.plot_frame import COLOURS, Frame, below, frame, heading, last, notes, reading, said, segments
from xt.render.styled import Line, Span, measure, paint, say

#: As other pages: wider is no easier to read.
WIDEST, NARROWEST = 160, 24
#: Rows of a panel, alone and among others.
TALL, LOW = 14, 8
#: Cells of the labels at the right end of lines; narrower than this there are none.
_LABEL, _ROOM = 14, 56
#: Cells from one tick of x to the next, at least.
_APART = 10
_LETTERS = "abcdefgh"
_BRAILLE = 0x2800
#: What plotille's braille pattern has for each dot: bits, by row and column of the cell.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Signs(NamedTuple):
    """What axes are made of."""

    tick: str
    corner: str
    rule: str
    down: str
    point: str
    bar: str
    sample: str


UNICODE = Signs("┤", "└", "─", "┬", "●", "│", "━━")
ASCII = Signs("|", "+", "-", "+", "o", ":", "--")


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
    for note in notes(plot):
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
    grid = _Grid(across, rows, signs)
    for number in range(len(panel.lines) - 1, -1, -1):
        grid.draw(found, panel.lines[number], number)
    if not colour and len(panel.lines) > 1:
        grid.letter(found)
    marks = {_row(tick.at, rows): tick.label for tick in found.y.ticks}
    labels = _labels(found, rows) if beside else {}
    for row in range(rows):
        label = marks.get(row, "")
        line: Line = [say(label.rjust(margin), "dim"), Span(f" {signs.tick if label else ' '}", "dim")]
        line += grid.line(row)
        if row in labels:
            number = labels[row]
            line += [Span(" ", ""), say(clip(said(panel.lines[number].label), _LABEL), _style(panel, number))]
        lines.append(line)
    lines += _below(found, margin, across, signs)
    return [*lines, *_legend(panel, width, colour, signs)]


class _Grid:
    """Cells between the axes."""

    def __init__(self, columns: int, rows: int, signs: Signs) -> None:
        self._columns, self._rows, self._signs = columns, rows, signs
        self._unicode = signs is UNICODE
        self._text = [[" "] * columns for _ in range(rows)]
        self._style = [[""] * columns for _ in range(rows)]
        self._wide, self._high = (2 * columns, 4 * rows) if self._unicode else (columns, rows)

    def draw(self, found: Frame, line: PlotLine, number: int) -> None:
        """Draw a line; what was there before shows through its gaps."""
        style = _style(found.panel, number)
        parts = segments(found, line)
        if not found.panel.points_only:
            for row, column, bits in self._cells(parts):
                self._set(row, column, bits, number, style)
        for part in parts:
            if found.panel.points_only or len(part) == 1:
                for x, y in part:
                    self._put(_row(y, self._rows), self._column(x), self._sign(number), style)
        for point in line.points if found.panel.points_only else []:
            if point.sd and not isinstance(point.y, Number):
                column = self._column(found.x.place(point.x))
                ends = [_row(found.y.place(point.y + side), self._rows) for side in (point.sd, -point.sd)]
                middle = _row(found.y.place(point.y), self._rows)
                for row in range(ends[0], ends[1] + 1):
                    if row != middle:
                        self._put(row, column, self._signs.bar, style)

    def letter(self, found: Frame) -> None:
        """Put a letter on each line here and there, on every line in columns of its own."""
        if found.panel.points_only or not self._unicode:
            return
        lines = found.panel.lines[:COLOURS]
        every = max(12, self._columns // 4)
        for number, line in enumerate(lines):
            places = {}
            for part in segments(found, line):
                for x, y in _between(part, self._columns):
                    places[self._column(x)] = _row(y, self._rows)
            offset = every // 2 + number * every // len(lines)
            for column in range(offset % every, self._columns, every):
                if column in places:
                    self._put(places[column], column, _LETTERS[number], _style(found.panel, number))

    def line(self, row: int) -> Line:
        """One row, in stretches of one style."""
        spans: Line = []
        for text, style in zip(self._text[row], self._style[row], strict=True):
            if spans and spans[-1].style == style:
                spans[-1] = Span(spans[-1].text + text, style)
            else:
                spans.append(Span(text, style))
        return spans

    def _column(self, x: float) -> int:
        return min(self._columns - 1, int(x * self._columns))

    def _sign(self, number: int) -> str:
        if self._unicode:
            return self._signs.point
        return _LETTERS[number] if number < COLOURS else "."

    def _put(self, row: int, column: int, text: str, style: str) -> None:
        self._text[row][column], self._style[row][column] = text, style

    def _set(self, row: int, column: int, bits: int, number: int, style: str) -> None:
        if not self._unicode:
            self._put(row, column, self._sign(number), style)
            return
        before = ord(self._text[row][column]) - _BRAILLE
        self._put(row, column, chr(_BRAILLE + (bits | before if 0 <= before < 256 else bits)), style)

    def _cells(self, parts: list[list[tuple[float, float]]]) -> list[tuple[int, int, int]]:
        """Which cells the stretches of a line touch, and which dots of each."""
        wide, high = self._wide, self._high
        canvas = Canvas(-(-wide // 2), -(-high // 4), 0, 0, -(-wide // 2) * 2, -(-high // 4) * 4)
        for part in parts:
            dots = [(min(wide - 1, int(x * wide)), min(high - 1, int(y * high))) for x, y in part]
            for one, other in pairwise(dots):
                canvas.line(*one, *other)
        top = -(-high // 4) * 4
        found: dict[tuple[int, int], int] = {}
        for place, text in enumerate(canvas.plot(linesep="\n").split("\n")):
            for column, sign in enumerate(text):
                pattern = ord(sign) - _BRAILLE
                if pattern and self._unicode:
                    found[place, column] = pattern
                elif pattern:
                    for down, pair in enumerate(_DOTS):
                        for along, bit in enumerate(pair):
                            if pattern & bit:
                                found[place * 4 + down - (top - high), column * 2 + along] = 1
        return [(row, column, bits) for (row, column), bits in found.items()]


def _between(part: list[tuple[float, float]], columns: int) -> list[tuple[float, float]]:
    """Points on a stretch, one a cell at least."""
    found = list(part)
    for (x, y), (to_x, to_y) in pairwise(part):
        count = int(abs(to_x - x) * columns) + 1
        found += [(x + (to_x - x) * at / count, y + (to_y - y) * at / count) for at in range(1, count)]
    return found


def _row(y: float, rows: int) -> int:
    return rows - 1 - min(rows - 1, max(0, int(y * rows)))


def _style(panel: Panel, number: int) -> str:
    """Style of a line: a colour each, pale for the baseline and for what is too many."""
    if number >= COLOURS or panel.lines[number].pinned:
        return "dim"
    before = sum(line.pinned for line in panel.lines[:number])
    return f"line{number - before}"


def _labels(found: Frame, rows: int) -> dict[int, int]:
    """Rows at the right that name the lines which end there, each in a row of its own."""
    taken: dict[int, int] = {}
    for number, line in enumerate(found.panel.lines[:COLOURS]):
        point = last(line)
        place = found.place(point) if point is not None else None
        if place is None:
            continue
        wanted = _row(place[1], rows)
        free = [row for row in range(rows) if row not in taken]
        if free:
            taken[min(free, key=lambda row: abs(row - wanted))] = number
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
    name = clip(below(found.panel), across)
    gap = margin + 2 + across - cells(name)
    if end + 1 <= gap:
        lines[1] += [Span(" " * (gap - cells(lines[1][0].text)), ""), Span(name, "dim")]
    else:
        lines.append([Span(" " * gap, ""), Span(name, "dim")])
    return lines


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
    for number, line in enumerate(shown):
        style = _style(panel, number)
        sign = signs.point if panel.points_only else signs.sample
        letter = not colour and len(panel.lines) > 1 and not (panel.points_only and signs is UNICODE)
        row: Line = [Span("  ", ""), Span(f"{_LETTERS[number]} " if letter else f"{sign} ", style)]
        row += [Span(names[number], style), Span(" " * (columns[0] - cells(names[number]) + 2), "")]
        row += [Span(values[number], ""), Span(" " * (columns[1] - cells(values[number]) + 2), "")]
        about = "baseline: " * line.pinned + said(line.about or "")
        row.append(Span(clip(about, width - measure(row)), "dim"))
        lines += [row] if measure(row) <= width else wrap(row, width, 4)
    return lines


def _ascii(text: str) -> str:
    """What is left to write where there is no UTF-8."""
    plain = text.translate({ord("…"): "...", ord("–"): "-", ord("±"): "+-", ord("×"): "x", ord("·"): "-"})
    return plain.encode("ascii", "backslashreplace").decode()
