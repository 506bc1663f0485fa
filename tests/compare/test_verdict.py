"""The word, the relation and the sentence of a whole comparison."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from xt.compare.judging import RELATION_OF, SEED_FIXED, Chance, Row, judge
from xt.compare.tolerances import Tolerance
from xt.compare.verdict import conclude
from xt.model.delta import RELATIONS, Delta, Judgement, Relation, Side, Verdict, Word, whole, worst

COMMANDS = {"run", "diff", "show", "ls", "logs", "baseline"}
REPEATS = [0.9683, 0.9702, 0.9661, 0.9694, 0.9672]


def side(**fields: Any) -> Side:
    return replace(Side("kwpztnlqsmvrxoyu", 4, "2026-11-23T09:30:00Z", "ok"), **fields)


def row(name: str, word: Word, group: str = "metrics", **fields: Any) -> Delta:
    return Delta(
        f"{group}/{name}", RELATION_OF[word], judgement=Judgement(word, p=fields.pop("p", None)), **fields
    )


def metrics(*rows: Delta, name: str = "metrics") -> Delta:
    return whole(name, list(rows))


def causes(*relations: Relation) -> Delta:
    return whole("causes", [Delta(f"params/p{place}", relation) for place, relation in enumerate(relations)])


ALIKE = Delta("comparability", "same")
ONE_CAUSE = causes("changed")
OK = side()


def verdict(
    *groups: Delta,
    causes: Delta = ONE_CAUSE,
    comparability: Delta = ALIKE,
    left: Side = OK,
    right: Side = OK,
) -> Verdict:
    return conclude(causes, comparability, whole("effects", list(groups)), left, right)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["same"], "same"),
        (["same", "within tolerance"], "within tolerance"),
        (["within tolerance", "within noise"], "within noise"),
        (["within noise", "cannot tell"], "cannot tell"),
        (["within noise", "not comparable"], "cannot tell"),
        (["cannot tell", "beyond tolerance"], "beyond tolerance"),
        (["beyond tolerance", "beyond noise"], "beyond noise"),
        (["beyond noise", "improved"], "improved"),
        (["improved", "regressed", "cannot tell"], "regressed"),
    ],
)
def test_the_first_word_that_applies_is_taken(words: list[Word], expected: Word) -> None:
    found = verdict(metrics(*(row(f"m{place}", word) for place, word in enumerate(words))))
    assert found.word == expected
    assert found.relation == worst(RELATION_OF[word] for word in words)


def test_a_run_that_newly_fails_is_a_regression_whatever_its_metrics_say() -> None:
    found = verdict(metrics(row("acc", "improved")), right=side(status="failed"))
    assert (found.word, found.relation) == ("regressed", "changed")
    assert "results of a failed run cannot be compared" in found.sentence
    back = verdict(metrics(row("acc", "regressed")), left=side(status="interrupted"))
    assert (back.word, back.relation) == ("improved", "changed")
    assert "`interrupted`" in back.sentence


def test_two_failed_runs_are_compared_and_said_to_have_failed() -> None:
    failed = side(status="failed")
    found = verdict(metrics(row("acc", "within noise")), left=failed, right=failed)
    assert found.word == "within noise"
    assert found.sentence.endswith("both runs ended `failed`")


def test_a_run_in_flight_cannot_be_told() -> None:
    found = verdict(metrics(row("acc", "same")), right=side(status="running"))
    assert (found.word, found.relation) == ("cannot tell", "unknown")
    assert found.sentence == "cannot tell: kwpz is still running"


def test_other_evaluation_data_make_it_not_comparable() -> None:
    other = whole(
        "comparability",
        [Delta("comparability/data", "changed", note="data/test.csv (evaluation data) differs")],
    )
    found = verdict(metrics(row("acc", "improved")), comparability=other)
    assert (found.word, found.relation) == ("not comparable", "changed")
    assert found.sentence == "not comparable: data/test.csv (evaluation data) differs"


def test_open_comparability_never_passes_and_does_not_hide_a_regression() -> None:
    unknown = whole("comparability", [Delta("harness", "unknown", note="the harness is not declared")])
    calm = verdict(metrics(row("acc", "same")), comparability=unknown)
    assert (calm.word, calm.relation) == ("cannot tell", "unknown")
    assert "comparable: the harness is not declared" in calm.sentence
    bad = verdict(metrics(row("acc", "regressed")), comparability=unknown)
    assert bad.word == "regressed"
    assert "the harness is not declared" in bad.sentence


def test_a_regression_the_average_hides_is_named() -> None:
    cohort = row("val/acc{digit=8}", "regressed", p=0.003)
    accuracy = replace(row("val/acc", "within noise"), relation="changed", children=[cohort])
    found = verdict(metrics(accuracy, row("loss", "improved", p=0.001)))
    assert found.word == "regressed"
    assert found.sentence.startswith(
        "a deliberate change with a regression the average hides: val/acc{digit=8}; better: loss"
    )
    assert found.beyond == 2


def test_better_ones_are_named_beside_worse_ones() -> None:
    found = verdict(metrics(row("acc", "improved", p=0.001), row("loss", "regressed", p=0.002)))
    assert (
        found.sentence == "a deliberate change, worse: loss; better: acc. Not explained by noise (p = 0.001)"
    )


def test_a_result_that_moves_without_a_cause_is_blamed_on_what_is_not_recorded() -> None:
    found = verdict(metrics(row("val/acc", "beyond noise", p=0.001)), causes=causes("same"))
    assert found.causes == 0
    assert found.sentence.startswith(
        "no recorded cause differs, and val/acc moved beyond noise: something that is not recorded decides"
    )


def test_changes_that_move_nothing_are_noise() -> None:
    found = verdict(metrics(row("acc", "within noise")), causes=causes(*["changed"] * 5, "same"))
    assert found.causes == 5
    assert found.sentence == "noise: 5 causes differ and nothing moved beyond what repeats do"


def test_cannot_tell_says_what_would_help() -> None:
    rows = [Row("acc", [0.9], [0.91]), Row("loss", [0.1], [0.2])]
    parts = [
        Delta(f"metrics/{one.name}", "unknown", judgement=judgement)
        for one, judgement in zip(rows, judge(rows), strict=True)
    ]
    assert verdict(metrics(*parts)).sentence == (
        "cannot tell: one run on each side and no tolerance declared "
        "(repeat each with `xt run`, or declare `abs`)"
    )


def test_what_could_not_be_compared_is_named_with_its_reason() -> None:
    outputs = whole("outputs", [Delta("outputs/model.pt", "unknown", note="needs numpy")])
    found = verdict(metrics(row("acc", "same")), outputs)
    assert (found.word, found.sentence) == ("cannot tell", "cannot tell: outputs/model.pt: needs numpy")


def test_an_output_that_differs_while_no_metric_moved_is_different() -> None:
    outputs = whole("outputs", [Delta("outputs/model.npz", "changed"), Delta("outputs/log", "same")])
    found = verdict(metrics(row("acc", "same")), outputs)
    assert (found.word, found.relation) == ("different", "changed")
    assert found.sentence == "1 cause differs and no metric moved, but model.npz differs"


def test_a_metric_on_one_side_only_is_a_difference() -> None:
    found = verdict(metrics(Delta("metrics/f1", "changed", right=0.9, change="added"), row("acc", "same")))
    assert (found.word, found.relation) == ("different", "changed")
    assert "f1 is only on the right" in found.sentence


def test_what_is_not_counted_decides_nothing_and_is_explained() -> None:
    time = row("time", "regressed", "cost", counted=False, note="one run on each side")
    found = verdict(metrics(row("acc", "same")), whole("cost", [time]))
    assert (found.word, found.relation, found.beyond) == ("same", "same", 0)
    assert any(line.startswith("not counted") and line.endswith("time") for line in found.method)


def test_a_cost_that_can_be_judged_counts() -> None:
    assert (
        verdict(metrics(row("acc", "same")), whole("cost", [row("time", "regressed", "cost")])).word
        == "regressed"
    )


def test_cases_count_and_their_doubts_do_too() -> None:
    judgement = judge([Row("cases", [0.9], [0.5], goal="max", chance=Chance(0.0001, "sign test"))])[0]
    broken = Delta("cases", "changed", judgement=judgement)
    assert verdict(broken).word == "regressed"
    calm = Delta("cases", "unknown", judgement=Judgement("within noise"), note="3 ids occur twice")
    assert verdict(calm).sentence == "cannot tell: cases: 3 ids occur twice"


def test_nothing_to_compare_is_said() -> None:
    found = verdict(causes=causes("same"))
    assert found.word == "same"
    assert "no metric, case or output is recorded" in found.sentence


def test_the_method_says_repeats_family_tests_and_tolerances() -> None:
    rows = [
        Row("acc", REPEATS, [0.99], goal="max"),
        Row("loss", [0.1, 0.11, 0.12], [0.1], tolerances=[Tolerance("abs", 0.5)]),
    ]
    parts = [
        Delta(f"metrics/{one.name}", RELATION_OF[judgement.word], judgement=judgement)
        for one, judgement in zip(rows, judge(rows), strict=True)
    ]
    method = verdict(metrics(*parts, row("n", "same")), left=side(n=5)).method
    assert method[0] == "runs: 5 runs of one recipe on the left, 1 run on the right"
    assert method[1].startswith("Holm over 2 rows at 0.035")
    assert method[2] == "1 row with the same values everywhere"
    fixed = judge([Row("acc", REPEATS, [0.99], goal="max", seed_fixed=True)])[0]
    held = verdict(metrics(Delta("metrics/acc", "changed", judgement=fixed)), left=side(n=5)).method
    assert SEED_FIXED in held
    assert SEED_FIXED not in method


def test_a_thousand_rows_do_not_make_a_thousand_lines() -> None:
    found = verdict(metrics(*(row(f"m{n}", "regressed") for n in range(1000))))
    assert len(found.method) < 60
    assert found.sentence.startswith("a deliberate change, worse: m0, m1, m2 and 997 more")


def test_two_runs_that_did_not_end_cannot_be_told() -> None:
    still = side(status="running")
    found = verdict(left=replace(still, id="nrqsaaaa"), right=still)
    assert (found.word, found.sentence) == (
        "cannot tell",
        "cannot tell: nrqs is still running and kwpz is still running",
    )


def test_two_failures_with_other_exit_codes_are_different() -> None:
    failed = side(status="failed")
    ended = Delta("status", "changed", "exit 1", "exit 3")
    found = verdict(ended, left=replace(failed, id="nrqsaaaa"), right=failed)
    assert (found.word, found.relation) == ("different", "changed")
    assert found.sentence == "nrqs ended with exit 1, kwpz with exit 3"


def test_costs_that_do_not_count_are_nothing_that_could_differ() -> None:
    time = row("time", "cannot tell", "cost", counted=False)
    found = verdict(whole("cost", [time]), whole("outputs", []), causes=causes("same"))
    assert "no metric, case or output is recorded" in found.sentence


def test_causes_that_are_not_known_are_no_differences() -> None:
    found = verdict(metrics(row("acc", "same")), causes=causes("unknown", "same"))
    assert found.causes == 0
    assert found.sentence == "no recorded cause is known to differ, and no effect does"


def test_a_value_that_is_no_number_is_not_blamed_on_a_tolerance() -> None:
    judgement = judge([Row("loss", [0.1], [float("nan")])])[0]
    found = verdict(metrics(Delta("metrics/loss", "changed", judgement=judgement)))
    assert found.word == "beyond noise"
    assert found.sentence.endswith("beyond noise: loss. A value that is no finite number is no noise")


def test_two_runs_of_one_recipe_are_said_to_share_it() -> None:
    both = side(n=3, repeats=["x", "y"])
    method = verdict(metrics(row("acc", "same")), left=both, right=both).method
    assert method[0] == "runs: both are runs of one recipe, which has 2 others"


WORDS = st.sampled_from(sorted(RELATION_OF))
STATUS = st.sampled_from(
    ["ok", "failed", "interrupted", "incomplete", "not-started", "lost", "damaged", "running"]
)
RELATION = st.sampled_from(RELATIONS)


@given(
    st.lists(st.tuples(WORDS, st.booleans()), max_size=4),
    st.lists(RELATION, max_size=3),
    st.lists(RELATION, max_size=3),
    RELATION,
    STATUS,
    STATUS,
)
def test_any_comparison_gets_a_verdict_whose_word_and_relation_agree(
    words: list[tuple[Word, bool]],
    outputs: list[Relation],
    why: list[Relation],
    comparable: Relation,
    left: str,
    right: str,
) -> None:
    found = verdict(
        metrics(*(row(f"m{n}", word, counted=counted) for n, (word, counted) in enumerate(words))),
        whole("outputs", [Delta(f"outputs/o{n}", relation) for n, relation in enumerate(outputs)]),
        causes=causes(*why),
        comparability=Delta("comparability", comparable),
        left=side(status=left),
        right=side(status=right),
    )
    if found.word == "different" or found.word == "not comparable":
        assert found.relation == "changed"
    elif found.word == "cannot tell":
        assert found.relation in ("unknown", "changed")
    else:
        assert found.relation == RELATION_OF[found.word] or found.relation == "changed"
    if found.relation in ("unknown", "changed"):
        assert found.word not in ("same", "within noise", "within tolerance")
    assert found.sentence
    assert not found.sentence.endswith(".")
    named = re.findall(r"\bxt (\w+)", " ".join([found.sentence, *found.method]))
    assert set(named) <= COMMANDS
