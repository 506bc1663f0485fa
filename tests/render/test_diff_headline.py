"""The count at the top is of what is on the page."""

from __future__ import annotations

import pytest

from tests.builders import NOW
from tests.comparisons import causes, changed, comparison, cost, effects, judged, metric, untold
from xt.model.delta import Delta, Judgement, Verdict, whole
from xt.render import diff_markdown
from xt.render.diff import render
from xt.render.diff_headline import headline
from xt.render.diff_view import View

#: Of the whole comparison, which the page may show a part of.
VERDICT = Verdict("regressed", "changed", "worse: val/acc", causes=4, beyond=3)
MOVED = judged("regressed", 1.0, 2.0, 0.5, direction="worse")
OVER = judged("beyond tolerance", 1.0, 2.0)


def said(*rows: Delta, before: Delta | None = None, **sections: Delta | list[Delta]) -> str:
    found = effects(**({"metrics": list(rows)} if rows else {}), **sections)
    return headline(comparison(before or Delta("causes", "same"), found, VERDICT))


def test_metrics_that_moved_are_counted_on_the_page() -> None:
    assert said(metric("a", 1.0, 2.0, untold(1.0, 2.0))) == "no metric known to have moved"
    assert said(metric("a", 1.0, 1.0)) == "no metric moved"
    assert said(metric("a", 1.0, 2.0, MOVED)) == "1 metric moved beyond noise"
    assert said(metric("a", 1.0, 2.0, MOVED), metric("b", 1.0, 2.0, OVER)) == "2 metrics moved"


def test_cohorts_count_and_what_does_not_count_is_left_out() -> None:
    cohort = metric("a{digit=8}", 1.0, 2.0, MOVED)
    assert said(metric("a", 1.0, 1.0, children=[cohort])) == "1 metric moved beyond noise"
    assert said(metric("a", 1.0, 2.0, MOVED, counted=False), metric("b", 1.0, 1.0)) == "no metric moved"


def test_costs_and_cases_are_named_as_what_they_are() -> None:
    moved = Delta("cost/wall", "changed", 1.0, 2.0, judgement=MOVED)
    cases = Delta("cases", "changed", judgement=Judgement("regressed", p=0.001))
    assert said(cost=[moved]) == "1 cost moved beyond noise"
    assert said(cost=[cost("wall", 1.0, 2.0, "s")], cases=cases) == "the cases moved beyond noise"
    still = Delta("cases", "within", judgement=Judgement("within noise"))
    assert said(cases=still) == "the cases moved within noise"
    assert said(cases=Delta("cases", "same", judgement=Judgement("same"))) == "the cases did not move"
    untold_cases = Delta("cases", "unknown", judgement=Judgement("cannot tell"))
    assert said(cases=untold_cases) == "the cases are not known to have moved"
    assert said(metric("a", 1.0, 1.0), cases=still) == "no metric moved"
    rows = metric("a", 1.0, 2.0, MOVED)
    assert said(rows, cost=[moved], cases=cases) == "1 metric, 1 cost and the cases moved beyond noise"


@pytest.mark.parametrize(
    ("relations", "expected"),
    [
        (("same", "same"), "no cause differs"),
        (("changed", "same"), "1 cause differs"),
        (("changed", "changed", "unknown"), "2 causes differ · 1 cause not known"),
        (("unknown", "same", "unknown"), "2 causes not known"),
        (("changed",), "1 cause differs"),
        (("same",), "no difference in c0"),
        ((), ""),
    ],
)
def test_causes_are_counted_on_the_page(relations: tuple[str, ...], expected: str) -> None:
    found = [Delta(f"c{number}", relation) for number, relation in enumerate(relations)]  # type: ignore[arg-type]
    assert said(before=whole("causes", found)) == expected


def test_a_cause_that_does_not_count_is_not_counted() -> None:
    found = causes(
        params=whole("params", [changed("params/lr", 0.1, 0.05)]),
        command=Delta("command", "changed", counted=False),
    )
    assert said(before=found) == "1 cause differs"


def test_a_page_with_nothing_to_count_has_no_count() -> None:
    found = comparison(Delta("causes", "same"), Delta("effects", "same"), VERDICT)
    assert render(found, View(sections="logs"), NOW, 80, False).splitlines()[0] == "baseline nrqs → kwpz"
    assert "\n\n\n" not in diff_markdown.render(found, View(sections="logs"), NOW)
