"""Lines of metrics: over steps, or one point for each run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from xt.compare import UnreadableError
from xt.compare.series import ordered
from xt.compare.tolerances import metric_name
from xt.errors import XtError
from xt.model.plot import Panel, PlotLine, PlotPoint
from xt.model.result import Metric, Number
from xt.ops.diff.rules import Rules
from xt.ops.plot.measured import Key, Measured, key_of
from xt.ops.plot.words import meant
from xt.ops.series import number, thin
from xt.store import Store

#: Ranges of x in which a long series is told by its extremes: more than any screen has.
COLUMNS = 500
#: Metrics drawn at most, each on axes of its own; lines of one.
PANELS, LINES = 24, 64


class Chosen(NamedTuple):
    """What is to be drawn."""

    records: list[Measured]
    baseline: str | None
    shown: int
    """Letters of the ids."""
    patterns: list[str]


def panels(
    store: Store, chosen: Chosen, x: str | None, columns: int | None, rules: Rules, notes: list[str]
) -> list[Panel]:
    """Draw every metric that is meant.

    Args:
        store: that has the series.
        chosen: runs and metrics.
        x: the axis; None: steps where there are any, else runs.
        columns: detail of a line, None for all of it.
        rules: units and goals.
        notes: what is left out is added.
    """
    groups: dict[str, dict[Key, Metric]] = {}
    for record in chosen.records:
        for pattern in chosen.patterns:
            for metric in meant(record.metrics, pattern):
                groups.setdefault(metric.name, {}).setdefault(key_of(metric), metric)
    if len(groups) > PANELS:
        notes.append(f"{len(groups) - PANELS} more metrics are not drawn")
    found = []
    for name, keys in list(groups.items())[:PANELS]:
        first = next(iter(keys.values()))
        settings = rules.metric(first)[0]
        whole = Panel(
            name,
            "step",
            [],
            unit=(settings.unit if settings is not None else None) or first.unit,
            goal=settings.goal if settings is not None and settings.goal != "none" else first.goal,
        )
        found.append(_panel(store, whole, chosen, list(keys), x, columns, notes))
    return found


def _panel(
    store: Store,
    whole: Panel,
    chosen: Chosen,
    keys: list[Key],
    x: str | None,
    columns: int | None,
    notes: list[str],
) -> Panel:
    from msgspec.structs import replace

    own = [
        (record, key, metric)
        for record in chosen.records
        for key in keys
        for metric in record.metrics
        if key_of(metric) == key
    ]
    if x is None:
        x = "step" if any(metric.count > 1 for _, _, metric in own) else "run"
        if x == "run" and len(keys) > 1 and len({record.id for record, _, _ in own}) == 1:
            x = "cohort"
    if x == "step":
        lines = [
            _over_steps(store, chosen, record, metric, len(keys), columns, notes)
            for record, _, metric in own[:LINES]
        ]
        if len(own) > LINES:
            notes.append(f"{whole.metric}: {len(own) - LINES} more lines are not drawn")
        return replace(whole, lines=lines)
    if x == "run":
        order = sorted(
            {record.id: record for record, _, _ in own}.values(), key=lambda one: (one.started_at, one.id)
        )
        places = {record.id: at for at, record in enumerate(order)}
        categories: list[str] | None = [record.id[: chosen.shown] for record in order]
        lines = _over_runs(own, keys, lambda record: places[record.id], group=False)
    elif x == "time":
        categories = None
        lines = _over_runs(
            own, keys, lambda record: datetime.fromisoformat(record.started_at).timestamp(), group=False
        )
    elif x == "cohort":
        categories = [_cohort(metric.labels) if metric.labels else "all" for _, _, metric in own]
        points = [PlotPoint(at, _plain(number(metric.value))) for at, (_, _, metric) in enumerate(own)]
        odd = sum(isinstance(point.y, Number) for point in points)
        lines = [PlotLine(whole.metric, "", points, len(points), odd, run=own[0][0].id)]
    else:
        categories, lines = _over_param(own, keys, x.removeprefix("param."), whole.metric, notes)
    return replace(whole, x=x, lines=lines, points_only=True, categories=categories)


def _over_steps(
    store: Store,
    chosen: Chosen,
    record: Measured,
    metric: Metric,
    keys: int,
    columns: int | None,
    notes: list[str],
) -> PlotLine:
    short = record.id[: chosen.shown]
    name = metric_name(metric.name, metric.labels)
    points: list[tuple[float, float]] = []
    if metric.series is not None or (record.sent is not None and metric.count > 1):
        try:
            series = ordered(record.points(store, metric))
            if series.stepless and not series.by_position:
                notes.append(f"{name} of {short}: {series.stepless} points without a step are not drawn")
            kept = range(len(series.steps)) if columns is None else thin(series.steps, series.values, columns)
            points = [(series.steps[at], series.values[at]) for at in kept]
            count, odd = len(series.steps), sum(not math.isfinite(value) for value in series.values)
        except (XtError, UnreadableError) as error:
            said = error.message if isinstance(error, XtError) else str(error)
            notes.append(f"{name} of {short}: only its last value is drawn: {said}")
            points = []
    if not points:
        value = number(metric.value)
        step = metric.step if metric.step is not None and math.isfinite(metric.step) else 0
        points, count, odd = [(step, value)], 1, int(not math.isfinite(value))
    return PlotLine(
        metric=name,
        label=_label(short, metric, len(chosen.records), keys),
        points=[PlotPoint(_whole(step), _plain(value)) for step, value in points],
        count=count,
        odd=odd,
        run=record.id,
        about=record.snapshot.context.purpose,
        pinned=record.id == chosen.baseline and len(chosen.records) > 1,
    )


def _label(short: str, metric: Metric, runs: int, keys: int) -> str:
    """What tells a line from the others: the run, the cohort, or both."""
    cohort = _cohort(metric.labels) if metric.labels else "all"
    if keys == 1:
        return short
    return cohort if runs == 1 else f"{short} {cohort}"


def _cohort(labels: dict[str, str]) -> str:
    return metric_name("", labels).strip("{}")


Place = Callable[[Measured], float]
Own = list[tuple[Measured, Key, Metric]]


def _over_runs(own: Own, keys: list[Key], place: Place, *, group: bool) -> list[PlotLine]:
    """One line for each cohort; repeats of one recipe are one point if `group` says so."""
    lines = []
    for key in keys[:LINES]:
        members: dict[tuple[str, float], list[tuple[Measured, float]]] = {}
        for record, other, metric in own:
            if other == key:
                apart = record.id if not group or record.snapshot.recipe_doubt else record.snapshot.recipe
                members.setdefault((apart, place(record)), []).append((record, number(metric.value)))
        points = [_point(at, repeats) for (_, at), repeats in members.items()]
        points.sort(key=lambda point: (point.x, point.run or ""))
        labels = dict(key[1])
        name = metric_name(key[0], labels)
        lines.append(
            PlotLine(
                metric=name,
                label=(_cohort(labels) if labels else "all") if len(keys) > 1 else "",
                points=points,
                count=len(points),
                odd=sum(isinstance(point.y, Number) for point in points),
            )
        )
    return lines


def _point(at: float, repeats: list[tuple[Measured, float]]) -> PlotPoint:
    """The mean of repeats and their spread; of one, the value itself."""
    values = [value for _, value in repeats if math.isfinite(value)]
    newest = max(repeats, key=lambda one: (one[0].started_at, one[0].id))[0].id
    if len(repeats) == 1 or not values:
        return PlotPoint(_whole(at), _plain(repeats[0][1]), newest)
    # Divided first: a sum of large numbers is no number.
    mean = math.fsum(value / len(values) for value in values)
    try:
        sd = statistics.stdev(values) if len(values) > 1 else None
    except OverflowError:
        sd = None
    return PlotPoint(
        _whole(at), mean, newest, len(values), sd if sd is not None and math.isfinite(sd) else None
    )


def _over_param(
    own: Own, keys: list[Key], name: str, metric: str, notes: list[str]
) -> tuple[list[str] | None, list[PlotLine]]:
    """Along a param: numbers on a scale, anything else side by side."""
    has = [one for one in own if name in one[0].params]
    without = len({record.id for record, _, _ in own} - {record.id for record, _, _ in has})
    if without:
        notes.append(f"{metric}: {without} runs have no param {name}")
    values = {record.id: record.params[name] for record, _, _ in has}
    numeric = {run: _number(value) for run, value in values.items()}
    if all(value is not None for value in numeric.values()):
        return None, _over_runs(has, keys, lambda record: numeric[record.id] or 0.0, group=True)
    words = {run: value if isinstance(value, str) else repr(value) for run, value in values.items()}
    order = sorted(set(words.values()), key=lambda word: (_number(word) is None, _number(word) or 0.0, word))
    return order, _over_runs(has, keys, lambda record: order.index(words[record.id]), group=True)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _whole(value: float) -> float | int:
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(value)


def _plain(value: float) -> float | int | Number:
    if math.isfinite(value):
        return value
    return Number("nan" if math.isnan(value) else "inf" if value > 0 else "-inf")
