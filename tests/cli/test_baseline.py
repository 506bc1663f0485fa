"""Pins: set on purpose, with a reason, under a name; never moving by themselves."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def runs(project):
    """Two runs; their ids, the older first."""
    for _ in range(2):
        assert project.run("-q", "--", "true").code == 0
    return project.record("@~1")["id"], project.record("@")["id"]


def test_a_name_is_pinned_shown_moved_and_taken_away(project, runs):
    first, second = runs
    assert project.xt("baseline", "set", first, "--name", "nightly", "-m", "first good one").code == 0
    assert project.record("nightly")["id"] == first
    shown = project.xt("baseline", "show", "--name", "nightly").out.decode()
    assert shown.startswith(f"nightly {first[:4]}")
    assert shown.rstrip().endswith("first good one")
    assert project.xt("baseline", "set", second, "--name", "nightly", "-m", "why").code == 0
    assert project.record("nightly")["id"] == second
    assert len(project.xt("baseline", "history", "--name", "nightly").out.splitlines()) == 2
    assert project.xt("baseline", "rm", "--name", "nightly", "-m", "done").code == 0
    gone = project.xt("show", "nightly")
    assert gone.code == 1
    nothing = project.xt("baseline", "show", "--name", "nightly")
    assert (nothing.code, nothing.out) == (1, b"")
    assert "xt baseline set RUN --name nightly -m WHY" in nothing.err


def test_names_are_pins_of_their_own(project, runs):
    first, second = runs
    assert project.xt("baseline", "set", first, "-m", "why").code == 0
    assert project.xt("baseline", "set", second, "--name", "release-1", "-m", "why").code == 0
    assert project.record("baseline")["id"] == first
    listed = json.loads(project.xt("baseline", "--json").out)
    assert [(pin["name"], pin["run"]) for pin in listed] == [("baseline", first), ("release-1", second)]
    assert {pin["by"] is not None for pin in listed} == {True}


@pytest.mark.parametrize("name", ["", "@", "-x", "two words", "kwpz", "new\nline", "@~1"])
def test_a_name_that_would_be_taken_for_something_else_is_refused(project, runs, name):
    refused = project.xt("baseline", "set", "@", f"--name={name}", "-m", "why")
    assert refused.code == 2
    assert project.xt("baseline").code == 1


def test_only_a_run_that_ended_well_is_a_baseline(project):
    assert project.run("-q", "--", "false").code == 1
    refused = project.xt("baseline", "set", "@", "-m", "why")
    assert refused.code == 1
    assert "only a run that is `ok`" in refused.err


def test_a_pin_needs_a_reason(project, runs):
    for words in ((), ("-m", " ")):
        refused = project.xt("baseline", "set", "@", *words)
        assert refused.code == 2
        assert "needs a reason" in refused.err
    assert project.xt("baseline").code == 1


def test_a_pin_that_cannot_be_read_does_not_bring_an_older_one_back(project, runs):
    first, second = runs
    assert project.xt("baseline", "set", first, "-m", "old").code == 0
    assert project.xt("baseline", "set", second, "-m", "new").code == 0
    newest = max((project.path / ".xt" / "events").rglob("*.json"))
    newest.chmod(0o600)
    newest.write_text("broken")
    for words in (("diff", "@"), ("baseline",), ("baseline", "history"), ("show", "baseline")):
        refused = project.xt(*words)
        assert (refused.code, refused.out) == (1, b""), words
        assert "what is pinned is not certain" in refused.err
    assert project.xt("ls").code == 0
    kept = project.run("--", "sh", "-c", "exit 3")
    assert kept.code == 3
