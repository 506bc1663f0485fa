"""The word for every row, and what it says besides."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.late import stats
from xt.compare.judging import AGREE, FAMILY_LEVEL, RELATION_OF, SEED_FIXED, Chance, Row, holm, judge
from xt.compare.noise import spread_of
from xt.compare.tolerances import Tolerance
from xt.model.delta import Judgement
from xt.model.result import Number

pytestmark = pytest.mark.usefixtures("scipy_loaded")

NAN, INF = math.nan, math.inf
ABS = [Tolerance("abs", 0.01)]
#: Five repeats with a mean of 0.968 and an sd of 0.0016.
REPEATS = [0.9683, 0.9702, 0.9661, 0.9694, 0.9672]


def one(*args: object, **fields: object) -> Judgement:
    return judge([Row("m", *args, **fields)])[0]  # type: ignore[arg-type]


def test_values_that_all_agree_are_the_same() -> None:
    judgement = one([0.9, 0.9], [0.9])
    assert (judgement.word, judgement.delta, judgement.p) == ("same", 0, None)
    assert judgement.left is not None
    assert (judgement.left.n, judgement.left.mean, judgement.left.sd) == (2, 0.9, 0)


@pytest.mark.parametrize(("bound", "word"), [(0.01, "within tolerance"), (0.005, "beyond tolerance")])
def test_without_repeats_the_declared_tolerance_decides(bound: float, word: str) -> None:
    judgement = one([0.97], [0.96], tolerances=[Tolerance("abs", bound)])
    assert judgement.word == word
    assert (judgement.tolerance, judgement.allowed) == (f"abs {bound}", bound)


def test_a_goal_turns_a_move_beyond_into_better_or_worse() -> None:
    for goal, up in (("max", "improved"), ("min", "regressed")):
        rose = one([0.9], [0.95], goal=goal, tolerances=ABS)
        fell = one([0.95], [0.9], goal=goal, tolerances=ABS)
        assert rose.word == up
        assert {rose.word, fell.word} == {"improved", "regressed"}
        assert {rose.direction, fell.direction} == {"better", "worse"}


def test_one_run_on_each_side_without_a_tolerance_cannot_tell() -> None:
    judgement = one([0.97], [0.96], goal="max")
    assert (judgement.word, judgement.reason) == ("cannot tell", "n=1, no tolerance declared")
    assert judgement.direction == "worse"
    assert judgement.p is None


def test_sigma_without_repeats_cannot_tell_and_says_what_it_needs() -> None:
    judgement = one([0.97], [0.96], tolerances=[Tolerance("sigma", 2)])
    assert (judgement.word, judgement.reason) == ("cannot tell", "n=1, `sigma 2` needs repeats")
    assert one(REPEATS, [0.969], tolerances=[Tolerance("sigma", 2)]).word == "within tolerance"


def test_one_run_against_repeats_is_held_against_their_prediction_interval() -> None:
    inside, outside = one(REPEATS, [0.9715]), one(REPEATS, [0.98])
    assert (inside.word, outside.word) == ("within noise", "beyond noise")
    sd = spread_of(REPEATS).sd
    assert sd is not None
    assert inside.noise == pytest.approx(stats.t.isf(FAMILY_LEVEL / 2, 4) * sd * math.sqrt(1 + 1 / 5))
    assert inside.method == "Student, one run against 5 repeats"
    assert inside.notes == ["one run on the right: its spread is taken to be that of the left"]
    mirrored = one([0.98], REPEATS)
    assert mirrored.p == pytest.approx(outside.p)
    assert mirrored.delta == pytest.approx(-float(outside.delta or 0))  # type: ignore[arg-type]


def test_repeats_of_equal_number_are_held_against_welch() -> None:
    right = [value + 0.01 * (index + 1) for index, value in enumerate(REPEATS)]
    judgement = one(REPEATS, right)
    assert judgement.p == pytest.approx(stats.ttest_ind(REPEATS, right, equal_var=False).pvalue)
    assert judgement.method == "Welch, 5 against 5"


def test_repeats_of_unequal_number_are_held_against_both_tests() -> None:
    left, right = [1.0, 1.3], [1.4, 1.9, 1.1, 2.4, 1.7]
    p = one(left, right).p
    both = [stats.ttest_ind(left, right, equal_var=equal).pvalue for equal in (True, False)]
    assert p == pytest.approx(max(both))


def test_two_runs_of_one_recipe_are_held_against_the_spread_of_the_others() -> None:
    judgement = one([0.9], [0.93], shared=[0.91, 0.92, 0.9, 0.93])
    sd = spread_of([0.91, 0.92, 0.9, 0.93]).sd
    assert sd is not None
    assert judgement.p == pytest.approx(2 * stats.t.sf(0.03 / sd / math.sqrt(2), 3))
    assert judgement.method == "Student, two runs of one recipe, spread of its 4 others"
    lonely = one([0.9], [0.93], shared=[0.91])
    assert lonely.reason == "n=1 besides these two, which shows no spread, no tolerance declared"


def test_a_wide_band_never_lets_a_violated_tolerance_pass() -> None:
    judgement = one([0.9, 0.95, 0.99, 0.87], [0.97], tolerances=ABS)
    assert (judgement.word, judgement.reason) == ("cannot tell", "over the tolerance, and within the noise")


def test_a_move_beyond_noise_but_within_tolerance_is_within() -> None:
    judgement = one(REPEATS, [0.98], tolerances=[Tolerance("abs", 0.05)])
    assert judgement.word == "within tolerance"
    assert judgement.p is not None
    assert judgement.p < FAMILY_LEVEL


def test_repeats_that_agree_in_every_bit_make_any_difference_beyond_noise() -> None:
    value = 0.9123456789012345
    judgement = one([value, value], [math.nextafter(value, 1)])
    assert (judgement.word, judgement.noise, judgement.p) == ("beyond noise", 0, 0)
    assert "spread was never seen in 2 repeats, so any difference is beyond noise" in judgement.notes


@pytest.mark.parametrize(
    "values", [[0.97, 0.97, 0.96], [348 / 360, 348 / 360, 347 / 360], [120, 120, 121], [0.5, 0.5, 0.501]]
)
def test_rounded_values_that_agree_are_not_taken_for_exact(values: list[float]) -> None:
    judgement = one(values[:2], values[2:])
    assert judgement.word == "cannot tell"
    assert judgement.reason == AGREE
    assert any("half a step" in note for note in judgement.notes)


def test_the_cases_of_a_share_are_its_resolution() -> None:
    judgement = one([0.9], [0.92], cases=50, tolerances=[Tolerance("abs", 0.001)])
    assert judgement.notes == [
        "the tolerance `abs 0.001` is finer than the metric's resolution: one of 50 cases is 0.02"
    ]


def test_what_cannot_be_compared_says_why() -> None:
    judgement = one([1.0], [1.0], incomparable="other evaluation data")
    assert (judgement.word, judgement.reason) == ("not comparable", "other evaluation data")
    assert one([1.0], []).reason == "it is only on the left"
    assert one([], [1.0]).reason == "it is only on the right"


@pytest.mark.parametrize(
    ("left", "right", "goal", "word"),
    [
        ([NAN], [NAN], "none", "same"),
        ([INF], [INF], "min", "same"),
        ([0.9], [NAN], "max", "regressed"),
        ([NAN], [0.9], "max", "improved"),
        ([0.9], [-INF], "min", "regressed"),
        ([0.9], [NAN], "none", "beyond tolerance"),
        ([INF], [-INF], "min", "beyond tolerance"),
        ([0.9, NAN], [NAN], "max", "cannot tell"),
        ([NAN], [0.9, NAN], "max", "cannot tell"),
        ([1e308], [-1e308], "none", "beyond tolerance"),
    ],
)
def test_values_that_are_no_numbers_have_no_statistics(
    left: list[float], right: list[float], goal: str, word: str
) -> None:
    judgement = one(left, right, goal=goal, tolerances=ABS)
    assert judgement.word == word
    assert judgement.p is None
    assert judgement.left is None or word == "same"


def test_a_move_too_large_for_a_number_is_said_as_infinite() -> None:
    assert one([1e308], [-1e308]).delta == Number("-inf")


def test_repeats_without_a_number_are_left_out_and_counted() -> None:
    judgement = one([*REPEATS, NAN], [0.98, INF])
    assert judgement.word == "beyond noise"
    assert judgement.left is not None
    assert judgement.left.n == 5
    assert judgement.notes[0] == "2 repeats have no finite value to count"


def test_a_seed_held_fixed_is_said_where_noise_was_used() -> None:
    assert SEED_FIXED in one(REPEATS, [0.98], seed_fixed=True).notes
    assert SEED_FIXED not in one([0.97], [0.98], seed_fixed=True).notes


def test_a_chance_found_elsewhere_joins_the_family() -> None:
    rows = [
        Row("cases", [0.9], [0.8], goal="max", chance=Chance(0.03, "sign test")),
        Row("m", REPEATS, [0.97]),
    ]
    alone, together = judge(rows[:1])[0], judge(rows)[0]
    assert (alone.word, alone.family, alone.method) == ("regressed", 1, "sign test")
    assert (together.word, together.family) == ("within noise", 2)


def test_only_rows_that_can_raise_an_alarm_count_in_the_family() -> None:
    moved, still, alone = Row("a", REPEATS, [0.9]), Row("b", [1.0, 1.0], [1.0]), Row("c", [1.0], [2.0])
    assert [judgement.family for judgement in judge([moved, still, alone])] == [1, None, None]


def test_holm_steps_down_and_stops_at_the_first_failure() -> None:
    levels = holm({7: 0.9, 3: 0.001, 5: 0.014, 1: 0.021}, 0.04)
    assert levels == {
        3: 0.01,
        5: pytest.approx(0.04 / 3),
        1: pytest.approx(0.04 / 3),
        7: pytest.approx(0.04 / 3),
    }
    assert holm({}) == {}


VALUES = st.lists(st.floats(-1e6, 1e6) | st.sampled_from([0.96, 0.97, 1.0]), min_size=1, max_size=5)
ROWS = st.lists(
    st.builds(
        Row,
        st.just("m"),
        VALUES,
        VALUES,
        goal=st.sampled_from(["min", "max", "none"]),
        tolerances=st.lists(st.builds(Tolerance, st.just("abs"), st.floats(0, 10)), max_size=1),
        cases=st.none() | st.integers(1, 1000),
        shared=st.just(()),
        incomparable=st.none(),
        chance=st.none(),
        seed_fixed=st.just(False),
    ),
    max_size=6,
)


@given(ROWS)
def test_the_band_agrees_with_the_word_in_every_row(rows: list[Row]) -> None:
    for judgement in judge(rows):
        if judgement.noise is None:
            continue
        assert judgement.p is not None
        assert judgement.level is not None
        assert isinstance(judgement.delta, float | int)
        beyond = abs(judgement.delta) > judgement.noise
        assert beyond == (judgement.p < judgement.level)
        if RELATION_OF[judgement.word] == "changed":
            assert beyond
        if judgement.word == "within noise":
            assert not beyond
        assert judgement.detectable is not None
        assert judgement.detectable >= judgement.noise * (1 - 1e-9) or beyond


@given(ROWS)
def test_sides_exchanged_give_the_mirrored_judgement(rows: list[Row]) -> None:
    # Tolerances in the metric's unit and p values know no side.
    mirrored = judge([row._replace(left=row.right, right=row.left) for row in rows])
    swap = {"improved": "regressed", "regressed": "improved"}
    for there, back in zip(judge(rows), mirrored, strict=True):
        assert swap.get(back.word, back.word) == there.word
        assert back.p == there.p or back.p == pytest.approx(there.p)


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=4), st.lists(st.floats(), max_size=4)
)
def test_any_values_get_a_judgement_without_a_number_json_has_no_word_for(
    left: list[float], right: list[float]
) -> None:
    judgement = one(left, right)
    assert judgement.word in RELATION_OF
    samples = [sample for sample in (judgement.left, judgement.right) if sample is not None]
    numbers = [sample.mean for sample in samples] + [sample.sd for sample in samples if sample.sd is not None]
    numbers += [
        judgement.ratio or 0.0,
        judgement.noise or 0.0,
        judgement.p or 0.0,
        judgement.detectable or 0.0,
    ]
    assert all(map(math.isfinite, numbers))


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=8))
def test_means_and_spreads_do_not_overflow_on_the_way(values: list[float]) -> None:
    spread = spread_of(values)
    assert min(values) <= spread.mean <= max(values) or spread.mean == pytest.approx(min(values), rel=1e-12)


def test_equal_values_have_exactly_their_mean_and_no_spread() -> None:
    assert spread_of([0.1, 0.1, 0.1]) == (3, 0.1, 0.0)


def test_repeats_that_agree_exactly_do_not_explain_a_move() -> None:
    found = one([0.9] * 6, [0.8])
    assert (found.word, found.reason) == ("cannot tell", AGREE)
    assert any("half a step of 0.1" in note for note in found.notes)
    assert one([0.9] * 6, [0.1]).word == "beyond noise"
    assert one([0.9] * 5 + [0.8], [0.8]).word == "within noise"
    assert one([348 / 360] * 4, [347 / 360], cases=360).reason == AGREE


@pytest.mark.parametrize(("left", "right"), [([0.9], [NAN]), ([INF], [0.9]), ([INF], [-INF])])
def test_without_a_tolerance_no_value_is_beyond_it(left: list[float], right: list[float]) -> None:
    assert one(left, right).word == "beyond noise"
