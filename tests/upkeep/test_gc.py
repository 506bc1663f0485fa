"""What a sweep takes away, what it leaves, and what it does when something is not as it should be."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests import builders
from tests.faults import preload
from tests.upkeep.stores import OLD, Making, run_id
from xt import codec
from xt.context import timestamp
from xt.errors import DamagedError, StoreError
from xt.model.event import Deployed, Removed
from xt.model.files import Input
from xt.model.result import Derived, Metric, Rank, Stream, Supervisor
from xt.model.sync import Pulled
from xt.ops.statements import state
from xt.store import pulled, trash
from xt.store.holding import bringing, dropping, sweeping
from xt.store.index import Index

HOUR = 3600


@pytest.fixture
def made(tmp_path):
    return Making(tmp_path)


def away(made, run):
    state(made.store, made.outside, Removed, run=run, reason=None)


def hexed(path):
    return path.name.removesuffix(".zst")


def test_contents_of_dropped_runs_go_and_those_that_others_name_stay(made):
    first = made.seal(
        writes={"a": b"own", "b": b"shared", "t": {"x": b"own in a folder", "y": b"shared"}}, log=b"o"
    )
    second = made.seal(reads={"d": {"y": b"of its input"}}, writes={"b": b"shared"}, log=b"l" * 9000)
    away(made, first)
    made.age()
    found = made.gc()
    wanted = {made.put(data) for data in (b"shared", b"of its input", b"l" * 9000)}
    wanted.add(made.tree({"y": b"of its input"}))
    assert made.objects() == wanted
    assert made.ids() == {second}
    contents = next(kind for kind in found.freed if kind.sort == "contents")
    assert contents.files == 4
    again = made.gc()
    assert (again.freed, again.dropped, again.waiting, again.notes) == ([], [], None, [])


def test_everything_that_is_named_anywhere_stays(made):
    """By events, runs in flight, lost ones, jobs, and what was quarantined; by whom is not asked."""
    kept = {}
    for where in ("event", "live", "lost", "job", "quarantined", "prompt"):
        kept[where] = made.put(f"named by {where}".encode())
    tree = made.tree({"inside": b"inside of what is named"})
    inside = made.put(b"inside of what is named")
    state(
        made.store,
        made.outside,
        Deployed,
        to="prod",
        run=made.seal(),
        output="m",
        digest=tree,
        prompts=kept["prompt"],
    )
    for number, where in ((500, "live"), (501, "lost")):
        snapshot = builders.snapshot(inputs=[Input("data", "d", "file", "verified", "d", kept[where], 5, 1)])
        live = made.store.begin(run_id(number))
        live.publish(codec.encode(builders.start(snapshot, run_id(number))))
        if where == "lost":
            os.close(live.lock)
    for name, where in (("jobs/x/0.task", "job"), ("quarantine/runs/kn/x.json", "quarantined")):
        path = made.path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"\xff" * 100 + b"x" * ((1 << 20) - 130) + kept[where].encode() + b"y" * 3000)
    folder = made.path / "events" / "2030" / "01"
    folder.mkdir(parents=True)
    (folder / "20300101000000000000-00000000.unheard.json").write_text(f'["{kept["event"]}"]')
    nobody = made.put(b"of nobody")
    made.age()
    for path in (made.path / "live").glob("**/*"):
        os.utime(path)
    made.gc()
    assert made.objects() == {*kept.values(), tree, inside}
    assert nobody not in made.objects()


def test_what_is_newer_than_the_grace_period_waits(made):
    digest = made.put(b"x" * 3000)
    (path,) = (made.path / "objects").glob("*/*")
    found = made.gc()
    assert (found.waiting.files, found.waiting.size) == (1, path.stat().st_blocks * 512)
    written = timedelta(microseconds=path.stat().st_mtime_ns // 1000, days=1)
    assert found.waiting.until == timestamp(datetime(1970, 1, 1, tzinfo=UTC) + written)
    for age, grace, stays in ((23, 24, True), (25, 24, False), (2, 3, True), (2, 1, False), (0.9, 0, True)):
        made.put(b"x" * 3000)
        then = time.time() - age * HOUR
        os.utime(path, (then, then))
        made.gc(grace=grace * HOUR)
        assert (digest in made.objects()) == stays, (age, grace)


def test_what_is_of_the_future_stays(made):
    """A clock that was wrong when it was written, or is now: neither may cost anything."""
    made.put(b"x")
    (path,) = (made.path / "objects").glob("*/*")
    for then in (time.time() + 9 * 365 * 86_400, 0x7FFFFFFF):
        os.utime(path, (then, then))
        found = made.gc()
        assert path.exists()
        assert (found.waiting.files, found.waiting.until) == (1, None)
    os.utime(path, (OLD, OLD))

    class Back(type(made.outside)):
        def now(self):
            return builders.NOW.replace(year=2001)

    outside = Back(str(made.folder), {})
    made.outside, real = outside, made.outside
    made.gc()
    assert path.exists()

    class Ahead(type(real)):
        def now(self):
            return builders.NOW.replace(year=2099)

    now = time.time()
    os.utime(path, (now, now))
    made.outside = Ahead(str(made.folder), {})
    made.gc()
    assert path.exists()


def test_what_a_run_in_flight_wrote_long_ago_stays(made):
    """It is named by nothing yet, and older than any grace period: but not older than the run."""
    live = made.store.begin(run_id(900))
    began = time.time() - 40 * 86_400
    early = made.put(b"written at its begin")
    for path in (made.path / "objects").glob("*/*"):
        os.utime(path, (began, began))
    for path in (live.folder, f"{live.folder}/lock"):
        os.utime(path, (began, began))
    older = made.put(b"older than that")
    path = made.path / "objects" / older[7:9] / older[7:]
    os.utime(path, (OLD, OLD))
    found = made.gc()
    assert made.objects() == {early}
    assert found.waiting.flying == [run_id(900)]
    snapshot = builders.snapshot(inputs=[], outputs=[])
    live.publish(codec.encode(builders.start(snapshot, run_id(900))))
    assert made.gc().reasons == {"in flight": 1}
    assert made.objects() == {early}
    os.close(live.lock)
    # Of another host, where nobody here can tell whether it goes on.
    assert made.gc().reasons == {"in flight": 1}
    assert made.objects() == {early}
    here = builders.start(snapshot, run_id(900))
    here = replace(here, supervisor=Supervisor(os.uname().nodename, None, 1, None, None))
    (made.path / "live" / run_id(900) / "start.json").write_bytes(codec.encode(here))
    assert made.gc().reasons == {"nobody put them away": 1}
    assert made.objects() == set()


def test_what_somebody_comes_to_want_meanwhile_is_put_back(made):
    digest = made.put(b"x")
    (path,) = (made.path / "objects").glob("*/*")
    name = str(path.relative_to(made.path))
    os.utime(path, (OLD, OLD))
    assert made.store.objects.hold(digest)
    assert not trash.sweep(str(made.path), name, (OLD + 5) * 10**9)
    assert made.objects() == {digest}
    os.utime(path, (OLD, OLD))
    assert trash.sweep(str(made.path), name, (OLD + 5) * 10**9)
    assert not made.store.objects.hold(digest)
    assert made.objects() == set()
    assert [*trash.names(str(made.path))] == []


@pytest.mark.parametrize("how", ["one", "all"])
def test_a_record_that_is_gone_and_was_not_dropped_ends_it(made, how):
    """As when `runs` is a mount that is not there now: what such a run needs is not for the taking."""
    run, other = made.seal(writes={"a": b"a"}), made.seal(writes={"a": b"b"})
    away(made, other)
    made.gc()  # one that was dropped is no reason
    with contextlib.closing(Index(made.store)) as index:
        assert [row.id for row in index.newest(9).rows] == [run]
    put_by = made.path / "runs"
    gone = put_by / run[:2] if how == "one" else put_by
    gone.rename(made.path / "put-by")
    put_by.mkdir(exist_ok=True)
    made.age()
    before = made.objects()
    for dry in (True, False):
        with pytest.raises(DamagedError, match=run):
            made.gc(dry=dry)
    assert made.objects() == before
    if how == "one":
        (made.path / "put-by").rename(gone)
    else:
        put_by.rmdir()
        (made.path / "put-by").rename(put_by)
    made.gc()
    assert made.store.record(run)


@pytest.mark.parametrize("damage", ["torn", "empty", "altered", "a folder", "of another run", "unreadable"])
def test_a_record_that_cannot_be_read_ends_it(made, damage):
    run, other = made.seal(writes={"a": b"a"}), made.seal(writes={"a": b"b"})
    away(made, other)
    made.put(b"of nobody")
    path = made.path / "runs" / run[:2] / f"{run}.json"
    data = path.read_bytes()
    path.chmod(0o600)
    match damage:
        case "torn":
            path.write_bytes(data[: len(data) // 2])
        case "empty":
            path.write_bytes(b"")
        case "altered":
            path.write_bytes(data.replace(b'"ok"', b'"failed"'))  # as it might be sealed
        case "a folder":
            path.unlink()
            path.mkdir()
        case "of another run":
            path.write_bytes((made.path / "runs" / other[:2] / f"{other}.json").read_bytes())
        case "unreadable":
            path.unlink()
            path.symlink_to("/nowhere")
    made.age()
    before = made.objects()
    for dry in (True, False):
        with pytest.raises(DamagedError, match=run) as error:
            made.gc(dry=dry)
        assert "xt fsck" in error.value.hint
    assert made.objects() == before
    assert made.ids() == {run, other}


def test_a_list_of_files_that_cannot_be_read_ends_it(made):
    run = made.seal(writes={"t": {"a": b"aa"}})
    tree = made.tree({"a": b"aa"})
    path = made.path / "objects" / tree[7:9] / tree[7:]
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data.replace(b"aa", b"xx") + b" ")
    made.put(b"of nobody")
    made.age()
    before = made.objects()
    with pytest.raises(DamagedError, match=f"the list of `t` of {run} cannot be read"):
        made.gc()
    path.unlink()
    with pytest.raises(DamagedError, match=f"the list of `t` of {run} is not there"):
        made.gc()
    assert made.objects() == before - {tree}
    # One that was never brought is missed by nobody.
    pulled.note(made.store, run, Pulled("team", "file:///x", []))
    made.gc()
    assert made.objects() == set()


def test_only_one_sweeps_at_a_time_and_none_while_something_is_brought(made):
    run = made.seal()
    away(made, run)
    for other in (sweeping, bringing):
        with other(str(made.path)), pytest.raises(StoreError, match="at work"):
            made.gc()
    assert made.ids() == {run}
    with sweeping(str(made.path)):
        assert len(made.gc(dry=True).dropped) == 1
    made.gc()
    assert made.ids() == set()


def test_nothing_is_said_of_a_run_while_it_is_dropped(made):
    """A tag waits for the drop, and then finds that there is no such run."""
    run = made.seal()
    said = []

    def tag():
        try:
            away(made, run)
            said.append("said")
        except Exception as error:
            said.append(error)

    with dropping(str(made.path)):
        thread = threading.Thread(target=tag)
        thread.start()
        time.sleep(0.05)
        assert said == []
        (made.path / "runs" / run[:2] / f"{run}.json").unlink()
    thread.join()
    assert "not in the store any more" in str(said[0])


def test_what_is_said_after_the_decision_counts(made, monkeypatch):
    """A pin between the look at the store and the drop keeps the run."""
    from xt.model.event import Pin
    from xt.ops.upkeep import dropping as module

    runs = [made.seal(writes={"a": bytes([number])}) for number in range(2)]
    for run in runs:
        away(made, run)
    made.age()

    def late(store):
        state(made.store, made.outside, Pin, name="baseline", run=runs[0], reason=None)
        return dropping(store)

    monkeypatch.setattr(module, "dropping", late)
    found = made.gc()
    assert [run.run for run in found.dropped] == [runs[1]]
    assert made.ids() == {runs[0]}
    assert made.objects() == {made.put(bytes([0]))}


def test_where_a_drop_cannot_be_recorded_nothing_is_dropped(made):
    """The rest is swept all the same: a full disk is what somebody may want to be rid of."""
    run = made.seal(writes={"a": b"a"})
    away(made, run)
    nobody = made.put(b"of nobody")
    made.age()
    (year,) = (made.path / "events").iterdir()
    year.rename(made.path / "events" / "1999")
    (made.path / "events" / str(made.outside.now().year)).symlink_to("/dev/full")
    found = made.gc()
    assert found.failed
    assert "no run was dropped, because that could not be recorded" in found.notes[0]
    assert found.reasons == {"it could not be recorded that they go": 1}
    assert made.ids() == {run}
    assert [*trash.names(str(made.path))] == []
    assert nobody not in made.objects()
    assert made.objects() == {made.put(b"a")}


def test_ctrl_c_before_it_is_recorded_drops_nothing(made):
    runs = {made.seal(writes={"a": bytes([number])}) for number in range(2)}
    for run in runs:
        away(made, run)
    made.age()
    before = made.objects()

    class Impatient(type(made.outside)):
        def random_bytes(self, count):
            assert made.ids() == set(), "the records were moved by now"
            raise KeyboardInterrupt

    patient, made.outside = made.outside, Impatient(str(made.folder), {})
    with pytest.raises(KeyboardInterrupt):
        made.gc()
    assert (made.ids(), made.objects(), [*trash.names(str(made.path))]) == (runs, before, [])
    made.outside = patient
    assert len(made.gc().dropped) == 2


def test_what_a_killed_sweep_left_is_settled(made):
    """Contents that are needed and records of runs that were not dropped come back; the rest goes."""
    run = made.seal(writes={"a": b"needed"})
    needed, nobody, fresh = made.put(b"needed"), made.put(b"of nobody"), made.put(b"fresh")
    dropped = made.seal()
    away(made, dropped)
    made.gc()
    made.age()
    store = str(made.path)
    for digest in (needed, nobody, fresh):
        assert trash.put(store, f"objects/{digest[7:9]}/{digest[7:]}") is not None
    assert trash.put(store, f"runs/{run[:2]}/{run}.json") is not None
    (made.path / "trash" / f"runs+{dropped[:2]}+{dropped}.json").write_bytes(b"{}")
    for other in ("something", "..+..+evil", f"objects+zz+{nobody[7:]}"):
        (made.path / "trash" / other).write_bytes(b"of somebody else")
    os.utime(trash.path(store, f"objects/{fresh[7:9]}/{fresh[7:]}"))
    found = made.gc()
    assert made.ids() == {run}
    assert made.objects() == {needed, fresh}
    assert {kind.sort: kind.files for kind in found.freed} == {"trash": 2}
    assert sorted(os.listdir(made.path / "trash")) == ["..+..+evil", f"objects+zz+{nobody[7:]}", "something"]


def test_litter_goes_when_it_is_old_and_nobody_holds_it(made):
    made.seal()
    names = [
        "tmp/4242.abc",
        "tmp/4242.abc.packs/objects/x",
        "runs/kk/x.json.1.ab.tmp",
        "events/2026/x.json.1.ab.tmp",
        "cache/index.db.1.ab.tmp",
        "key.1.ab.tmp",
        f"live/{'k' * 32}.launch",
        f"live/{run_id(7)}/lock",
        f"pulled/kk/{run_id(9)}.json",
        "work/0/code/x",
        "work/0.lock",
        "jobs/old/lock",
        "jobs/old/beat",
        "cache/remotes/0123456789abcdef/runs/kk/x.json",
    ]
    stay = [
        "work/1/code/x",
        "work/1/kept",
        "work/2/code/x",
        f"live/{run_id(8)}/lock",
        "jobs/held/lock",
        "objects/README",
        "cache/stat/x",
    ]
    for name in (*names, *stay):
        path = made.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 5000)
    locks = []
    for name in ("work/2.lock", f"live/{run_id(8)}/lock", "jobs/held/lock"):
        fd = os.open(made.path / name, os.O_RDWR | os.O_CREAT)
        fcntl.flock(fd, fcntl.LOCK_EX)
        locks.append(fd)
    made.gc()
    young = {"work/0/code/x"}  # its lock tells all
    assert {name for name in names if not (made.path / name).exists()} == young
    made.age()
    for path in (made.path / "live" / run_id(8), made.path / "live" / run_id(8) / "lock"):
        os.utime(path)
    found = made.gc(dry=True)
    real = made.gc()
    assert found.freed == real.freed
    assert {name for name in names if (made.path / name).exists()} == {"work/0.lock"}
    assert {name for name in stay if not (made.path / name).exists()} == set()
    assert found.notes == ["`.xt/objects/README` does not belong there, and was left alone"]
    assert {kind.sort for kind in real.freed} == {
        "records",
        "runs in flight",
        "jobs",
        "temporary files",
        "caches",
    }
    for fd in locks:
        os.close(fd)


def test_a_store_that_cannot_be_written_is_left_alone(made):
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    made.put(b"of nobody")
    made.age()
    made.path.chmod(0o500)
    try:
        with pytest.raises(StoreError):
            made.gc()
    finally:
        made.path.chmod(0o700)


def test_what_cannot_be_removed_is_said_and_the_rest_goes(made):
    """An immutable folder, say: everything else is swept, and the status tells."""
    if os.geteuid() != 0 or shutil.which("chattr") is None:
        pytest.skip("only root can make a file immutable")
    digests = [made.put(bytes([number])) for number in range(9)]
    made.age()
    stuck = made.path / "objects" / digests[0][7:9] / digests[0][7:]
    if subprocess.run(["chattr", "+i", stuck], capture_output=True, check=False).returncode:
        pytest.skip("this file system knows no immutable files")
    try:
        found = made.gc()
    finally:
        subprocess.run(["chattr", "-i", stuck], check=True)
    assert found.failed
    assert "could not be removed" in found.notes[0]
    assert made.objects() == {digests[0]}
    assert stat.S_ISREG(stuck.stat().st_mode)


def test_fifty_writers_beside_two_that_sweep(tmp_path):
    """Everything that a record names is there in the end, although all of it was swept all the time."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.upkeep.beside", str(tmp_path), "50", "4"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"failed": 0, "runs": 200, "lost": []}


def test_pins_and_deployments_beside_the_drop_of_the_very_runs(tmp_path):
    """Each is refused, because the run is gone, or keeps it: none ever names what is not there."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.upkeep.beside", str(tmp_path), "said"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["dangling"] == []
    assert found["refused"] + found["kept"] == 60


def test_killed_before_every_call_that_changes_the_store():
    """Or told that it failed: nothing that is needed is gone, and the next sweep does the rest."""
    if (reason := preload.missing()) is not None:
        pytest.skip(reason)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.upkeep.killed", folder],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["calls"] > 40


def test_whatever_a_record_names_stays(made):
    """Logs of ranks, tables made of others' files, series, standard input: no list of parts is asked."""
    some = {name: made.put(f"the {name}".encode()) for name in ("log", "timing", "table", "series", "stdin")}
    own = run_id(800)
    rank = Rank(1, "ended", logs=builders.logs(streams=[Stream("stdout", "pipe", 7, some["log"], 7)]))
    rank = replace(rank, logs=replace(rank.logs, timing=some["timing"]))
    result = builders.result(
        outputs=[],
        metrics=[Metric("loss", 1.0, "XT_METRICS", count=2, series=some["series"])],
        logs=builders.logs(streams=[], timing=None),
        ranks=[rank],
        derived=[Derived("cases", "lm-eval", "results", some["table"], 9, 1)],
    )
    command = builders.command(stdin="pipe", stdin_digest=some["stdin"], stdin_size=9)
    snapshot = builders.snapshot(inputs=[], outputs=[], metrics=[], command=command)
    live = made.store.begin(own)
    made.store.seal(live, builders.record(snapshot, result, own))
    live.end()
    made.age()
    assert made.gc().freed == []
    assert made.objects() == {*some.values()}


def test_what_was_written_by_another_program_is_left_alone(made):
    """Names that no xt gives, wherever they lie."""
    names = [
        "objects/zz/x",
        "objects/ab/short",
        "runs/notes.txt",
        "events/2026/11/notes.txt",
        "mine/data",
        "objects/ab/cd/x",
    ]
    for name in names:
        (made.path / name).parent.mkdir(parents=True, exist_ok=True)
        (made.path / name).write_bytes(b"mine")
    made.age()
    found = made.gc()
    assert found.freed == []
    assert all((made.path / name).exists() for name in names)
