"""Tests on ranks: against SciPy, against their own promise, and what must not matter to them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compare.calibration_moves import Cell, shares
from tests.late import stats
from xt.compare.moves import LEAST, moves
from xt.compare.ranks import EXACT, least_p, likeness, midranks, rank_test, split

pytestmark = pytest.mark.usefixtures("scipy_loaded")

values = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=8)


@given(st.lists(st.floats(allow_nan=False), max_size=30))
def test_midranks_are_scipys(found):
    assert midranks(found) == list(stats.rankdata(found))


@settings(max_examples=40)
@given(st.lists(st.floats(-9, 9), min_size=6, max_size=14, unique=True), st.integers(2, 4))
def test_without_ties_the_exact_test_is_scipys(found, n):
    expected = stats.mannwhitneyu(found[:n], found[n:], method="exact").pvalue
    assert rank_test(found[:n], found[n:]) == pytest.approx(expected)


def test_with_many_values_the_approximation_is_scipys():
    chance = random.Random(1)
    left, right = [chance.gauss(0, 1) for _ in range(40)], [round(chance.gauss(0.4, 1), 1) for _ in range(30)]
    expected = stats.mannwhitneyu(left, right, method="asymptotic").pvalue
    assert rank_test(left, right) == pytest.approx(expected)


@given(values, values)
def test_sides_and_scale_do_not_matter(left, right):
    p = rank_test(left, right)
    assert 0 < p <= 1
    assert rank_test(right, left) == pytest.approx(p)
    assert rank_test([3 * x - 7 for x in left], [3 * x - 7 for x in right]) == pytest.approx(p)
    # With ties one tail may hold all that is as far out.
    assert p >= least_p(len(left), len(right)) / 2 - 1e-12
    assert rank_test(left, left) == pytest.approx(1.0)


@given(st.lists(st.floats(-9, 9), min_size=2, max_size=30), st.floats(0, 0.9))
def test_a_split_is_inside_and_likeness_only_makes_it_less_sure(found, alike):
    plain, wide = split(found), split(found, alike)
    assert 1 <= plain.at < len(found)
    assert plain.at == wide.at
    assert 0 < plain.p <= wide.p <= 1


def test_a_step_is_found_where_it_is_and_equal_values_have_none():
    step = [0.0, 0.1, 0.2, 0.1, 0.0, 0.2, 5.0, 5.1, 5.2, 5.0, 5.1, 5.3]
    assert split(step).at == 6
    assert split(step).p < 0.01
    assert split([1.0] * 9).p == 1.0
    long = [float(number % 7) + 10 * (number >= 60) for number in range(100)]
    assert split(long) == (60, pytest.approx(0, abs=1e-6))


def test_likeness_sees_neighbours_that_are_alike_and_no_move_between_segments():
    chance = random.Random(2)
    noise = [chance.gauss(0, 1) for _ in range(80)]
    walk, x = [], 0.0
    for step in noise:
        x = 0.7 * x + step
        walk.append(x)
    assert likeness([walk]) == pytest.approx(0.7, abs=0.15)
    assert likeness([noise]) < 0.2
    assert likeness([noise[:40], [value + 50 for value in noise[40:]]]) < 0.2
    assert likeness([[1.0, 2.0, 3.0]]) == 0.0


def test_what_nobody_changed_moves_rarely_and_a_jump_is_found():
    found = shares(Cell(0.0, 25, 60))
    assert found.at_deployment <= 10 and found.within <= 10 and found.heavy <= 10
    assert found.found >= 90


def test_what_cannot_be_told_is_not_called_calm():
    few = moves([[0.0] * 20, [1.0] * (LEAST - 1)])
    assert [(place.p, place.moved, place.too_few) for place in few.places] == [(None, False, True)]
    (place,) = moves([[0.0, 0.7, 0.2], [1.0, 0.5, 1.2]]).places
    assert (place.moved, place.too_few) == (False, True)
    (place,) = moves([[0.0, 0.1, 0.2] * 6, [1.0, 1.1, 1.2]]).places
    assert (place.moved, place.too_few) == (True, False)
    assert least_p(EXACT, 1) == 0.0


@settings(max_examples=25)
@given(
    st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20), min_size=1, max_size=4)
)
def test_any_stretches_have_every_boundary_once_and_places_in_order(stretches):
    found = moves(stretches)
    boundaries = [place.boundary for place in found.places if place.boundary is not None]
    assert sorted(boundaries) == list(range(len(stretches) - 1))
    assert [place.at for place in found.places] == sorted(place.at for place in found.places)
    assert all(place.before[1] == place.at == place.after[0] for place in found.places)
