"""Small stores of every shape: what is held is there afterwards and whole, and nothing else that is old."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.upkeep.stores import Making
from xt.errors import UsageError
from xt.model.event import Deployed, Pin, Removed, Tagged
from xt.ops.statements import standing, state

CONTENTS = [f"content {number}".encode() for number in range(6)]
content = st.sampled_from(CONTENTS)
files = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    content | st.dictionaries(st.sampled_from(["x", "y"]), content, min_size=1),
    max_size=2,
)
runs = st.tuples(files, files, st.booleans(), st.sampled_from(["", "", "", "repeat", "trial"]))
said = st.tuples(
    st.integers(0, 7), st.sampled_from(["away", "away", "back", "pin", "unpin", "deploy", "tag"])
)
rules = st.lists(
    st.sampled_from(["last 1", "last 3", "tagged", "baseline", "tag:gold", "since 1d"]), max_size=2
)


def contents_of(store, item):
    """All contents of a declared path."""
    found = {item.digest}
    if item.kind == "tree":
        found |= {entry["digest"] for entry in json.loads(store.objects.read(item.digest))["entries"]}
    return found


def say(made, ids, at, what):
    run = ids[at % len(ids)]
    match what:
        case "away" | "back":
            state(made.store, made.outside, Removed, run=run, reason=None, back=what == "back")
        case "pin" | "unpin":
            state(made.store, made.outside, Pin, name="p", run=run if what == "pin" else None, reason=None)
        case "deploy":
            digest = made.put(b"what went live")
            state(made.store, made.outside, Deployed, to="prod", run=run, output="a", digest=digest)
        case "tag":
            state(made.store, made.outside, Tagged, run=run, name="gold")


@given(
    st.lists(runs, min_size=1, max_size=6), st.lists(said, max_size=6), rules, st.lists(content, max_size=3)
)
@settings(max_examples=15, deadline=None)
def test_what_is_held_stays_whole_and_what_is_not_goes(made_of, statements, keep, others):
    with tempfile.TemporaryDirectory() as folder:
        made = Making(Path(folder))
        ids: list[str] = []
        for reads, writes, tagged, kind in made_of:
            of = ids[-1] if kind and ids else None
            tags = ("v1",) if tagged else ()
            ids.append(made.seal(reads=reads, writes=writes, tags=tags, of=of, trial=kind == "trial"))
        for at, what in statements:
            say(made, ids, at, what)
        for data in others:
            made.put(data + b" of nobody")
        read: dict[str, set[str]] = {}
        wrote: dict[str, set[str]] = {}
        for run in ids:
            record = made.store.record(run)
            read[run] = set().union(*(contents_of(made.store, item) for item in record.snapshot.inputs))
            wrote[run] = set().union(*(contents_of(made.store, item) for item in record.result.outputs))
        made.age()
        try:
            found = made.gc(*keep)
        except UsageError as error:
            assert "no run fits the rules" in error.message
            assert keep
            assert made.ids() == {*ids}
            return
        left = made.ids()
        gone = {run.run for run in found.dropped}
        assert left == {*ids} - gone
        whole = standing(made.store)
        live = {made.put(b"what went live")} if any(what == "deploy" for _, what in statements) else set()
        assert made.objects() == live.union(*(read[run] | wrote[run] for run in left))
        for digest in made.objects():
            made.store.objects.read(digest)
        pinned = {pin.run for pin in whole.pins.values() if pin.run}
        assert pinned <= left
        assert {one.run for place in whole.places.values() for one in place.deployments} <= left
        away = {run for at, _ in statements for run in [ids[at % len(ids)]]}
        assert keep or gone <= away
        for run in left:
            for digest in read[run]:
                makers = {other for other in ids[: ids.index(run)] if digest in wrote[other]}
                assert not makers or makers & left, "what an input came from is gone"
        again = made.gc(*keep)
        assert (again.dropped, again.freed, again.waiting) == ([], [], None)
