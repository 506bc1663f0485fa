"""Which runs go, which stay, and the reason that is told for each."""

from __future__ import annotations

import json
import os

import msgspec
import pytest

from tests import builders
from tests.upkeep.stores import Making, run_id
from xt import codec
from xt.errors import DamagedError, NotRecordedError, UsageError
from xt.model.event import Deployed, Envelope, Named, Noted, Pin, Removed, Signed, Swept, Tagged, Verified
from xt.ops.labels import remove
from xt.ops.statements import standing, state
from xt.query import QueryError
from xt.store import events


@pytest.fixture
def made(tmp_path):
    return Making(tmp_path)


def away(made, run, reason=None):
    state(made.store, made.outside, Removed, run=run, reason=reason)


def dropped(found):
    return {run.run: run.reason for run in found.dropped}


def stay(found):
    return {run.run: run.reason for run in found.kept}


def test_without_rules_only_what_was_put_away_goes(made):
    runs = [made.seal(writes={"a": str(number).encode()}) for number in range(4)]
    away(made, runs[1], "too noisy")
    away(made, runs[2])
    found = made.gc()
    assert dropped(found) == {runs[1]: "put away: too noisy", runs[2]: "put away"}
    assert stay(found) == {}
    assert found.reasons == {"nobody put them away": 2}
    assert made.ids() == {runs[0], runs[3]}


def test_it_is_told_of_a_dropped_run_when_and_why_it_went(made):
    run = made.seal()
    away(made, run, "too noisy")
    made.gc()
    (event,) = events.every(made.store.path, Swept)
    assert event.runs == {run: "put away: too noisy"}
    # What was said of it alone went with it.
    assert standing(made.store).runs == {}
    with pytest.raises(NotRecordedError, match="not in the store any more"):
        state(made.store, made.outside, Tagged, run=run, name="late")


def test_any_number_of_runs_for_long_reasons_can_be_dropped(made, monkeypatch):
    """An event is read up to a size, so one does not tell of all of them."""
    from xt.ops.upkeep import dropping

    monkeypatch.setattr(dropping, "_RUNS", 2)
    runs = [made.seal(code=builders.code(head=f"{number:040x}", repositories=[])) for number in range(5)]
    for run in runs:
        away(made, run, "\x01" * 5000)
    made.gc()
    said = events.every(made.store.path, Swept)
    assert sorted(run for event in said for run in event.runs) == sorted(runs)
    assert [len(event.runs) for event in said] in ([2, 2, 1], [2, 1, 2], [1, 2, 2])
    assert sorted(commit for event in said for commit in event.commits) == [f"{n:040x}" for n in range(5)]
    longest = max(len(path.read_bytes()) for path in (made.path / "events").rglob("*.swept.json"))
    assert longest / 2 * 400 + 5000 * 70 < events.LARGEST


def test_a_dry_run_touches_nothing_and_tells_the_same(made):
    runs = [made.seal(writes={"a": bytes([number]) * 5000}) for number in range(3)]
    away(made, runs[0])
    made.age()
    before = made.state()
    dry = made.gc(dry=True)
    assert made.state() == before
    real = made.gc()
    assert dropped(dry) == dropped(real) == {runs[0]: "put away"}
    told = {kind.sort: kind for kind in dry.freed}
    for kind in real.freed:
        assert told[kind.sort] == kind


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("last 2", {5, 6}),
        ("tagged", {0, 1}),
        ("named", {2}),
        ("noted", {3}),
        ("signed", {4}),
        ("tag:gold", {1}),
        ("status:failed", {6}),
        ("since 2026-11-23T09:36", {5, 6}),
        ("tag:gold or status:failed", {1, 6}),
        ("last 1, tagged", {0, 1, 6}),
    ],
)
def test_a_rule_keeps_what_it_says(made, rule, kept):
    runs = [made.seal(tags=("v1",)), *(made.seal() for _ in range(5)), made.seal(status="failed")]
    say(made, Tagged, run=runs[1], name="gold")
    say(made, Named, run=runs[2], name="reference")
    say(made, Noted, run=runs[3], text="why")
    say(made, Signed, run=runs[4], envelope=Envelope("e30=", "t", [{"sig": "AA==", "keyid": "SHA256:x"}]))
    found = made.gc(rule)
    assert made.ids() == {runs[number] for number in kept}
    assert set(dropped(found).values()) == {"no rule keeps it"}


def say(made, kind, **fields):
    if kind is Signed:
        fields["envelope"] = msgspec.convert(msgspec.to_builtins(fields["envelope"]), Envelope)
    state(made.store, made.outside, kind, **fields)


def test_what_is_pinned_or_deployed_stays_whatever_the_rules(made):
    runs = [made.seal(writes={"m": bytes([number])}, recipe="blake3:" + "1" * 64) for number in range(2)]
    runs += [made.seal(writes={"m": bytes([number])}) for number in range(2, 8)]
    say(made, Pin, name="baseline", run=runs[0], reason=None)
    say(made, Pin, name="old", run=runs[7], reason=None)
    say(made, Pin, name="old", run=None, reason=None)
    for run in (runs[2], runs[3]):
        digest = made.put(b"live")
        say(made, Deployed, to="prod", run=run, output="m", digest=digest)
    say(
        made,
        Verified,
        run=runs[0],
        level="identical",
        required="identical",
        repeats=[runs[4]],
        against=None,
        varied={},
        sentence="",
    )
    for run in (runs[0], runs[2]):
        away(made, run)
    found = made.gc("last 1")
    assert made.ids() == {*runs[:5], runs[7]}
    assert stay(found) == {
        runs[0]: "pinned as `baseline`",
        runs[1]: "a repeat of the run pinned as `baseline`",
        runs[2]: "was live in `prod`: a way back",
        runs[3]: "live in `prod`",
        runs[4]: "a repeat of the run pinned as `baseline`",
    }


def test_trials_stay_as_long_as_the_run_they_were_made_for(made):
    runs = [made.seal(), made.seal()]
    trials = [made.seal(of=run, trial=True) for run in runs]
    say(made, Tagged, run=runs[0], name="gold")
    assert stay(made.gc("tagged", dry=True)) == {trials[0]: "made to verify a run that stays"}
    made.gc("tagged")
    assert made.ids() == {runs[0], trials[0]}


def test_trials_of_a_run_that_stays_for_its_output_stay(made):
    source = made.seal(writes={"a": b"made"})
    trial = made.seal(of=source, trial=True)
    reader = made.seal(reads={"a": b"made"}, tags=("t",))
    assert stay(made.gc("tagged")) == {
        source: "an input of a run that stays came from it",
        trial: "made to verify a run that stays",
    }
    assert made.ids() == {source, trial, reader}


def test_what_the_inputs_of_a_kept_run_came_from_stays(made):
    """As a whole file, out of a folder, into a folder, and as one file of two folders."""
    first = made.seal(writes={"raw": b"raw"})
    other = made.seal(writes={"raw": b"other"})
    second = made.seal(reads={"raw": b"raw"}, writes={"data": {"a": b"aa", "b": b"bb"}})
    third = made.seal(reads={"data/a": b"aa"}, writes={"model": {"w": b"ww", "x": b"xx"}})
    fourth = made.seal(reads={"all": {"copied": b"ww", "y": b"yy"}}, writes={"metrics": b"mm"})
    fifth = made.seal(reads={"folder": {"m": b"mm"}})
    say(made, Tagged, run=fifth, name="gold")
    found = made.gc("tagged", dry=True)
    assert dropped(found) == {other: "no rule keeps it"}
    assert stay(found) == dict.fromkeys(
        (first, second, third, fourth), "an input of a run that stays came from it"
    )
    away(made, first)
    made.gc("tagged")
    assert made.ids() == {first, second, third, fourth, fifth}


def test_of_those_that_made_the_same_one_stays(made):
    makers = [made.seal(writes={"raw": b"raw"}) for _ in range(4)]
    reader = made.seal(reads={"raw": b"raw"})
    later = made.seal(writes={"raw": b"raw"})
    away(made, makers[3])
    say(made, Tagged, run=reader, name="gold")
    made.gc("tagged")
    # The newest that was there before, and that nobody put away.
    assert made.ids() == {makers[2], reader}
    assert later not in made.ids()


def test_what_a_newer_xt_names_stays(made):
    runs = [made.seal(), made.seal()]
    for run in runs:
        away(made, run)
    folder = made.path / "events" / "2026" / "11"
    folder.mkdir(parents=True, exist_ok=True)
    content = made.put(b"of the future")
    other = made.put(b"of nobody")
    said = {"id": "20261123093000000000-00000000", "kind": "cherished", "of": [runs[0]], "what": content}
    (folder / f"{said['id']}.cherished.json").write_text(json.dumps(said))
    made.age()
    assert stay(made.gc()) == {runs[0]: "named by an event of a newer xt"}
    assert content in made.objects()
    assert other not in made.objects()


@pytest.mark.parametrize("data", [b"", b"{", b"\0" * 100, b'{"kind":"tagged"}', b'{"id":"x","kind":"pin"}'])
@pytest.mark.parametrize("suffix", ["", ".tagged", ".swept"])
def test_an_event_that_cannot_be_read_ends_it(made, data, suffix):
    run = made.seal(writes={"a": b"a"})
    away(made, run)
    made.put(b"of nobody")
    folder = next((made.path / "events").glob("*/*"))
    (folder / f"20261123093000000000-00000000{suffix}.json").write_bytes(data)
    made.age()
    before = made.objects()
    for dry in (True, False):
        with pytest.raises(DamagedError, match="20261123093000000000-00000000"):
            made.gc(dry=dry)
    assert (made.objects(), made.ids()) == (before, {run})


@pytest.mark.parametrize(
    "rule", ["taged", "last", "last 0", "last x", "since", "since ever", "", "a,,b", "last -1"]
)
def test_what_is_no_rule_is_refused(made, rule):
    run = made.seal()
    with pytest.raises((UsageError, QueryError)):
        made.gc(rule)
    assert made.ids() == {run}


def test_a_lost_run_can_be_put_away_and_goes(made):
    """Also one whose start is torn, as power loss leaves it; not while somebody holds its lock."""
    lives = [made.store.begin(run_id(number)) for number in range(3)]
    lives[0].publish(codec.encode(builders.start(run_id=run_id(0))))
    lives[1].publish(b"half of a sta")
    lives[2].publish(codec.encode(builders.start(run_id=run_id(2))))
    for live in lives:
        with pytest.raises(NotRecordedError, match="still be going on"):
            remove(made.store, [live.folder[-16:]], None, made.outside, force=True)
        os.close(live.lock)
    with pytest.raises(NotRecordedError, match="still be going on"):
        remove(made.store, [run_id(0)], None, made.outside)  # its host is another
    for number in (0, 1):
        remove(made.store, [run_id(number)], None, made.outside, force=True)
    made.age()
    assert dropped(made.gc()) == dict.fromkeys((run_id(0), run_id(1)), "put away")
    assert os.listdir(made.path / "live") == [run_id(2)]


@pytest.mark.parametrize("sort", ["runs", "events"])
def test_what_was_put_aside_and_not_brought_back_may_need_or_keep_anything(made, sort):
    """A torn record does not say any more which contents it has, a torn statement which run it keeps."""
    run = made.seal(writes={"a": b"only of this run"})
    away(made, made.seal())
    state(made.store, made.outside, Tagged, run=run, name="gold")
    made.age()
    before = made.ids(), made.objects()
    name = f"runs/{run[:2]}/{run}.json"
    if sort == "events":
        (name,) = (str(path.relative_to(made.path)) for path in made.path.glob("events/*/*/*.tagged.json"))
    path = made.path / name
    torn = path.read_bytes()
    aside = made.path / "quarantine" / name
    aside.parent.mkdir(parents=True)
    path.rename(aside)
    aside.chmod(0o600)
    aside.write_bytes(torn[:10])
    for dry in (True, False):
        with pytest.raises(DamagedError, match=r"is not certain") as caught:
            made.gc(dry=dry)
    assert "remove this file to let it go" in caught.value.hint
    path.write_bytes(torn)
    assert len(made.gc().dropped) == 1
    assert before[0] > made.ids()
    assert before[1] == made.objects()
