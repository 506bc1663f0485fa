"""Panels as strokes, dots and words on paper: what SVG and PNG both draw, each with its own pen.

The colours are told apart by colour-blind readers; dashes and the labels at the ends of lines say the same
without colour.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from xt.model.plot import Panel, Plot, PlotLine, PlotPoint
from xt.model.result import Number
from xt.render.cells import clip
from xt.render.plot_frame import (
    COLOURS,
    Frame,
    below,
    ends,
    frame,
    heading,
    last,
    notes,
    reading,
    said,
    segments,
)
from xt.render.quantities import number

#: On white and on black paper: the accent first.
LIGHT = ("#06707f", "#c2500a", "#7b4a9e", "#9a7400", "#1f5fa8", "#b83a72", "#4f6f1f", "#5a6470")
DARK = ("#4fc3d0", "#f0965a", "#b990dd", "#d9b44a", "#7ab0ee", "#ee86b4", "#a3c46a", "#a9b4c0")
DASHES: tuple[tuple[int, ...], ...] = ((), (), (), (7, 3), (2, 3), (7, 3, 2, 3), (10, 3), (4, 2))
#: Pixels of a panel: between its axes, and around them.
WIDE, HIGH, TOP, BOTTOM, GAP, ROW = 640, 220, 34, 38, 18, 18
#: Of letters: their size, and how wide one is on average.
SIZE, SMALL, LETTER = 13, 11, 0.62
#: Points of a line that are dots one can point at; of more, so many of them.
DOTS, HOVERED = 40, 80


class Stroke(NamedTuple):
    """A line through places."""

    places: list[tuple[float, float]]
    style: str
    width: float
    dash: tuple[int, ...] = ()
    title: str = ""


class Dot(NamedTuple):
    """A disc; one that cannot be seen only has a title."""

    x: float
    y: float
    radius: float
    style: str
    title: str = ""


class Words(NamedTuple):
    """A line of text; `anchor` says which part of it is at x."""

    x: float
    y: float
    text: str
    style: str
    size: int = SMALL
    anchor: str = "start"
    bold: bool = False


Item = Stroke | Dot | Words
Items = list[Item]


class Picture(NamedTuple):
    """Everything on one sheet."""

    width: float
    height: float
    items: Items


def picture(plot: Plot, wide: int = WIDE, high: int = HIGH) -> Picture:
    """Draw all panels, one below the other.

    Args:
        plot: what is drawn.
        wide: pixels between the axes.
        high: likewise.
    """
    items: Items = []
    top, widest = 0.0, 0.0
    for panel in plot.panels:
        found = _panel(panel, wide, high, top)
        items += found.items
        top += found.height + GAP
        widest = max(widest, found.width)
    for note in notes(plot):
        top += 16
        items.append(Words(0, top - 6, clip(note, int(widest / SMALL / LETTER)), "quiet"))
    return Picture(math.ceil(widest), math.ceil(top), items)


def _panel(panel: Panel, wide: int, high: int, top: float) -> Picture:
    found = frame(panel, wide // 80, high // 36)
    items: Items = [Words(0, top + 15, clip(heading(panel), 80), "ink", SIZE + 1, bold=True)]
    if found is None:
        items.append(Words(0, top + 40, "nothing finite to draw", "quiet", SIZE))
        return Picture(wide, 56, items)
    left = max(_wide(tick.label) for tick in found.y.ticks) + 10 if found.y.ticks else 10
    box = _Box(found, left, top + TOP, wide, high)
    items += box.axes()
    for at in range(len(panel.lines) - 1, -1, -1):
        items += box.line(panel.lines[at], at)
    labels = box.labels()
    items += labels
    beside = max((_wide(label.text) for label in labels), default=0) + 14
    legend = _legend(panel, left, top + TOP + high + BOTTOM, left + wide + beside)
    height = TOP + high + BOTTOM + ROW * len({item.y for item in legend if isinstance(item, Words)})
    return Picture(left + wide + beside, height, [*items, *legend])


class _Box:
    """The space between the axes of one panel."""

    def __init__(self, found: Frame, left: float, top: float, wide: int, high: int) -> None:
        self._found, self._left, self._top, self._wide, self._high = found, left, top, wide, high

    def _x(self, place: float) -> float:
        return round(self._left + place * self._wide, 1)

    def _y(self, place: float) -> float:
        return round(self._top + (1 - place) * self._high, 1)

    def axes(self) -> Items:
        items: Items = []
        right, bottom = self._left + self._wide, self._top + self._high
        for tick in self._found.y.ticks:
            y = self._y(tick.at)
            items.append(Stroke([(self._left, y), (right, y)], "grid", 1))
            items.append(Words(self._left - 6, y + 4, tick.label, "quiet", anchor="end"))
        items.append(Stroke([(self._left, bottom), (right, bottom)], "axis", 1))
        end = -math.inf
        for tick in self._found.x.ticks:
            x = self._x(tick.at)
            text = clip(tick.label, 18)
            half = _wide(text) / 2
            items.append(Stroke([(x, bottom), (x, bottom + 4)], "axis", 1))
            if x - half > end:
                items.append(Words(x, bottom + 17, text, "quiet", anchor="middle"))
                end = x + half + 6
        items.append(Words(right, bottom + 32, clip(below(self._found.panel), 60), "quiet", anchor="end"))
        return items

    def line(self, line: PlotLine, number_of: int) -> Items:
        panel = self._found.panel
        style, dash = style_of(panel, number_of)
        title = _about(panel, line)
        items: Items = []
        if not panel.points_only:
            for part in segments(self._found, line):
                if len(part) > 1:
                    places = [(self._x(x), self._y(y)) for x, y in part]
                    items.append(Stroke(places, style, 1.2 if style == "pale" else 1.8, dash, title))
        finite = [point for point in line.points if not isinstance(point.y, Number)]
        if style == "pale" and not panel.points_only:
            return items
        few = len(finite) <= DOTS or panel.points_only
        for point in finite if few else finite[:: -(-len(finite) // HOVERED)]:
            items += self._point(line, point, style, seen=few)
        return items

    def _point(self, line: PlotLine, point: PlotPoint, style: str, *, seen: bool) -> Items:
        panel = self._found.panel
        place = self._found.place(point)
        if place is None or isinstance(point.y, Number):
            return []
        x, y = self._x(place[0]), self._y(place[1])
        at = said(panel.categories[int(point.x)]) if panel.categories else number(point.x)
        what = " ".join(part for part in (said(line.label), said(line.metric)) if part)
        title = f"{what} {number(point.y)}" + ("" if panel.x == "time" else f" at {below(panel)} {at}")
        if panel.x == "run":
            title = f"{at} {said(line.metric)} {number(point.y)}"
        items: Items = []
        if point.n > 1:
            title += f", mean of {point.n}" + (f", sd {number(point.sd)}" if point.sd is not None else "")
        if reach := ends(point):
            places = [(x, self._y(self._found.y.place(end))) for end in reach]
            items.append(Stroke(places, style, 1.2))
        radius = (3.5 if panel.points_only else 2.2) if seen else 5.0
        items.append(Dot(x, y, radius, style if seen else "unseen", title))
        return items

    def labels(self) -> list[Words]:
        """Names at the right ends of the lines, apart from each other."""
        panel = self._found.panel
        if panel.points_only or not any(line.label for line in panel.lines):
            return []
        wanted = []
        for at, line in enumerate(panel.lines[:COLOURS]):
            point = last(line)
            place = self._found.place(point) if point is not None else None
            if place is not None:
                wanted.append((self._y(place[1]), at, clip(said(line.label), 24)))
        wanted.sort()
        placed: list[Words] = []
        floor = self._top
        for own, at, text in wanted:
            y = max(own, floor)
            placed.append(Words(self._left + self._wide + 7, y + 4, text, style_of(panel, at)[0], bold=True))
            floor = y + 14
        over = floor - 14 - (self._top + self._high)
        return [one._replace(y=round(one.y - max(0.0, over), 1)) for one in placed]


def style_of(panel: Panel, number_of: int) -> tuple[str, tuple[int, ...]]:
    """Colour and dash of a line: the baseline is grey, and pale what is too many."""
    if number_of >= COLOURS:
        return "pale", ()
    if panel.lines[number_of].pinned:
        return "base", (5, 3)
    own = number_of - sum(line.pinned for line in panel.lines[:number_of])
    return f"line{own}", DASHES[own]


def _legend(panel: Panel, left: float, top: float, right: float) -> Items:
    """A row for each line: how it is drawn, which it is, what it comes to, why it was made."""
    lines = panel.lines[:COLOURS]
    if panel.points_only and len(panel.lines) == 1:
        return []
    names = [clip(said(line.label), 24) for line in lines]
    values = [reading(panel, line) for line in lines]
    second = left + 25 + max(map(_wide, names)) * 1.1 + 12
    third = second + max(map(_wide, values)) + 14
    room = int((right - third) / SMALL / LETTER)
    items: Items = []
    for at, line in enumerate(lines):
        y = top + 13 + ROW * at
        style, dash = style_of(panel, at)
        if panel.points_only:
            items.append(Dot(left + 9, y - 4, 3.5, style))
        else:
            items.append(Stroke([(left, y - 4), (left + 18, y - 4)], style, 2, dash))
        items.append(Words(left + 25, y, names[at], style, bold=True))
        items.append(Words(round(second, 1), y, values[at], "ink"))
        about = ("baseline: " if line.pinned else "") + said(line.about or "")
        if about and room > 4:
            items.append(Words(round(third, 1), y, clip(about, room), "quiet"))
    return items


def _about(panel: Panel, line: PlotLine) -> str:
    parts = (said(line.label), said(line.metric), reading(panel, line), said(line.about or ""))
    return " · ".join(part for part in parts if part)


def _wide(text: str) -> float:
    return round(len(text) * SMALL * LETTER, 1)
