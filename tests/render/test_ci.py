"""Reports for jobs, read back as providers read them: what others wrote is never more than text."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from tests import builders, ci_readers
from tests.comparisons import ALL, comparison, effects, judged, metric, untold
from tests.render.hostile import FORBIDDEN, NASTY, words
from xt.model.audit import Audit, Audits, Item, Unreadable
from xt.model.ci import Account, Figure, Remark
from xt.model.delta import Delta, Gate
from xt.model.result import Metric, Number
from xt.render import audit_markdown, ci_github, ci_run, diff_junit
from xt.render.ci_files import FAMILIES, dotenv, openmetrics
from xt.render.ci_section import section

AT = "2026-11-23T10:00:00.000000Z"
EVIL = [
    *NASTY,
    "a\n::error::owned",
    "%0A::add-mask::x",
    "::set-output name=x::y",
    "##[add-mask]e",
    "##vso[task.setvariable variable=x]y",
    "a,b:c=d",
    "x'\"<>&]]>",
    "\\",
]
evil = st.one_of(st.sampled_from(EVIL), words)
remarks = st.lists(
    st.builds(
        Remark,
        st.sampled_from(["error", "warning", "notice"]),
        evil,
        evil,
        st.none() | evil.filter(bool),
        st.none() | st.integers(1, 10**6),
    ),
    max_size=30,
)
numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.sampled_from(["nan", "inf", "-inf"]).map(Number),
)
figures = st.lists(
    st.builds(Figure, st.sampled_from(list(FAMILIES)), numbers, st.dictionaries(st.just("metric"), evil)),
    max_size=20,
)


def account(**changes):
    fields = {
        "command": "run",
        "at": AT,
        "title": "run kwpz",
        "sentence": "ok",
        "passed": True,
        "run": "k" * 16,
    }
    return Account(**{**fields, **changes})


@settings(max_examples=60, deadline=None)
@given(found=remarks)
def test_workflow_commands_say_what_was_meant_and_nothing_else(found):
    lines = ci_github.commands(account(remarks=found))
    read = ci_readers.commands("\n".join(lines))
    assert len(read) == len(lines)
    for kind in ("error", "warning", "notice"):
        some = [one for one in read if one.name == kind]
        meant = [one for one in found if one.kind == kind]
        assert len(some) == min(len(meant), 10)
        for one, said in zip(some, meant[: 10 if len(meant) <= 10 else 9], strict=False):
            assert set(one.properties) <= {"file", "line", "title"}
            assert not FORBIDDEN.search(one.text)
            if said.text.isprintable() and "%" not in said.text:
                assert one.text == said.text
            if said.file is not None and said.file.isprintable() and "%" not in said.file:
                assert one.properties["file"] == said.file
    assert all(one.name in ("error", "warning", "notice") for one in read)


def test_more_annotations_than_are_shown_are_counted():
    lines = ci_github.commands(account(remarks=[Remark("error", str(n)) for n in range(12)]))
    assert len(lines) == 10
    assert lines[-1] == "::error title=run kwpz::and 3 more errors: the summary of the job has all"


@given(text=evil, verdict=evil)
def test_outputs_cannot_end_early(text, verdict):
    written = ci_github.outputs(account(run=text, verdict=verdict, passed=None), "0f" * 16)
    read = ci_readers.outputs(written)
    assert set(read) == {"run-id", "verdict", "passed"}
    assert read["passed"] == "unknown"
    assert "\n" not in read["run-id"]


@pytest.mark.parametrize("style", ["", "json", "junit", "markdown"])
@given(parts=st.lists(evil, max_size=5))
def test_a_report_on_standard_output_is_no_command(style, parts):
    text = json.dumps(parts, ensure_ascii=False) if style == "json" else "\n".join(parts)
    safe = ci_github.harmless(text, style)
    assert not ci_readers.OLDER.search(safe)
    assert ci_readers.commands(safe) == []
    if style == "json":
        assert json.loads(safe) == parts


def test_a_report_without_commands_stays_as_it_is():
    text = "a::b\n  c: d #1 ## title\nstd::vector [x]\n"
    assert ci_github.harmless(text) == text


@settings(max_examples=60, deadline=None)
@given(found=st.lists(figures, max_size=3))
def test_numbers_are_openmetrics(found):
    data = openmetrics([account(figures=some) for some in found])
    read = ci_readers.openmetrics(data)
    told = {(one.name, one.labels.get("metric")) for some in found for one in some}
    assert len(read) <= len(told)
    assert bool(read) == bool(told)


def test_the_reader_of_prometheus_reads_the_same():
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    some = [Figure("xt_metric", 0.5, {"metric": text}) for text in EVIL]
    some += [Figure("xt_run_seconds", 8.25), Figure("xt_run_peak_memory_bytes", 2**40, {"task": "a"})]
    data = openmetrics([account(figures=some)])
    samples = [
        sample for family in parser.text_string_to_metric_families(data.decode()) for sample in family.samples
    ]
    read = {(one.name, tuple(sorted(one.labels.items()))): one.value for one in samples}
    assert read == ci_readers.openmetrics(data)


def test_the_later_of_two_numbers_is_told_and_special_ones_have_their_words():
    first = account(
        figures=[Figure("xt_metric", 1, {"metric": "a"}), Figure("xt_metric", 2, {"metric": "b"})]
    )
    later = account(figures=[Figure("xt_metric", Number("nan"), {"metric": "a"})])
    later_still = account(figures=[Figure("xt_metric", Number("-inf"), {"metric": "c"})])
    read = ci_readers.openmetrics(openmetrics([first, later, later_still]))
    assert math.isnan(read["xt_metric", (("metric", "a"),)])
    assert read["xt_metric", (("metric", "b"),)] == 2
    assert read["xt_metric", (("metric", "c"),)] == -math.inf


@given(found=st.lists(st.tuples(evil, evil, st.sampled_from([True, False, None])), max_size=4))
def test_variables_have_no_spaces(found):
    read = ci_readers.dotenv(dotenv([account(run=run, verdict=word, passed=ok) for run, word, ok in found]))
    passed = [ok for *_, ok in found]
    assert read["XT_CI_PASSED"] == ("false" if False in passed else "unknown" if None in passed else "true")


def test_a_later_command_of_the_job_adds_to_the_variables():
    read = ci_readers.dotenv(
        dotenv(
            [
                account(status="ok"),
                account(command="verify", level="identical"),
                account(command="diff", verdict="within noise", passed=None),
            ]
        )
    )
    assert read == {
        "XT_CI_RUN": "k" * 16,
        "XT_CI_STATUS": "ok",
        "XT_CI_LEVEL": "identical",
        "XT_CI_VERDICT": "within-noise",
        "XT_CI_PASSED": "unknown",
    }


@given(text=evil)
def test_a_section_has_its_own_marks_and_no_others(text):
    written = section("xt run/1", text, "body\n", 12.9)
    assert written.count("\x1b[0K") == 4
    assert written.startswith("\x1b[0Ksection_start:12:xt_run_1[collapsed=true]\r\x1b[0K")
    assert written.endswith("\x1b[0Ksection_end:12:xt_run_1\r\x1b[0K\n")
    assert "\nbody\n" in written


def run_of(text):
    """A run with a text wherever somebody can put one."""
    context = builders.context(purpose=text, name=text, task=text or None)
    output = builders.result().outputs[0]
    result = builders.result(
        metrics=[Metric(text or "m", 0.5, "m.json"), Metric("cohort", 1, "m.json", labels={"by": text})],
        outputs=[replace(output, declared=text, path=None, status="missing", reason=text)],
        status="failed",
        exit_code=1,
    )
    snapshot = builders.snapshot(command=builders.command("sh", "-c", text), context=context)
    told = account(
        passed=False, sentence=text or "failed", title=f"run {text}", remarks=[Remark("warning", text, text)]
    )
    return builders.record(snapshot, result), told


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=evil, log=st.lists(evil, max_size=4))
def test_a_run_is_valid_junit_and_harmless_markdown(text, log):
    record, told = run_of(text)
    cases = ci_readers.junit(ci_run.junit(record, told, log))
    assert len(cases) == 2
    assert all(case.find("failure") is not None for case in cases.values())
    markdown = ci_run.markdown(record, told, {}, "", log, 100_000)
    assert_plain(markdown)


def assert_plain(markdown):
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(markdown)
    known = {"<details>", "<details open>", "</details>", "<summary>", "</summary>", "<strong>", "</strong>"}
    for token in [inner for outer in tokens for inner in (outer, *(outer.children or ()))]:
        assert token.type not in ("link_open", "image", "s_open", "em_open")
        if token.type == "html_inline":
            assert token.content in known


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=evil)
def test_an_audit_is_harmless_markdown(text):
    item = Item(text or "purpose", False, missing=text, supply=text, command=text)
    found = Audit("k" * 16, 4, "ok", AT, False, [item, Item("x", True, text, text)], purpose=text)
    assert_plain(audit_markdown.render(Audits(False, [found], notes=[text])))
    assert_plain(audit_markdown.render(Audits(False, [found, found], [Unreadable("l" * 16, 4, text)])))


def test_a_long_run_fits_and_says_what_was_cut():
    record, told = run_of("x" * 50)
    markdown = ci_run.markdown(record, told, {}, "", ["y" * 500] * 400, 20_000)
    assert len(markdown.encode()) <= 20_000
    assert "1 part of this report left out: it would be longer than 20 KB" in markdown


@pytest.mark.parametrize("name", ALL)
def test_every_comparison_is_valid_junit(name):
    found = ALL[name]()
    cases = ci_readers.junit(diff_junit.render(found))
    failed = [key for key, case in cases.items() if case.find("failure") is not None]
    assert bool(failed) == (found.verdict.word == "regressed" and name != "failed")


def test_a_gate_decides_what_fails_and_what_is_an_error():
    rows = [metric("a", 1, 2, judged("beyond noise", 1, 2, 0.1)), metric("b", 1, 2, untold(1, 2))]
    found = comparison(effects_found=effects(metrics=rows, outputs=[Delta("outputs/x\x07", "changed")]))
    cases = ci_readers.junit(diff_junit.render(found))
    assert [case.find("failure") for case in cases.values()] == [None] * len(cases)
    assert cases["xt.diff metrics/b"].find("skipped") is not None
    gate = Gate("divergent", False, ["not the same: a"], ["metrics/a", "outputs/x\x07"], ["metrics/b"])
    cases = ci_readers.junit(diff_junit.render(replace(found, gates=[gate])))
    assert cases["xt.diff gate divergent"].find("failure").get("message") == "not the same: a"
    assert cases["xt.diff metrics/a"].find("failure") is not None
    assert cases["xt.diff outputs/x\\x07"].find("failure") is not None
    assert cases["xt.diff metrics/b"].find("error") is not None
