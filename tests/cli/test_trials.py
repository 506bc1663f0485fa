"""Repeats that `xt verify` made, and levels: what `ls` and `show` make of them."""

from __future__ import annotations

import csv
import io
import json
import os

import pytest
from msgspec.structs import replace

from tests.builders import record, snapshot, start
from xt import codec
from xt.model.event import Verified
from xt.model.level import Level
from xt.model.snapshot import Repeat
from xt.store import Store, events
from xt.store.index import Index
from xt.store.store import sealed

FIRST, SECOND = "kwpztnlqsmvrxoyu", "nrqszzktwvlmopyx"
RERUN, TRIAL = "qpxvolkmnzwrstuy", "ytlmkkpzwxrsouvn"


def put(
    store: Store, run_id: str, minute: int, repeat: Repeat | None = None, name: str | None = None
) -> None:
    made = snapshot(repeat=repeat)
    made = replace(made, context=replace(made.context, name=name, tags=["gold"] if name else []))
    run = record(made, run_id=run_id, started_at=f"2026-11-23T09:{minute:02}:00.000000Z")
    folder = f"{store.path}/runs/{run_id[:2]}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{run_id}.json", "wb") as file:
        file.write(sealed(run)[0])


def verified(store: Store, run: str, level: Level, second: int = 0, **changes) -> None:
    at = f"2026-11-23T10:00:{second:02}.000000Z"
    said = {"against": None, "varied": {}, "sentence": "It was looked at.", **changes}
    event = Verified(
        events.event_id(at, b"\0\0\0\1"), at, "you", run, level, "equivalent", [TRIAL] * 5, **said
    )
    events.append(store.path, event)


@pytest.fixture
def store(folder):
    """Two runs, a rerun of the first, and, newest, a trial of the first."""
    made = Store.create(f"{folder.path}/.xt")
    put(made, FIRST, 1, name="reference")
    put(made, SECOND, 2)
    put(made, RERUN, 3, Repeat(FIRST, adjusted=["the path /old/data is now /new/data"]))
    put(made, TRIAL, 4, Repeat(FIRST, trial=True, varied=["threads"]), name="reference")
    return made


def rows(folder, *words):
    return json.loads(folder.xt("ls", "--json", *words).out)


def test_trials_are_left_out_and_counted(folder, store):
    shown = folder.xt("ls").out.decode()
    assert "ytlm" not in shown
    assert "3 runs" in shown
    assert "1 repeat made by xt verify is not shown: xt ls --all" in shown
    assert [row["id"] for row in rows(folder)] == [RERUN, SECOND, FIRST]
    everything = folder.xt("ls", "--all").out.decode()
    assert "ytlm" in everything
    assert "4 runs" in everything
    assert "not shown" not in everything
    assert [row["id"] for row in rows(folder, "-a")] == [TRIAL, RERUN, SECOND, FIRST]
    put(store, "zzzztnlqsmvrxoyu", 5, Repeat(FIRST, trial=True))
    assert "2 repeats made by xt verify are not shown" in folder.xt("ls").out.decode()


def test_a_limit_counts_what_is_shown(folder, store):
    assert [row["id"] for row in rows(folder, "-n", "2")] == [RERUN, SECOND]
    assert "2 of 3 runs" in folder.xt("ls", "-n", "2").out.decode()


def test_a_repeat_says_of_what(folder, store):
    found = {row["id"]: row for row in rows(folder, "--all")}
    assert found[TRIAL]["repeat_of"] == FIRST
    assert found[TRIAL]["trial"] is True
    assert found[RERUN]["repeat_of"] == FIRST
    assert "trial" not in found[RERUN]
    assert "repeat_of" not in found[FIRST]
    assert "repeat of kwpz · " in folder.xt("ls").out.decode()


@pytest.mark.parametrize(
    ("reference", "run"),
    [("@", RERUN), ("@~1", SECOND), ("@~2", FIRST), ("reference", FIRST), ("gold", FIRST), ("ytlm", TRIAL)],
)
def test_references_mean_what_is_shown(folder, store, reference, run):
    assert folder.record(reference)["id"] == run


def test_a_position_beyond_what_is_shown_is_none(folder, store):
    done = folder.xt("show", "@~3")
    assert done.code == 1
    assert "there are 3" in done.err


def test_a_trial_in_flight_is_left_out_too(folder, store):
    live = store.begin("rrrrtnlqsmvrxoyu")
    begun = start(snapshot(repeat=Repeat(FIRST, trial=True)), "rrrrtnlqsmvrxoyu")
    with open(f"{store.path}/live/rrrrtnlqsmvrxoyu/start.json", "wb") as file:
        file.write(codec.encode(begun))
    assert "rrrr" not in folder.xt("ls").out.decode()
    assert "2 repeats made by xt verify" in folder.xt("ls").out.decode()
    assert "rrrr" in folder.xt("ls", "--all").out.decode()
    live.end()


def test_names_and_tags_of_the_index_mean_no_trial(store):
    index = Index(store)
    try:
        assert index.named("reference") == FIRST
        assert index.tagged("gold") == FIRST
        assert index.newest(1, trials=True).rows[0].id == TRIAL
        found = index.newest(1)
        assert (found.rows[0].id, found.total, found.trials) == (RERUN, 3, 1)
    finally:
        index.close()


def test_the_last_level_stands_in_the_list(folder, store):
    verified(store, FIRST, "divergent", 1)
    verified(store, FIRST, "identical", 2)
    verified(store, SECOND, "divergent", 1)
    text = folder.xt("ls").out.decode()
    first, second = (
        next(line for line in text.splitlines() if line.startswith(f"  {run}")) for run in ("kwpz", "nrqs")
    )
    assert "ok ≡ 5/5 " in first
    assert "ok ≠ " in second
    assert "verified: ≡ identical ≠ divergent" in text
    found = {row["id"]: row for row in rows(folder)}
    assert found[FIRST]["level"] == "identical"
    assert found[FIRST]["verified_at"] == "2026-11-23T10:00:02.000000Z"
    assert found[FIRST]["verified_by"] == 5
    assert "level" not in found[RERUN]
    table = {row["id"]: row for row in csv.DictReader(io.StringIO(folder.xt("ls", "--csv").out.decode()))}
    assert table[SECOND]["level"] == "divergent"
    assert table[RERUN]["repeat_of"] == FIRST
    assert table[RERUN]["level"] == table[RERUN]["verified_at"] == ""


def test_a_list_without_levels_has_no_legend(folder, store):
    assert "verified" not in folder.xt("ls").out.decode()


def test_a_damaged_event_costs_the_level_and_nothing_else(folder, store):
    verified(store, FIRST, "identical")
    (path,) = (folder.path / ".xt/events").rglob("*.verified.json")
    path.chmod(0o600)
    path.write_text("{")
    assert "≡" not in folder.xt("ls").out.decode()
    assert folder.xt("show", "kwpz").code == 0


@pytest.mark.parametrize(
    ("level", "changes", "said"),
    [
        ("identical", {}, "identical in 5 of 5 repeats, "),
        ("equivalent", {}, "equivalent over 5 repeats, "),
        ("divergent", {}, "divergent over 5 repeats, equivalent was required, "),
        ("equivalent", {"against": SECOND}, "equivalent held against nrqs, "),
        ("equivalent", {"varied": {"threads": "equivalent", "clock": "identical"}}, "identical with clock"),
        (
            "divergent",
            {"sources": ["clock", "seed"], "pins": ["clock"]},
            "differs by clock and seed · repeats with clock held fixed",
        ),
        ("unverifiable", {"sentence": "An input is gone."}, "An input is gone."),
    ],
)
def test_a_page_says_how_well_it_repeats(folder, store, level, changes, said):
    verified(store, FIRST, level, **changes)
    page = " ".join(folder.xt("show", "kwpz", env={"COLUMNS": "110"}).out.decode().split())
    assert f"verified {level}" in page
    assert said in page
    assert " ago" in page


def test_a_page_says_what_it_repeats(folder, store):
    trial = " ".join(folder.xt("show", "ytlm").out.decode().split())
    assert "repeat of kwpz · made by xt verify with threads varied" in trial
    rerun = " ".join(folder.xt("show", "qpxv").out.decode().split())
    assert "repeat of kwpz · made by xt rerun" in rerun
    assert "the path /old/data is now /new/data" in rerun
    assert "verified" not in rerun


def test_the_record_stays_as_it_was_sealed(folder, store):
    path = folder.path / ".xt" / "runs" / "kw" / f"{FIRST}.json"
    before = path.read_bytes()
    verified(store, FIRST, "identical")
    assert folder.xt("show", "kwpz", "--json").out == before
