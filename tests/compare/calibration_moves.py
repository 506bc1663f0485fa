"""How often a movement in production is seen that is none, and how often one that is, by simulation.

`python -m tests.compare.calibration_moves` prints the table of docs/decisions/0019, with the function that
`xt blame` calls.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import random
from typing import NamedTuple

from xt.compare.moves import moves

STRETCHES = 4
LIKENESS = (0.0, 0.3, 0.6)
SIZES = (5, 10, 25, 80)
#: Standard deviations of the jump that is looked for.
JUMP = 2.0


class Cell(NamedTuple):
    """One line of the table."""

    likeness: float
    """Correlation of neighbours."""
    size: int
    """Values between two deployments."""
    series: int


class Shares(NamedTuple):
    """Of all series, in per cent."""

    at_deployment: float
    within: float
    heavy: float
    found: float


def series(chance: random.Random, cell: Cell, *, heavy: bool = False) -> list[list[float]]:
    """Values that nothing moves: an autoregression of first order with variance 1.

    Args:
        chance: where they come from.
        cell: how they are alike, and how many.
        heavy: each step is divided by another normal number, so that some are far out.
    """
    scale = math.sqrt(1 - cell.likeness**2)
    value = chance.gauss(0, 1)
    found = []
    for _ in range(STRETCHES * cell.size):
        step = chance.gauss(0, 1) / (chance.gauss(0, 1) if heavy else 1)
        value = cell.likeness * value + scale * step
        found.append(value)
    return [found[at : at + cell.size] for at in range(0, len(found), cell.size)]


def shares(cell: Cell) -> Shares:
    """Judge simulated series."""
    chance = random.Random(f"{cell.likeness} {cell.size}")
    at_deployment = within = heavy = found = 0
    for _ in range(cell.series):
        calm = [place for place in moves(series(chance, cell)).places if place.moved]
        at_deployment += any(place.boundary is not None for place in calm)
        within += any(place.boundary is None for place in calm)
        far_out = moves(series(chance, cell, heavy=True)).places
        heavy += any(place.moved for place in far_out)
        *before, last = series(chance, cell)
        jumped = moves([*before, [value + JUMP for value in last]]).places
        found += any(place.moved and place.boundary == STRETCHES - 2 for place in jumped)
    return Shares(*(100 * count / cell.series for count in (at_deployment, within, heavy, found)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=600, help="of each line")
    asked = parser.parse_args()
    cells = [Cell(likeness, size, asked.series) for likeness in LIKENESS for size in SIZES]
    print("| r | n | false, at a deployment | false, within a stretch | false, heavy | found |")
    print("|---|---|---|---|---|---|")
    with multiprocessing.Pool() as pool:
        for cell, one in zip(cells, pool.imap(shares, cells), strict=True):
            figures = " | ".join(f"{share:.0f}" for share in one)
            print(f"| {cell.likeness:g} | {cell.size} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
