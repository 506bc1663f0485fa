"""What is said beside and below: notes of files, warnings of rows, the runs behind a mean."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.builders import NOW
from tests.comparisons import causes, changed, comparison, effects, file, judged, metric, words
from xt.model.delta import Comparison, Delta, Judgement, whole
from xt.model.result import Number
from xt.render import diff_html, diff_markdown
from xt.render.diff import render
from xt.render.diff_view import View

FINER = "the tolerance `abs 1e-4` is finer than the metric's resolution: one of 200 cases is 0.005"


def page(found: Comparison, width: int = 100, **wishes: Any) -> str:
    return render(found, View(**wishes), NOW, width, False)


def of(*metrics: Delta) -> Comparison:
    return comparison(effects_found=effects(metrics=list(metrics)))


def everywhere(found: Comparison) -> list[str]:
    """All formats, as one reads them."""
    texts = [page(found, 110), diff_markdown.render(found, View(), NOW), diff_html.render(found, View(), NOW)]
    return [text.replace("&#96;", "`").replace("&#x27;", "'") for text in texts]


# ---- causes


def test_a_change_of_the_mode_alone_is_said_instead_of_no_lines() -> None:
    found = comparison(causes(code=whole("code", [file("a.sh", 0, 0, note="mode 755 → 644")])))
    assert "  a.sh | mode 755 → 644\n" in page(found)
    assert "| a.sh | mode 755 → 644 |" in diff_markdown.render(found, View(), NOW)


def test_the_note_of_a_file_stands_behind_its_bar_or_below() -> None:
    found = comparison(causes(code=whole("code", [file("a.sh", 2, 1, note="mode 755 → 644")])))
    assert "  a.sh | 3 ++-  mode 755 → 644\n" in page(found)
    assert "a.sh | 3 ++-\n" in page(found, 24)
    assert "\n      mode 755 → 644\n" in page(found, 24)


def test_a_command_that_only_repeats_the_params_is_shown_when_asked_for() -> None:
    ran = replace(words(["python"], (["0.1"], ["0.05"])), counted=False)
    found = comparison(causes(params=whole("params", [changed("params/lr", 0.1, 0.05)]), command=ran))
    for text in everywhere(found):
        assert "command" not in text
        assert "code, inputs, environment, seed" in text
    assert "command  python [-0.1-] {+0.05+}" in page(found, sections="command")
    assert "[-0.1-]" in diff_markdown.render(found, View(sections="command"), NOW).replace(
        "&#91;", "["
    ).replace("&#93;", "]")


# ---- effects


def test_noise_that_comes_from_other_repeats_is_given_no_number() -> None:
    single = judged("within noise", 0.5, 0.6, 0.2, n=(1, 1))
    assert "noise  verdict" in " ".join(page(of(metric("a", 0.5, 0.6, single))).split("\n")).replace(
        "     ", " "
    )
    assert "n=1" not in page(of(metric("a", 0.5, 0.6, single)))
    several = judged("within noise", 0.5, 0.6, 0.2, n=(5, 1))
    assert "noise (n=5)" in page(of(metric("a", 0.5, 0.6, single), metric("b", 0.5, 0.6, several)))


def test_explanations_of_means_say_what_the_runs_themselves_gave() -> None:
    text = page(of(metric("a", 0.41, 0.6, judged("within noise", 0.5, 0.6, 0.2))), explain=True)
    assert "mean 0.5 (n=5, sd 0.1) against 0.6 (n=1)" in text
    assert "the runs themselves: 0.41 and 0.60" in text
    single = judged("within noise", 0.5, 0.6, 0.2, n=(1, 1))
    assert "themselves" not in page(of(metric("a", 0.5, 0.6, single)), explain=True)


def test_a_tolerance_finer_than_the_resolution_is_said_below_the_table_once() -> None:
    found = judged("regressed", 0.9, 0.8, direction="worse", n=(1, 1), notes=[FINER, "another note"])
    for text in everywhere(of(metric("a", 0.9, 0.8, found, unit="%"), metric("b", 0.9, 0.8, found))):
        assert text.count(FINER) == 1
        assert f"a, b: {FINER}" in text
        assert "another note" not in text


@pytest.mark.parametrize(
    ("right", "note"),
    [
        (Number("nan"), "it went from `1.0` to `nan`"),
        ({"special": "inf"}, "it became `inf`, which nothing covers"),
    ],
)
def test_a_number_that_is_none_shows_its_note_below_the_table(right: object, note: str) -> None:
    found = Judgement("beyond tolerance", notes=[note])
    for text in everywhere(of(metric("a", 1.0, right, found), metric("b", 1.0, 2.0, found))):
        assert f"a: {note}" in text


def test_remarks_are_at_most_six() -> None:
    rows = [
        metric(f"m{number}", 1.0, Number("nan"), Judgement("beyond tolerance", notes=[f"note {number}"]))
        for number in range(9)
    ]
    text = page(of(*rows))
    assert "  m5: note 5\n  and 3 more remarks: --explain\n" in text
    assert "note 6" not in text


def test_a_cohort_is_named_with_its_metric_below_the_table() -> None:
    bad = Judgement("beyond tolerance", notes=["it became `nan`"])
    rows = metric("acc", 1.0, 1.0, children=[metric("acc{digit=8}", 1.0, Number("nan"), bad)])
    assert "  acc{digit=8}: it became `nan`\n" in page(of(rows))


def test_a_long_reason_of_many_rows_reads_well_at_80_columns() -> None:
    reason = (
        "repeats agree exactly, so they show no spread to hold this against: declare a tolerance, say `abs`"
    )
    exact = judged("cannot tell", 1.0, 2.0, n=(5, 5), reason=reason)
    single = judged("cannot tell", 1.0, 2.0, n=(1, 1), reason="n=1, no tolerance declared")
    rows = [metric(f"loss{number}", 1.0, 2.0, exact) for number in range(5)]
    text = page(of(*rows, metric("z", 1.0, 2.0, single)), 80)
    assert (
        "  cannot tell: repeats agree exactly, so they show no spread to hold this\n"
        "    against: declare a tolerance, say `abs` (loss0, loss1, loss2 and 2 more\n"
        "    rows)\n"
        "  cannot tell: n=1, no tolerance declared (z)\n"
    ) in text
