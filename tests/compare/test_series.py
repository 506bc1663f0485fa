"""Series at matching steps."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.compare import UnreadableError, series
from xt.compare.series import WIDTH, compare_series
from xt.compare.tolerances import Tolerance
from xt.model.delta import Delta, Measure

Points = list[tuple[float | None, float]]
NAN = math.nan


def measures(delta: Delta) -> dict[str, Measure]:
    return {measure.what: measure for measure in delta.measures}


def test_series_that_agree_are_the_same_nan_included() -> None:
    points: Points = [(0, 1.0), (1, NAN), (2, math.inf)]
    delta = compare_series(points, points, "loss")
    assert (delta.relation, delta.counted) == ("same", False)
    assert delta.left == delta.right == [1.0, None, None]


def test_the_largest_deviation_is_said_with_its_step() -> None:
    left: Points = [(n, float(n)) for n in range(10)]
    right: Points = [(n, n + (0.5 if n == 7 else 0.25 if n == 3 else 0)) for n in range(10)]
    delta = compare_series(left, right, "loss")
    found = measures(delta)
    assert delta.relation == "changed"
    assert found["max |Δ|"] == Measure("max |Δ|", 0.5, at="7")
    assert found["steps differing"] == Measure("steps differing", 2, at="3")
    assert found["steps on both sides"].value == 10


def test_steps_on_one_side_only_are_counted_and_the_last_common_step_is_shown() -> None:
    left: Points = [(0, 1.0), (10, 0.5), (20, 0.25)]
    right: Points = [(0, 1.0), (5, 0.8), (10, 0.4)]
    delta = compare_series(left, right, "loss", [Tolerance("abs", 1)])
    found = measures(delta)
    assert (found["steps only left"].value, found["steps only right"].value) == (1, 1)
    assert found["left at the last common step"] == Measure("left at the last common step", 0.5, at="10")
    assert found["right at the last common step"].value == 0.4
    assert delta.relation == "changed"


@pytest.mark.parametrize(("bound", "relation"), [(0.1, "within"), (0.05, "changed")])
def test_every_step_is_held_against_the_tolerance(bound: float, relation: str) -> None:
    left: Points = [(0, 1.0), (1, 0.5)]
    right: Points = [(0, 1.1), (1, 0.5)]
    assert compare_series(left, right, "loss", [Tolerance("abs", bound)]).relation == relation


def test_a_number_against_nan_is_over_every_tolerance() -> None:
    delta = compare_series([(0, 1.0), (4, NAN)], [(0, 1.0), (4, 2.0)], "loss", [Tolerance("abs", 100)])
    assert delta.relation == "changed"
    assert delta.note == "nan or infinite against another value at step 4"


def test_without_steps_points_are_matched_by_position() -> None:
    delta = compare_series([(None, 1.0), (None, 2.0)], [(None, 1.0), (None, 3.0)], "loss")
    assert measures(delta)["max |Δ|"].at == "1"
    assert "matched by their position" in (delta.note or "")
    assert compare_series([(None, 1.0)], [(3, 1.0)], "loss").relation == "unknown"


def test_of_a_step_that_occurs_twice_the_last_value_counts() -> None:
    delta = compare_series([(1, 9.0), (2, 2.0), (1, 1.0)], [(1, 1.0), (2, 2.0)], "loss")
    assert delta.relation == "same"
    assert delta.note == "1 points on the left replaced by a later one of their step"


def test_points_without_a_step_among_others_are_said() -> None:
    delta = compare_series([(1, 1.0), (None, 5.0)], [(1, 1.0)], "loss")
    assert delta.note == "1 points on the left have no step"


def test_empty_series_are_the_same_and_one_empty_side_is_a_difference() -> None:
    assert compare_series([], [], "loss").relation == "same"
    delta = compare_series([(1, 1.0)], [], "loss")
    assert (delta.relation, delta.note) == ("changed", "no step is on both sides")


def test_pictures_share_their_steps_and_keep_gaps() -> None:
    left: Points = [(n, 1.0) for n in range(240)]
    right: Points = [(n, 3.0) for n in range(120, 240)]
    delta = compare_series(left, right, "loss")
    assert delta.left == [1.0] * WIDTH
    assert delta.right == [None] * 12 + [3.0] * 12


STEP = st.none() | st.integers(-5, 5) | st.floats()
POINTS = st.lists(st.tuples(STEP, st.floats()), max_size=40)


@given(POINTS, POINTS)
def test_any_series_can_be_compared_and_written(left: Any, right: Any) -> None:
    delta = compare_series(left, right, "loss", [Tolerance("rel", 0.5)])
    back = compare_series(right, left, "loss", [Tolerance("rel", 0.5)])
    assert delta.relation == back.relation
    for picture in (delta.left, delta.right) if delta.left is not None else ():
        assert len(picture) <= WIDTH
        assert all(value is None or math.isfinite(value) for value in picture)
    assert all(not isinstance(m.value, float) or math.isfinite(m.value) for m in delta.measures)
    msgspec.json.encode(delta)


@given(POINTS)
def test_a_series_agrees_with_itself(points: Any) -> None:
    assert compare_series(points, points, "loss").relation == "same"


def test_more_points_than_memory_allows_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "MOST_POINTS", 10)
    monkeypatch.setattr(series, "MOST_UNSORTED", 3)
    with pytest.raises(UnreadableError, match="more than 10 points"):
        compare_series(((float(n), 1.0) for n in range(11)), [], "loss")
    with pytest.raises(UnreadableError, match="not in order"):
        compare_series([(4, 1.0), (3, 1.0), (2, 1.0), (1, 1.0)], [], "loss")
