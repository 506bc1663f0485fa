"""What differs in what two runs cost: time, memory, energy, money."""

from __future__ import annotations

import math
from collections.abc import Callable

from xt.compare.judging import RELATION_OF, Row, judge
from xt.config import CostSettings
from xt.model.delta import Delta, whole
from xt.model.result import Record, Usage
from xt.ops.diff.rules import Rules

#: Costs by name: unit, and how it is read from what was metered.
COSTS: dict[str, tuple[str, Callable[[Usage], float | None]]] = {
    "wall": ("s", lambda usage: usage.wall_s),
    "cpu": (
        "s",
        lambda usage: (
            None if usage.user_s is None or usage.system_s is None else usage.user_s + usage.system_s
        ),
    ),
    "memory": ("B", lambda usage: usage.peak_memory_bytes),
    "gpu memory": ("B", lambda usage: usage.gpu_memory_bytes),
    "energy": ("J", lambda usage: usage.gpu_energy_j),
    "money": ("", lambda usage: None),
}


def compare(
    left: Record,
    right: Record,
    repeats: tuple[list[Record], list[Record], list[Record]],
    rules: Rules,
    unwell: str | None,
) -> Delta:
    """Judge cost by itself: a loaded machine must not make a change of quality less sure.

    It counts for the whole only where something is declared of it: how long a run takes is no result.

    Args:
        left: one run.
        right: the other.
        repeats: of the left one, of the right one, and of both when they are of one recipe.
        rules: tolerances and rates.
        unwell: why a run that did not end well is not compared.
    """
    records = [left, *repeats[0]], [right, *repeats[1]], repeats[2]
    rows: list[Row] = []
    about: list[tuple[str, bool]] = []
    for name, (unit, metered) in COSTS.items():
        rates = rules.settings.cost if name == "money" else None
        values = [[_cost_of(record, metered, rates) for record in side] for side in records]
        if values[0][0] is None or values[1][0] is None:
            continue
        settings, tolerances = rules.cost(f"cost/{name}")
        about.append(
            (rules.settings.cost.currency if rates is not None else unit, bool(settings or tolerances))
        )
        sides = [[value for value in side if value is not None] for side in values]
        rows.append(Row(f"cost/{name}", sides[0], sides[1], sides[2], "min", tolerances, incomparable=unwell))
    children = [
        Delta(
            row.name,
            RELATION_OF[judgement.word],
            row.left[0],
            row.right[0],
            unit=unit or None,
            judgement=judgement,
            counted=counts,
        )
        for row, (unit, counts), judgement in zip(rows, about, judge(rows), strict=True)
    ]
    return whole("cost", children)


def _cost_of(
    record: Record, metered: Callable[[Usage], float | None], rates: CostSettings | None
) -> float | None:
    usage = record.result.usage
    found = metered(usage) if rates is None else money(usage, rates)
    return float(found) if found is not None and math.isfinite(found) else None


def money(usage: Usage, rates: CostSettings) -> float | None:
    """What a run cost by the declared rates; None without any, or when the energy it needs is not known.

    Args:
        usage: what was metered.
        rates: price of an hour, and of a kilowatt hour (3.6 MJ).
    """
    if rates.hour is None and rates.kwh is None:
        return None
    total = (rates.hour or 0.0) * usage.wall_s / 3600
    if rates.kwh is not None:
        if usage.gpu_energy_j is None:
            return None
        total += rates.kwh * usage.gpu_energy_j / 3.6e6
    return total
