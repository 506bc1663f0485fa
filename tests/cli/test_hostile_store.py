"""A store full of what no xt writes: each thing is named or passed over, good runs stay, nothing hangs."""

from __future__ import annotations

import json
import os
import sys

import pytest
from msgspec.structs import replace

from tests.sync.team import Side, ids
from xt import codec
from xt.model.event import Deployed, Pin, Tagged, Verified
from xt.model.files import Entry, Input, Manifest, Output
from xt.model.snapshot import Repeat
from xt.ops.statements import state
from xt.store import events
from xt.store.store import MAX_RECORD, sealed

GOOD, OTHER = ids(2)
AT = "2026-11-24T09:30:00.000001Z"
#: Commands that read a store; those that start something are tried with what they would read.
READING = (
    *(
        ["ls"],
        ["ls", "--json"],
        ["ls", "x"],
        ["ls", "metric.loss>0"],
        ["ls", "output:model.bin", "--sort", "time"],
    ),
    *(
        ["show", GOOD],
        ["show"],
        ["diff", OTHER, GOOD],
        ["logs", GOOD],
        ["audit", "--all"],
        ["baseline"],
        ["noise", GOOD],
    ),
    *(
        ["trace", GOOD],
        ["stale"],
        ["bundle"],
        ["cases", GOOD],
        ["plot", "loss"],
        ["report", "-o", "-"],
        ["prod"],
    ),
    *(["rollback", "prod"], ["restore", GOOD, "--to", "there"], ["export", GOOD, "--to", "json", "-o", "-"]),
    *(["tag", GOOD], ["name", GOOD], ["note", GOOD], ["audit", GOOD, "--signature"], ["blame", "prod", "x"]),
    *(
        ["fsck"],
        ["fsck", "--deep", "--json"],
        ["du"],
        ["du", "--runs"],
        ["gc", "--dry-run", "--keep", "last 1"],
    ),
)


@pytest.fixture
def side(folder, at_once):
    made = Side(folder.path)
    made.add(OTHER)
    made.add(GOOD)
    made.project = at_once(folder.path)
    return made


def name(letters):
    return (letters * 16)[:16]


def put(path, data=b""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def odd(path, kind):
    """Something that is no file, where one should be."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if kind == "folder":
        os.makedirs(f"{path}/x")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        os.symlink("/etc/passwd", path)
    elif kind == "loop":
        os.symlink(os.path.basename(path), path)
    elif kind == "device":
        os.symlink("/dev/zero", path)
    else:
        put(path, b"\0")


KINDS = ("folder", "fifo", "link", "loop", "device", "byte")


def records(side):
    """Files of records that are none."""
    data, _ = sealed(side.store.record(GOOD))
    seal = data[data.index(b'"seal":"') + 8 :][:71]

    def again(changed):
        """Sealed again, so that only its content speaks against it."""
        at = changed.index(seal)
        return changed.replace(seal, codec.digest(changed[:at] + changed[at + 71 :]).encode())

    mine = data.replace(GOOD.encode(), b"%s")
    deep = b"[" * 100_000 + b"]" * 100_000
    return [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        data[:-40],
        data,
        deep,
        b'{"schema":"xt.run/1","seal":"x"}',
        again(mine.replace(b'"status":"ok"', b'"status":"odd"')),
        again(mine.replace(b'"status":"ok"', b'"status":"ok","status":"failed"')),
        again(mine.replace(b'"started_at":"', b'"started_at":"x')),
        again(mine.replace(b'"exit_code":0', b'"exit_code":NaN')),
        again(mine.replace(b'"exit_code":0', b'"exit_code":1e999')),
        again(mine.replace(b'"exit_code":0', b'"exit_code":18446744073709551616')),
        again(mine.replace(b'"host":"host"', b'"host":"\\ud800"')),
        again(mine.replace(b'"ticket":null', b'"ticket":' + deep)),
        again(mine.replace(b"blake3:", b"blake3:../", 1)),
        again(mine.replace(b'"xt.run/1"', b'"xt.run/9"')),
    ]


def fill(side):
    """Put everything there is into a store; give the ids of runs that cannot be read."""
    top = side.store.path
    bad = []
    for number, data in enumerate(records(side)):
        run = name("kl"[number % 2] + chr(ord("k") + number // 2) + "m")
        put(f"{top}/runs/{run[:2]}/{run}.json", data.replace(b"%s", run.encode()))
        bad.append(run)
    for number, kind in enumerate(KINDS):
        letter = chr(ord("k") + number)
        odd(f"{top}/runs/{'z' + letter}/{name('z' + letter)}.json", kind)
        bad.append(name("z" + letter))
        odd(f"{top}/live/{name('y' + letter)}/start.json", kind)
        odd(f"{top}/live/{name('x' + letter)}", kind)
        odd(f"{top}/pulled/{'z' + letter}/{name('z' + letter)}.json", kind)
        odd(f"{top}/events/2026/11/2026112617241379471{number}-a421a8ab.tagged.json", kind)
        odd(f"{top}/runs/{'w' + letter}", kind)
        odd(f"{top}/events/200{number}", kind)
    run = name("zt")
    put(f"{top}/runs/zt/{run}.json")
    os.truncate(f"{top}/runs/zt/{run}.json", MAX_RECORD + 1)
    put(f"{top}/runs/zt/../not-an-id.json", b"{}")
    put(f"{top}/runs/kk/{name('k')}.json.sh", b"{}")
    for number, data in enumerate(
        (b"", b"{}", b'{"a":' + b"[" * 100_000, b'{"kind":"tagged","id":7}', b'{"id":"\\ud800"}')
    ):
        put(f"{top}/events/2026/11/2026112617241379472{number}-a421a8ab.noted.json", data)
    put(f"{top}/events/2026/11/20261126172413794730-a421a8ab.noted.json")
    os.truncate(f"{top}/events/2026/11/20261126172413794730-a421a8ab.noted.json", 1 << 30)
    return [*bad, run]


def test_every_reader_passes_over_what_is_none(side):
    bad = fill(side)
    for words in READING:
        done = side.project.xt(*words)
        assert "a bug in xt" not in done.err, (words, done.err)
        assert done.code in (0, 1, 3), (words, done.code, done.err)
    listed = side.project.xt("ls", "-n", "0", "--json")
    assert listed.code == 0, listed.err
    rows = {row["id"]: row["status"] for row in json.loads(listed.out)}
    assert rows[GOOD] == rows[OTHER] == "ok"
    assert {run: rows[run] for run in bad} == dict.fromkeys(bad, "damaged")
    assert side.project.xt("show", GOOD).code == 0
    for run in bad:
        done = side.project.xt("show", run)
        assert (done.code, done.err.startswith("xt: error: the record of")) == (1, True), (run, done.err)


def test_what_runs_is_not_kept_from_it(side):
    fill(side)
    done = side.project.xt("run", "-q", "--", sys.executable, "-c", "raise SystemExit(7)")
    assert done.code == 7, done.err
    assert "a bug" not in done.err


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_that_is_no_file_is_damaged(side, kind):
    for item in [*side.store.record(GOOD).result.outputs]:
        (path,) = side.path.glob(f".xt/objects/{item.digest[7:9]}/{item.digest[7:]}*")
        os.unlink(path)
        odd(str(path), kind)
    for words in (
        ["restore", GOOD, "--to", "there"],
        ["diff", OTHER, GOOD],
        ["export", GOOD, "--to", "rocrate", "-o", "c.zip"],
    ):
        done = side.project.xt(*words)
        assert "a bug" not in done.err, done.err
    assert done.code in (0, 1)
    assert b"root:" not in b"".join(
        path.read_bytes() for path in side.path.glob("there/**/*") if path.is_file()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_cache_or_a_folder_that_is_something_else(side, kind):
    for part in ("cache/index.db", "cache/recipes", "cache/stat", "cache/columns", "pulled", "live", "tmp"):
        path = side.path / ".xt" / part
        if path.is_dir():
            os.rename(path, f"{path}.was")
        elif path.exists():
            os.unlink(path)
        odd(str(path), kind)
    for words in READING:
        done = side.project.xt(*words)
        assert "a bug" not in done.err, (words, done.err)
    # Without `live` nobody can tell which runs there are: that is said, and the command runs all the same.
    os.rename(side.path / ".xt/live", side.path / ".xt/live.odd")
    assert side.project.xt("show", GOOD).code == 0
    os.rename(side.path / ".xt/live.odd", side.path / ".xt/live")
    done = side.project.xt("run", "-q", "--", sys.executable, "-c", "raise SystemExit(7)")
    assert (done.code, "a bug" in done.err) == (7, False), done.err


def test_circles_are_walked_once(side):
    """Manifests that name each other, runs that repeat each other, deployments that take themselves back."""
    store = side.store
    tree = store.objects.put_bytes(
        codec.encode(Manifest([Entry("a", "file", 0o644, 1, "blake3:" + "0" * 64)]))
    )
    inner = Entry("t", "dir", 0o755, digest=tree)
    itself = store.objects.put_bytes(codec.encode(Manifest([inner, Entry("b", "file", 0o644, 1, tree)])))
    store.objects.settle()
    first, second = name("m"), name("n")
    for run, of, reads, writes in ((first, second, itself, tree), (second, first, tree, itself)):
        record = store.record(GOOD)
        item = Output("model", "m", "tree", "stored", "m", writes, 1, 1, 0o755)
        given = Input("data", "m", "tree", "verified", "m", reads, 1, 1)
        snapshot = replace(record.snapshot, repeat=Repeat(of), inputs=[given])
        snapshot = replace(snapshot, context=replace(snapshot.context, parent=of))
        made = replace(record, id=run, snapshot=snapshot, result=replace(record.result, outputs=[item]))
        store.publish(run, sealed(made)[0])
    outside = side.outside
    for run in (first, second):
        state(store, outside, Pin, name="baseline", run=run, reason="x")
        state(
            store,
            outside,
            Verified,
            run=run,
            level="identical",
            required="identical",
            repeats=[first, second],
            against=run,
            varied={},
            sentence="x",
        )
    elsewhere = Tagged(events.event_id(AT, b"ijkl"), AT, "you", run="../../etc", name="x")
    nul = Pin(events.event_id(AT, b"mnop"), AT, "you", "other", "kk\0", None)
    events.append(store.path, elsewhere)
    events.append(store.path, nul)
    one = events.event_id(AT, bytes(4))
    event = Deployed(one, AT, "you", "prod", first, "m", tree, takes_back=one)
    two = Deployed(
        events.event_id(AT, b"abcd"),
        AT,
        "you",
        "prod",
        second,
        "m",
        itself,
        takes_back=events.event_id(AT, b"efgh"),
    )
    three = Deployed(events.event_id(AT, b"efgh"), AT, "you", "prod", first, "m", tree, takes_back=two.id)
    for made in (event, two, three):
        events.append(store.path, made)
    for words in (
        *(
            ["trace", first],
            ["trace", first, "--format", "dot"],
            ["stale", first, second],
            ["stale", "--baseline"],
        ),
        *(
            ["noise", first],
            ["show", first],
            ["prod", "prod"],
            ["rollback", "prod"],
            ["diff", first, second],
            ["ls"],
        ),
        *(
            ["rollback", "prod", "--to", second, "-m", "x", "--force"],
            ["baseline", "history"],
            ["blame", "prod", "x"],
        ),
        *(
            ["restore", first, "--to", "there"],
            ["report", first, "-o", "-"],
            ["verify", first, "--against", second],
        ),
        *(["rerun", first],),
    ):
        done = side.project.xt(*words)
        assert "a bug" not in done.err, (words, done.err)
        assert done.code in (0, 1, 3), (words, done.code, done.err)
