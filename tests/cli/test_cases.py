"""`xt cases`: the evaluated examples of a run, of two, and of one through time."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.evaluations import IDS, Page, lines
from tests.render.hostile import FORBIDDEN

TOML = '[cases]\ncohorts = ["topic"]\n'
SHORT = [run[:4] for run in IDS]


@pytest.fixture
def page(tmp_path):
    made = Page(tmp_path / "project")
    made.write("xt.toml", TOML)
    return made


def rows(outcomes, **more):
    """`+` passes, `-` fails, `?` is neither; every fourth is of maths."""
    word = {"+": True, "-": False, "?": "maybe"}
    return [
        {"id": f"q{n}", "topic": "law" if n % 4 else "maths", "passed": word[letter], **more}
        for n, letter in enumerate(outcomes)
    ]


def ids(found):
    return [case["id"] for case in found["cases"]]


def test_counts_cohorts_and_failed_ones_first(page):
    page.lab.run(cases=lines(rows("++-?-+++")), purpose="which fail?")
    found = page.data("cases")
    assert found["schema"] == "xt.cases/1"
    assert (found["n"], found["passed"], found["failed"], found["unread"]) == (8, 5, 2, 1)
    assert ids(found) == ["q2", "q4", "q3", "q0", "q1", "q5", "q6", "q7"]
    cohorts = {(one["column"], one["value"]): (one["n"], one.get("failed", 0)) for one in found["cohorts"]}
    assert cohorts == {("topic", "maths"): (2, 1), ("topic", "law"): (6, 1)}
    text = page.text("cases", "-n", "2")
    assert "8 cases · 5 passed (71 %) · 2 failed · 1 without a result" in text
    assert "which fail?" in text
    assert "2 of 8: -n 0 lists all" in text
    assert ids(page.data("cases", "--failed", "-n", "1")) == ["q2"]
    assert page.data("cases", "--failed", "-n", "1")["more"] == 1


def test_the_newest_run_with_cases_is_meant(page):
    page.lab.run(cases=lines(rows("+")))
    page.lab.run()
    assert page.data("cases")["run"] == IDS[0]
    done = page.ask("cases", "@")
    assert (done.code, done.out) == (1, b"")
    assert "has no output of role `cases`" in done.err
    assert "`xt run --output cases:FILE`" in done.err


def test_cohorts_restrict_and_groups_count(page):
    page.lab.run(
        cases=lines([{**row, "why": "slow" if n % 3 else None} for n, row in enumerate(rows("-" * 9))])
    )
    found = page.data("cases", "--failed", "--cohort", "topic=law", "--by", "why")
    assert found["fits"] == 6
    assert {case["cells"]["topic"] for case in found["cases"]} == {"law"}
    assert [(one["value"], one["n"]) for one in found["groups"]] == [("slow", 4), ("", 2)]
    assert found["groups"][0]["examples"] == ["q1", "q2", "q5"]
    assert "topic=law: 6 failed cases" in page.text("cases", "--failed", "--cohort", "topic=law")
    for words, said in (
        (("--cohort", "topc=law"), "did you mean `topic`?"),
        (("--by", "reason"), "columns: id, topic"),
        (("--cohort", "topic"), "`--cohort COLUMN=VALUE`"),
        (("--failed", "--broken"), "exclude each other"),
        (("--against", "@"), "belongs to `--broken` or `--fixed`"),
        (("--history", "q1", "--failed"), "shows one case"),
    ):
        done = page.ask("cases", *words)
        assert done.code == 2, words
        assert said in done.err, words


def test_values_of_any_type_are_found_as_they_are_typed(page):
    cells = [True, 3, 3.0, 0.5, None, "3", ["a"]]
    page.lab.run(cases=lines([{"id": n, "passed": False, "k": cell} for n, cell in enumerate(cells)]))
    for value, wanted in (
        ("true", ["0"]),
        ("3", ["1", "2", "5"]),
        ("0.5", ["3"]),
        ("", ["4"]),
        ("['a']", ["6"]),
    ):
        assert ids(page.data("cases", "--cohort", f"k={value}")) == wanted, value


def test_what_broke_and_what_was_fixed(page):
    base = page.lab.run(cases=lines(rows("++--++")), purpose="reference")
    page.lab.run(cases=lines([*rows("+-+-+-"), {"id": "new", "topic": "law", "passed": False}]))
    done = page.ask("cases", "--broken")
    assert (done.code, done.out) == (1, b"")
    assert "no baseline is pinned" in done.err
    assert "`--against RUN`" in done.err
    page.lab.pin(base)
    broken, fixed = page.data("cases", "--broken"), page.data("cases", "--fixed")
    assert ids(broken) == ["q1", "q5"]
    assert [case["was"] for case in broken["cases"]] == [True, True]
    assert ids(fixed) == ["q2"]
    tally = {"fixed": 1, "broken": 2, "failing": 1, "passing": 2, "only_right": 1}
    assert broken["against"] == {"run": IDS[0], "shown": 4, "tally": tally, "pinned": "baseline"}
    assert "against baseline kkkk" in page.text("cases", "--broken")
    assert "pass → fail" in page.text("cases", "--broken")
    assert ids(page.data("cases", "kkkk", "--fixed", "--against", "llll")) == ["q1", "q5"]
    assert ids(page.data("cases", "--broken", "--cohort", "topic=maths")) == []
    assert "itself" in page.ask("cases", "kkkk", "--broken").err


def test_xt_diff_names_the_command_that_shows_them(page):
    base = page.lab.run(cases=lines(rows("++--")))
    page.lab.run(cases=lines(rows("+---")))
    assert "xt cases llll --broken --against kkkk\n" in page.ask("diff", "@~1", "@").out.decode()
    page.lab.pin(base)
    assert "xt cases llll --broken\n" in page.ask("diff").out.decode()


def test_scores_alone_come_lowest_first(page):
    scored = [{"id": n, "score": score} for n, score in enumerate((0.5, 0.25, None, 1.0, "nan"))]
    base = page.lab.run(cases=lines(scored))
    page.lab.run(cases=lines([{"id": 0, "score": 0.25}, {"id": 1, "score": 0.75}, {"id": 3, "score": 1}]))
    found = page.data("cases", "kkkk")
    assert ids(found) == ["1", "0", "3", "2", "4"]
    assert (found["unread"], found["mean"]) == (2, pytest.approx(1.75 / 3))
    page.lab.pin(base)
    assert [(case["id"], case["was"]) for case in page.data("cases", "--broken")["cases"]] == [("0", 0.5)]
    assert [(case["id"], case["was"]) for case in page.data("cases", "--fixed")["cases"]] == [("1", 0.25)]
    done = page.ask("cases", "--failed")
    assert done.code == 2
    assert "only a score" in done.err


def test_a_folder_of_tables_is_one_set(page):
    files = {"law.jsonl": lines(rows("+-")), "maths.csv": b"id,passed\nm0,yes\nm1,no\n", "notes.md": b"#"}
    page.lab.run(cases=files, name="out")
    found = page.data("cases")
    assert [(case["id"], case["file"]) for case in found["cases"]][:2] == [
        ("q1", "law.jsonl"),
        ("m1", "maths.csv"),
    ]
    assert found["notes"] == ["1 of 3 files are no table by their names"]
    assert "law.jsonl" in page.text("cases")


def test_files_that_count_alike_are_told_apart(page):
    def both(first, second):
        return {"a.jsonl": lines(rows(first)), "b.jsonl": lines(rows(second))}

    base = page.lab.run(cases=both("++", "++"), name="out")
    page.lab.run(cases=both("+-", "-+"), name="out")
    page.lab.pin(base)
    found = page.data("cases", "--broken")
    assert [(case["id"], case["file"]) for case in found["cases"]] == [("q1", "a.jsonl"), ("q0", "b.jsonl")]
    assert found["against"]["tally"] == {"broken": 2, "passing": 2}
    section = page.ask("diff", "--only", "cases", "--json")
    (cases,) = json.loads(section.out)["effects"]["children"]
    assert cases["tally"]["broken"] == 2
    assert page.data("cases", "--history", "b.jsonl/q0")["runs"][1]["outcome"] is False


def test_one_case_through_time(page):
    prompts = [page.lab.file("prompts", "system.md", text) for text in (b"one", b"two", b"two")]
    page.lab.run(cases=lines(rows("++")), inputs=[prompts[0]], task="eval", purpose="first")
    page.lab.run(cases=lines(rows("--")), inputs=[prompts[1]], task="eval", trial=True)
    page.lab.run(cases=lines(rows("+-")), inputs=[prompts[1]], task="eval")
    page.lab.run(cases=lines(rows("+")), inputs=[prompts[2]], task="eval")
    page.lab.run(cases=lines(rows("--")), task="another")
    found = page.data("cases", "nnnn", "--history", "q1")
    assert [(one["run"], one["outcome"]) for one in found["runs"]] == [(IDS[0], True), (IDS[2], False)]
    assert found["runs"][1]["flipped"]
    assert "prompts" in found["runs"][1]["causes"]
    assert "first" in page.text("cases", "nnnn", "--history", "q1")
    assert (found["without"], found["task"], found["schema"]) == (1, "eval", "xt.case/1")
    assert [one["run"] for one in page.data("cases", "nnnn", "--history", "q0", "-n", "1")["runs"]] == [
        IDS[3]
    ]
    done = page.ask("cases", "nnnn", "--history", "q7")
    assert (done.code, done.out) == (1, b"")
    assert "none of the 3 runs of task `eval` with cases has a case `q7`" in done.err
    text = page.ask("cases", "nnnn", "--history", "q1", "--format", "csv").out.decode()
    assert [row["run"] for row in csv.DictReader(io.StringIO(text))] == [IDS[0], IDS[2]]


def test_unreadable_cases_are_said_and_never_skipped(page):
    good = page.lab.run(cases=lines(rows("+")))
    bad = page.lab.run(cases=b'{"id": 1, "passed": true}\n{"id": \n')
    gone = page.lab.run(status="skipped")
    page.lab.run(cases=b"\x80\x04K\x01.", name="cases.pkl")
    for reference, said in (
        (bad, "line 2 is not JSON"),
        (gone, "the disk was full"),
        ("@", "not that of a table"),
    ):
        done = page.ask("cases", getattr(reference, "id", reference))
        assert (done.code, done.out) == (1, b"")
        assert said in done.err
        assert "Traceback" not in done.err
    reasons = [one.get("reason") for one in page.data("cases", "--history", "q0")["runs"]]
    assert reasons[0] is None
    assert ["line 2" in reasons[1], "disk" in reasons[2], "table" in reasons[3]] == [True] * 3
    page.lab.damage(good.result.outputs[0].digest)
    done = page.ask("cases", good.id)
    assert done.code == 1
    assert "cannot be read" in done.err


def test_no_case_at_all(page):
    page.lab.run(cases=b"")
    assert page.data("cases")["n"] == 0
    assert "0 cases" in page.text("cases")
    assert page.text("cases", "--format", "csv") == "id\r\n"


def test_several_outputs_have_to_be_chosen(page):
    one = page.lab.run(cases=lines(rows("+")))
    del one
    project = page
    project.write("a.jsonl", '{"id": "a", "passed": true}\n')
    project.write("b.jsonl", '{"id": "b", "passed": false}\n')
    script = "touch a.jsonl b.jsonl"
    done = project.run("-q", "-o", "cases:a.jsonl", "-o", "cases:b.jsonl", "--", "sh", "-c", script)
    assert done.code == 0
    done = project.ask("cases", "@")
    assert done.code == 2
    assert "`--output PATH` says which: `a.jsonl`, `b.jsonl`" in done.err
    assert ids(project.data("cases", "@", "--output", "b.jsonl")) == ["b"]
    assert "did you mean `b.jsonl`?" in project.ask("cases", "@", "--output", "b.json").err


def test_csv_is_safe_for_a_spreadsheet_and_whole(page):
    text = "=cmd|' /C calc'!A0\nsecond line " + "x" * 3000
    page.lab.run(cases=lines(rows("-", answer=text, big=2**70, nested={"a": [1]})))
    (row,) = csv.DictReader(io.StringIO(page.text("cases", "--format", "csv"), newline=""))
    assert row["answer"] == "'" + text
    assert (row["id"], row["outcome"], row["nested"]) == ("q0", "false", '{"a":[1]}')
    (case,) = page.data("cases")["cases"]
    assert case["cells"]["answer"] == text


@pytest.mark.parametrize("columns", ["24", "40", "80"])
def test_what_others_wrote_reaches_no_terminal(page, columns):
    evil = "\x1b]0;title\x07\u202e\x9b2J\r" + "漢" * 50
    page.lab.run(
        cases=lines([{"id": evil, "passed": False, "topic": evil, evil: evil, "x": "\ud800"}]), purpose=evil
    )
    for words in ((), ("--failed", "--by", evil), ("--history", evil)):
        text = page.text("cases", *words, columns=columns)
        assert not FORBIDDEN.search(text.replace("\n", "")), words


def test_no_store_and_no_cases(tmp_path, page):
    assert "no run has an output of role `cases`" in page.ask("cases").err
    bare = tmp_path / "bare"
    bare.mkdir()
    done = page.xt("cases", cwd=bare)
    assert (done.code, done.out) == (1, b"")
    assert "no runs yet" in done.err
