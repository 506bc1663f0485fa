"""Runs in groups: how many of each, how they ended, and how their metrics lie."""

from __future__ import annotations

import math
from array import array
from collections import Counter

from xt.model.groups import Group, Groups, Spread
from xt.model.summary import Summary
from xt.ops.search import Searching, Wanted, property_of
from xt.store.index import Cell

#: Rows looked at to choose the metrics that are shown, and how many are.
LOOKED_AT, METRICS = 200, 4
#: Groups at most; more are no groups.
MOST = 1_000


def group(search: Searching, wanted: Wanted, by: str) -> Groups:
    """Group the runs that fulfil a query.

    Args:
        search: of the store.
        wanted: the query; its columns `metric.NAME` are the metrics that are shown.
        by: a property: `param.lr`, `task`, `tags`.

    Raises:
        QueryError, UsageError: the query, or the name of a property, cannot be read.
    """
    prop = property_of(by)
    found = search.matching(wanted.query, trials=wanted.trials)
    total = sum(len(numbers) for _, numbers in found)
    looked_at = [row for index, numbers in found for row in index.rows(numbers[:LOOKED_AT])]
    names = [text.partition(".")[2] for text in wanted.columns if text.startswith("metric.")]
    names = names or common_metrics(looked_at)
    members: dict[Cell | None, _Members] = {}
    for index, numbers in found:
        values = index.cells(prop.field, prop.key) if prop.field == "tag" else None
        column = index.column(prop.field, prop.key) if values is None else {}
        status, ids, started = (index.column(field, None) for field in ("status", "id", "started"))
        figures = {name: index.column("metric", name) for name in names}
        for n in numbers:
            own = values.get(n, [None]) if values is not None else [column.get(n)]
            for value in dict.fromkeys(own):
                group = members.get(value)
                if group is None:
                    group = members[value] = _Members(names)
                group.runs += 1
                group.ok += status.get(n) == "ok"
                if str(started.get(n, "")) >= group.started:
                    group.started, group.newest = str(started.get(n, "")), str(ids[n])
                for name in names:
                    figure = figures[name].get(n)
                    if figure is not None and not isinstance(figure, str) and math.isfinite(figure):
                        group.figures[name].append(figure)
    groups = [members[value].group(value) for value in sorted(members, key=_order)[:MOST]]
    return Groups(by, names, total, groups, max(0, len(members) - MOST))


class _Members:
    """A group while runs are put in."""

    def __init__(self, names: list[str]) -> None:
        self.runs = self.ok = 0
        self.newest = self.started = ""
        self.figures = {name: array("d") for name in names}

    def group(self, value: Cell | None) -> Group:
        spreads = {name: _spread(numbers) for name, numbers in self.figures.items() if numbers}
        return Group(value, self.runs, self.ok, self.newest, spreads)


def common_metrics(rows: list[Summary]) -> list[str]:
    """The metrics of most rows, those with a goal before all others, then in order of appearance."""
    seen: Counter[str] = Counter()
    goals: set[str] = set()
    for row in rows:
        seen.update({metric.name: 1 for metric in row.metrics})
        goals |= {metric.name for metric in row.metrics if metric.goal != "none"}
    return sorted(seen, key=lambda name: (name not in goals, -seen[name]))[:METRICS]


def _order(value: Cell | None) -> tuple[int, float, str]:
    if value is None:
        return (2, 0.0, "")
    return (1, 0.0, value) if isinstance(value, str) else (0, value, "")


def _spread(numbers: array[float]) -> Spread:
    # By a power of two, which loses nothing, so that no sum or square is beyond what a float holds.
    scale = math.ldexp(1.0, max(0, math.frexp(max(map(abs, numbers)))[1] - 1))
    mean = math.fsum(number / scale for number in numbers) / len(numbers)
    sd = None
    if len(numbers) > 1:
        squares = math.fsum((number / scale - mean) ** 2 for number in numbers)
        sd = math.sqrt(squares / (len(numbers) - 1)) * scale
    return Spread(len(numbers), mean * scale, sd, min(numbers), max(numbers))
