"""How often the equivalence test is wrong, and whether the repeats it asks for do, by simulation.

`python -m tests.compare.calibration_equivalence` prints the tables of docs/decisions/0014.

A world is how the repeats of a recipe scatter, with its true mean and sd. Wrong is to pass when the true mean
is exactly the bound away from what was recorded: everywhere further away it passes less often.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import random
from collections.abc import Callable
from typing import NamedTuple

from xt.compare.equivalence import MOST, against_many, against_one, bound_of, needed
from xt.compare.noise import spread_of
from xt.compare.tolerances import Tolerance

#: Of repeats asked for after a pilot: more are not simulated.
TOO_MANY = 500


class World(NamedTuple):
    """One run's metric."""

    draw: Callable[[random.Random], float]
    mean: float
    sd: float
    far: tuple[float, float]
    """How far away the recorded number is, in two rows; as the values are written."""


def _heavy(chance: random.Random) -> float:
    return chance.gauss(0.0, 1.0) / math.sqrt(chance.gammavariate(1.5, 2.0) / 3)


def _shares(chance: random.Random) -> float:
    return (90 + sum(chance.random() < 0.75 for _ in range(8))) / 100


def _rare(chance: random.Random) -> float:
    return (96 + (chance.random() < 1 / 6)) / 100


def _race(chance: random.Random) -> float:
    return math.pi / 4 + (math.e / 100 if chance.random() < 1 / 6 else 0.0)


_RACE = math.e / 100
#: Normal; Student's t with 3 degrees of freedom; exponential, recorded below and above its mean; accuracy
#: over 100 cases of which 8 are tossed; one case that flips in 1 run of 6; the same with two values in full
#: precision.
WORLDS: dict[str, World] = {
    "normal": World(lambda chance: chance.gauss(0.0, 1.0), 0.0, 1.0, (-1.0, -2.0)),
    "heavy": World(_heavy, 0.0, math.sqrt(3), (-math.sqrt(3), -2 * math.sqrt(3))),
    "skewed, below": World(lambda chance: chance.expovariate(1.0), 1.0, 1.0, (-1.0, -2.0)),
    "skewed, above": World(lambda chance: chance.expovariate(1.0), 1.0, 1.0, (1.0, 2.0)),
    "shares": World(_shares, 0.96, math.sqrt(8 * 0.75 * 0.25) / 100, (-0.01, -0.03)),
    "rare": World(_rare, 0.96 + 0.01 / 6, 0.01 * math.sqrt(5) / 6, (-0.01 / 6, -0.01 * 7 / 6)),
    "race": World(_race, math.pi / 4 + _RACE / 6, _RACE * math.sqrt(5) / 6, (-_RACE / 6, -_RACE / 3)),
}
REPEATS = (2, 3, 5, 10, 20)


def wrong(chance: random.Random, world: World, n: int, row: int, times: int) -> float:
    """Share of tests passed although the true mean is exactly the bound away."""
    away = world.far[row]
    reference = round(world.mean + away, 12)
    return (
        sum(
            against_one("m", reference, [world.draw(chance) for _ in range(n)], abs(away)).passed
            for _ in range(times)
        )
        / times
    )


def wrong_of_two(chance: random.Random, world: World, sizes: tuple[int, int], times: int) -> float:
    """The same with repeats on both sides, the further bound."""
    away = world.far[1]
    hits = 0
    for _ in range(times):
        left = [world.draw(chance) + away for _ in range(sizes[0])]
        right = [world.draw(chance) for _ in range(sizes[1])]
        hits += against_many("m", left, right, abs(away)).passed
    return hits / times


def wrong_with_sigma(chance: random.Random, n: int, bound: float, times: int) -> float:
    """The same for a bound of so many standard deviations, which the repeats themselves tell."""
    hits = 0
    for _ in range(times):
        repeats = [chance.gauss(bound, 1.0) for _ in range(n)]
        known = bound_of([Tolerance("sigma", bound)], 0.0, spread_of(repeats).sd)
        assert known is not None
        hits += against_one("m", 0.0, repeats, known).passed
    return hits / times


def wrong_when_peeking(chance: random.Random, world: World, first: int, last: int, times: int) -> float:
    """The same for somebody who tests after every repeat and stops at the first pass."""
    away = world.far[0]
    hits = 0
    for _ in range(times):
        repeats = [world.draw(chance) for _ in range(last)]
        tests = (
            against_one("m", world.mean + away, repeats[:n], abs(away)).passed for n in range(first, last + 1)
        )
        hits += any(tests)
    return hits / times


def decided(chance: random.Random, world: World, shift: float, bound: float, times: int) -> float:
    """Share of tests passed with as many repeats as `needed` says for the true shift and spread.

    Args:
        chance: seeded.
        world: how they scatter.
        shift: true one, as a share of the bound.
        bound: in standard deviations.
        times: tests.
    """
    width = bound * world.sd
    n = needed(shift * width, world.sd, width)
    assert n is not None
    reference = world.mean - shift * width
    return (
        sum(
            against_one("m", reference, [world.draw(chance) for _ in range(n)], width).passed
            for _ in range(times)
        )
        / times
    )


def decided_after(chance: random.Random, world: World, pilot: int, bound: float, times: int) -> float:
    """Share passed of those that were told how many repeats they need, and then made so many new ones."""
    width = bound * world.sd
    told = hits = 0
    for _ in range(times):
        first = against_one("m", world.mean, [world.draw(chance) for _ in range(pilot)], width)
        if first.passed or first.needed is None or first.needed > min(TOO_MANY, MOST):
            continue
        told += 1
        hits += against_one("m", world.mean, [world.draw(chance) for _ in range(first.needed)], width).passed
    return hits / told if told else math.nan


SHIFTS = ((0.0, 2.0), (0.0, 1.0), (0.0, 0.5), (0.25, 1.0), (0.5, 1.0))
#: Where values are coarse the resolution widens the spread, and what is needed with it.
POWERED = ("normal", "heavy", "skewed, below", "skewed, above")


def _size_row(task: tuple[int, int, int, int]) -> str:
    n, row, times, _ = task
    rates = [wrong(random.Random(repr((task, name))), world, n, row, times) for name, world in WORLDS.items()]
    return f"| {n} | {('near', 'far')[row]} | " + " | ".join(f"{100 * rate:.1f}" for rate in rates) + " |"


def _power_row(task: tuple[tuple[float, float], int, int]) -> str:
    (shift, bound), times, _ = task
    rates = [
        decided(random.Random(repr((task, name))), WORLDS[name], shift, bound, times) for name in POWERED
    ]
    n = needed(shift * bound, 1.0, bound)
    return f"| {shift:g} | {bound:g} sd | {n} | " + " | ".join(f"{100 * rate:.1f}" for rate in rates) + " |"


def main() -> None:
    """Print the tables of docs/decisions/0014."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.compare.calibration_equivalence", description=__doc__
    )
    parser.add_argument("--times", type=int, default=3000, help="tests for each figure")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    times, seed = asked.times, asked.seed
    with multiprocessing.get_context("fork").Pool() as pool:
        print("| passed wrongly, % | bound | " + " | ".join(WORLDS) + " |")
        print("|---" * (2 + len(WORLDS)) + "|")
        tasks = [(n, row, times, seed) for row in (0, 1) for n in REPEATS]
        for line in pool.imap(_size_row, tasks, 1):
            print(line, flush=True)
        print("\n| passed when needed were made, % | bound | n | " + " | ".join(POWERED) + " |")
        print("|---" * (3 + len(POWERED)) + "|")
        for line in pool.imap(_power_row, [(pair, times, seed) for pair in SHIFTS], 1):
            print(line, flush=True)

    def seeded(*of: object) -> random.Random:
        return random.Random(repr((*of, seed)))

    normal = WORLDS["normal"]
    print("\n| normal noise | % |\n|---|---|")
    for sizes in ((5, 5), (2, 5), (5, 2), (3, 10)):
        rate = wrong_of_two(seeded(sizes), normal, sizes, times)
        print(f"| passed wrongly, {sizes[0]} against {sizes[1]} | {100 * rate:.1f} |", flush=True)
    for n, bound in ((5, 1.0), (5, 2.0), (5, 3.0), (20, 2.0)):
        rate = wrong_with_sigma(seeded(n, bound), n, bound, times)
        print(f"| passed wrongly, {n} repeats, a bound of `sigma {bound:g}` | {100 * rate:.1f} |", flush=True)
    rate = wrong_when_peeking(seeded("peek"), normal, 3, 10, times)
    print(f"| passed wrongly, tested after each of 3 to 10 repeats | {100 * rate:.1f} |", flush=True)
    for pilot, bound in ((3, 1.0), (5, 1.0)):
        rate = decided_after(seeded(pilot, bound), normal, pilot, bound, times)
        print(f"| passed with what a pilot of {pilot} said is needed | {100 * rate:.1f} |", flush=True)


if __name__ == "__main__":
    main()
