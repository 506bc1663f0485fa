"""Between real stores and a real folder: what arrives, what does not, and what is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests import builders
from tests.sync.team import Breaking, Counting, Side, files, ids, shared
from xt import codec
from xt.cli.syncing import status
from xt.errors import EXIT_SECRET, NoSuchRunError, RemoteError
from xt.model.event import Noted, Pin, Removed, Verified
from xt.model.result import Rank, Start, Stream
from xt.ops.statements import standing, state
from xt.ops.sync.pull import Pull
from xt.ops.sync.pull import Wish as PullWish
from xt.ops.sync.push import Push
from xt.ops.sync.push import Wish as PushWish
from xt.ops.sync.scanning import suspect
from xt.store import Store, events, pulled
from xt.store.remote.folder import Folder
from xt.store.store import sealed

A, B, C = ids(3)


@pytest.fixture
def remote(tmp_path):
    (tmp_path / "remote").mkdir()
    return Folder(str(tmp_path / "remote"))


@pytest.fixture
def here(tmp_path):
    return Side(tmp_path / "here")


@pytest.fixture
def there(tmp_path):
    return Side(tmp_path / "there")


def states(found):
    return {one.run: one.state for one in found.runs}


def test_everything_that_was_asked_for_arrives(here, there, remote):
    for run_id in (A, B):
        here.add(run_id)
    state(here.store, here.outside, Noted, run=A, text="good")
    assert states(here.push(remote, asked=["outputs", "inputs"])) == {A: "copied", B: "copied"}
    assert states(there.pull(remote, asked=["outputs", "inputs"])) == {A: "copied", B: "copied"}
    assert shared(here.store.path) == shared(there.store.path)
    assert not os.path.exists(f"{remote.url}/key")
    assert os.listdir(f"{there.store.path}/tmp") == []


def test_without_more_the_records_logs_metrics_and_manifests_travel(here, there, remote):
    record = here.add(A)
    here.push(remote)
    there.pull(remote)
    metrics, model, tree = record.result.outputs
    has = there.store.objects.has
    assert has(metrics.digest)
    assert has(tree.digest)
    assert has(record.result.logs.streams[0].digest)
    assert has(record.result.metrics[0].series)
    assert not has(model.digest)
    assert pulled.of(there.store, A).parts == []
    # What the remote does not have is said, and comes when it has it.
    (one,) = there.pull(remote, A, asked=["outputs"]).runs
    assert one.lacking == ["outputs: model.bin", "outputs: out/a.txt"]
    assert states(here.push(remote, A, asked=["outputs"])) == {A: "completed"}
    (one,) = there.pull(remote, A, asked=["outputs"]).runs
    assert (one.state, one.lacking) == ("completed", [])
    assert has(model.digest)
    assert pulled.of(there.store, A).parts == ["outputs"]


def test_logs_of_every_rank_travel(here, there, remote):
    record = here.add(A)
    digest = here.store.objects.put_bytes(b"said by rank 1\n")
    here.store.objects.settle()
    logs = builders.logs(streams=[Stream("stdout", "pipe", 15, digest, 15)], timing=None)
    ranks = [Rank(0, "ended"), Rank(1, "ended", logs=logs)]
    record = replace(record, id=B, result=replace(record.result, ranks=ranks))
    here.store.publish(B, sealed(record)[0])
    here.push(remote, B)
    there.pull(remote)
    assert there.store.objects.read(digest) == b"said by rank 1\n"


def test_doing_it_again_does_nothing(here, there, remote):
    here.add(A)
    state(here.store, here.outside, Pin, name="baseline", run=A, reason="x")
    here.push(remote)
    there.pull(remote)
    before = files(remote.url, "")
    for found in (here.push(remote), there.pull(remote), there.push(remote)):
        assert states(found) == {A: "present"}
        assert (found.objects, found.events) == (0, 0)
    assert files(remote.url, "") == before


def test_a_query_is_asked_of_the_remote(here, there, remote):
    here.add(A)
    here.add(B)
    state(here.store, here.outside, Noted, run=B, text="this one")
    here.push(remote)
    assert states(there.pull(remote, "note:this")) == {B: "copied"}
    assert states(there.pull(remote, A[:6])) == {A: "copied"}
    with pytest.raises(NoSuchRunError):
        there.pull(remote, "nobody")


def test_what_was_said_goes_both_ways(here, there, remote):
    here.add(A)
    here.push(remote)
    there.pull(remote)
    state(there.store, there.outside, Noted, run=A, text="from there")
    state(here.store, here.outside, Noted, run=A, text="from here")
    assert there.push(remote).events == 1
    here.push(remote)
    here.pull(remote)
    there.pull(remote)
    texts = [sorted(event.text for event in events.every(side.store.path, Noted)) for side in (here, there)]
    assert texts == [["from here", "from there"]] * 2


def test_nothing_is_said_of_runs_that_did_not_travel(here, there, remote):
    here.add(A)
    here.add(B)
    state(here.store, here.outside, Noted, run=B, text="of b")
    assert here.push(remote, A).events == 0
    assert there.pull(remote).events == 0


def test_the_repeats_that_a_run_was_judged_by_go_with_it(here, there, remote):
    for run_id in (A, B, C):
        here.add(run_id)
    judged = {"level": "identical", "required": "identical", "against": None, "varied": {}, "sentence": "s"}
    state(here.store, here.outside, Verified, run=A, repeats=[B, "kkkkkkkkkkkkkkkk"], **judged)
    assert states(here.push(remote, A)) == {A: "copied", B: "copied"}
    assert states(there.pull(remote, A)) == {A: "copied", B: "copied"}


def test_the_baseline_comes_with_what_a_comparison_reads(here, there, remote):
    record = here.add(A)
    here.add(B)  # of the same recipe
    state(here.store, here.outside, Pin, name="baseline", run=A, reason="first")
    state(here.store, here.outside, Noted, run=A, text="not needed")
    here.push(remote, asked=["outputs"])
    found = there.pull(remote, "baseline")
    assert states(found) == {A: "copied", B: "copied"}
    assert found.events == 1
    assert events.pinned(there.store.path) == {"baseline": A}
    assert there.store.objects.has(record.result.outputs[1].digest)
    assert not there.store.objects.has(there.store.record(B).result.outputs[1].digest)


def test_a_baseline_that_was_taken_away_is_none(here, there, remote):
    here.add(A)
    state(here.store, here.outside, Pin, name="baseline", run=A, reason="first")
    state(here.store, here.outside, Pin, name="baseline", run=None, reason="away")
    here.push(remote)
    with pytest.raises(NoSuchRunError, match="no baseline"):
        there.pull(remote, "baseline")


def test_two_runs_of_one_id_are_both_kept(here, there, remote):
    here.add(A)
    there.add(A, "another")
    here.push(remote)
    before = files(remote.url, ""), shared(there.store.path)
    for found in (there.push(remote), there.pull(remote)):
        (one,) = found.runs
        assert one.state == "refused"
        assert "both are kept" in one.reason
    assert (files(remote.url, ""), shared(there.store.path)) == before


def test_a_run_whose_content_is_gone_is_not_pushed(here, remote):
    record = here.add(A)
    here.add(B)
    os.unlink(here.store.objects.name(record.result.logs.streams[0].digest))
    found = here.push(remote)
    assert states(found) == {A: "refused", B: "copied"}
    assert "log: stdout" in next(one.reason for one in found.runs if one.run == A)
    assert os.listdir(f"{remote.url}/runs") == [B[:2]]


def test_who_pulled_without_outputs_pushes_all_the_same(here, there, remote):
    record = here.add(A)
    here.push(remote, asked=["outputs"])
    there.pull(remote)
    there.add(B)
    found = there.push(remote, asked=["outputs", "code"])
    assert states(found) == {A: "present", B: "copied"}
    assert all(one.lacking == [] for one in found.runs)
    # An output that was made here and is gone is said.
    os.unlink(here.store.objects.name(record.result.outputs[1].digest) + ".zst")
    (one,) = here.push(remote, A, asked=["outputs"]).runs
    assert (one.state, one.lacking) == ("present", ["outputs: model.bin"])


def test_damaged_content_does_not_leave(here, remote):
    record = here.add(A)
    path = Path(here.store.objects.name(record.result.outputs[0].digest))
    path.chmod(0o600)
    path.write_bytes(b"x" * path.stat().st_size)
    (one,) = here.push(remote).runs
    assert one.state == "refused"
    assert "damaged" in one.reason
    assert not os.path.exists(f"{remote.url}/runs")


@pytest.mark.parametrize("where", ["log", "outputs", "record"])
def test_what_looks_like_a_secret_is_kept_back(here, remote, where):
    token = "ghp_" + "a1B2" * 9
    if where == "record":
        record = here.add(A)
        context = record.snapshot.context
        snapshot = replace(record.snapshot, context=replace(context, purpose=token))
        record = replace(record, id=B, snapshot=snapshot)
        here.store.publish(B, sealed(record)[0])
    else:
        here.add(B, f"\n{token}\n" if where == "log" else token)
    found = here.push(remote, B, asked=["outputs"])
    (one,) = found.runs
    assert (one.state, one.secret) == ("refused", True)
    assert token not in one.reason
    assert token.encode() not in b"".join(files(remote.url, "").values())
    assert states(here.push(remote, B, asked=["outputs"], allow=True)) == {B: "copied"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f'x\n"aws_secret_access_key": "{"aB3/" * 10}"', 2),
        (f"export AWS_SECRET_ACCESS_KEY={'aB3+' * 10}\n", 1),
        (f"aws_secret_access_key = {'aB3/' * 12}", None),
        ("aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']", None),
    ],
)
def test_a_secret_key_of_aws_is_known_by_its_name_and_length(text, line):
    seen = suspect([text.encode()])
    assert (seen.line if seen else None) == line


def test_a_note_that_looks_like_a_secret_is_kept_back(here, remote):
    here.add(A)
    event = state(here.store, here.outside, Noted, run=A, text="x")
    path = f"{here.store.path}/events/{event.id[:4]}/{event.id[4:6]}/{event.id}.noted.json"
    os.chmod(path, 0o600)
    Path(path).write_bytes(codec.encode(replace(event, text="hf_" + "a1B2" * 9)))
    found = here.push(remote)
    assert (states(found), found.events) == ({A: "copied"}, 0)
    assert len(found.doubts) == 1
    assert status(found) == EXIT_SECRET
    assert here.push(remote, allow=True).events == 1


def test_that_a_run_was_put_away_is_news_where_it_is(here, there, remote):
    here.add(A)
    here.add(B)
    here.push(remote, A)
    there.pull(remote)
    for run_id in (A, B):
        state(here.store, here.outside, Removed, run=run_id, reason=None)
    found = here.push(remote)
    assert (states(found), found.events) == ({}, 1)
    assert there.pull(remote).events == 1
    assert standing(there.store).runs[A].removed is not None


def test_a_run_in_flight_is_none_of_all_runs(here, remote):
    here.add(A)
    live = here.store.begin(B)
    live.publish(
        codec.encode(Start(B, "2026-11-23T09:30:00.000000Z", builders.SUPERVISOR, builders.snapshot()))
    )
    os.close(live.lock)
    assert states(here.push(remote)) == {A: "copied"}
    assert states(here.push(remote, B)) == {B: "refused"}


def test_a_remote_that_lost_a_content_gets_it_again(here, there, remote):
    record = here.add(A)
    here.push(remote)
    digits = record.result.logs.streams[0].digest[7:]
    os.unlink(f"{remote.url}/objects/{digits[:2]}/{digits}")
    (one,) = there.pull(remote).runs
    assert one.state == "refused"
    assert "the remote lost it" in one.reason
    assert list(there.store.ids()) == []
    assert states(here.push(remote)) == {A: "completed"}
    assert states(there.pull(remote)) == {A: "copied"}


def test_nothing_is_pulled_where_there_is_no_store(there, remote):
    with pytest.raises(RemoteError, match="no store"):
        there.pull(remote)
    Path(remote.url, "format").write_text("something else")
    with pytest.raises(RemoteError, match="not of a store"):
        there.push(remote)


def test_interrupted_it_says_what_was_done_and_goes_on(here, there, remote):
    """Ctrl-C comes while it waits, and so where it tells how far it is."""
    for run_id in (A, B, C):
        here.add(run_id)

    def act(verb, wish, side, when):
        def step(doing, done, _):
            if doing == when[0] and done >= when[1]:
                raise KeyboardInterrupt

        return verb(side.store, remote, "team", wish, side.outside, step)

    push = act(Push, PushWish(), here, ("pushing records", 0))
    with pytest.raises(KeyboardInterrupt):
        push.run()
    assert {one.state for one in push.report().runs} == {"waiting"}
    assert push.report().objects > 0
    assert not os.path.exists(f"{remote.url}/runs")
    assert set(states(here.push(remote)).values()) == {"copied"}
    reading = act(Pull, PullWish(), there, ("reading records", 1))
    with pytest.raises(KeyboardInterrupt):
        reading.run()
    assert list(Path(there.store.path, "cache").rglob("runs/*/*.json"))
    pull = act(Pull, PullWish(), there, ("pulling", 3))
    with pytest.raises(KeyboardInterrupt):
        pull.run()
    assert list(there.store.ids()) == []
    assert set(states(there.pull(remote)).values()) == {"copied"}


def test_many_runs_are_known_by_their_sizes(here, there, remote):
    many = ids(70)
    for run_id in many:
        here.add(run_id, "same")
    here.push(remote)
    counting = Counting(remote.url)
    assert set(states(here.push(counting)).values()) == {"present"}
    assert counting.asked["read"] == 1
    assert set(states(there.pull(remote)).values()) == {"copied"}


class TestRequests:
    """How often the remote is asked."""

    @pytest.fixture
    def counting(self, remote):
        return Counting(remote.url)

    def test_one_run_into_a_large_remote_lists_nothing(self, here, there, remote, counting):
        for run_id in ids(40):
            here.add(run_id)
        here.push(remote)
        there.add("kkkkkkkkkkkkkkkk")
        there.push(counting)
        # The format, the record; 5 contents asked for, of which the timing is there; a recipe, the record.
        assert counting.asked == {"read": 2, "size": 5, "create": 4 + 2}

    def test_a_first_push_asks_for_nothing(self, here, counting):
        for run_id in ids(3):
            here.add(run_id)
        here.push(counting)
        # The format; 4 contents of each and one of all, 2 names for each run.
        assert counting.asked == {"read": 1, "create": 1 + 3 * 4 + 1 + 3 * 2}

    def test_a_pull_of_one_run_reads_one(self, here, there, remote, counting):
        for run_id in ids(20):
            here.add(run_id)
        here.push(remote)
        there.pull(counting, A)
        # The format, the record; ids that begin so, events; 5 contents, of which a manifest, the timing and
        # the points of a metric may be compressed: they are looked for twice.
        assert counting.asked == {"read": 2, "entries": 2, "fetch": 5 + 3}

    def test_records_are_read_once(self, here, there, remote, counting):
        for run_id in ids(20):
            here.add(run_id)
        here.push(remote)
        there.pull(counting)
        assert counting.asked["read"] == 1 + 20
        counting.asked.clear()
        there.pull(counting)
        assert counting.asked == {"read": 1, "entries": 2}


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 40), st.booleans()), max_size=6),
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_it_is_cut_one_more_sync_makes_stores_equal(tmp_path_factory, cuts):
    top = tmp_path_factory.mktemp("cut")
    sides = [Side(top / "one"), Side(top / "two")]
    (top / "remote").mkdir()
    for side, run_id in zip(sides, (A, B), strict=True):
        side.add(run_id)
        state(side.store, side.outside, Noted, run=run_id, text="x")
    for which, push, after, through in cuts:
        side = sides[which]
        try:
            act = side.push if push else side.pull
            act(Breaking(str(top / "remote"), after, through=through), asked=["outputs"])
        except RemoteError:
            pass
        for place in (top / "remote", *(Path(side.store.path) for side in sides)):
            no_run_without_contents(place)
    remote = Folder(str(top / "remote"))
    for side in (*sides, *sides):
        side.push(remote, asked=["outputs"])
        side.pull(remote, asked=["outputs"])
    assert shared(sides[0].store.path) == shared(sides[1].store.path) == shared(remote.url)


KILLED = """
import itertools, os, sys
from pathlib import Path
from tests.sync.team import Side, ids, shared
from tests.sync.test_push_pull import no_run_without_contents
from xt.store.remote.folder import Folder

class Killing(Folder):
    calls = None
    def _ask(self):
        if next(self.calls) == 0:
            os.kill(os.getpid(), 9)
    def read(self, *words):
        self._ask()
        return super().read(*words)
    def fetch(self, name, target, limit):
        self._ask()
        target.write(b"half")
        return super().fetch(name, target, limit)
    def create(self, name, source):
        self._ask()
        return super().create(name, source)

top = Path(sys.argv[1])
(top / "remote").mkdir()
here, there = Side(top / "here"), Side(top / "there")
for run_id in ids(2):
    here.add(run_id)
ended = set()
for after in range(0, 24, 2):
    for act in (here.push, there.pull):
        child = os.fork()
        if child == 0:
            remote = Killing(str(top / "remote"))
            remote.calls = itertools.count(after, -1)
            try:
                act(remote, asked=["outputs"])
            finally:
                os._exit(0)
        ended.add(os.waitpid(child, 0)[1])
        for place in (top / "remote", top / "here" / ".xt", top / "there" / ".xt"):
            no_run_without_contents(place)
assert ended == {0, 9}, ended
remote = Folder(str(top / "remote"))
here.push(remote, asked=["outputs"])
there.pull(remote, asked=["outputs"])
assert shared(here.store.path) == shared(there.store.path) == shared(remote.url)
"""


def test_killed_at_any_moment_neither_side_has_a_run_without_contents(tmp_path):
    top = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        cwd=top,
        env={**os.environ, "PYTHONPATH": f"{top}:{top}/src"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr


def no_run_without_contents(place):
    store = Store(str(place))
    if not (place / "runs").is_dir():
        return
    for run_id in store.ids():
        record = store.record(run_id)
        outputs = [item.digest for item in record.result.outputs]
        for digest in (*outputs, record.result.logs.streams[0].digest, record.result.logs.timing):
            assert store.objects.read(digest)
