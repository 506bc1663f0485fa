"""Plots for tests: ordinary ones, odd ones, and any there can be."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from tests.render.hostile import NASTY
from xt.model.plot import Panel, Plot, PlotLine, PlotPoint
from xt.model.result import Number

IDS = ["kwpztnlqsmvrxoyu", "nrqszzktwvlmopyx", "ytlmkkpzwxrsouvn"]


def line(label: str, values: list[float], about: str | None = None, **more) -> PlotLine:
    points = [
        PlotPoint(step, value if math.isfinite(value) else Number("nan")) for step, value in enumerate(values)
    ]
    odd = sum(not math.isfinite(value) for value in values)
    return PlotLine("loss", label, points, len(points), odd, about=about, **more)


def learning() -> Plot:
    """Three runs, one of them the baseline, one with a gap."""
    curves = [
        line("kwpz", [math.exp(-step / 3) for step in range(20)], "a lower learning rate", run=IDS[0]),
        line("ytlm", [math.nan if 6 < step < 10 else 0.9 - step / 40 for step in range(20)], run=IDS[2]),
        line("nrqs", [math.exp(-step / 8) for step in range(20)], "reference", run=IDS[1], pinned=True),
    ]
    return Plot([Panel("loss", "step", curves, goal="min", unit="nats")], IDS)


def scanned() -> Plot:
    """A param on a scale of powers, with repeats."""
    points = [
        PlotPoint(0.0001, 0.91, IDS[0]),
        PlotPoint(0.01, 0.97, IDS[1], 5, 0.01),
        PlotPoint(1, 0.4, IDS[2], 3, 0.05),
    ]
    lines = [PlotLine("val/acc", "", points, 3)]
    return Plot([Panel("val/acc", "param.lr", lines, goal="max", points_only=True)], IDS)


def several() -> Plot:
    """Runs side by side, with cohorts; a constant; a metric that is nothing but NaN."""
    cohorts = [
        PlotLine(
            f"acc{{digit={digit}}}",
            f"digit={digit}",
            [PlotPoint(at, 0.9 - digit / 20 + at / 50, IDS[at]) for at in range(3)],
            3,
        )
        for digit in range(3)
    ]
    names = [run[:4] for run in IDS]
    return Plot(
        [
            Panel("acc", "run", cohorts, points_only=True, categories=names),
            Panel("constant", "step", [line("kwpz", [0.5] * 8, run=IDS[0])]),
            Panel("nothing", "step", [line("kwpz", [math.nan] * 3, run=IDS[0])]),
        ],
        IDS,
        ["2 runs have no metric"],
    )


ALL = {"learning": learning, "scanned": scanned, "several": several}

texts = st.sampled_from([text.encode("utf-8", "replace").decode() for text in NASTY])
numbers = st.sampled_from([0.0, -0.0, 1.0, 1e-320, -2.5e-7, 0.1, 12345.678, 1.7e308, -1.7e308])
values = numbers | st.sampled_from([Number("nan"), Number("inf"), Number("-inf")])
spreads = st.sampled_from([None, 0.0, 0.3, 1.7e308])


def _line(name: str, label: str, points: list[tuple[float, float | Number, float | None]]) -> PlotLine:
    made = [PlotPoint(x, y, n=2 if sd else 1, sd=sd) for x, y, sd in sorted(points, key=lambda one: one[0])]
    odd = sum(isinstance(point.y, Number) for point in made)
    return PlotLine(name, label, made, len(made), odd, about=label)


@st.composite
def plots(draw: st.DrawFn) -> Plot:
    """Any plot: hostile names, huge numbers, gaps, too many lines."""
    name, label, unit, about = (draw(texts) for _ in range(4))
    sort = draw(st.sampled_from(["step", "time", "run", "param"]))
    xs = {"time": st.sampled_from([0, 1.5, 1.7e9, 4e9]), "run": st.sampled_from([0, 1, 2])}.get(sort, numbers)
    points = st.lists(st.tuples(xs, values, spreads), min_size=1, max_size=6)
    lines = [_line(name, label, own) for own in draw(st.lists(points, min_size=1, max_size=10))]
    axis = f"param.{label}" if sort == "param" else sort
    goal = draw(st.sampled_from(["min", "max", "none"]))
    names = [name, label, unit] if sort == "run" else None
    return Plot([Panel(name, axis, lines, unit, goal, sort != "step", names)], [], [about])
