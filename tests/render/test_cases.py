"""`xt cases` and `xt bundle` as pages, whatever is in them."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.builders import NOW, RUN, digest
from tests.render.golden import check
from tests.render.hostile import SGR, assert_harmless, paths, words
from xt.model.bundle import Compared, Content, Shown, Unversioned, Use, Version, Versions
from xt.model.cases import Against, Case, CaseGroup, CasesOfRun, Columns, History, Seen, Share
from xt.model.delta import Delta, Tally
from xt.render import bundles, case_history, cases, cases_data
from xt.spreadsheet import cell

AT = "2026-11-23T09:28:00.000000Z"
FOUND = CasesOfRun(
    run=RUN,
    shown=4,
    started_at=AT,
    output="cases.jsonl",
    chosen="all",
    n=2000,
    passed=1995,
    failed=4,
    unread=1,
    fits=2000,
    columns=Columns("id", "passed", "score", ["topic"], ["why", "question"]),
    mean=0.8125,
    purpose="a politer prompt",
    cohorts=[Share("topic", "maths", 500, 497, 3, 0, 0.5), Share("topic", "", 1500, 1498, 1, 1, 0.91)],
    cases=[
        Case("q11", False, 0.25, {"topic": "law", "why": "refused", "question": "What is " * 20}),
        Case("q12", None, None, {"topic": "maths", "why": None, "question": "What is\n1 + 1?"}),
        Case("q13", True, 1.0, {"topic": "law", "why": ["a", 1], "question": "?"}),
    ],
    more=1997,
    notes=["1 row without an id"],
)
BROKEN = replace(
    FOUND,
    chosen="broken",
    against=Against("nrqszzktwvlmopyx", 4, Tally(3, 1, 2, 190, 1, 0), "baseline"),
    cases=[Case("q11", False, 0.25, {"topic": "law", "why": "refused"}, "law.jsonl", True)],
    by="why",
    groups=[CaseGroup("refused", 9, ["q11", "q12", "q19"]), CaseGroup("", 1, ["q20"])],
    more=0,
)
SCORED = replace(
    BROKEN,
    columns=Columns("id", None, "score", [], []),
    passed=0,
    failed=0,
    cases=[Case("q11", None, 0.25, was=0.5)],
)
PAST = History(
    "q11",
    [
        Seen("nrqszzktwvlmopyx", 4, AT, True, 0.9, "reference"),
        Seen(
            RUN,
            4,
            AT,
            False,
            0.1,
            "a politer prompt, which has a purpose of many words",
            True,
            ["prompts", "params"],
        ),
        Seen("qpxvolkmnzwrstuy", 4, AT, reason="line 2 is not JSON"),
    ],
    "eval",
    2,
    {"topic": "law", "question": "What is " * 40},
    1,
    ["zmnoprst was not looked at: it is damaged"],
)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", ["cases", "broken", "scored", "history"])
def test_pages(name, width):
    if name == "history":
        text = case_history.render(PAST, NOW, width, False)
    else:
        text = cases.render({"cases": FOUND, "broken": BROKEN, "scored": SCORED}[name], NOW, width, False)
    assert_harmless(text, width)
    check(f"cases-{name}-{width}", text)


def test_colours_say_nothing_the_text_does_not():
    for found in (FOUND, BROKEN, SCORED):
        assert SGR.sub("", cases.render(found, NOW, 80, True)) == cases.render(found, NOW, 80, False)
    assert SGR.sub("", case_history.render(PAST, NOW, 80, True)) == case_history.render(PAST, NOW, 80, False)


def test_a_share_is_all_or_nothing_only_when_it_is():
    for passed, failed, said in (
        (1999, 1, "over 99 %"),
        (1, 19_999, "below 1 %"),
        (3, 0, "100 %"),
        (1, 2, "33 %"),
    ):
        text = cases.render(replace(FOUND, passed=passed, failed=failed, unread=0), NOW, 80, False)
        assert f"{passed} passed ({said})" in text


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=4,
)
numbers = st.one_of(st.none(), st.floats(allow_nan=False))
outcomes = st.one_of(st.none(), st.booleans())
widths = st.integers(cases.NARROWEST, cases.WIDEST + 20)
one_case = st.builds(
    Case, words, outcomes, numbers, st.dictionaries(words, values, max_size=4), st.one_of(st.none(), paths)
)


@given(st.lists(one_case, max_size=3), words, words, paths, widths, st.sampled_from(["all", "failed"]))
def test_whatever_is_in_cases_fits_and_is_harmless(listed, name, text, path, width, chosen):
    columns = Columns("id", "passed", "score", [name], [text, "x"])
    found = replace(
        FOUND,
        chosen=chosen,
        columns=columns,
        output=path,
        purpose=text,
        only={name: text},
        cohorts=[],
        by=name,
        groups=[CaseGroup(text, 2, [name])],
        cases=listed,
        notes=[text],
    )
    assert_harmless(cases.render(found, NOW, width, False), width)
    assert_harmless(
        cases.render(replace(found, only={}, cohorts=[Share(name, text, 2, 1, 1)]), NOW, width, False), width
    )
    table = cases_data.cases(found)
    read = list(csv.reader(io.StringIO(table, newline="")))
    assert len(read) == len(listed) + 1
    assert len({len(line) for line in read}) == 1


@given(words, words, words, values, widths)
def test_whatever_is_in_a_history_fits_and_is_harmless(identity, text, name, value, width):
    seen = [Seen(RUN, 4, AT, True, None, text), Seen(RUN, 4, text, False, 0.5, name, True, [text])]
    found = replace(PAST, id=identity, runs=seen, task=text, cells={name: value}, notes=[text])
    assert_harmless(case_history.render(found, NOW, width, False), width)
    assert len(list(csv.reader(io.StringIO(cases_data.history(found), newline="")))) == 3


@pytest.mark.parametrize("first", ["", *"=+-@\t\r\n\0＝＋－＠"])
@settings(max_examples=10)
@given(words)
def test_no_cell_is_a_formula(first, text):
    text = first + text
    (read,) = next(csv.reader(io.StringIO(cell(text) + "\r\n", newline=""))) or [""]
    number = re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|[-+]?inf|nan", text)
    formula = text[:1] in tuple("=+-@\t\r\n\0＝＋－＠") and not number
    assert read == ("'" + text if formula else text)


USE = Use(RUN, 4, AT, "a politer prompt")
FIRST = replace(USE, run="nrqszzktwvlmopyx")
VERSIONS = Versions(
    [
        Version("prompts@3f9a2c", "prompts", digest("3"), 4, 5_240, 12, FIRST, USE),
        Version("policy@77ab01", "policy", digest("7"), 1, 118, 1, USE, USE),
    ],
    [Unversioned(RUN, "prompts: changed while it was read", "prompts"), Unversioned("zmnoprst", "damaged")],
)
VERSION = Shown(
    "prompts@3f9a2c",
    "prompts",
    digest("3"),
    [
        Content("system.md", digest("1"), 27, "prompts/system.md", held=True, text="Be terse.\n"),
        Content("big.md", digest("2"), 2_000_000, "prompts/big.md", "its content is not to be had here"),
    ],
    None,
    12,
    FIRST,
    USE,
)
PATCH = ["@@ -1 +1 @@", "-Be terse.", "+Be kind."]
DELTA = Delta(
    "prompts",
    "changed",
    {"size": 27, "files": 2, "version": "prompts@3f9a2c"},
    {"size": 26, "files": 2, "version": "prompts@77ab01"},
    "changed",
    note="1 changed of 2 files",
    children=[Delta("prompts/system.md", "changed", {"size": 27}, {"size": 26}, "changed", text=PATCH)],
)
BOTH = Compared("prompts@3f9a2c", "prompts@77ab01", "prompts", DELTA)


@pytest.mark.parametrize("width", [40, 80])
def test_bundle_pages(width):
    pages = [
        bundles.listing(VERSIONS, NOW, width, False),
        bundles.shown(VERSION, NOW, width, False),
        bundles.compared(BOTH, width, False),
    ]
    for page in pages:
        assert_harmless(page, width)
    check(f"bundles-{width}", "\n".join(pages))


@given(words, paths, st.integers(bundles.NARROWEST, bundles.WIDEST))
def test_whatever_is_in_a_bundle_fits_and_is_harmless(text, path, width):
    use = replace(USE, purpose=text)
    versions = [replace(one, last=use) for one in VERSIONS.versions]
    listed = Versions(versions, [Unversioned(RUN, text, "prompts")])
    assert_harmless(bundles.listing(listed, NOW, width, False), width)
    files = [Content(path, digest("1"), 27, path, text)]
    assert_harmless(bundles.shown(replace(VERSION, files=files, doubt=text), NOW, width, False), width)
    child = replace(DELTA.children[0], path=f"prompts/{text}", note=text, text=[f"+{text}"])
    assert_harmless(
        bundles.compared(replace(BOTH, delta=replace(DELTA, children=[child])), width, False), width
    )


def test_a_text_is_printed_as_it_is_but_for_what_a_terminal_would_do():
    files = [Content("a.md", digest("1"), 9, held=True, text="a\tb\x1b[2J\n\u202eno end")]
    text = bundles.shown(replace(VERSION, files=files), NOW, 80, False)
    assert text.endswith("── a.md\na   b\\e[2J\n\\u202eno end\n")
