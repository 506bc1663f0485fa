"""Lines as cells of a terminal: braille dots, or letters where there is no UTF-8.

Plotille (MIT, pure Python, needs nothing) sets the dots; it loads in a fraction of the time plotext takes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from plotille import Canvas

from xt.model.plot import Panel, PlotLine
from xt.render.plot_frame import COLOURS, Frame, ends, segments
from xt.render.styled import Line, Span

LETTERS = "abcdefgh"
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


class Grid:
    """Cells between the axes."""

    def __init__(self, columns: int, rows: int, signs: Signs, *, letters: bool) -> None:
        """Begin with nothing drawn.

        Args:
            columns: cells of a row.
            rows: of cells.
            signs: what it is drawn with.
            letters: points are letters, since there are several lines and no colours.
        """
        self._letters = letters or signs is ASCII
        self._columns, self._rows, self._signs = columns, rows, signs
        self._unicode = signs is UNICODE
        self._text = [[" "] * columns for _ in range(rows)]
        self._style = [[""] * columns for _ in range(rows)]
        self._wide, self._high = (2 * columns, 4 * rows) if self._unicode else (columns, rows)

    def draw(self, found: Frame, line: PlotLine, at: int) -> None:
        """Draw a line; what was there before shows through its gaps."""
        style = style_of(found.panel, at)
        parts = segments(found, line)
        if not found.panel.points_only:
            for row, column, bits in self._cells(parts):
                self._set(row, column, bits, at, style)
        for part in parts:
            if found.panel.points_only or len(part) == 1:
                for x, y in part:
                    self._put(row_of(y, self._rows), self._column(x), self._sign(at), style)
        for point in line.points if found.panel.points_only else []:
            rows = [row_of(found.y.place(end), self._rows) for end in ends(point)]
            for row in range(rows[1], rows[0] + 1) if rows else []:
                column = self._column(found.x.place(point.x))
                if self._text[row][column] == " ":
                    self._put(row, column, self._signs.bar, style)

    def letter(self, found: Frame) -> None:
        """Put a letter on each line here and there, on every line in columns of its own."""
        if found.panel.points_only or not self._unicode:
            return
        lines = found.panel.lines[:COLOURS]
        every = max(12, self._columns // 4)
        for at, line in enumerate(lines):
            places = {}
            for part in segments(found, line):
                for x, y in _between(part, self._columns):
                    places[self._column(x)] = row_of(y, self._rows)
            offset = every // 2 + at * every // len(lines)
            for column in range(offset % every, self._columns, every):
                if column in places:
                    self._put(places[column], column, LETTERS[at], style_of(found.panel, at))

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

    def _sign(self, at: int) -> str:
        if not self._letters:
            return self._signs.point
        return LETTERS[at] if at < COLOURS else "."

    def _put(self, row: int, column: int, text: str, style: str) -> None:
        self._text[row][column], self._style[row][column] = text, style

    def _set(self, row: int, column: int, bits: int, at: int, style: str) -> None:
        if not self._unicode:
            self._put(row, column, self._sign(at), style)
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


def row_of(y: float, rows: int) -> int:
    """Row of a place between 0 and 1, the first one at the top."""
    return rows - 1 - min(rows - 1, max(0, int(y * rows)))


def style_of(panel: Panel, at: int) -> str:
    """Style of a line: a colour each, pale for the baseline and for what is too many."""
    if at >= COLOURS or panel.lines[at].pinned:
        return "dim"
    before = sum(line.pinned for line in panel.lines[:at])
    return f"line{at - before}"
