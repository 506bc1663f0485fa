"""The promises: few false alarms over a whole comparison, and true changes that are found.

Rates are those of `calibration.py`, which prints them for more worlds; here the seeds are fixed and the
bounds are the promises, far enough from the true rates that any other seed would do too.
"""

from __future__ import annotations

import random

import pytest

from tests.compare.calibration import Design as D
from tests.compare.calibration import (
    World,
    alarms,
    correlated,
    found,
    found_at_detectable,
    independent,
    rare,
    shares,
)

TIMES = 1000
DESIGNS = [D(5, 1), D(1, 5), D(5, 5), D(2, 2), D(3, 1), D(2, 5), D(1, 1, 4)]


def seeded(*of: object) -> random.Random:
    return random.Random(repr(of))


@pytest.mark.parametrize("design", DESIGNS, ids=str)
@pytest.mark.parametrize("metrics", [1, 4, 20])
def test_at_most_5_of_100_comparisons_without_a_change_say_there_is_one(design: D, metrics: int) -> None:
    half = TIMES // (4 if metrics == 20 else 2)  # each of the 20 is judged
    rates = [
        alarms(seeded(design, metrics), design, metrics, world, half) for world in (independent, correlated)
    ]
    assert sum(rates) / 2 <= 0.05


@pytest.mark.parametrize("world", [shares, rare])
@pytest.mark.parametrize("design", [D(5, 1), D(5, 5), D(12, 1)], ids=str)
def test_counted_cases_raise_no_more_alarms_than_normal_noise(world: World, design: D) -> None:
    assert alarms(seeded(world.__name__), design, 4, world, TIMES) <= 0.05


def test_a_change_of_4_sd_is_found_with_5_repeats_on_each_side() -> None:
    assert found(seeded("power"), D(5, 5), 4, 4.0, TIMES) >= 0.95


@pytest.mark.parametrize("design", [D(5, 1), D(1, 5), D(3, 1), D(5, 5), D(1, 1, 4)], ids=str)
def test_what_is_said_to_be_detectable_is_found_4_times_of_5(design: D) -> None:
    assert 0.75 <= found_at_detectable(seeded(design), design, 4, TIMES) <= 0.85


def test_a_change_is_found_more_often_the_larger_it_is() -> None:
    rates = [found(seeded(size), D(5, 1), 1, size, 400) for size in (0.0, 2.0, 4.0, 8.0)]
    assert rates == sorted(rates)
    assert rates[-1] > 0.9
