"""The law of closeness, and what is measured of two numbers."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from xt.compare import Rule
from xt.compare.closeness import Widest, close, deviation, is_number

numbers = st.one_of(
    st.floats(), st.integers(), st.integers(-(2**1100), 2**1100), st.sampled_from([0.0, -0.0, 1])
)
bounds = st.floats(0, 10) | st.floats(0) | st.just(math.inf)
rules = st.builds(Rule, rtol=bounds, atol=bounds, ulp=st.integers(0, 2**62))


@given(numbers, rules)
def test_every_number_is_close_to_itself(value: float, rule: Rule) -> None:
    assert close(value, value, rule)


@given(numbers, numbers, rules)
@example(2**60, 2.0**60, Rule(ulp=1))
def test_closeness_has_no_direction(left: float, right: float, rule: Rule) -> None:
    assert close(left, right, rule) == close(right, left, rule)


@given(numbers, numbers, rules, rules)
def test_a_wider_rule_never_parts_what_a_narrower_one_joins(
    left: float, right: float, rule: Rule, other: Rule
) -> None:
    wide = Rule(
        rtol=max(rule.rtol, other.rtol), atol=max(rule.atol, other.atol), ulp=max(rule.ulp, other.ulp)
    )
    assert close(left, right, wide) or not close(left, right, rule)


@given(numbers, numbers)
@example(2**53 + 1, 2.0**53)
@example(5e-324, 0.0)
@example(2**1024, math.inf)
def test_without_a_tolerance_only_equal_numbers_are_close(left: float, right: float) -> None:
    assert close(left, right, Rule()) == (left == right or (left != left and right != right))


@given(numbers, rules)
def test_an_infinity_is_close_only_to_itself(value: float, rule: Rule) -> None:
    for infinity in (math.inf, -math.inf):
        assert close(infinity, value, rule) == (value == infinity)


@given(numbers.filter(lambda value: value == value), rules)
def test_nan_is_close_only_to_nan(value: float, rule: Rule) -> None:
    assert not close(math.nan, value, rule)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 50))
def test_so_many_representable_numbers_lie_between(value: float, steps: int) -> None:
    other = value
    for _ in range(steps):
        other = math.nextafter(other, math.inf)
    if math.isfinite(other):
        assert deviation(value, other).ulp == steps
        assert close(value, other, Rule(ulp=steps))
        assert not close(value, other, Rule(ulp=steps - 1))


@given(st.integers(-(2**1100), 2**1100), st.integers(-(2**1100), 2**1100), st.floats(0, 1))
def test_integers_of_any_size_are_taken_exactly(left: int, right: int, rtol: float) -> None:
    if max(abs(left), abs(right)) > 2**53:
        exact = abs(left - right) <= Fraction(rtol) * max(abs(left), abs(right))
        assert close(left, right, Rule(rtol=rtol)) == exact


@given(numbers, numbers)
def test_deviation_is_zero_exactly_for_equal_numbers(left: float, right: float) -> None:
    apart = deviation(left, right)
    assert (apart.absolute == 0) == (left == right or (left != left and right != right))
    assert not apart.relative > 2


def test_a_boolean_is_no_number() -> None:
    assert not is_number(True)
    assert is_number(1)
    assert is_number(math.nan)


def test_the_widest_names_its_places_and_nan_is_wider_than_any_distance() -> None:
    widest = Widest()
    widest.see(1.0, 2.0, "/a")
    widest.see(0.0, 0.5, "/b")
    found = {each.what: (each.value, each.at, each.bound) for each in widest.measures(Rule(atol=3))}
    assert found == {"max |Δ|": (1.0, "/a", 3), "max rel": (1.0, "/b", None)}
    widest.see(math.nan, 1.0, "/c")
    widest.see(1.0, 1e9, "/d")
    first = widest.measures(Rule())[0]
    assert (first.value.special, first.at) == ("nan", "/c")  # type: ignore[union-attr]
