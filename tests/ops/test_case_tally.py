"""Cases counted and kept while they pass by, in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xt.compare.case_columns import CaseColumns
from xt.compare.case_join import MOST_COHORTS
from xt.model.cases import Case
from xt.ops import case_tally
from xt.ops.case_files import CaseRow
from xt.ops.case_tally import Groups, Kept, Reading, Shares, is_value, text_of

COLUMNS = CaseColumns("id", "passed", "score")


def row(**cells):
    return Reading(CaseRow(None, {"id": 1, "passed": True, **cells}), COLUMNS)


@given(st.lists(st.integers(0, 9), max_size=400), st.one_of(st.none(), st.integers(1, 30)))
def test_the_lowest_are_kept_each_rank_in_its_order(ranks, most):
    kept = Kept(most)
    for number, rank in enumerate(ranks):
        if kept.wants((rank,)):
            kept.see((rank,), Case(str(number)))
    wanted = sorted(range(len(ranks)), key=lambda number: (ranks[number], number))[:most]
    assert [int(case.id) for case in kept.cases()] == wanted
    assert not kept.is_full


def test_cells_are_held_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(case_tally, "HELD", 10_000)
    kept = Kept(None)
    for number in range(50):
        if kept.wants((number,)):
            kept.see((number,), Case(str(number), cells={"text": "x" * 1000}))
    found = kept.cases()
    assert kept.is_full
    assert [case.id for case in found] == [str(number) for number in range(len(found))]
    assert 5 <= len(found) <= 10


def test_a_column_with_too_many_values_is_no_cohort():
    shares = Shares(["user", "topic"])
    groups = Groups("user")
    for number in range(MOST_COHORTS + 5):
        one = row(user=f"u{number}", topic="law", passed=number % 2 == 0)
        shares.see(one)
        groups.see(one)
    assert shares.ungrouped == ["user"]
    assert [(one.column, one.n) for one in shares.cohorts()] == [("topic", MOST_COHORTS + 5)]
    assert groups.over == 5
    assert len(groups.groups()) == MOST_COHORTS


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([True, False, None])), max_size=60))
def test_shares_add_up(cases):
    shares = Shares(["k"])
    for value, outcome in cases:
        shares.see(row(k=value, passed=outcome, score=None))
    found = shares.cohorts()
    assert sum(one.n for one in found) == shares.whole.n == len(cases)
    for one in found:
        own = [outcome for value, outcome in cases if value == one.value]
        assert (one.passed, one.failed, one.unread) == (own.count(True), own.count(False), own.count(None))
    rates = [one.passed / (one.passed + one.failed) for one in found if one.passed + one.failed]
    assert rates == sorted(rates)


def test_a_value_is_asked_for_as_it_is_shown():
    shown = [(True, "true"), (2.0, "2"), (None, ""), (["a", {"b": 1}], '["a",{"b":1}]'), ("law", "law")]
    for value, text in shown:
        assert text_of(value) == text
        assert is_value(value, text)
