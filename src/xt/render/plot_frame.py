"""What a panel looks like before it is drawn: its axes, its lines as places, what is said of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from xt.model.plot import Panel, Plot, PlotLine, PlotPoint
from xt.model.result import Number
from xt.render.plot_axis import LOGARITHMIC, Axis, clock, linear, logarithmic, named
from xt.render.quantities import number
from xt.render.styled import say

#: Lines of a panel that have a colour and a place in the legend; more are drawn pale.
COLOURS = 8


class Frame(NamedTuple):
    """A panel on its axes."""

    panel: Panel
    x: Axis
    y: Axis

    def place(self, point: PlotPoint) -> tuple[float, float] | None:
        """Where a point is, both from 0 to 1; None for a gap."""
        if isinstance(point.y, Number):
            return None
        return self.x.place(point.x), self.y.place(point.y)


def frame(panel: Panel, columns: int, rows: int) -> Frame | None:
    """Lay axes around a panel.

    Args:
        panel: what is drawn.
        columns: ticks of x at most.
        rows: ticks of y at most.

    Returns:
        None when there is nothing finite to draw.
    """
    ys = [value for line in panel.lines for point in line.points for value in _extent(point)]
    xs = [float(point.x) for line in panel.lines for point in line.points]
    if not ys:
        return None
    return Frame(panel, _x_axis(panel, xs, columns), linear(ys, max(2, rows), margin=0.04))


def _x_axis(panel: Panel, xs: Sequence[float], most: int) -> Axis:
    most = max(2, most)
    if panel.categories is not None:
        return named([said(name) for name in panel.categories], most)
    if panel.x == "time":
        return clock(xs, most)
    if panel.x == "step":
        return linear(xs, most)
    if is_logarithmic(panel, xs):
        return logarithmic([*xs, min(xs) / 1.5, max(xs) * 1.5], most)
    return linear(xs, most, margin=0.05)


def is_logarithmic(panel: Panel, xs: Sequence[float]) -> bool:
    """Whether x is a param whose values are powers rather than counts."""
    return panel.x.startswith("param.") and min(xs) > 0 and max(xs) / min(xs) >= LOGARITHMIC


def _extent(point: PlotPoint) -> list[float]:
    return [] if isinstance(point.y, Number) else [point.y, *ends(point)]


def ends(point: PlotPoint) -> list[float]:
    """One standard deviation below a point and above it; nothing where that is not known."""
    if isinstance(point.y, Number) or not point.sd:
        return []
    found = [point.y - point.sd, point.y + point.sd]
    return found if all(map(math.isfinite, found)) else []


def segments(found: Frame, line: PlotLine) -> list[list[tuple[float, float]]]:
    """The stretches of a line between its gaps."""
    parts: list[list[tuple[float, float]]] = [[]]
    for point in line.points:
        place = found.place(point)
        if place is not None:
            parts[-1].append(place)
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]


def last(line: PlotLine) -> PlotPoint | None:
    """The last point of a line that is a number."""
    return next((point for point in reversed(line.points) if not isinstance(point.y, Number)), None)


def reading(panel: Panel, line: PlotLine) -> str:
    """What a line comes to: its last value, and the best one where that is another."""
    finite = [point for point in line.points if not isinstance(point.y, Number)]
    if not line.points:
        return ""
    if panel.points_only:
        low, high = (min(finite, key=_y), max(finite, key=_y)) if finite else (None, None)
        if low is None or high is None:
            return "no number"
        return number(low.y) if low.y == high.y else f"{number(low.y)} … {number(high.y)}"
    text = number(line.points[-1].y)
    if panel.goal != "none" and len(finite) > 1:
        best = (min if panel.goal == "min" else max)(finite, key=_y)
        if best.y != line.points[-1].y:
            text += f" (best {number(best.y)} at {number(best.x)})"
    return text


def _y(point: PlotPoint) -> float:
    return math.nan if isinstance(point.y, Number) else point.y


def heading(panel: Panel) -> str:
    """Name of a metric, with its unit."""
    return said(panel.metric) + (f" ({said(panel.unit)})" if panel.unit else "")


def below(panel: Panel) -> str:
    """What the x axis is."""
    return {"run": "run, oldest first", "time": "time (UTC)"}.get(panel.x, said(panel.x))


def notes(plot: Plot, *, pale: bool = True) -> list[str]:
    """What is said below all panels.

    Args:
        plot: what is drawn.
        pale: whether lines beyond those that can be told apart are drawn, pale.
    """
    found = [said(note) for note in plot.notes]
    for panel in plot.panels:
        odd = sum(line.odd for line in panel.lines)
        if odd:
            are = "point is" if odd == 1 else "points are"
            found.append(f"{said(panel.metric)}: {odd} {are} NaN or infinite")
        more = len(panel.lines) - COLOURS
        if more > 0:
            how = "drawn pale" if pale else "which are not drawn here"
            found.append(f"{said(panel.metric)}: {more} more lines, {how}")
        if any(point.n > 1 for line in panel.lines for point in line.points):
            found.append(f"{said(panel.metric)}: means of repeats, bars are one standard deviation")
    return list(dict.fromkeys(found))


def said(text: str) -> str:
    """Text of others, harmless."""
    return say(text).text
