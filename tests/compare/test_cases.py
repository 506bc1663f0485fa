"""Cases of two runs, joined by id."""

from __future__ import annotations

import math
import random
import tracemalloc
from array import array
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.late import stats
from xt.compare import UnreadableError, case_join
from xt.compare.case_chance import outcome_chance, score_chance
from xt.compare.case_columns import CaseColumns, columns_of, outcome_of, score_of
from xt.compare.cases import case_row, compare_cases, judged, same_case_set
from xt.compare.judging import Row, judge
from xt.config import CaseSettings
from xt.model.delta import Delta, Measure, Tally

pytestmark = pytest.mark.usefixtures("scipy_loaded")

PASSED = CaseColumns("id", "passed")
SCORED = CaseColumns("id", None, "score")

Rows = list[dict[str, Any]]


def table(outcomes: str, **columns: str) -> Rows:
    """`+` passes, `-` fails, a space is no such case."""
    return [
        {"id": f"c{place}", "passed": letter == "+", **{name: text[place] for name, text in columns.items()}}
        for place, letter in enumerate(outcomes)
        if letter != " "
    ]


def scores(*values: float) -> Rows:
    return [{"id": place, "score": value} for place, value in enumerate(values)]


def compare(left: Rows, right: Rows, columns: CaseColumns = PASSED, by: list[str] | None = None) -> Delta:
    return compare_cases(left, right, columns, "cases", by or [])


def measure(delta: Delta, what: str) -> Any:
    return next((measure.value for measure in delta.measures if measure.what == what), None)


def test_cases_that_went_alike_are_the_same() -> None:
    delta = compare(table("++-"), table("++-"))
    assert (delta.relation, delta.tally) == ("same", Tally(failing=1, passing=2))
    assert delta.judgement is not None
    assert delta.judgement.word == "same"
    assert delta.children == []
    assert case_row(delta) is None


def test_every_case_is_tallied_once() -> None:
    delta = compare(table("--++ +-"), table("-+-++  "))
    assert delta.tally == Tally(fixed=1, broken=1, failing=1, passing=1, only_left=2, only_right=1)
    assert delta.note is None
    assert (delta.left, delta.right) == (0.5, 0.5)
    assert delta.relation == "unknown"


def test_the_order_of_rows_does_not_matter() -> None:
    left, right = table("--++-+++-+"), table("-+-+++-++-")
    shuffled = random.Random(3).sample(right, len(right))
    there, back = compare(left, right), compare(left, shuffled)
    assert there.tally == back.tally
    assert there.judgement == back.judgement


def test_breaking_many_and_fixing_few_is_a_regression_by_the_exact_test() -> None:
    delta = compare(table("+" * 12 + "--" + "+" * 86), table("-" * 12 + "+" * 88))
    assert delta.judgement is not None
    assert (delta.judgement.word, delta.relation) == ("regressed", "changed")
    assert delta.judgement.p == pytest.approx(stats.binomtest(2, 14).pvalue)


def test_a_few_cases_that_flip_are_noise() -> None:
    delta = compare(table("++++-+++"), table("+-++++++"))
    assert delta.judgement is not None
    assert (delta.judgement.word, delta.relation) == ("within noise", "within")
    assert (delta.judgement.method or "").startswith(
        "sign test over the 2 of 8 cases that moved, 95% interval"
    )


def test_cohorts_come_worst_first_and_do_not_count() -> None:
    left = table("++++++-", digit="8888113")
    right = table("---+-++", digit="8888113")
    cohorts = compare(left, right, by=["digit"]).children[:3]
    assert [cohort.path for cohort in cohorts] == ["cases/{digit=8}", "cases/{digit=1}", "cases/{digit=3}"]
    assert [cohort.tally for cohort in cohorts] == [
        Tally(broken=3, passing=1),
        Tally(broken=1, passing=1),
        Tally(fixed=1),
    ]
    assert not any(cohort.counted for cohort in cohorts)


def test_a_column_with_a_value_for_every_case_is_no_cohort() -> None:
    rows = [{"id": number, "passed": True, "text": f"t{number}"} for number in range(1200)]
    delta = compare(rows, rows, by=["text"])
    assert delta.children == []
    assert "`text` has over 1000 values and does not group" in (delta.note or "")


def test_the_worst_cases_are_listed_broken_first_and_the_others_counted() -> None:
    columns = CaseColumns("id", "passed", "score")
    left = [{"id": n, "passed": n % 2 == 0, "score": 0.5} for n in range(60)]
    right = [{"id": n, "passed": n % 2 == 1, "score": 0.5 - n / 1000} for n in range(60)]
    delta = compare(left, right, columns)
    assert len(delta.children) == 20
    assert delta.more == 40
    assert [child.path for child in delta.children[:2]] == ["cases/58", "cases/56"]
    assert delta.children[0].left is True
    assert delta.children[0].right is False
    assert delta.children[0].change == "down"
    assert delta.children[0].measures == [Measure("Δ score", pytest.approx(-0.058))]  # type: ignore[arg-type]


def test_ids_that_occur_twice_are_counted_and_leave_it_open() -> None:
    rows = table("++-")
    delta = compare([*rows, rows[0]], [*rows, rows[1], rows[1]])
    assert measure(delta, "ids that occur twice") == 3
    assert delta.relation == "unknown"
    assert delta.tally == Tally(failing=1, passing=2)
    assert "3 with an id that was there before, not counted" in (delta.note or "")


def test_rows_without_an_id_and_cells_without_a_meaning_leave_it_open() -> None:
    left: Rows = [{"id": "a", "passed": "maybe"}, {"id": None, "passed": True}, {"passed": True}]
    right: Rows = [{"id": "a", "passed": True}]
    delta = compare(left, right)
    assert (measure(delta, "rows without an id"), measure(delta, "cases that cannot be read")) == (2, 1)
    assert delta.relation == "unknown"
    assert delta.judgement is not None
    assert (delta.judgement.word, delta.left) == ("cannot tell", None)


def test_numbers_and_texts_identify_the_same_case() -> None:
    assert compare([{"id": 7, "passed": True}], [{"id": "7", "passed": "1"}]).relation == "same"


def test_the_same_case_set_is_said_with_counts() -> None:
    assert same_case_set(compare(table("++"), table("+-"))) == Delta("cases", "same", note="the same 2 cases")
    other = same_case_set(compare(table("+++ "), table("+  +")))
    assert other == Delta(
        "cases", "changed", note="1 case on both sides, 2 only on the left, 1 only on the right"
    )


def test_scores_are_judged_by_randomised_signs() -> None:
    chance = random.Random(5)
    left = [chance.random() for _ in range(60)]
    lower = compare(scores(*left), scores(*(value - 0.1 * chance.random() for value in left)), SCORED)
    mixed = compare(scores(*left), scores(*(value + chance.gauss(0, 0.1) for value in left)), SCORED)
    assert lower.judgement is not None
    assert mixed.judgement is not None
    assert (lower.judgement.word, mixed.judgement.word) == ("regressed", "within noise")
    assert measure(lower, "scores lower") == 60
    assert lower.children[0].change == "down"


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_the_interval_of_outcomes_is_that_of_all_resamples(fixed: int, broken: int, rest: int) -> None:
    joined = fixed + broken + rest
    assume(fixed or broken)
    ways = {0: 1}
    for _ in range(joined):
        drawn: dict[int, int] = {}
        for total, count in ways.items():
            for step, of in ((1, fixed), (0, rest), (-1, broken)):
                drawn[total + step] = drawn.get(total + step, 0) + count * of
        ways = drawn
    low = min(
        end for end in ways if 40 * sum(ways[other] for other in ways if other <= end) >= joined**joined
    )
    high = max(
        end for end in ways if 40 * sum(ways[other] for other in ways if other >= end) >= joined**joined
    )
    said = outcome_chance(fixed, broken, joined).method
    assert f"95% interval {low / joined:+.4g} to {high / joined:+.4g} (paired" in said


def test_randomised_signs_agree_with_their_exact_distribution() -> None:
    moves = [0.3, -0.1, 0.25, 0.4, -0.05, 0.2, 0.15, 0.35]
    exact = stats.permutation_test((moves,), lambda x: sum(x), permutation_type="samples", n_resamples=10_000)
    found = score_chance(array("d", moves)).p
    assert found == pytest.approx(exact.pvalue, abs=0.012)
    # The same cases give the same answer, in any order and with sides exchanged.
    assert score_chance(array("d", [-move for move in reversed(moves)])).p == found


def test_many_scores_use_the_normal_limit() -> None:
    chance = random.Random(2)
    few, many = ([chance.gauss(0.03, 1) for _ in range(size)] for size in (2000, 2100))
    for moves in (few, many):
        z = sum(moves) / sum(move * move for move in moves) ** 0.5
        assert score_chance(array("d", moves)).p == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.04)
    assert score_chance(array("d", many)).method.startswith("normal limit of sign randomisation")


def test_few_scores_that_all_fall_are_not_yet_a_regression() -> None:
    delta = compare(scores(0.9, 0.8, 0.7), scores(0.8, 0.7, 0.6), SCORED)
    assert delta.judgement is not None
    assert delta.judgement.p is not None
    assert delta.judgement.p > 0.2


def test_the_judgement_of_the_whole_comparison_is_taken_back() -> None:
    delta = compare(table("+" * 30), table("-" * 6 + "+" * 24))
    row = case_row(delta)
    assert row is not None
    assert delta.relation == "changed"
    family = [row, *(Row(f"m{n}", [1.0, 1.1, 0.9], [1.01]) for n in range(3))]
    after = judged(delta, judge(family)[0])
    assert after.judgement is not None
    assert (after.judgement.word, after.judgement.family, after.relation) == ("within noise", 4, "within")
    assert after.tally == delta.tally


@pytest.mark.parametrize(
    ("settings", "row", "expected"),
    [
        (CaseSettings(), {"name": "x", "case_id": 1, "ok": 1}, CaseColumns("case_id", "ok")),
        (CaseSettings(), {"id": 1, "score": 1, "passed": 1}, CaseColumns("id", "passed", "score")),
        (CaseSettings(id="q", score="f1"), {"id": 1, "q": 1, "f1": 0.5}, CaseColumns("q", None, "f1")),
    ],
)
def test_columns_are_found_by_declaration_and_usual_names(
    settings: CaseSettings, row: dict[str, Any], expected: CaseColumns
) -> None:
    assert columns_of(settings, row) == expected


@pytest.mark.parametrize(
    ("settings", "row", "clause"),
    [
        (CaseSettings(id="q"), {"id": 1, "ok": 1}, "it has no column `q`, which `\\[cases\\] id` names"),
        (CaseSettings(), {"ok": 1}, "no column identifies a case"),
        (CaseSettings(), {"id": 1}, "no column says how a case went"),
    ],
)
def test_columns_that_are_not_there_are_said(
    settings: CaseSettings, row: dict[str, Any], clause: str
) -> None:
    with pytest.raises(UnreadableError, match=clause):
        columns_of(settings, row)


@pytest.mark.parametrize("word", ["true", "PASS", " ok ", "yes", "correct", 1, 1.0, True, "1"])
def test_words_that_pass(word: Any) -> None:
    assert outcome_of(word) is True


@pytest.mark.parametrize("word", ["false", "Fail", "error", "no", "incorrect", 0, 0.0, False, "0"])
def test_words_that_fail(word: Any) -> None:
    assert outcome_of(word) is False


@pytest.mark.parametrize("word", [None, "", "maybe", 0.5, 2, [], {}, float("nan")])
def test_words_that_say_neither(word: Any) -> None:
    assert outcome_of(word) is None


@pytest.mark.parametrize("value", [None, True, "", "nan", "inf", "1_0", 10**400, 1e200, "9" * 500, [1]])
def test_cells_that_are_no_score(value: Any) -> None:
    assert score_of(value) is None


CELL = st.none() | st.booleans() | st.integers(-2, 2) | st.floats() | st.text(max_size=5) | st.just([1])
ROW = st.fixed_dictionaries({"id": CELL, "passed": CELL, "score": CELL, "group": CELL})


@given(st.lists(ROW, max_size=15), st.lists(ROW, max_size=15), st.sampled_from([PASSED, SCORED]))
@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw makes tables
def test_any_rows_give_a_tally_that_adds_up(left: Rows, right: Rows, columns: CaseColumns) -> None:
    delta = compare(left, right, columns, ["group"])
    tally = delta.tally
    assert tally is not None
    met = tally.fixed + tally.broken + tally.failing + tally.passing
    joined = measure(delta, "cases on both sides")
    if columns is PASSED:
        assert met + (measure(delta, "cases that cannot be read") or 0) == joined
    named = [{str(row["id"]) for row in side if row["id"] not in (None, "")} for side in (left, right)]
    assert joined == len(named[0] & named[1])
    assert (tally.only_left, tally.only_right) == (len(named[0] - named[1]), len(named[1] - named[0]))
    numbers = [delta.left or 0.0, delta.right or 0.0, *(measure.value for measure in delta.measures)]
    assert all(map(math.isfinite, numbers))
    back = compare(right, left, columns, ["group"])
    assert back.tally is not None
    assert (back.tally.fixed, back.tally.broken) == (tally.broken, tally.fixed)


def stream(size: int, shift: int, seed: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(seed)
    for number in range(size):
        yield {
            "id": f"case-{number + shift}",
            "passed": chance.random() < 0.9,
            "score": chance.random(),
            "g": "a",
        }


def test_a_case_takes_few_bytes() -> None:
    size = 30_000
    columns = CaseColumns("id", "passed", "score")
    tracemalloc.start()
    delta = compare_cases(stream(size, 0, 1), stream(size, size // 4, 2), columns, "cases", ["g"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert delta.tally is not None
    assert delta.tally.only_left == size // 4
    # A million, a quarter of them on one side only, then stay below 200 MB.
    assert peak / size < 190


def test_more_cases_than_memory_allows_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_join, "MOST_CASES", 10)
    monkeypatch.setattr(case_join, "MOST_STRANGERS", 5)
    with pytest.raises(UnreadableError, match="more than 10 cases"):
        compare(table("+" * 11), [])
    with pytest.raises(UnreadableError, match="more than 5 of its cases are not on the left"):
        compare([], table("+" * 6))
