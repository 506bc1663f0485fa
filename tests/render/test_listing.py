"""`xt ls` as text: what is in it, how it fits, and that it is harmless."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tests.builders import NOW, summaries, summary
from tests.render.golden import check
from tests.render.hostile import SGR, assert_harmless, paths, words
from xt.context import timestamp
from xt.model.level import LEVELS, Level
from xt.model.result import Number
from xt.model.summary import MetricValue, Summary
from xt.render.listing import table

#: As events say it.
AN_HOUR_AGO = timestamp(NOW - timedelta(hours=1))


def ls(rows: list[Summary], width: int = 120, colour: bool = False, total: int | None = None) -> str:
    return table(rows, {row.id: 4 for row in rows}, total or len(rows), NOW, width, colour)


def line_of(text: str, run: str) -> str:
    return next(line for line in text.splitlines() if line.lstrip().startswith(run))


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_list_of_every_sort(width: int) -> None:
    check(f"ls-{width}", ls(summaries(), width, total=812))


def test_a_list_in_colour() -> None:
    check("ls-colour", ls(summaries(), 120, colour=True, total=812))


@pytest.mark.parametrize("width", [10, 17, 25, 40, 60, 80, 120, 300])
def test_colour_changes_no_text(width: int) -> None:
    assert SGR.sub("", ls(summaries(), width, colour=True)) == ls(summaries(), width)


@pytest.mark.parametrize("width", [-1, 0, 1, 5])
def test_a_terminal_of_no_width_gets_the_narrowest_list(width: int) -> None:
    assert ls(summaries(), width) == ls(summaries(), 10)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "ok"),
        ({"status": "failed", "exit_code": 3}, "exit 3"),
        ({"status": "failed", "exit_code": None, "signal": 9}, "SIGKILL"),
        ({"status": "failed", "exit_code": None, "signal": 200}, "signal 200"),
        ({"status": "interrupted", "exit_code": None, "signal": 2}, "interrupted"),
        ({"status": "incomplete"}, "incomplete"),
        ({"status": "not-started"}, "did not start"),
        *(({"status": said, "exit_code": None}, said) for said in ("running", "lost", "unknown")),
        ({"status": "running", "exit_code": 3}, "storing (exit 3)"),
        ({"status": "lost", "exit_code": 0}, "lost (exit 0)"),
        ({"status": "damaged", "reason": "bad"}, "damaged"),
        ({"problems": 3}, "ok !3"),
    ],
)
def test_every_outcome_has_its_words(changes: dict[str, object], said: str) -> None:
    assert f"  {said}  " in line_of(ls([summary(**changes)]), "kwpz")


def test_the_head_of_an_id_tells_it_from_others() -> None:
    rows = [summary("kwpztnlqsmvrxoyu"), summary("kwpzknlqsmvrxoyu")]
    text = table(rows, {rows[0].id: 5, rows[1].id: 5}, 2, NOW, 80, True)
    assert "\x1b[1;36mkwpzt\x1b[0m" in text
    mixed = table(
        [rows[0], summary("nrqszzktwvlmopyx")], {rows[0].id: 5, "nrqszzktwvlmopyx": 4}, 2, NOW, 80, True
    )
    assert "\x1b[1;36mnrqs\x1b[0m\x1b[2mz\x1b[0m" in mixed


def test_a_run_without_a_purpose_is_known_by_its_command() -> None:
    text = ls(
        [summary(purpose=None), summary("nrqszzktwvlmopyx", purpose="   ", command=["sh", "-c", "a; b"])]
    )
    assert "– no purpose · python train.py --lr 0.05" in text
    assert "– no purpose · sh -c 'a; b'" in text


def test_a_damaged_run_says_what_is_wrong() -> None:
    assert "it is not JSON" in ls([Summary(id="kwpztnlqsmvrxoyu", status="damaged", reason="it is not JSON")])


def test_metrics_with_a_goal_come_first_then_the_most_common() -> None:
    rows = [
        summary(metrics=[MetricValue("rare", 1), MetricValue("loss", 0.5), MetricValue("acc", 0.9, "max")]),
        summary("nrqszzktwvlmopyx", metrics=[MetricValue("loss", 0.25)]),
    ]
    head = ls(rows).splitlines()[0].split()
    assert head == ["run", "when", "purpose", "status", "acc", "loss", "rare", "time"]
    assert re.search(r"ok +– +0\.25 +– ", line_of(ls(rows), "nrqs"))


def test_decimal_points_stand_below_each_other() -> None:
    values: list[float | int | Number] = [0.5, 12, 3.25, Number("nan")]
    ids = ["kwpztnlqsmvrxoyu", "nrqszzktwvlmopyx", "ytlmkkpzwxrsouvn", "qpxvolkmnzwrstuy"]
    rows = [summary(run, metrics=[MetricValue("m", value)]) for run, value in zip(ids, values, strict=True)]
    lines = [line[: line.index(" s", 60)] for line in ls(rows).splitlines()[1:4]]
    half, twelve, quarter = (line[60:].lstrip(" ok") for line in lines)
    assert lines[0].index("0.5") + 1 == lines[2].index("3.25") + 1
    assert lines[1].index("12") + 2 == lines[0].index("0.5") + 1, (half, twelve, quarter)


def test_what_matters_least_goes_first() -> None:
    metrics = [MetricValue(f"m{number}", number / 7) for number in range(5)]
    rows = [summary(metrics=metrics, name="best", tags=["gold"])]
    gone: list[str] = []
    everything = ["run", "when", "purpose", "status", "m0", "m1", "m2", "m3", "time", "name", "tags"]
    assert ls(rows, 200).splitlines()[0].split() == everything
    for width in range(200, 9, -1):
        head = ls(rows, width).splitlines()[0].split()
        gone += [name for name in everything if name not in head and name not in gone]
    assert gone == ["m3", "m2", "tags", "name", "m1", "time", "m0", "when", "purpose", "status"]


def test_the_purpose_is_readable_for_as_long_as_there_are_other_columns() -> None:
    rows = [summary(purpose="a purpose of some length, as people write them")]
    for width in range(40, 140):
        shown = line_of(ls(rows, width), "kwpz")
        assert "a purpose o" in shown, width


def test_the_last_line_says_how_many_there_are() -> None:
    assert "  2 runs   xt show kwpz\n" in ls([summary(), summary("nrqszzktwvlmopyx")], 80)
    assert "  1 of 812 runs   xt show kwpz   xt ls -n 0 lists all\n" in ls([summary()], 80, total=812)
    assert "1 run " in ls([summary()], 80)


def test_the_baseline_has_a_mark_in_the_margin() -> None:
    rows = [summary(), summary("nrqszzktwvlmopyx")]
    text = table(rows, {row.id: 4 for row in rows}, 2, NOW, 80, False, rows[1].id)
    assert [line[:6] for line in text.splitlines()[1:3]] == ["  kwpz", "◆ nrqs"]
    assert "◆ baseline" in text.splitlines()[-1]
    assert "◆" not in table(rows[:1], {rows[0].id: 4}, 2, NOW, 80, False, rows[1].id)


@pytest.mark.parametrize("width", [34, 60, 80])
def test_every_mark_that_is_shown_is_explained(width: int) -> None:
    rows = [summary(lacking=["seed"], problems=1), summary("nrqszzktwvlmopyx")]
    text = table(rows, {row.id: 4 for row in rows}, 812, NOW, width, False, rows[1].id)
    assert "✗1 !1" in text
    assert "✗ not evidence: xt audit kwpz" in text and "! recording problems" in text
    assert ("◆ baseline" in text) == ("◆ nrqs" in text)
    assert_harmless(text, width)


def test_what_is_no_evidence_is_marked_whatever_columns_were_chosen() -> None:
    rows = [summary(lacking=["seed", "ticket"], problems=1), summary("nrqszzktwvlmopyx")]
    text = table(rows, {row.id: 4 for row in rows}, 2, NOW, 80, False, chosen=["run", "when"])
    assert line_of(text, "kwpz").split()[:2] == ["kwpz", "✗2"] and "✗" not in line_of(text, "nrqs")
    # The mark of problems belongs to the status, which is not shown.
    assert "✗ not evidence: xt audit kwpz" in text and "recording problems" not in text
    both = table(rows, {row.id: 4 for row in rows}, 2, NOW, 80, False, chosen=["run", "status"])
    assert both.count("✗2") == 1


def test_repeats_that_are_not_shown_are_counted() -> None:
    def with_trials(number: int, width: int = 80) -> str:
        return table([summary()], {summary().id: 4}, 1, NOW, width, False, None, number)

    assert with_trials(0) == ls([summary()], 80)
    assert with_trials(1).splitlines()[-1] == "  1 repeat made by xt verify is not shown: xt ls --all"
    assert with_trials(7).splitlines()[-1] == "  7 repeats made by xt verify are not shown: xt ls --all"
    for width in range(10, 80):
        assert_harmless(with_trials(123_456, width), width)


def test_when_it_was_verified_is_said_where_there_is_room() -> None:
    rows = [summary(level="identical", required="identical", verified_by=5, verified_at=AN_HOUR_AGO)]
    assert "  ok ≡ 5/5 · 1 h  " in line_of(ls(rows, 120), "kwpz")
    bare = [replace(rows[0], verified_at=None)]
    for width in range(120, 9, -1):
        with_age = ls(rows, width)
        assert "· 1 h" in with_age or with_age == ls(bare, width), width
    assert "· 1 h" not in ls(rows, 60)


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("identical", "ok ≡ 5/5"),
        ("equivalent", "ok ≈"),
        ("consistent", "ok ~"),
        ("divergent", "ok ≠"),
        ("unverifiable", "ok ?"),
    ],
)
def test_a_level_has_a_sign_with_a_legend(level: Level, said: str) -> None:
    text = ls([summary(level=level, required="consistent", verified_by=5)])
    assert f"  {said}  " in line_of(text, "kwpz")
    assert f"verified: {said.split()[1]} {level}" in text.splitlines()[-1]
    against = ls([summary(level=level, required="consistent", verified_by=0)])
    assert f"  {said.removesuffix(' 5/5')}  " in line_of(against, "kwpz")


def test_a_repeat_says_of_which_run() -> None:
    text = ls([summary(repeat_of="nrqszzktwvlmopyx"), summary("ytlmkkpzwxrsouvn")])
    assert "  repeat of nrqs · does a lower" in line_of(text, "kwpz")
    assert "repeat" not in line_of(text, "ytlm")


def test_an_empty_store_says_how_to_begin() -> None:
    assert table([], {}, 0, NOW, 80, False) == "no runs yet · xt run -m WHY -- COMMAND\n"
    assert_harmless(table([], {}, 0, NOW, 10, False), 10)


@given(
    st.lists(
        st.builds(
            Summary,
            id=st.sampled_from(["kwpztnlqsmvrxoyu", "nrqszzktwvlmopyx"]),
            status=st.sampled_from(["ok", "failed", "damaged", "running", "not-started"]),
            started_at=st.one_of(st.none(), st.just("2026-11-23T09:00:00.000000Z"), words),
            wall_s=st.one_of(st.none(), st.floats(0, 1e12)),
            exit_code=st.one_of(st.none(), st.integers(0, 255)),
            purpose=st.one_of(st.none(), words),
            name=st.one_of(st.none(), words),
            tags=st.lists(words, max_size=3),
            command=st.lists(paths, max_size=4),
            metrics=st.lists(
                st.builds(MetricValue, words, st.one_of(st.floats(), st.integers(-(2**63), 2**64))),
                max_size=5,
            ),
            problems=st.integers(0, 10**9),
            reason=st.one_of(st.none(), words),
            repeat_of=st.one_of(st.none(), words),
            level=st.one_of(st.none(), st.sampled_from(LEVELS)),
            verified_by=st.integers(0, 10**9),
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(10, 200),
)
def test_nothing_reaches_the_terminal_but_text_that_fits(rows: list[Summary], width: int) -> None:
    assert_harmless(ls(rows, width), width)
    assert_harmless(SGR.sub("", ls(rows, width, colour=True)), width)


def test_wide_characters_keep_the_columns_straight() -> None:
    rows = [summary(purpose="長い学習の試験"), summary("nrqszzktwvlmopyx", purpose="e\u0301te\u0301 👍🏽")]
    first, second = (line_of(ls(rows, 80), run) for run in ("kwpz", "nrqs"))
    assert cell_len(first[: first.index("ok")]) == cell_len(second[: second.index("ok")])
