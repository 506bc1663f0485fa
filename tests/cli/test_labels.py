"""Tags, names, notes, and putting runs away: said later, by somebody, at some time."""

from __future__ import annotations

import json
import shutil
import sys

import pytest


@pytest.fixture
def runs(folder):
    """Two runs in a folder without git; their ids, the older first."""
    for _ in range(2):
        assert folder.run("-q", "--tag", "given", "--", "true").code == 0
    return folder.record("@~1")["id"], folder.record("@")["id"]


def out(done):
    assert done.code == 0, done.err
    return done.out.decode()


def test_tags_are_put_on_and_taken_off(folder, runs):
    first = runs[0]
    assert "tags given, gold, keep" in out(folder.xt("tag", first, "gold", "keep", "gold"))
    assert out(folder.xt("show", "gold")).startswith(f"run {first[:4]}")
    assert "tags gold, keep" in out(folder.xt("tag", first, "--off", "given"))
    assert "tags gold, keep" in out(folder.xt("show", first))
    assert out(folder.xt("tag", first)).startswith(f"{first[:4]} · no name · tags gold, keep")
    assert first[:4] in out(folder.xt("ls", "tag:gold"))
    assert first[:4] not in out(folder.xt("ls", "tag:given"))
    refused = folder.xt("tag", first, "--off", "given")
    assert (refused.code, "`given` is not on it" in refused.err) == (2, True)
    # The record is as it was sealed.
    assert folder.record(first)["snapshot"]["context"]["tags"] == ["given"]


@pytest.mark.parametrize("word", ["", "@", "-x", "two words", "kwpz", "new\nline"])
def test_a_word_that_would_be_taken_for_something_else_is_refused(folder, runs, word):
    for command in (("tag", "@", "--", word), ("name", "@", "--", word)):
        refused = folder.xt(*command)
        assert refused.code == 2, command
        assert "cannot be a" in refused.err or "could be taken for" in refused.err


def test_a_name_goes_to_another_run_and_away(folder, runs):
    first, second = runs
    out(folder.xt("name", first, "best"))
    assert folder.record("best")["id"] == first
    out(folder.xt("name", second, "best"))
    assert folder.record("best")["id"] == second
    assert "no name" in out(folder.xt("name", second, "--off"))
    assert folder.record("best")["id"] == first
    assert "name best" in out(folder.xt("name", first))


def test_a_name_cannot_be_one_that_is_pinned(folder, runs):
    first, second = runs
    out(folder.xt("baseline", "set", first, "-m", "why"))
    refused = folder.xt("name", second, "baseline")
    assert (refused.code, "`baseline` is pinned" in refused.err) == (2, True)
    assert "no name" in out(folder.xt("name", second))


def test_a_tag_that_no_run_has_is_told_from_a_pinned_name_and_a_name(folder, runs):
    out(folder.xt("baseline", "set", runs[0], "-m", "why"))
    out(folder.xt("name", runs[1], "best"))
    asked = folder.xt("ls", "tag:best or tag:givn or tag:g[x] or tag:baseline status:failed")
    assert asked.err.splitlines() == [
        "xt: warning: no run has the tag `best`",
        "xt: hint: a run is named so: `name:best` finds it",
        "xt: warning: no run has the tag `givn`",
        "xt: hint: did you mean `given`? tags: baseline, given",
    ]
    assert folder.xt("ls", "tag:given status:failed").err == ""


def test_notes_are_markdown_and_know_tickets(folder, runs):
    folder.write("xt.toml", '[tickets]\npattern = "LAB-[0-9]+"\nurl = "https://tracker.example/{}"\n')
    out(folder.xt("note", runs[0], "-m", "**Good** one: LAB-12, `LAB-13`"))
    said = out(folder.xt("note", runs[0], "-m", "-", input=b"from a pipe\x1b[31m\n\n- item\n"))
    assert "Good one" not in said
    shown = out(folder.xt("show", runs[0]))
    assert "Good one: LAB-12 (https://tracker.example/LAB-12), LAB-13\n" in shown
    assert "• item" in shown
    assert "\x1b[31m" not in shown
    stored = json.loads(folder.xt("note", runs[0], "--json").out)
    assert [(note["by"] is not None, note["text"][:4]) for note in stored] == [(True, "**Go"), (True, "from")]
    assert out(folder.xt("note", runs[1])).startswith("no notes on")
    assert folder.xt("note", runs[1], "-m", " \n").code == 2


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('pattern = "("', "no regular expression"),
        ('pattern = "x*"', "fits an empty text"),
        ('url = "https://tracker.example/"', "no address"),
        ('url = "javascript:{}"', "no address"),
    ],
)
def test_settings_of_tickets_that_make_no_sense(folder, runs, table, said):
    pattern = 'pattern = "A-[0-9]+"\n' if "url" in table else ""
    folder.write("xt.toml", f"[tickets]\n{pattern}{table}\n")
    refused = folder.xt("note")
    assert refused.code != 0
    assert said in refused.err
    assert "xt.toml:" in refused.err
    assert said in folder.xt("show").err


def test_what_is_put_away_is_passed_over_and_comes_back(folder, runs):
    first, second = runs
    said = out(folder.xt("rm", second, "-m", "a mistake"))
    assert said.startswith(f"{second[:4]} · put away just now · by ")
    assert said.endswith(f"a mistake\nxt rm --undo {second[:4]} brings back, xt gc deletes\n")
    assert folder.record("@")["id"] == first
    assert folder.record("given")["id"] == first
    assert second[:4] not in out(folder.xt("ls"))
    assert "put away by" in out(folder.xt("show", second))
    assert out(folder.xt("rm")).startswith(second[:4])
    assert folder.xt("rm", "--undo", first).code == 1
    out(folder.xt("rm", first))
    assert out(folder.xt("ls")) == "no runs but 2 put away · xt rm lists them\n"
    out(folder.xt("rm", "--undo", second[:6], first))
    assert folder.record("@")["id"] == second
    assert out(folder.xt("rm")) == "no run is put away\n"


def test_what_is_pinned_is_put_away_by_force_only(folder, runs):
    out(folder.xt("baseline", "set", runs[0], "-m", "why"))
    refused = folder.xt("rm", runs[0])
    assert (refused.code, "pinned as `baseline`" in refused.err) == (2, True)
    out(folder.xt("rm", "--force", runs[0]))
    assert folder.record("baseline")["id"] == runs[0]


def test_columns_are_remembered_until_they_are_forgotten(folder):
    assert folder.run("-q", "-p", "lr=0.1", "--metric", r"loss=log:(\d+)", "--", "echo", "3").code == 0
    asked = out(folder.xt("ls", "--columns", "param.lr,metric.loss,user"))
    assert asked.split()[:4] == ["run", "lr", "loss", "user"]
    assert out(folder.xt("ls")) == asked
    rows = json.loads(folder.xt("ls", "--json", "--columns", "param.lr").out)
    assert rows[0]["values"] == {"param.lr": 0.1}
    assert (
        out(folder.xt("ls", "--csv", "--columns", "param.lr"))
        .splitlines()[0]
        .endswith(",metric.loss,param.lr")
    )
    assert "purpose" in out(folder.xt("ls", "--columns", "auto"))
    folder.write("xt.toml", '[ls]\ncolumns = ["status"]\n')
    assert out(folder.xt("ls")).split()[:2] == ["run", "status"]
    refused = folder.xt("ls", "--columns", "nothing")
    assert (refused.code, "no property `nothing`" in refused.err) == (2, True)


def test_groups_say_how_metrics_lie(folder):
    for rate, loss in (("0.1", "1"), ("0.1", "3"), ("0.2", "5")):
        options = ("-q", "-p", f"lr={rate}", "--metric", r"loss=log:(\d+)")
        assert folder.run(*options, "--", "echo", loss).code == 0
    assert folder.run("-q", "--", "true").code == 0
    shown = out(folder.xt("ls", "--group-by", "param.lr")).splitlines()
    assert shown[0].split() == ["lr", "runs", "ok", "loss", "newest"]
    assert shown[1].split()[:6] == ["0.1", "2", "2", "2", "±", "1.414"]
    refused = folder.xt("ls", "--group-by", "param.lr", "--sort", "time")
    assert (refused.code, "--sort does not go with --group-by" in refused.err) == (2, True)
    groups = json.loads(folder.xt("ls", "--group-by", "param.lr", "--json").out)
    assert groups["schema"] == "xt.groups/1"
    assert [(group["value"], group["runs"]) for group in groups["groups"]] == [(0.1, 2), (0.2, 1), (None, 1)]
    assert groups["groups"][0]["metrics"]["loss"] == {
        "least": 1.0,
        "mean": 2.0,
        "most": 3.0,
        "n": 2,
        "sd": pytest.approx(2**0.5),
    }


def test_a_query_that_cannot_be_read_has_a_caret(folder, runs):
    refused = folder.xt("ls", "tag:given", "metric.loss>low")
    assert refused.code == 2
    lines = refused.err.splitlines()
    assert lines[0] == "xt: error: `low` is no number, at column 23 of the query"
    assert lines[1][lines[2].index("^") :] == "low"


def test_a_run_that_is_going_on_is_found_by_its_causes(folder, runs):
    asking = f"{sys.executable} -m xt ls status:running tag:now param.x=1"
    done = folder.run("-q", "-t", "now", "--", "sh", "-c", f"{asking}; true")
    assert b"no run fulfils" in done.out
    done = folder.run("-q", "-t", "now", "-p", "x=1", "--", "sh", "-c", asking)
    assert b"running" in done.out


def test_a_statement_that_cannot_be_read_is_said_to_be_missing(folder, runs):
    out(folder.xt("tag", runs[0], "gold"))
    out(folder.xt("note", runs[0], "-m", "kept"))
    [path] = (folder.path / ".xt/events").rglob("*.tagged.json")
    path.chmod(0o600)
    path.write_text('{"id')
    for words in (
        ("ls",),
        ("show", runs[0]),
        ("tag", runs[0]),
        ("name", runs[0]),
        ("note", runs[0]),
        ("rm",),
    ):
        shutil.rmtree(folder.path / ".xt/cache", ignore_errors=True)  # the index remembers
        done = folder.xt(*words)
        assert done.code == 0
        assert done.err.count("warning: an event cannot be read") == 1, words
        assert str(path) in done.err
    assert "kept" in out(folder.xt("note", runs[0]))
    # One of a newer xt is none of ours.
    path.rename(path.with_name(path.name.replace(".tagged.", ".praised.")))
    assert folder.xt("ls").err == ""


def test_a_name_that_no_run_has_is_not_passed_over(folder):
    options = ("-q", "-p", "lr=0.1", "--metric", r"val/acc=log:(\d+)")
    assert folder.run(*options, "--", "echo", "1").code == 0
    asked = folder.xt("ls", "metric.val_acc>0.5 or (param.lr>3 and not env.nope)")
    assert asked.err.splitlines() == [
        "xt: warning: no run has a metric `val_acc`",
        "xt: hint: did you mean `val/acc`? metrics: val/acc",
        "xt: warning: no run has a package or part of the environment `nope`",
        next(line for line in asked.err.splitlines() if "parts: " in line),
    ]
    assert "metric `acc`" in folder.xt("ls", "--sort", "metric.acc").err
    for fine in (
        ("metric.val/acc>3",),
        ("metric.*>3",),
        ("--sort", "param.lr"),
        ("metric.acc or tag:x or exit:0",),
    ):
        assert folder.xt("ls", *fine).err == ""


def test_no_secret_is_written_down(folder, runs):
    token = "ghp_" + "a1B2c3D4e5" * 4
    more = {"API_TOKEN": "s3cr3tvalue77"}
    out(folder.xt("note", runs[0], "-m", f"with {token} and s3cr3tvalue77", env=more))
    out(folder.xt("rm", runs[1], "-m", f"{token} s3cr3tvalue77", env=more))
    out(folder.xt("baseline", "set", runs[0], "-m", "s3cr3tvalue77", env=more))
    assert json.loads(folder.xt("note", runs[0], "--json").out)[0]["text"] == "with *** and ***"
    stored = folder.stored_bytes()
    assert token.encode() not in stored
    assert b"s3cr3tvalue77" not in stored
