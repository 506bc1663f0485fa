"""What a push, a pull and a status say, at the width there is, whatever others wrote."""

from __future__ import annotations

import pytest

from xt.model.sync import RemoteStatus, Surplus, Synced, Transfer
from xt.render.cells import cells
from xt.render.remote_status import render as render_status
from xt.render.sync import render

RUN = "kwpztnlqsmvrxoyu"
HOSTILE = "\x1b]0;x\x07\u202e\r"


def synced(*runs, direction="pull", **more):
    found = {"remote": "team", "url": "/team", "events": 0, "objects": 0, "size": 0, "asked": []}
    return Synced(direction, runs=list(runs), **{**found, **more})


def test_one_line_when_all_is_well():
    found = synced(Transfer(RUN, "copied", 3, 5000), direction="push", objects=3, size=5000, events=2)
    assert render(found, 8, 80, False) == "to team: 1 pushed · 3 contents, 5.0 KB · 2 events\n"
    assert render(synced(), 8, 80, False) == "from team: no run\n"


def test_what_needs_attention_comes_first():
    lacking = [f"outputs: {name}" for name in "abcde"]
    found = synced(
        Transfer(RUN, "refused", reason="another record of this id is here"),
        Transfer("nrqszzktwvlmopyx", "completed", 1, 10, lacking=lacking),
        Transfer("ytlmkkpzwxrsouvn", "waiting"),
        doubts=["`x` is no name of a store"],
        stopped="the connection broke off",
    )
    assert render(found, 8, 80, False) == (
        "kwpztnlq  refused    another record of this id is here\n"
        "nrqszzkt  completed  not to be had: `outputs: a`, `outputs: b`, `outputs: c` and\n"
        "                      2 more\n"
        "passed over: `x` is no name of a store\n"
        "from team: 1 completed · 1 refused · 1 not come to\n"
        "stopped: the connection broke off\n"
        "what was copied is kept; the same command goes on from there\n"
        "`xt push --outputs` from a store that has it brings it there\n"
    )


@pytest.mark.parametrize("columns", [40, 80])
def test_nothing_leaves_the_width_or_reaches_the_terminal(columns):
    many = [Transfer(RUN, "refused", reason=f"{HOSTILE} " + "x" * 200) for _ in range(50)]
    found = synced(*many, doubts=[HOSTILE] * 30, remote=HOSTILE, stopped=HOSTILE, single_writer=True)
    side = Surplus([RUN] * 30, 5, 5000, 3)
    status = RemoteStatus(HOSTILE, HOSTILE * 2, 3, side, Surplus(), [HOSTILE] * 20, True)
    for text in (render(found, 8, columns, False), render_status(status, columns, False)):
        assert not set(text) & set("\x1b\x07\u202e\r")
        assert max(cells(line) for line in text.splitlines()) <= columns
        assert len(text.splitlines()) < 200
