"""`xt diff` as a page of a terminal."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.builders import NOW
from tests.comparisons import (
    ALL,
    PATCH,
    RIGHT,
    blob,
    busy,
    causes,
    changed,
    comparison,
    cost,
    effects,
    file,
    judged,
    metric,
    package,
    words,
)
from tests.render.golden import check
from tests.render.hostile import SGR, assert_harmless
from tests.render.trees import comparisons
from xt.model.delta import Comparison, Delta, Judgement, Measure, Sample, whole
from xt.model.result import Number
from xt.render.diff import NARROWEST, WIDEST, render
from xt.render.diff_view import CAUSES, EFFECTS, View


def page(found: Comparison, width: int = 100, colour: bool = False, **wishes: object) -> str:
    return render(found, View(**wishes), NOW, width, colour)


def of(*metrics: Delta, **wishes: object) -> str:
    return page(comparison(effects_found=effects(metrics=list(metrics))), **wishes)


def row(text: str, name: str) -> list[str]:
    """The cells of a row of the table."""
    line = next(line for line in text.splitlines() if line.startswith(f"  {name} "))
    return re.split(r" {2,}", line.strip())


def section(text: str, label: str) -> str:
    """A block's text without its label, one space between words."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith(f"  {label} ") or (found and line.startswith(" " * 11)):
            found.append(line[11:])
        elif found:
            break
    return " ".join(" ".join(found).split())


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("name", ALL)
def test_a_page(name: str, width: int) -> None:
    check(f"diff-{name}-{width}", page(ALL[name](), width))


def test_a_page_in_colour() -> None:
    check("diff-colour", page(busy(), 100, colour=True))


def test_a_page_that_explains() -> None:
    check("diff-explained", page(busy(), 100, explain=True, sections="effects"))


def test_a_page_on_a_phone() -> None:
    check("diff-busy-40", page(busy(), 40))


@pytest.mark.parametrize("width", [0, 24, 59, 60, 80, 300])
@pytest.mark.parametrize("name", ALL)
def test_colour_changes_no_text_and_all_of_it_fits(name: str, width: int) -> None:
    text = page(ALL[name](), width, explain=True)
    assert SGR.sub("", page(ALL[name](), width, colour=True, explain=True)) == text
    assert_harmless(text, max(width, NARROWEST))
    assert max(cell_len(line) for line in text.splitlines()) <= WIDEST


views = st.builds(
    View,
    code=st.sampled_from([None, True, False]),
    stat=st.booleans(),
    sections=st.sampled_from(["all", "causes", "effects", *CAUSES, *EFFECTS]),
    word_diff=st.booleans(),
    explain=st.booleans(),
    by=st.sampled_from([[], ["digit"]]),
)


@given(comparisons(), views, st.integers(NARROWEST, 140))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=12)
def test_whatever_a_tree_holds_every_line_fits_and_does_no_harm(
    found: Comparison, options: View, width: int
) -> None:
    text = render(found, options, NOW, width, False)
    assert_harmless(text, width)
    assert SGR.sub("", render(found, options, NOW, width, True)) == text


# ---- head, verdict, what is wanted


def test_the_head_names_both_runs_and_counts() -> None:
    head = page(busy()).splitlines()[0]
    assert head.startswith("baseline nrqs → kwpz   ")
    assert head.endswith("3 causes differ · 2 metrics moved beyond noise")


def test_a_run_that_lacks_evidence_is_marked() -> None:
    found = comparison(right=replace(RIGHT, lacking=["purpose", "seed"], purpose=None))
    assert "kwpz  – no purpose  not evidence: no purpose, no seed" in page(found)


def test_without_purposes_there_are_no_lines_for_them() -> None:
    found = comparison(left=replace(RIGHT, purpose=None), right=replace(RIGHT, purpose=None))
    assert "purpose" not in page(found)


def test_an_unknown_metric_is_not_said_to_have_stayed() -> None:
    untold = judged("cannot tell", 1.0, 2.0, n=(1, 1), reason="n=1")
    assert "no metric known to have moved" in of(metric("a", 1.0, 2.0, untold))
    assert "no metric moved" in of(metric("a", 1.0, 1.0))


@pytest.mark.parametrize("name", CAUSES + EFFECTS)
def test_only_the_section_that_is_asked_for(name: str) -> None:
    found = busy()
    if name == "facts":  # most runs have none
        declared = whole("facts", [Delta("facts/labelling", "changed", "v3", "v4")])
        found = replace(found, causes=whole("causes", [*found.causes.children, declared]))
    text = page(found, sections=name)
    assert ("Causes" in text) == (name in CAUSES)
    assert ("Effects" in text) == (name in EFFECTS)
    assert "Verdict" not in text


def test_what_is_not_comparable_is_said_before_the_numbers() -> None:
    text = page(ALL["not-comparable"]())
    assert text.index("not comparable: data/test.csv (evaluation data) differs") < text.index("Effects")
    assert "caution: which harness" in text
    # The comparability of what is comparable takes no line.
    assert "comparable" not in page(busy())


# ---- causes


def test_equal_causes_are_one_line() -> None:
    assert section(page(comparison()), "same") == "code, params, command, inputs, environment, seed"


def test_an_unknown_cause_says_why() -> None:
    found = causes(code=Delta("code", "unknown", note="nrqs has no snapshot: git said no"))
    text = page(comparison(found))
    assert section(text, "code") == "unknown: nrqs has no snapshot: git said no"
    assert "code" not in section(text, "same")


def test_long_patches_are_folded_to_their_sizes() -> None:
    long = "\n".join(f"+line {number}" for number in range(41))
    found = comparison(causes(code=whole("code", [file("a.py", 41, 0, long), file("b.py", 1, 1, PATCH)])))
    folded = section(page(found), "code")
    assert "line 3" not in folded
    assert "46 lines of diff: xt diff --code" in folded
    assert "+line 40" in page(found, code=True)
    assert "+line 40" in page(found, sections="code")
    for wishes in ({"code": False}, {"stat": True}):
        assert "step" not in page(found, **wishes)
        assert "a.py | 41 +" in page(found, **wishes)


def test_bars_are_on_one_scale_and_never_vanish() -> None:
    found = whole("code", [file("a.py", 900, 300), file("b.py", 1, 0), file("c.py", 0, 0)])
    lines = [
        line.split(" | ")[1] for line in page(comparison(causes(code=found))).splitlines() if " | " in line
    ]
    assert lines[0] == "1200 " + "+" * 22 + "-" * 8
    assert lines[1] == "   1 +"
    assert lines[2] == "   0"


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("tab", ["", "\t\t"])
def test_what_differs_in_a_long_line_is_seen(width: int, tab: str) -> None:
    start = tab + "; ".join(f"w[{number}] -= a.lr*g*x" for number in range(9))
    patch = f"@@ -1,2 +1,2 @@\n {start}\n-{start}; b -= g\n+{start}; b -= 0.5*g"
    text = page(comparison(causes(code=whole("code", [file("a.py", 1, 1, patch)]))), width=width)
    lines = text.splitlines()
    assert [line for line in lines if re.search(r"-….*; b -= g$", line)], text
    assert [line for line in lines if re.search(r"\+….*; b -= 0.5\*g$", line)], text
    assert max(map(len, lines)) <= width


def test_word_diffs_keep_their_marks() -> None:
    found = causes(code=whole("code", [file("a.py", 1, 1, "@@ -1 +1 @@\nlr = [-0.1-]{+0.05+}")]))
    assert "lr = [-0.1-]{+0.05+}" in page(comparison(found), word_diff=True)
    assert "\x1b[1m{+0.05+}\x1b[0m" in page(comparison(found), colour=True, word_diff=True)


def test_tabs_of_code_are_spaces() -> None:
    found = causes(code=whole("code", [file("a.go", 1, 0, "@@ -1 +1 @@\n+\tx := 1")]))
    assert "+    x := 1" in page(comparison(found))


def test_params_are_aligned_and_unambiguous() -> None:
    found = whole(
        "params",
        [
            changed("params/lr", 0.1, 0.05),
            changed("params/flag", True, "true"),
            Delta("params/depth", "changed", None, 3, change="added"),
            Delta("params/old", "changed", [1, "a"], None, change="removed"),
            changed("params/none", None, 0),
        ],
    )
    text = section(page(comparison(causes(params=found))), "params")
    assert text == 'lr 0.1 → 0.05 flag true → "true" depth added 3 old removed [1,"a"] none null → 0'


def test_a_command_is_drawn_once() -> None:
    found = words(["python", "train.py", "--lr"], (["0.1"], ["0.05"]), ["--x", "a b"], (["--fast"], []))
    text = section(page(comparison(causes(command=found))), "command")
    assert text == "python train.py --lr [-0.1-] {+0.05+} --x 'a b' [---fast-]"


def test_long_equal_stretches_of_a_command_are_folded() -> None:
    found = words(["python", *map(str, range(50))], (["a"], ["b"]), [*map(str, range(50))])
    text = section(page(comparison(causes(command=found))), "command")
    assert text == "python 0 1 … 46 words … 48 49 [-a-] {+b+} 0 1 … 48 words …"


def test_of_many_packages_some_are_listed_and_all_are_counted() -> None:
    found = whole("environment", [package(f"p{number}", "1", "2") for number in range(43)])
    assert section(page(comparison(causes(environment=found))), "env").endswith(
        "p11 1 → 2 and 31 more differences: --only environment"
    )
    assert "p42" in page(comparison(causes(environment=found)), sections="environment")


def test_an_older_package_is_called_older() -> None:
    found = whole("environment", [package("torch", "2.10", "2.9", "down"), package("x", None, "1", "added")])
    assert section(page(comparison(causes(environment=found))), "env") == "torch 2.10 → 2.9 (older) x added 1"


def test_an_input_with_equal_size_shows_its_content() -> None:
    found = whole("inputs", [changed("inputs/data/a.bin", blob(10, "1"), blob(10, "2"))])
    text = section(page(comparison(causes(inputs=found))), "inputs")
    assert text == "data a.bin 10 B · blake3 111111… → 222222…"


def test_context_is_never_a_cause() -> None:
    found = comparison(context=whole("context", [changed("context/user", "ana", "you")], counted=False))
    assert section(page(found), "context") == "user ana → you"
    assert "no cause differs" in page(found)


# ---- numbers


@pytest.mark.parametrize(
    ("left", "right", "unit", "said"),
    [
        (0.968, 0.972, None, ["0.968", "0.972", "+0.004", "+0.4 %"]),
        (0.96849, 0.97151, None, ["0.9685", "0.9715", "+0.0030", "+0.3 %"]),
        (0.0904, 0.0811, None, ["0.0904", "0.0811", "−0.0093", "−10.3 %"]),
        (12, 15, None, ["12", "15", "+3", "+25.0 %"]),
        (-1.5, 2.25, None, ["−1.50", "2.25", "+3.75", "+250 %"]),
        (8.1, 8.4, "s", ["8.1 s", "8.4 s", "+0.3 s", "+3.7 %"]),
        (0.25, 0.5, "s", ["250 ms", "500 ms", "+250 ms", "+100 %"]),
        (5400, 5460, "s", ["90 min", "91 min", "+1 min", "+1.1 %"]),
        (212e6, 214.4e6, "B", ["212 MB", "214 MB", "+2 MB", "+1.1 %"]),
        (900, 2100, "B", ["0.9 KB", "2.1 KB", "+1.2 KB", "+133 %"]),
        (96.8, 97.2, "%", ["96.8", "97.2", "+0.4", "+0.4 %"]),
        (3e-7, 4e-7, None, ["3e−7", "4e−7", "+1e−7", "+33.3 %"]),
        (0.0, 0.5, None, ["0.0", "0.5", "+0.5"]),
    ],
)
def test_numbers_of_a_row_agree(left: float, right: float, unit: str | None, said: list[str]) -> None:
    found = judged("beyond tolerance", left, right, n=(1, 1))
    assert row(of(metric("a", left, right, found, unit=unit)), "a")[1 : 1 + len(said)] == said


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
@settings(deadline=None)
def test_the_difference_is_the_difference_of_what_is_shown(left: float, right: float) -> None:
    cells = row(of(metric("a", left, right, judged("beyond tolerance", left, right, n=(1, 1)))), "a")
    shown = [float(cell.replace("−", "-")) for cell in cells[1:4]]
    decimals = max((len(cell.partition(".")[2]) for cell in cells[1:4] if "e" not in cell), default=0)
    if not any("e" in cell for cell in cells[1:4]):
        assert abs(shown[1] - shown[0] - shown[2]) <= 1.01 * 10.0**-decimals + 1e-9


@pytest.mark.parametrize("value", [Number("nan"), {"special": "nan"}, float("nan")])
def test_what_is_no_number_is_named(value: object) -> None:
    found = judged("not comparable", 0.5, 0.5, n=(1, 1))
    assert row(of(metric("a", 0.5, value, replace(found, right=None, delta=None))), "a")[:3] == [
        "a",
        "0.5",
        "nan",
    ]


def test_repeats_make_the_numbers_means() -> None:
    found = judged("within noise", 0.5, 0.6, 0.2)
    text = of(metric("a", 0.41, 0.6, found))
    assert row(text, "a")[1:3] == ["0.5", "0.6"]
    assert re.split(r" {2,}", text.splitlines()[-6])[1:3] == ["nrqs ×5", "kwpz"]
    assert "nrqs ×5: means of the runs of one recipe" in text
    assert "noise (n=5)" in text


def test_rows_of_different_numbers_of_runs_are_not_given_one() -> None:
    text = of(
        metric("a", 0.5, 0.6, judged("within noise", 0.5, 0.6, 0.2)),
        metric("b", 0.5, 0.6, judged("cannot tell", 0.5, 0.6, n=(1, 1))),
    )
    assert "nrqs ×1–5" in text


# ---- verdicts of rows


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (judged("within noise", 1, 2, 3), "within noise"),
        (judged("within tolerance", 1, 2), "within tolerance"),
        (judged("improved", 1, 2, 0.5, direction="better"), "beyond noise, better ▲"),
        (judged("regressed", 1, 2, 0.5, direction="worse"), "beyond noise, worse ▼"),
        (judged("regressed", 1, 2, direction="worse"), "over tolerance, worse ▼"),
        (judged("beyond tolerance", 1, 2), "over tolerance"),
        (judged("beyond noise", 1, 2, 0.5), "beyond noise"),
        (judged("not comparable", 1, 2), "not comparable"),
    ],
)
def test_verdicts_in_words(found: Judgement, said: str) -> None:
    assert row(of(metric("a", 1, 2, found)), "a")[-1] == said


def test_only_better_and_worse_have_colour() -> None:
    text = page(busy(), colour=True)
    assert set(re.findall("\x1b\\[3[12]m([^\x1b]*)", text)) == {"worse ▼", "better ▲", "fixed", "broken"}


def test_a_shared_reason_is_a_footnote() -> None:
    found = judged("cannot tell", 1.0, 2.0, n=(1, 1), reason="one run each")
    text = of(metric("a", 1.0, 2.0, found), metric("b", 1.0, 2.0, found))
    assert text.count("one run each") == 1
    other = replace(found, reason="the spread is zero")
    text = of(metric("a", 1.0, 2.0, found), metric("b", 1.0, 2.0, other))
    assert "cannot tell: the spread is zero (b)" in text


def test_what_moved_comes_first_and_equal_metrics_are_counted() -> None:
    many = [metric(f"m{number}", 1.0, 1.0) for number in range(9)]
    text = of(*many, metric("z", 1.0, 2.0, judged("regressed", 1, 2, 0.5, direction="worse")))
    assert "m3" not in text
    assert "  same     status ok, 9 metrics\n" in text
    assert "m3" in of(*many, sections="metrics")


def test_a_cohort_is_shown_when_it_moved_or_is_asked_for() -> None:
    text = page(busy())
    assert "\n    digit=8 " in text
    assert "digit=3" not in text
    assert "\n    digit=3 " in page(busy(), by=["digit"])
    assert "digit=3" not in page(busy(), by=["split"])


def test_explanations_say_what_could_not_have_been_seen() -> None:
    text = page(busy(), explain=True)
    assert "a true change of 0.012 would be seen 4 times of 5" in text
    assert "Student, one run against 5 repeats, p = 0.003, a change needs p < 0.0125" in text
    assert "would not have been seen" not in page(busy())


def test_two_series_are_drawn_on_one_scale_with_gaps() -> None:
    curve = Delta("metrics/a:series", "changed", [0.0, None, 7.0], [7.0, 7.0, 3.5])
    text = of(metric("a", 7.0, 3.5, judged("improved", 7.0, 3.5, 1, direction="better"), children=[curve]))
    assert "nrqs ▁ █ 0 → 7\n" in text
    assert "kwpz ██▅ 7 → 3.5\n" in text


# ---- what else came out


def test_a_cost_nobody_judged_is_information() -> None:
    found = Delta("cost/memory", "unknown", 212e6, 214e6, unit="B", counted=False)
    assert row(page(comparison(effects_found=effects(cost=[found]))), "memory") == [
        "memory",
        "212 MB",
        "214 MB",
    ]


def test_a_failed_run_shows_what_it_said() -> None:
    text = page(ALL["failed"]())
    assert text.splitlines()[0].endswith("1 cause differs · ok → exit 1")
    assert "+ValueError: lr: 'ten'" in text
    # Logs of runs that ended alike are behind a word.
    assert "epoch 1/10" not in page(busy())
    assert "+epoch 1/10" in page(busy(), sections="logs")


def test_most_broken_cases_of_one_cohort_are_placed() -> None:
    assert "11 broken (9 of them digit=8)" in page(busy())


def test_outputs_say_how_far_apart_they_are() -> None:
    text = page(busy())
    assert "model.npz  different: w  max |Δ| 0.031 at [12, 4] (tolerance 1e-5)" in text
    assert "  same       status ok, report.html, stderr\n" in text


def test_what_cannot_be_compared_is_not_the_same() -> None:
    text = page(ALL["unexplained"]())
    assert "model.npz  cannot be compared: torn archive" in text


def test_a_section_that_is_unknown_is_never_left_out() -> None:
    found = effects(
        metrics=Delta("metrics", "unknown", note="kwpz has no record of an end", hint="xt show kwpz"),
        cases=Delta("cases", "unknown"),
        outputs=Delta("outputs", "unknown"),
        logs=Delta("logs", "unknown", note="not stored"),
    )
    text = page(comparison(effects_found=found))
    assert "metrics: kwpz has no record of an end · xt show kwpz" in text
    assert "cases    unknown" in text
    assert "outputs: unknown" in text
    assert "logs     not stored" in text
    code = whole("code", [Delta("code/a.py", "unknown"), Delta("code/b.py", "changed", change="removed")])
    said = section(page(comparison(causes(code=code))), "code")
    assert said == "a.py | unknown b.py | removed"


# ---- size


def test_a_huge_comparison_is_a_short_page() -> None:
    files = [
        changed(f"inputs/data/d/{number}", {"size": number}, {"size": number + 1}) for number in range(10_000)
    ]
    tree = changed("inputs/data/d", blob(1, "1", 10_000), blob(2, "2", 10_000), children=files)
    found = comparison(
        causes(inputs=whole("inputs", [tree, *(changed(f"inputs/data/x{n}", {}, {}) for n in range(9_000))])),
        effects(
            metrics=[
                metric(f"m{n}", 0.5, 0.5 + n, judged("within noise", 0.5, 0.5 + n, 1e6)) for n in range(1000)
            ],
            cost=[cost("wall", 1.0, 2.0, "s")],
        ),
    )
    tracemalloc.start()
    text = page(found)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(text.splitlines()) < 80
    assert "and 9 994 more files: --only inputs" in text
    assert "and 8 989 more inputs: --only inputs" in text
    assert peak < 20_000_000


def test_huge_texts_are_cut() -> None:
    found = comparison(
        causes(
            params=whole("params", [changed("params/text", "x" * 5_000_000, "y")]),
            code=whole("code", [file("a.py", 1, 0, "@@ -1 +1 @@\n+" + "z" * 5_000_000)]),
        )
    )
    assert len(page(found, code=True)) < 30_000


def test_a_value_of_one_side_only_has_no_difference() -> None:
    found = replace(
        judged("cannot tell", 0.5, 0.5, n=(1, 1), reason="nrqs does not have it"),
        left=None,
        delta=None,
        right=Sample(1, 0.5),
        ratio=None,
    )
    assert row(of(metric("new", None, 0.5, found, change="added")), "new") == [
        "new",
        "–",
        "0.5",
        "cannot tell",
    ]


def test_measures_name_place_and_bound() -> None:
    part = Delta("outputs/a.json:/x", "within", measures=[Measure("max rel", 1e-9, "/x", 1e-6)])
    out = Delta("outputs/a.json", "within", children=[part])
    text = page(comparison(effects_found=effects(outputs=[out])))
    assert "a.json   equivalent: x  max rel 1e-9 at /x (tolerance 1e-6)" in text


def test_money_is_shown_with_its_currency() -> None:
    text = page(comparison(effects_found=effects(cost=[cost("money", 4.0, 2.0, "EUR")])))
    assert re.search(r"^  money EUR +4 +2 ", text, re.MULTILINE), text
