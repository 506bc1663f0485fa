"""Ticks: round, ascending, inside the axis, and what their labels say."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.render.plot_axis import clock, labelled, linear, logarithmic, named, round_numbers

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, finite, st.integers(2, 30))
def test_round_numbers_are_round_even_and_inside(one: float, other: float, most: int) -> None:
    low, high = sorted((one, other))
    if low == high:
        return
    ticks = round_numbers(low, high, most)
    assert len(ticks) <= most
    assert all(Decimal(repr(low)) <= tick <= Decimal(repr(high)) for tick in ticks)
    steps = {after - before for before, after in pairwise(ticks)}
    assert len(steps) <= 1
    for step in steps:
        assert step > 0
        assert int(step.normalize().as_tuple().digits[0]) in (1, 2, 5)
        assert len(step.normalize().as_tuple().digits) == 1


@given(finite, finite, st.integers(4, 30))
def test_there_are_not_far_fewer_than_asked_for(one: float, other: float, most: int) -> None:
    low, high = sorted((one, other))
    if low == high:
        return
    assert len(round_numbers(low, high, most)) >= most // 3


@given(st.lists(finite, min_size=1, max_size=20), st.integers(2, 12))
def test_every_value_lies_on_its_axis(values: list[float], most: int) -> None:
    axis = linear(values, most, margin=0.04)
    assert axis.low < axis.high
    assert all(-1e-9 <= axis.place(value) <= 1 + 1e-9 for value in values)
    assert all(-1e-9 <= tick.at <= 1 + 1e-9 for tick in axis.ticks)
    labels = [tick.label for tick in axis.ticks]
    assert len(set(labels)) == len(labels)


@given(st.lists(finite, min_size=2, max_size=9))
def test_labels_say_what_the_ticks_are(values: list[float]) -> None:
    low, high = min(values), max(values)
    if low < high:
        for tick, label in labelled(round_numbers(low, high, 8)):
            assert Decimal(label) == tick


@given(st.lists(st.floats(1e-300, 1e300), min_size=2, max_size=9), st.integers(2, 12))
def test_powers_lie_inside(values: list[float], most: int) -> None:
    if min(values) * 10 > max(values):
        return
    axis = logarithmic(values, most)
    assert 1 <= len(axis.ticks) <= most
    assert all(-1e-9 <= tick.at <= 1 + 1e-9 for tick in axis.ticks)
    assert all(-1e-9 <= axis.place(value) <= 1 + 1e-9 for value in values)


@given(st.lists(st.floats(0, 4e9), min_size=1, max_size=9), st.integers(2, 12))
def test_moments_lie_inside(values: list[float], most: int) -> None:
    axis = clock(values, most)
    assert len(axis.ticks) <= most
    assert all(0 <= tick.at <= 1 for tick in axis.ticks)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.0, 1.0], ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([0.0, 100.0], ["0", "20", "40", "60", "80", "100"]),
        ([-3.0, 3.0], ["-2", "0", "2"]),
        ([1e-12, 3e-12], ["1e-12", "1.5e-12", "2e-12", "2.5e-12", "3e-12"]),
        ([0.1, 0.3], ["0.10", "0.15", "0.20", "0.25", "0.30"]),
        ([5.0, 5.0], ["4.6", "4.8", "5.0", "5.2", "5.4"]),
        ([0.0, 0.0], ["-1.0", "-0.5", "0", "0.5", "1.0"]),
    ],
)
def test_usual_axes(values: list[float], labels: list[str]) -> None:
    assert [tick.label for tick in linear(values, 6).ticks] == labels


def test_names_are_thinned_out_evenly() -> None:
    axis = named([f"run{at}" for at in range(10)], 4)
    assert [tick.label for tick in axis.ticks] == ["run0", "run3", "run6", "run9"]
    assert axis.ticks[1].at == pytest.approx(0.35)


def test_hours_and_days_are_written_as_such() -> None:
    start = datetime(2026, 11, 23, 9, 30, tzinfo=UTC).timestamp()
    assert [tick.label for tick in clock([start, start + 3600], 5).ticks] == [
        "09:30",
        "10:00",
        "10:30",
    ]
    assert clock([start, start + 4 * 86400], 6).ticks[0].label == "2026-11-24"
    assert math.isfinite(clock([start], 4).ticks[0].at)
