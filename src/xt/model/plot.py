"""Metrics as they are drawn: points on axes, before anything is a picture."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.result import Number


class PlotPoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """One point of a line."""

    x: float | int
    """A step, the value of a param, a place among `categories`, or seconds since 1970 (time)."""
    y: float | int | Number
    """NaN and infinities are a gap in the line."""
    run: str | None = None
    """The run it is of, where points of a line are of several."""
    n: int = 1
    """Repeats it is the mean of."""
    sd: float | None = None
    """Their sample standard deviation (n - 1); None for one."""


class PlotLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is drawn in one colour."""

    metric: str
    """With its cohort: `val/acc{digit=8}`."""
    label: str
    """What tells it from the other lines of its panel, short: `kwpz`, `digit=8`."""
    points: list[PlotPoint]
    """In the order of x."""
    count: int
    """Points there are: more than `points` where those were too many to draw."""
    odd: int = 0
    """Points among them that are NaN or infinite."""
    run: str | None = None
    """The run, for a line that is of one."""
    about: str | None = None
    """Its purpose."""
    pinned: bool = False
    """It is of the baseline, and there to be compared with."""


class Panel(msgspec.Struct, frozen=True, omit_defaults=True):
    """One metric, all its lines on the same axes."""

    metric: str
    x: str
    """`step`, `run`, `cohort`, `time` or `param.NAME`."""
    lines: list[PlotLine]
    unit: str | None = None
    goal: Literal["min", "max", "none"] = "none"
    points_only: bool = False
    """Points are not joined: they are of several runs."""
    categories: list[str] | None = None
    """What stands at x = 0, 1, …, where x is not a number: ids of runs, values of a param."""


class Plot(msgspec.Struct, frozen=True):
    """What `xt plot` draws."""

    panels: list[Panel]
    runs: list[str]
    """Ids of the runs that were looked at."""
    notes: list[str] = []
    """What a reader must know: points that were left out, runs without the metric."""
    schema: Literal["xt.plot/1"] = "xt.plot/1"
