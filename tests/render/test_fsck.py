"""The page of `xt fsck`: bounded, readable at any width, and harmless."""

from __future__ import annotations

import pytest

from tests import builders
from xt.model.fsck import Affected, Counts, Finding, Fsck
from xt.model.text import Raw
from xt.render.cells import cells
from xt.render.fsck import render

RUNS = [f"{letter * 4}{builders.RUN[4:]}" for letter in "klmnopqrs"]
COUNTS = Counts(runs=1204, objects=8311, size=3_200_000_000, by_size=12, by_size_bytes=9, events=3, trees=7)


def page(*findings, columns=80, repair=False, **more):
    found = Fsck("/x/.xt", False, repair, COUNTS, list(findings), **more)
    return render(found, dict.fromkeys(RUNS, 4), columns, False)


def damaged(number=0, runs=1, **more):
    path = f"objects/3f/3f{number:062x}"
    concerned = [Affected(run, ["outputs: model.bin"]) for run in RUNS[:runs]]
    return Finding("object-damaged", path, "it is empty", True, concerned, **more)


def test_a_clean_store_is_one_sentence():
    assert " ".join(page().split()) == (
        "1 204 runs, 8 311 objects (3.2 GB; 12 of them over 8 MB by size only: --deep reads them), 3 events,"
        " 7 trees of code … nothing wrong"
    )


def test_runs_that_lack_the_same_are_named_together_and_few_of_many():
    text = page(damaged(runs=9))
    assert "runs kkkk llll mmmm nnnn oooo pppp  outputs: model.bin" in text
    assert "and 3 runs more (--json)" in text
    assert "1 fault, 9 runs affected" in text
    assert "xt fsck --repair" in text


def test_many_findings_are_cut():
    text = page(*(damaged(number) for number in range(50)))
    assert text.count("it is empty") == 20
    assert "… and 30 more of object-damaged (--json)" in text


def test_what_was_repaired_and_what_was_not():
    some = (
        damaged(1, repaired="brought from the remote `team`", aside="quarantine/x"),
        damaged(2, hint="do so"),
    )
    text = page(*some, repair=True, remotes=["team"], doubts=["the remote `other` was not asked"])
    assert "repaired: brought from the remote `team`" in text
    assert "put aside: quarantine/x" in text
    assert "not done: the remote `other` was not asked" in text
    assert "1 of 2 faults left, 1 run affected" in text
    assert "--from REMOTE" not in text
    assert "1 fault, all repaired" in page(some[0], repair=True)
    assert "interrupted" in page(some[0], repair=True, interrupted=True)


@pytest.mark.parametrize("columns", [24, 40, 80, 300])
def test_lines_fit_and_nothing_acts(columns):
    hostile = "\x1b]0;x\x07\u202e" + "long" * 30
    some = [
        Finding("foreign", Raw("/wBm"), hostile, False, count=1200),
        Finding("object-missing", hostile, hostile, True, [Affected(RUNS[0], [hostile] * 9)], hostile),
    ]
    text = page(*some, columns=columns)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "(1 200)" in " ".join(text.split())
    assert max(map(cells, text.splitlines())) <= max(24, min(columns, 110))
