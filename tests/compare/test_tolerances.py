"""Tolerances: their laws, how they are read, and which one is chosen for a name."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from xt.compare import Rule
from xt.compare.resolution import Resolution, resolution
from xt.compare.tolerances import (
    KINDS,
    Kind,
    Tolerance,
    allowed,
    declared,
    finer_than,
    metric_name,
    parse_tolerance,
    rule_of,
    settings_of,
    tolerances_of,
    widest,
)
from xt.config import MetricSettings, OutputSettings

NUMBERS = st.floats(-1e300, 1e300) | st.integers(-(2**53), 2**53).map(float)
BOUNDS = st.floats(0, 1e6)


def tolerance(kind: Kind, bound: float) -> Tolerance:
    return Tolerance(kind, float(int(bound)) if kind == "ulp" else bound)


def fits(one: Tolerance, left: float, right: float, sd: float | None = 0.5) -> bool:
    held = widest([one], left, right, sd)
    assert held is not None
    return held[1]


KIND = st.sampled_from(KINDS)


@given(KIND, BOUNDS, NUMBERS)
def test_a_number_is_within_every_tolerance_of_itself(kind: Kind, bound: float, number: float) -> None:
    assert fits(tolerance(kind, bound), number, number)


@given(KIND, BOUNDS, NUMBERS, NUMBERS)
def test_sides_can_be_exchanged(kind: Kind, bound: float, one: float, other: float) -> None:
    held = tolerance(kind, bound)
    assert fits(held, one, other) == fits(held, other, one)


@given(KIND, BOUNDS, BOUNDS, NUMBERS, NUMBERS)
def test_a_wider_tolerance_lets_no_less_pass(kind: Kind, one: float, two: float, a: float, b: float) -> None:
    low, high = sorted((one, two))
    assert fits(tolerance(kind, high), a, b) or not fits(tolerance(kind, low), a, b)


@given(KIND, NUMBERS, st.integers(-3, 3))
def test_a_bound_of_zero_is_equality(kind: Kind, number: float, steps: int) -> None:
    other = number
    for _ in range(abs(steps)):
        other = math.nextafter(other, math.copysign(math.inf, steps))
    assert fits(tolerance(kind, 0), number, other) == (number == other)


@given(st.floats(-1e6, 1e6), st.integers(0, 20), st.integers(0, 20))
def test_ulp_counts_representable_numbers(number: float, steps: int, bound: int) -> None:
    other = number
    for _ in range(steps):
        other = math.nextafter(other, math.inf)
    assert fits(Tolerance("ulp", bound), number, other) == (steps <= bound)
    if steps == bound:
        assert allowed(Tolerance("ulp", bound), number, other) == abs(other - number)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 500), st.integers(1, 4))
def test_decimals_are_held_against_a_decimal_bound_as_written(
    a: int, b: int, bound: int, digits: int
) -> None:
    unit = 10**digits
    assert fits(Tolerance("abs", bound / unit), a / unit, b / unit) == (abs(a - b) <= bound)


@given(st.floats(0, 1), NUMBERS, NUMBERS)
def test_rel_is_a_share_of_the_larger_magnitude(bound: float, one: float, other: float) -> None:
    assert allowed(Tolerance("rel", bound), one, other) == bound * max(abs(one), abs(other))


def test_sigma_needs_repeats_unless_another_bound_is_declared() -> None:
    assert allowed(Tolerance("sigma", 2), 0.9, 0.91) is None
    assert allowed(Tolerance("sigma", 2), 0.9, 0.91, 0.01) == 0.02
    assert widest([Tolerance("sigma", 2)], 0.9, 0.91) is None
    assert widest([Tolerance("abs", 0.1), Tolerance("sigma", 2)], 0.9, 0.91) == (0.1, True)


def test_of_several_bounds_each_is_enough() -> None:
    both = [Tolerance("abs", 0.001), Tolerance("rel", 0.1)]
    assert widest(both, 1.0, 1.05) == (0.1 * 1.05, True)
    assert declared(both) == "abs 0.001 or rel 0.1"
    assert declared([]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abs:0.01", Tolerance("abs", 0.01)),
        ("rel:1e-3", Tolerance("rel", 0.001)),
        ("ulp:4", Tolerance("ulp", 4)),
        ("sigma:2", Tolerance("sigma", 2)),
        ("abs:0", Tolerance("abs", 0)),
    ],
)
def test_the_command_line_is_read(text: str, expected: Tolerance) -> None:
    assert parse_tolerance(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abs",
        "abs:",
        "abs:x",
        "abs:-1",
        "abs:nan",
        "rel:inf",
        "ulp:0.5",
        "eps:1",
        "abs:1_0",
        "abs: 1",
        "abs:1:2",
    ],
)
def test_what_is_no_tolerance_is_refused_with_a_clause(text: str) -> None:
    with pytest.raises(ValueError, match="`") as caught:
        parse_tolerance(text)
    assert not str(caught.value).endswith(".")


@given(st.text(max_size=30))
def test_any_text_is_a_tolerance_or_refused(text: str) -> None:
    try:
        read = parse_tolerance(text)
    except ValueError:
        return
    assert parse_tolerance(str(read).replace(" ", ":")) == read


def test_all_bounds_of_the_settings_are_taken() -> None:
    settings = MetricSettings(abs=0.5, rel=0.25, ulp=4, sigma=2)
    assert [str(one) for one in tolerances_of(settings)] == ["abs 0.5", "rel 0.25", "ulp 4", "sigma 2"]
    assert tolerances_of(MetricSettings(abs=0)) == [Tolerance("abs", 0)]
    assert tolerances_of(None) == tolerances_of(MetricSettings()) == []


def test_the_labels_of_a_metric_are_sorted_into_its_name() -> None:
    assert metric_name("val/acc", {}) == "val/acc"
    assert metric_name("val/acc", {"split": "b", "digit": "8"}) == "val/acc{digit=8,split=b}"


def test_exact_names_win_over_globs_and_the_first_glob_wins() -> None:
    table = {"*": "all", "val/*": "val", "val/acc": "exact", "val/acc{digit=8}": "cohort"}
    assert settings_of(table, ["val/acc{digit=8}", "val/acc"]) == "cohort"
    assert settings_of(table, ["val/acc{digit=7}", "val/acc"]) == "exact"
    assert settings_of(table, ["val/loss"]) == "all"
    assert settings_of({"val/*": 1, "*": 2}, ["val/loss"]) == 1
    assert settings_of({"VAL/*": 1}, ["val/loss"]) is None
    # A name with brackets is a name first, and no set of letters.
    assert settings_of({"loss[0]": 1}, ["loss[0]"]) == 1


def test_settings_of_an_output_become_a_rule() -> None:
    assert rule_of(None) == Rule()
    assert rule_of(OutputSettings(rtol=0.1, ignore=["/time"], key=["id"])) == Rule(
        0.1, ignore=["/time"], key=["id"]
    )
    assert rule_of(OutputSettings(ignore=True)).ignore == ["*"]
    assert rule_of(OutputSettings(ignore=False)).ignore == []


@pytest.mark.parametrize(
    ("values", "cases", "expected"),
    [
        ([0.97, 0.9], None, Resolution(0.01)),
        ([1e-05, 2e-05], None, Resolution(1e-05)),
        ([12.0, 13], None, Resolution(1)),
        ([348 / 360, 347 / 360], None, Resolution(1 / 360, 360)),
        ([0.96], 50, Resolution(0.02, 50)),
        ([96.0], 50, Resolution(2, 50)),
        ([0.0, 1.0], 10, Resolution(0.1, 10)),
        ([0.9123456789012345, 0.9123456789012346], None, Resolution(0)),
        ([0.9123456789012345], 50, Resolution(0)),
        ([5e-324, 1e-323], None, Resolution(0)),
    ],
)
def test_the_resolution_is_found_from_values(
    values: list[float], cases: int | None, expected: Resolution
) -> None:
    found = resolution(values, cases)
    assert found.step == pytest.approx(expected.step)
    assert found.cases == expected.cases


@given(st.integers(2, 5000), st.data())
def test_a_share_of_any_number_of_cases_is_recognised(cases: int, data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(0, cases), min_size=2, max_size=5))
    shares = [count / cases for count in counts]
    assume(any(len(repr(share)) > 16 for share in shares))
    # A divisor of the cases may give the same values: never a finer step than the true one.
    step = resolution(shares).step
    assert step >= 1 / cases * (1 - 1e-9)
    assert (step * cases) % 1 == pytest.approx(0, abs=1e-6) or (step * cases) % 1 == pytest.approx(
        1, abs=1e-6
    )


@given(st.lists(st.floats(-1e308, 1e308), min_size=1, max_size=6), st.none() | st.integers(1, 10**6))
def test_any_finite_values_have_a_resolution(values: list[float], cases: int | None) -> None:
    assert 0 <= resolution(values, cases).step < math.inf


def test_a_bound_finer_than_the_resolution_is_warned_about() -> None:
    abs_bound = [Tolerance("abs", 0.001)]
    assert finer_than(abs_bound, 0.001, Resolution(0.01, 100)) == (
        "the tolerance `abs 0.001` is finer than the metric's resolution: one of 100 cases is 0.01"
    )
    assert "steps of 0.01" in (finer_than(abs_bound, 0.001, Resolution(0.01)) or "")
    assert finer_than(abs_bound, 0.001, Resolution(0.001)) is None
    # Written with one decimal, a metric over 50 cases moves by that and not by a case.
    assert "steps of 0.1" in (finer_than(abs_bound, 0.001, Resolution(0.1, 50)) or "")
    assert finer_than([Tolerance("abs", 0)], 0, Resolution(0.01)) is None
