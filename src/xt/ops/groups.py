"""Runs in groups: how many of each, how they ended, and how their metrics lie."""

from __future__ import annotations

import math
import statistics
from collections import Counter

from xt.model.groups import Group, Groups, Spread
from xt.model.summary import Summary
from xt.ops.search import Property, Searching, Wanted, property_of
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
    members: dict[Cell | None, list[tuple[int, int]]] = {}
    status: dict[tuple[int, int], Cell] = {}
    figures: dict[str, dict[tuple[int, int], Cell]] = {name: {} for name in names}
    ids: dict[tuple[int, int], Cell] = {}
    started: dict[tuple[int, int], Cell] = {}
    for place, (index, numbers) in enumerate(found):
        values = index.cells(prop.field, prop.key)
        for n in numbers:
            for value in _buckets(values.get(n), prop):
                members.setdefault(value, []).append((place, n))
        for target, field, key in [
            (status, "status", None),
            (ids, "id", None),
            (started, "started", None),
            *((figures[name], "metric", name) for name in names),
        ]:
            target |= {(place, n): cells[0] for n, cells in index.cells(field, key).items()}
    groups = []
    for value in sorted(members, key=_order)[:MOST]:
        own = members[value]
        newest = max(own, key=lambda run: str(started.get(run, "")))
        spreads = {
            name: _spread([figures[name][run] for run in own if run in figures[name]]) for name in names
        }
        groups.append(
            Group(
                value,
                len(own),
                sum(status.get(run) == "ok" for run in own),
                str(ids[newest]),
                {name: spread for name, spread in spreads.items() if spread is not None},
            )
        )
    return Groups(by, names, total, groups, max(0, len(members) - MOST))


def common_metrics(rows: list[Summary]) -> list[str]:
    """The metrics of most rows, those with a goal before all others, then in order of appearance."""
    seen: Counter[str] = Counter()
    goals: set[str] = set()
    for row in rows:
        seen.update({metric.name: 1 for metric in row.metrics})
        goals |= {metric.name for metric in row.metrics if metric.goal != "none"}
    return sorted(seen, key=lambda name: (name not in goals, -seen[name]))[:METRICS]


def _buckets(values: list[Cell] | None, by: Property) -> list[Cell | None]:
    if not values:
        return [None]
    return list(dict.fromkeys(values)) if by.field == "tag" else [values[0]]


def _order(value: Cell | None) -> tuple[int, float, str]:
    if value is None:
        return (2, 0.0, "")
    return (1, 0.0, value) if isinstance(value, str) else (0, value, "")


def _spread(values: list[Cell]) -> Spread | None:
    numbers = [float(value) for value in values if not isinstance(value, str) and math.isfinite(value)]
    if not numbers:
        return None
    sd = statistics.stdev(numbers) if len(numbers) > 1 else None
    return Spread(len(numbers), statistics.fmean(numbers), sd, min(numbers), max(numbers))
