"""How often verdicts are wrong, by simulation with the `judge` of the product.

`python -m tests.compare.calibration` prints the tables of docs/decisions/0012.

A design is how many runs there are left and right (0 and n: both runs have one recipe, with n other
repeats); a world is how their numbers scatter. A whole comparison counts as an alarm when any of its rows
is judged to have moved beyond noise.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from xt.compare.judging import RELATION_OF, Row, judge
from xt.model.delta import Judgement

#: One run's metrics.
World = Callable[[random.Random, int], list[float]]


class Design(NamedTuple):
    """How many runs there are."""

    left: int
    right: int
    shared: int = 0

    def __str__(self) -> str:
        return f"same recipe, {self.shared} others" if self.shared else f"{self.left} against {self.right}"


DESIGNS = [Design(*sizes) for sizes in ((5, 1), (1, 5), (3, 1), (2, 1), (2, 2), (2, 5), (5, 5), (1, 1, 4))]


def independent(chance: random.Random, metrics: int) -> list[float]:
    """Normal noise, each metric for itself."""
    return [chance.gauss(0.0, 1.0) for _ in range(metrics)]


def correlated(chance: random.Random, metrics: int) -> list[float]:
    """Normal noise, half of its variance shared by all metrics of a run."""
    common = chance.gauss(0.0, 1.0)
    return [math.sqrt(0.5) * (common + chance.gauss(0.0, 1.0)) for _ in range(metrics)]


def heavy(chance: random.Random, metrics: int) -> list[float]:
    """Student's t with 3 degrees of freedom: now and then a value far out."""
    return [chance.gauss(0.0, 1.0) / math.sqrt(chance.gammavariate(1.5, 2.0) / 3) for _ in range(metrics)]


def skewed(chance: random.Random, metrics: int) -> list[float]:
    """Times: exponential above a floor."""
    return [10 + chance.expovariate(1.0) for _ in range(metrics)]


def shares(chance: random.Random, metrics: int) -> list[float]:
    """Accuracy over 100 cases, of which 94 always pass and 8 are tossed with 0.75 each."""
    return [(90 + sum(chance.random() < 0.75 for _ in range(8))) / 100 for _ in range(metrics)]


def rare(chance: random.Random, metrics: int) -> list[float]:
    """Accuracy over 100 cases of which one flips in 1 run of 6: repeats mostly agree."""
    return [(96 + (chance.random() < 1 / 6)) / 100 for _ in range(metrics)]


WORLDS: dict[str, World] = {
    world.__name__: world for world in (independent, correlated, heavy, skewed, shares, rare)
}


def comparisons(
    chance: random.Random, design: Design, metrics: int, world: World, times: int, change: float = 0.0
) -> Iterator[list[Judgement]]:
    """Judge simulated comparisons.

    Args:
        chance: seeded.
        design: how many runs.
        metrics: of each run.
        world: how they scatter.
        times: comparisons.
        change: added to the first metric of every run on the right.
    """
    for _ in range(times):
        runs = [[world(chance, metrics) for _ in range(size)] for size in design]
        for run in runs[1]:
            run[0] += change
        rows = []
        for metric in range(metrics):
            left, right, shared = ([run[metric] for run in side] for side in runs)
            rows.append(Row(str(metric), left, right, shared))
        yield judge(rows)


def beyond(judgement: Judgement) -> bool:
    """Whether a row is said to have moved."""
    return RELATION_OF[judgement.word] == "changed"


def alarms(chance: random.Random, design: Design, metrics: int, world: World, times: int) -> float:
    """Share of comparisons without a true change in which any row is said to have moved."""
    return sum(any(map(beyond, rows)) for rows in comparisons(chance, design, metrics, world, times)) / times


def found(
    chance: random.Random, design: Design, metrics: int, change: float, times: int, world: World = independent
) -> float:
    """Share of comparisons in which the metric that was truly changed is said to have moved."""
    return sum(beyond(rows[0]) for rows in comparisons(chance, design, metrics, world, times, change)) / times


def found_at_detectable(chance: random.Random, design: Design, metrics: int, times: int) -> float:
    """Share found of changes exactly as large as the judgement calls detectable, from the same repeats.

    The noise is drawn first and the change it states is then added to the right side, so the statement is
    held against what it is about: these repeats, and a further run.
    """
    hits = 0
    for _ in range(times):
        runs = [[independent(chance, metrics) for _ in range(size)] for size in design]
        sides = [[[run[metric] for run in side] for side in runs] for metric in range(metrics)]
        before = judge([Row(str(number), *side) for number, side in enumerate(sides)])
        stated = before[0].detectable
        assert stated is not None
        sides[0][1] = [value + stated for value in sides[0][1]]
        hits += beyond(judge([Row(str(number), *side) for number, side in enumerate(sides)])[0])
    return hits / times


SIZES = (1.0, 2.0, 3.0, 4.0, 6.0)


def _alarm_row(task: tuple[Design, int, int, int]) -> str:
    design, metrics, times, _ = task
    chance = random.Random(repr(task))
    rates = [alarms(chance, design, metrics, world, times) for world in WORLDS.values()]
    return f"| {design} | {metrics} | " + " | ".join(f"{100 * rate:.1f}" for rate in rates) + " |"


def _power_row(task: tuple[Design, int, int]) -> str:
    design, times, _ = task
    chance = random.Random(repr(task))
    rates = [found(chance, design, 4, size, times) for size in SIZES]
    rates.append(found_at_detectable(chance, design, 4, times))
    return f"| {design} | " + " | ".join(f"{100 * rate:.1f}" for rate in rates) + " |"


def main() -> None:
    """Print the tables of docs/decisions/0012."""
    parser = argparse.ArgumentParser(prog="python -m tests.compare.calibration", description=__doc__)
    parser.add_argument("--times", type=int, default=10_000, help="comparisons for each figure")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with multiprocessing.get_context("fork").Pool() as pool:
        print("| false alarms, % | metrics | " + " | ".join(WORLDS) + " |")
        print("|---" * (2 + len(WORLDS)) + "|")
        alarm_tasks = [(design, count, asked.times, asked.seed) for design in DESIGNS for count in (1, 4, 20)]
        for row in pool.imap(_alarm_row, alarm_tasks):
            print(row, flush=True)
        print("\n| found, % | " + " | ".join(f"{size:g} sd" for size in SIZES) + " | as stated |")
        print("|---" * (2 + len(SIZES)) + "|")
        for row in pool.imap(_power_row, [(design, asked.times, asked.seed) for design in DESIGNS]):
            print(row, flush=True)


if __name__ == "__main__":
    main()
