"""Two one-sided tests: against scipy, by their laws, and by how often they are wrong."""

from __future__ import annotations

import math
import random
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.compare.calibration_equivalence import WORLDS, decided, wrong, wrong_of_two
from tests.late import integrate, stats
from xt.compare.equivalence import MOST, against_many, against_one, bound_of, needed
from xt.compare.resolution import resolution
from xt.compare.tolerances import Tolerance
from xt.model.verification import Equivalence

pytestmark = pytest.mark.usefixtures("scipy_loaded")

#: Values computed in full precision, as they come.
SEEDS = st.integers(0, 2**32)
SIZES = st.integers(2, 12)
BOUNDS = st.floats(0.01, 10)


def drawn(seed: int, n: int, sd: float = 1.0) -> list[float]:
    chance = random.Random(seed)
    values = [3.0 + chance.gauss(0.0, sd) for _ in range(n)]
    assume(resolution(values).step == 0)
    return values


def one(reference: float, repeats: list[float], bound: float, level: float = 0.05) -> Equivalence:
    return against_one("loss", reference, repeats, bound, level)


@given(SEEDS, SIZES, BOUNDS, st.floats(0.001, 0.4))
def test_one_run_against_many_agrees_with_scipy(seed: int, n: int, bound: float, level: float) -> None:
    reference, *repeats = drawn(seed, n + 1)
    found = one(reference, repeats, bound, level)
    differences = np.array(repeats) - reference
    error = stats.sem(differences)
    low, high = stats.t.interval(1 - 2 * level, n - 1, differences.mean(), error)
    p = max(
        stats.ttest_1samp(differences, -bound, alternative="greater").pvalue,
        stats.ttest_1samp(differences, bound, alternative="less").pvalue,
    )
    assert found.p == pytest.approx(p, rel=1e-6, abs=1e-12)
    assert found.low == pytest.approx(low, rel=1e-6)
    assert found.high == pytest.approx(high, rel=1e-6)
    assert found.passed == (p < level)
    assert (found.n, found.reference, found.bound, found.level) == (n, reference, bound, level)
    assert found.mean == pytest.approx(np.mean(repeats))
    assert found.sd == pytest.approx(np.std(repeats, ddof=1))


@given(SEEDS, SIZES, BOUNDS)
def test_as_many_on_both_sides_agrees_with_welch(seed: int, n: int, bound: float) -> None:
    values = drawn(seed, 2 * n)
    left, right = values[:n], values[n:]
    found = against_many("loss", left, right, bound)
    p = max(
        stats.ttest_ind(np.array(right) + bound, left, equal_var=False, alternative="greater").pvalue,
        stats.ttest_ind(np.array(right) - bound, left, equal_var=False, alternative="less").pvalue,
    )
    assert found.p == pytest.approx(p, rel=1e-6, abs=1e-12)
    assert found.passed == (p < 0.05)


@given(SEEDS, SIZES, SIZES, BOUNDS)
def test_uneven_sides_must_pass_welch_and_student(seed: int, n: int, m: int, bound: float) -> None:
    assume(n != m)
    values = drawn(seed, n + m)
    left, right = values[:n], values[n:]
    found = against_many("loss", left, right, bound)
    ps = [
        stats.ttest_ind(np.array(right) + sign * bound, left, equal_var=equal, alternative=side).pvalue
        for equal in (False, True)
        for sign, side in ((1, "greater"), (-1, "less"))
    ]
    assert found.p == pytest.approx(max(ps), rel=1e-6, abs=1e-12)
    assert found.n == min(n, m)


@given(SEEDS, SIZES, st.floats(0.01, 10), st.floats(1, 10))
def test_what_passes_a_bound_passes_every_wider_one(seed: int, n: int, bound: float, wider: float) -> None:
    reference, *repeats = drawn(seed, n + 1)
    narrow, wide = one(reference, repeats, bound), one(reference, repeats, bound * wider)
    assert narrow.passed <= wide.passed
    assert narrow.p is not None and wide.p is not None and wide.p <= narrow.p


@given(SEEDS, SIZES, BOUNDS)
def test_the_sign_of_the_metric_says_nothing(seed: int, n: int, bound: float) -> None:
    reference, *repeats = drawn(seed, n + 1)
    found, turned = one(reference, repeats, bound), one(-reference, [-value for value in repeats], bound)
    assert (found.p, found.passed, found.needed) == (turned.p, turned.passed, turned.needed)
    assert found.low is not None and turned.high is not None
    assert found.low == pytest.approx(-turned.high)


@given(SEEDS, SIZES, BOUNDS, st.integers(-900, 900))
def test_a_unit_says_nothing(seed: int, n: int, bound: float, power: int) -> None:
    reference, *repeats = drawn(seed, n + 1)
    scale = 2.0**power
    scaled = [value * scale for value in repeats]
    assume(resolution([reference * scale, *scaled]).step == 0)
    found, other = one(reference, repeats, bound), one(reference * scale, scaled, bound * scale)
    assert other.p == pytest.approx(found.p)
    assert (other.passed, other.needed) == (found.passed, found.needed)


@given(SEEDS, SIZES, BOUNDS)
def test_sides_can_be_swapped(seed: int, n: int, bound: float) -> None:
    values = drawn(seed, n + 3)
    found = against_many("loss", values[:3], values[3:], bound)
    swapped = against_many("loss", values[3:], values[:3], bound)
    assert found.p == pytest.approx(swapped.p)
    assert found.needed == swapped.needed


@given(SEEDS, SIZES, BOUNDS, st.floats(1.01, 50))
def test_more_spread_never_makes_it_pass(seed: int, n: int, bound: float, more: float) -> None:
    reference, *repeats = drawn(seed, n + 1)
    mean = math.fsum(repeats) / n
    wide = [mean + more * (value - mean) for value in repeats]
    assume(resolution(wide).step == 0)
    assert one(reference, wide, bound).passed <= one(reference, repeats, bound).passed


def test_a_lone_run_on_either_side_is_a_recorded_number() -> None:
    values = [3.0 + random.Random(number).gauss(0.0, 1.0) for number in range(5)]
    found, turned = (
        against_many("loss", [3.1], values, 2.0),
        against_many("loss", values, [3.1], 2.0),
    )
    assert found == one(3.1, values, 2.0)
    assert (turned.p, turned.n, turned.needed) == (found.p, 5, found.needed)
    assert (turned.reference, turned.mean) == (found.mean, found.reference)


def test_too_few_repeats_are_told_how_many_it_takes() -> None:
    found = one(0.91234567890123, [0.91034567890123, 0.91334567890127, 0.91244567890121], 0.002)
    assert not found.passed
    assert found.needed is not None and found.needed > 3
    assert found.note == (
        f"3 repeats are too few: {found.needed} would decide it 4 times of 5, "
        "if shift and spread stay as they are"
    )


def test_one_repeat_decides_nothing() -> None:
    found = one(0.912, [0.912], 0.5)
    assert (found.passed, found.sd, found.p, found.needed) == (False, None, None, None)
    assert found.note is not None and "no spread" in found.note


def test_no_number_of_repeats_helps_where_the_mean_is_beyond_the_bound() -> None:
    far = one(1.0, [2.0123456789012, 2.0124456789013, 2.0121456789015], 0.5)
    assert (far.passed, far.needed, far.note) == (False, None, "the mean moved by more than the bound")
    near = one(1.0, [1.6123456789012, 1.3124456789013, 1.7121456789015], 0.5)
    assert (near.passed, near.needed) == (False, None)
    assert near.note is not None and "could explain it" in near.note


def test_a_bound_of_0_is_never_met_by_scattering_runs() -> None:
    found = one(0.5, [0.5123456789012, 0.4876543210988], 0.0)
    assert (found.passed, found.needed) == (False, None)
    assert found.note is not None and "a bound of 0" in found.note


def test_runs_that_agree_in_every_bit_are_judged_by_the_shift() -> None:
    value = 0.123456789012345
    same = one(value, [value] * 3, 0.0)
    assert (same.passed, same.p, same.low, same.high, same.needed) == (True, 0.0, 0.0, 0.0, None)
    assert same.note is not None and "up to 63 % of runs" in same.note
    moved = one(value, [value + 0.25] * 3, 0.25)
    assert (moved.passed, moved.sd) == (True, 0.0)
    beyond = one(value, [value + 0.25] * 3, 0.2)
    assert (beyond.passed, beyond.p, beyond.needed) == (False, 1.0, None)


def test_coarse_values_that_agree_are_not_taken_for_certain() -> None:
    """Accuracy of 100 cases: a case that flips in every second run agrees three times in 1 of 4."""
    few = one(0.97, [0.97] * 3, 0.005)
    assert not few.passed
    assert few.needed == 11
    assert few.note is not None and "half a step of 0.01" in few.note
    assert one(0.97, [0.97] * 11, 0.005).passed


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_the_same_or_not(odd: float) -> None:
    assert one(odd, [odd, odd], 0.1).passed
    assert not one(odd, [odd, 1.0], 0.1).passed
    assert not one(1.0, [odd, odd], 0.1).passed
    assert not one(odd, [-odd, 1.0], 1e300).passed


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e300, sys.float_info.max])
def test_no_size_of_numbers_breaks_it(scale: float) -> None:
    for reference, repeats in (
        (scale, [scale / 3, scale]),
        (scale, [-scale, scale / 2]),
        (0.0, [scale, 0.0]),
    ):
        for bound in (0.0, 5e-324, scale, sys.float_info.max):
            found = one(reference, repeats, bound)
            sides = against_many("m", [reference, 0.0], repeats, bound)
            for value in (found.p, found.low, found.high, found.sd, sides.p, sides.low, sides.high, sides.sd):
                assert value is None or math.isfinite(value)


@given(
    st.floats(), st.lists(st.floats(), min_size=1, max_size=6), st.floats(0, 1e308), st.floats(0.001, 0.49)
)
def test_any_values_get_an_answer(reference: float, repeats: list[float], bound: float, level: float) -> None:
    found = one(reference, repeats, bound, level)
    assert found.passed or found.note
    assert found.needed is None or 2 <= found.needed <= 2 * MOST


@pytest.mark.parametrize("bound", [-1.0, math.nan, math.inf])
def test_a_bound_that_is_none_is_refused(bound: float) -> None:
    with pytest.raises(ValueError, match="bound"):
        one(1.0, [1.0, 2.0], bound)
    with pytest.raises(ValueError, match="each side"):
        one(1.0, [], 1.0)


def power_of(n: int, shift: float, bound: float, df_each: float = 1.0) -> float:
    """Power for sd 1, by scipy's quadrature."""
    df, error = df_each * (n - 1), 1 / math.sqrt(n)
    t = stats.t.isf(0.05, df)

    def at(u: float) -> float:
        room = bound - t * error * u
        inside = stats.norm.cdf((room - shift) / error) - stats.norm.cdf((-room - shift) / error)
        return float(stats.chi.pdf(u * math.sqrt(df), df) * math.sqrt(df) * inside)

    return float(integrate.quad(at, 0, bound / error / t, limit=200)[0])


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("bound", [0.4, 1.0, 3.0, 20.0])
def test_the_repeats_needed_are_the_fewest_with_that_power(shift: float, bound: float) -> None:
    for df_each in (1.0, 1.6):
        n = needed(shift * bound, 1.0, bound, df_each=df_each)
        assert n is not None
        assert power_of(n, shift * bound, bound, df_each) > 0.7999
        assert n == 2 or power_of(n - 1, shift * bound, bound, df_each) < 0.8001


def test_what_no_number_of_repeats_shows_needs_none() -> None:
    assert needed(1.0, 1.0, 1.0) is None
    assert needed(-2.0, 1.0, 1.0) is None
    assert needed(0.0, 1.0, 0.0) is None
    assert needed(0.0, 1.0, 1e-6) is None
    assert needed(0.0, 0.0, 1.0) == 2


def test_the_widest_declared_bound_counts() -> None:
    tolerances = [Tolerance("abs", 0.01), Tolerance("rel", 0.1), Tolerance("sigma", 2.0)]
    assert bound_of(tolerances, -0.5, None) == 0.05
    assert bound_of(tolerances, -0.5, 0.1) == 0.2
    assert bound_of(tolerances, math.nan, 0.1) is None
    assert bound_of([], 1.0, 0.1) is None
    assert bound_of([Tolerance("sigma", 2.0)], 1.0, None) is None
    assert bound_of([Tolerance("ulp", 4)], 1.0, None) == 4 * math.ulp(1.0)
    assert bound_of([Tolerance("rel", 1e300)], 1e300, None) == sys.float_info.max


TIMES = 600


@pytest.mark.parametrize("n", [3, 8])
@pytest.mark.parametrize("world", ["normal", "heavy", "skewed, above", "shares", "rare"])
def test_at_most_5_of_100_pass_whose_mean_is_the_bound_away(world: str, n: int) -> None:
    """Within what chance does to so many trials (3 standard errors)."""
    rate = wrong(random.Random(f"{world} {n}"), WORLDS[world], n, 1, TIMES)
    assert rate <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / TIMES)


@pytest.mark.parametrize("sizes", [(5, 5), (2, 5)])
def test_nor_with_repeats_on_both_sides(sizes: tuple[int, int]) -> None:
    rate = wrong_of_two(random.Random(repr(sizes)), WORLDS["normal"], sizes, TIMES)
    assert rate <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / TIMES)


@pytest.mark.parametrize("world", ["normal", "heavy", "skewed, below"])
def test_with_the_repeats_needed_4_of_5_pass(world: str) -> None:
    rate = decided(random.Random(world), WORLDS[world], 0.0, 0.5, TIMES // 2)
    assert 0.75 <= rate <= 0.87
