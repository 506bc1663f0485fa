"""Student's t and the sign test, against scipy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.late import stats
from xt.compare.student import critical, density, normal_two_sided, sign_test, two_sided

pytestmark = pytest.mark.usefixtures("scipy_loaded")

DEGREES = st.floats(0.5, 1e4)


@given(st.floats(1e-6, 1e6), DEGREES)
def test_the_p_value_agrees_with_scipy(t: float, df: float) -> None:
    expected = 2 * stats.t.sf(t, df)
    if expected > 1e-290:
        assert two_sided(t, df) == pytest.approx(expected, rel=1e-10)
    assert two_sided(-t, df) == two_sided(t, df)


@given(st.floats(1e-14, 0.999), DEGREES)
def test_the_critical_value_is_reached_with_its_probability(p: float, df: float) -> None:
    assert 2 * stats.t.sf(critical(p, df), df) == pytest.approx(p, rel=1e-10)


@pytest.mark.parametrize("df", [1, 1.37, 2, 4, 6.9, 29.5, 30.5, 1000])
@pytest.mark.parametrize("p", [1e-12, 1e-6, 0.002, 0.01, 0.04, 0.4, 0.9])
def test_critical_values_agree_with_scipy(p: float, df: float) -> None:
    assert critical(p, df) == pytest.approx(stats.t.isf(p / 2, df), rel=1e-9)


def test_ends_of_the_range_are_exact() -> None:
    assert two_sided(0, 3) == 1
    assert two_sided(math.inf, 3) == 0
    # One degree of freedom is Cauchy's distribution, which has a formula.
    assert two_sided(1, 1) == pytest.approx(0.5, rel=1e-14)
    assert two_sided(1e200, 1) == pytest.approx(2 / math.pi / 1e200, rel=1e-10)
    assert two_sided(1e-200, 5) == pytest.approx(1)


@given(st.floats(-50, 50), DEGREES)
def test_the_density_agrees_with_scipy(t: float, df: float) -> None:
    assert density(t, df) == pytest.approx(stats.t.pdf(t, df), rel=1e-9)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), DEGREES)
def test_a_larger_t_is_never_more_probable(one: float, other: float, df: float) -> None:
    low, high = sorted((one, other))
    assert two_sided(high, df) <= two_sided(low, df) * (1 + 1e-12)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_the_sign_test_agrees_with_the_exact_binomial(fixed: int, broken: int) -> None:
    expected = stats.binomtest(fixed, fixed + broken).pvalue if fixed + broken else 1.0
    assert sign_test(fixed, broken) == pytest.approx(expected, rel=1e-9)


def test_the_sign_test_holds_for_a_million_pairs() -> None:
    assert sign_test(501_000, 499_000) == pytest.approx(stats.binomtest(501_000, 1_000_000).pvalue, rel=1e-6)


@given(st.floats(-8, 8))
def test_the_normal_limit_agrees_with_scipy(z: float) -> None:
    assert normal_two_sided(z) == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-10)
