"""Runs in groups: how many of each, how they ended, and how their metrics lie."""

from __future__ import annotations

import math
import operator
from array import array
from collections import Counter
from collections.abc import Mapping
from itertools import repeat

from xt.model.groups import Group, Groups, Spread
from xt.model.summary import Summary
from xt.ops.search import Property, Searching, Wanted, property_of
from xt.store.index import Cell, Index

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
    found = search.fulfilling(wanted.query, trials=wanted.trials)
    names = [text.partition(".")[2] for text in wanted.columns if text.startswith("metric.")]
    if not names:
        first = [(index, index.in_order(numbers, LOOKED_AT)) for index, numbers in found]
        names = common_metrics([row for index, some in first for row in index.rows(some)])
    parts = [_Part(index, numbers, prop) for index, numbers in found]
    values = sorted({value for part in parts for value in part.members}, key=_order)
    chosen = values[:MOST]
    newest: dict[Cell | None, tuple[str, str]] = {}
    for part in parts:
        for value, run in part.newest({*chosen}, trials=wanted.trials).items():
            if value not in newest or run[0] >= newest[value][0]:
                newest[value] = run
    spreads: dict[Cell | None, dict[str, Spread]] = {value: {} for value in chosen}
    for name in names:
        figures = [part.index.figures("metric", name) for part in parts]
        for value in chosen:
            some = _figures(value, parts, figures)
            if some:
                spreads[value][name] = _spread(some)
    failed = [part.index.not_ok() for part in parts]
    groups = []
    for value in chosen:
        members = [part.members.get(value, []) for part in parts]
        runs = sum(map(len, members))
        ok = runs - sum(len(no.intersection(some)) for no, some in zip(failed, members, strict=True))
        groups.append(Group(value, runs, ok, newest[value][1], spreads[value]))
    total = sum(len(numbers) for _, numbers in found)
    return Groups(by, names, total, groups, len(values) - len(chosen))


class _Part:
    """The runs of one index, by the value they have in common."""

    def __init__(self, index: Index, numbers: set[int], by: Property) -> None:
        self.index, self._numbers = index, numbers
        self._values: Mapping[int, Cell] = {}
        self._several: Mapping[int, list[Cell]] = {}
        self.members: dict[Cell | None, list[int]] = {}
        if by.field == "tag":
            self._several = index.cells(by.field, by.key)
        else:
            self._values = index.column(by.field, by.key)
        for n, value in self._values.items():
            if n in numbers:
                self.members.setdefault(value, []).append(n)
        for n, own in self._several.items():
            for value in dict.fromkeys(own) if n in numbers else ():
                self.members.setdefault(value, []).append(n)
        without = numbers.difference(self._values, self._several)
        if without:
            self.members[None] = [*without]

    def newest(self, wanted: set[Cell | None], *, trials: bool) -> dict[Cell | None, tuple[str, str]]:
        """Start and id of the newest run of each group; of several at one time the last in lists."""
        missing = wanted & self.members.keys()
        found: dict[Cell | None, tuple[str, str]] = {}
        last = None
        for n, at, run_id in self.index.newest_first(trials=trials) if missing else ():
            started = at or ""
            if not missing and started != last:
                break
            last = started
            if n not in self._numbers:
                continue
            own: list[Cell | None] = [*self._several.get(n, ())] or [self._values.get(n)]
            for value in own:
                if value in missing or (value in found and found[value][0] == started):
                    found[value] = started, run_id
                    missing.discard(value)
        return found


def _figures(value: Cell | None, parts: list[_Part], figures: list[dict[int, float]]) -> array[float]:
    """The finite values of a metric in a group."""
    found = array("d")
    for part, known in zip(parts, figures, strict=True):
        found.extend([known[n] for n in part.members.get(value, ()) if n in known])
    if found and math.isinf(max(map(abs, found))):
        found = array("d", filter(math.isfinite, found))
    return found


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
    scaled = numbers if scale == 1.0 else array("d", (number / scale for number in numbers))
    mean = math.fsum(scaled) / len(scaled)
    sd = None
    if len(scaled) > 1:
        squares = math.fsum(map(pow, map(operator.sub, scaled, repeat(mean)), repeat(2)))
        sd = math.sqrt(squares / (len(scaled) - 1)) * scale
    return Spread(len(numbers), mean * scale, sd, min(numbers), max(numbers))
