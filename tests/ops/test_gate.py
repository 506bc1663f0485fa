"""`--fail-on`: what passes, what fails, and that what cannot be told never passes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from tests.comparisons import ALL, LEFT, RIGHT, comparison, effects, judged, metric, untold
from tests.render.trees import comparisons
from xt.errors import UsageError
from xt.model.delta import Delta, whole
from xt.ops.diff.gate import NAMES, gates, names, status_of


def judge(found, name):
    (gate,) = gates(found, [name])
    assert (gate.passed is True) == (gate.reasons == [])
    return gate


def acc(word, left=0.9, right=0.8, **fields):
    return metric("acc", left, right, judged(word, left, right, 0.01, **fields))


def measured(*rows, **sections):
    return comparison(effects_found=effects(metrics=list(rows), **sections))


@pytest.mark.parametrize(
    ("rows", "regression", "divergent"),
    [
        ([acc("regressed", direction="worse")], False, False),
        ([acc("improved", direction="better")], True, False),
        ([acc("within noise")], True, True),
        ([acc("within tolerance")], True, True),
        ([metric("acc", 0.9, 0.8, untold(0.9, 0.8))], None, None),
        # What has no goal gets neither better nor worse, and alone says nothing of a regression.
        ([acc("beyond noise", goal="none")], None, False),
        (
            [acc("within noise"), metric("steps", 1, 2, judged("beyond noise", 1, 2, 0.1, goal="none"))],
            True,
            False,
        ),
        ([acc("regressed"), metric("f1", 0.9, 0.8, untold(0.9, 0.8))], False, False),
        ([], None, None),
    ],
)
def test_metrics(rows, regression, divergent):
    found = measured(*rows)
    assert judge(found, "regression").passed is regression
    assert judge(found, "divergent").passed is divergent


def test_a_hidden_cohort_is_a_regression():
    gate = judge(ALL["hidden-cohort"](), "regression")
    assert gate.passed is False
    assert any("{" in path for path in gate.paths)


def test_outputs_count_for_divergent_alone():
    rows = [acc("within noise")]
    found = measured(*rows, outputs=[Delta("outputs/model.npz", "changed", note="different")])
    assert judge(found, "regression").passed is True
    gate = judge(found, "divergent")
    assert (gate.passed, gate.paths) == (False, ["outputs/model.npz"])
    unread = measured(*rows, outputs=[Delta("outputs/model.npz", "unknown", note="the object is gone")])
    gate = judge(unread, "divergent")
    assert (gate.passed, gate.unknown) == (None, ["outputs/model.npz"])
    assert "the object is gone" in gate.reasons[0]


def test_a_metric_that_is_gone_is_no_pass():
    gone = Delta("metrics/f1", "unknown", 0.9, None, change="removed")
    gone = replace(gone, judgement=judged("not comparable", 0.9, 0.9, reason="it is only on the left"))
    for name in ("regression", "divergent"):
        assert judge(measured(acc("within noise"), gone), name).passed is None


def test_what_is_not_comparable_passes_nothing():
    apart = whole("comparability", [Delta("comparability/cases", "changed", note="other cases")])
    for name in ("regression", "divergent"):
        found = replace(measured(acc("within noise")), comparability=apart)
        gate = judge(found, name)
        assert gate.passed is None
        assert "other cases" in gate.reasons[0]


@pytest.mark.parametrize("status", ["failed", "interrupted", "lost", "not-started", "incomplete"])
def test_a_run_that_ended_badly_fails_and_a_reference_that_did_tells_nothing(status):
    rows = effects(metrics=[acc("within noise")])
    for name in ("regression", "divergent"):
        bad = comparison(effects_found=rows, right=replace(RIGHT, status=status))
        assert judge(bad, name).passed is False
        bad = comparison(effects_found=rows, left=replace(LEFT, status=status))
        assert judge(bad, name).passed is None
        bad = comparison(
            effects_found=rows, left=replace(LEFT, status=status), right=replace(RIGHT, status=status)
        )
        assert judge(bad, name).passed is None
    assert judge(comparison(right=replace(RIGHT, status=status)), "incomplete").passed is False


@pytest.mark.parametrize("status", ["running", "damaged", "unknown"])
def test_a_run_that_cannot_be_judged_passes_nothing(status):
    for name in NAMES:
        assert judge(comparison(right=replace(RIGHT, status=status)), name).passed is None


def test_incomplete_is_of_the_judged_run_alone():
    assert judge(comparison(), "incomplete").passed is True
    assert judge(comparison(left=replace(LEFT, lacking=["seed"])), "incomplete").passed is True
    gate = judge(comparison(right=replace(RIGHT, lacking=["seed", "code"])), "incomplete")
    assert gate.passed is False
    assert gate.reasons == ["kwpz has no seed", "kwpz has no code"]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(found=comparisons())
def test_only_what_agrees_passes(found):
    made = {gate.name: gate for gate in gates(found, NAMES)}
    for gate in made.values():
        assert (gate.passed is True) == (gate.reasons == [])
        assert status_of([gate]) == {True: 0, False: 1, None: 3}[gate.passed]
        if gate.passed:
            assert found.right.status == "ok"
            assert gate.name == "incomplete" or found.left.status == "ok"
    if made["divergent"].passed:
        assert {found.effects.relation, found.comparability.relation} <= {"same", "within"}


def test_one_that_fails_outweighs_one_that_cannot_be_told():
    found = gates(comparison(right=replace(RIGHT, lacking=["seed"])), ["regression", "incomplete"])
    assert [gate.passed for gate in found] == [None, False]
    assert status_of(found) == 1
    assert status_of(found[:1]) == 3
    assert status_of([]) == 0


def test_names():
    assert names("regression, incomplete,regression") == ["regression", "incomplete"]
    for text, said in (("regresion", "regresion"), ("", "nothing is named"), (" , ", "nothing is named")):
        with pytest.raises(UsageError, match=said):
            names(text)
