"""`xt fsck` and what is no damage: runs in flight, pulls, leftovers, writers, newer and foreign stores."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zlib

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import SOURCE, Project
from tests.fsck_store import everything, flip, kept, rewrite
from xt.store import events, holding
from xt.store.store import Store, sealed

LONG_AGO = time.time() - 7200


@pytest.fixture
def there(tmp_path_factory, tmp_path):
    return kept(tmp_path_factory.getbasetemp(), tmp_path)


def notes(there, *words):
    """Codes of notes; there are no faults."""
    status, found = there.fsck(*words)
    assert (status, there.told(found)) == (0, [])
    return [(one["code"], one["count"]) for one in found["findings"]]


def old(path):
    os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)


def begun(there, run="k" * 16, start=None):
    folder = there.store / "live" / run
    folder.mkdir()
    (folder / "lock").touch()
    if start is not None:
        (folder / "start.json").write_bytes(start)
    return folder


def test_a_run_that_goes_on_is_counted_and_no_more(there, tmp_path):
    going = subprocess.Popen(
        there.command("run", "-q", "--", "sh", "-c", f"touch {tmp_path}/began; sleep 30"),
        cwd=there.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )
    try:
        while not (tmp_path / "began").exists():
            assert going.poll() is None
            time.sleep(0.02)
        status, found = there.fsck("--deep")
        assert (status, found["findings"], found["checked"]["in_flight"]) == (0, [], 1)
        going.kill()
        going.wait()
        status, found = there.fsck()
        (lost,) = found["findings"]
        assert (status, lost["code"], lost["fault"], len(lost["runs"])) == (0, "run-lost", False, 1)
        assert lost["message"] == "its xt ended without writing the record; what it wrote before is kept"
        assert lost["runs"][0]["run"] in lost["path"]
    finally:
        going.kill()
        going.wait()


def test_a_start_that_says_nothing_is_put_aside(there):
    begun(there, start=b"{")
    (there.store / "live" / ("k" * 16) / "stdout").write_bytes(b"all that is left")
    status, found = there.fsck()
    assert (status, there.told(found)) == (1, [("start-damaged", {"k" * 16: []})])
    status, found = there.fsck("--repair")
    assert status == 0
    aside = there.store / "quarantine/live" / ("k" * 16)
    assert (aside / "stdout").read_bytes() == b"all that is left"
    assert notes(there) == [("quarantined", 3)]


def test_what_was_left_is_told_and_harms_nothing(there):
    assert notes(there) == []
    folder = begun(there)
    assert notes(there) == []  # it may be about to begin
    old(folder)
    (there.store / "live" / ("0" * 32 + ".launch")).write_text("l" * 16)
    shutil.copytree(folder, there.store / "live" / there.a)
    (there.store / "live" / there.a / "start.json").write_text("{}")
    for name in ("tmp/99999999.abc", f"runs/{there.a[:2]}/x.json.1.ab.tmp", "events/2026/x.json.1.ab.tmp"):
        path = there.store / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    (there.store / "work/0").mkdir(parents=True)
    (there.store / "jobs/j").mkdir(parents=True)
    young = notes(there)
    assert young == [("leftover", 1)] * 3
    for name in ("tmp/99999999.abc", f"runs/{there.a[:2]}/x.json.1.ab.tmp", "events/2026/x.json.1.ab.tmp"):
        old(there.store / name)
    old(there.store / "work/0")
    old(there.store / "jobs/j")
    assert notes(there) == [("leftover", 1)] * 8
    assert "nothing wrong" in there.xt("fsck").out.decode()
    assert notes(there, "--repair") == [("leftover", 1)] * 8


def test_what_is_not_of_xt_is_left_alone_and_shown_harmlessly(there):
    hostile = "x\x1b]0;owned\x07\u202e"
    os.mkdir(os.fsencode(there.store) + b"/\xff\xfe")
    for folder in ("", "objects/", "runs/", "events/", "live/", "pulled/"):
        (there.store / folder).mkdir(exist_ok=True)
        (there.store / f"{folder}{hostile}").write_text("mine")
    before = everything(there.store)
    assert notes(there) == [("foreign", 1)] * 7
    page = there.xt("fsck").out
    assert b"\x1b" not in page
    assert "\u202e" not in page.decode()
    there.xt("fsck", "--repair")
    after = everything(there.store)
    assert {name: after.get(name) for name in before if "owned" in name} == {
        name: before[name] for name in before if "owned" in name
    }


def test_a_pulled_run_lacks_what_was_not_brought(there, tmp_path):
    other = Project(tmp_path / "other")
    other.path.mkdir()
    done = other.xt("pull", "-r", str(tmp_path / "remote"))
    assert done.code == 0, done.err
    status, found = there.__class__.fsck(other)
    assert status == 0
    assert {one["code"] for one in found["findings"]} == {"not-brought"}
    assert {one["runs"][0]["run"] for one in found["findings"]} == {there.a, there.b}
    # A log always comes: without it, something is wrong.
    log = there.log(there.a).relative_to(there.store)
    data = (other.path / ".xt" / log).read_bytes()
    (other.path / ".xt" / log).unlink()
    note = other.path / f".xt/pulled/{there.b[:2]}/{there.b}.json"
    note.write_text("garbage")
    status, found = there.__class__.fsck(other)
    assert (status, there.told.__func__(there, found)) == (
        1,
        [
            ("object-missing", {"A": ["log: stdout"]}),
            ("pull-note-damaged", {"B": ["what of it was brought"]}),
        ],
    )
    done = other.xt("fsck", "--repair", "--from", str(tmp_path / "remote"), "--json")
    assert (done.code, done.err) == (0, "")
    assert (other.path / ".xt" / log).read_bytes() == data
    assert json.loads(note.read_bytes())["url"] == str(tmp_path / "remote")
    status, found = there.__class__.fsck(other)
    assert status == 0
    done = other.xt("pull", "-r", str(tmp_path / "remote"), "--code", "--outputs", "--inputs")
    assert done.code == 0, done.err
    assert {one["code"] for one in there.__class__.fsck(other, "--deep")[1]["findings"]} == {"quarantined"}


def test_a_record_of_a_newer_xt_is_no_damage(there):
    record = Store(str(there.store)).record(there.a)
    data, _ = sealed(record)
    from xt import codec

    newer = data.replace(b'"schema":"xt.run/1"', b'"schema":"xt.run/2"')
    at = newer.index(b'"seal":"') + 8
    bare = newer[:at] + newer[at + 71 :]
    rewrite(there.record_path(there.a), bare[:at] + codec.digest(bare).encode() + bare[at:])
    assert notes(there) == [("record-newer", 1)]


def test_stores_that_are_not_ours_to_judge(there):
    rewrite(there.store / "format", b"xt-store 2\n")
    for words in ((), ("--repair",)):
        done = there.xt("fsck", *words)
        assert (done.code, done.out) == (1, b"")
        assert "has format 2" in done.err
        assert "update xt" in done.err
    rewrite(there.store / "format", b"xt-store 1\n")
    if os.geteuid() == 0:
        os.chown(there.store, 4711, -1)
        done = there.xt("fsck")
        assert (done.code, done.out) == (1, b"")
        assert "another user" in done.err
        assert there.xt("fsck", env={"XT_FOREIGN_STORE": "1"}).code == 0


def test_a_store_that_cannot_be_written(there):
    flip(there.output(there.a, "model.bin"))
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    words = ["unshare", "-rm", "sh", "-c", script, "sh", str(there.store), *there.command("fsck")]
    environ = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run(words, cwd=there.path, env=environ, capture_output=True, text=True)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("no mounts in a namespace here")
    assert done.returncode == 1
    assert "object-damaged" in done.stdout
    assert done.stderr == ""
    before = everything(there.store)
    done = subprocess.run([*words, "--repair"], cwd=there.path, env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the store cannot be repaired" in done.stderr
    assert everything(there.store) == before


def test_no_store_and_no_sense(folder, there):
    done = folder.xt("fsck")
    assert done.code == 1
    assert "no runs yet" in done.err
    (folder.path / ".xt").mkdir()
    assert "is no store" in folder.xt("fsck").err
    (folder.path / ".xt/runs").mkdir()
    status, found = there.__class__.fsck(folder)
    assert (status, [one["code"] for one in found["findings"]]) == (0, ["unfinished"])
    assert folder.xt("fsck", "--from", "x").code == 2
    done = there.xt("fsck", "--repair", "--from", "nowhere")
    assert (done.code, "no remote `nowhere`" in done.err) == (2, True)


def test_one_repair_at_a_time(there):
    flip(there.output(there.a, "model.bin"))
    before = everything(there.store / "objects")
    with holding.sweeping(str(there.store)):
        assert there.fsck()[0] == 1
        done = there.xt("fsck", "--repair")
    assert (done.code, done.out) == (1, b"")
    assert "`xt fsck --repair`" in done.err
    assert everything(there.store / "objects") == before


def test_a_remote_that_does_not_answer_or_lies(there):
    flip(there.output(there.a, "model.bin"))
    remote = there.path.parent / "remote"
    name = there.output(there.a, "model.bin").relative_to(there.store)
    rewrite(remote / name, b"x" * 6000)
    status, found = there.fsck("--repair", "--from", str(remote))
    assert status == 1
    assert "is not what its name says" in found["doubts"][0]
    shutil.rmtree(remote)
    done = there.xt("fsck", "--repair", "--from", str(remote))
    assert done.code == 1
    assert "not done" in done.out.decode()


#: Ends the process at the so-manyeth rename or link below a store.
KILLED = """\
import os, signal, sys
from xt.cli.main import guarded
left = int(sys.argv[1])
def counted(real):
    def call(source, target, **more):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(source, target, **more)
    return call
os.rename, os.link = counted(os.rename), counted(os.link)
sys.exit(guarded(["fsck", "--repair", "--from", sys.argv[2]]))
"""


@pytest.mark.parametrize("when", [1, 2, 3, 4])
def test_a_repair_that_is_killed_can_be_done_again(there, when):
    good = everything(there.store / "objects"), everything(there.store / "runs")
    flip(there.output(there.a, "model.bin"))
    flip(there.record_path(there.a))
    there.output(there.b, "plots").unlink()
    remote = str(there.path.parent / "remote")
    environ = {**os.environ, "PYTHONPATH": SOURCE}
    words = [sys.executable, "-c", KILLED, str(when), remote]
    done = subprocess.run(words, cwd=there.path, env=environ, capture_output=True)
    assert done.returncode == -9
    status, found = there.fsck("--repair", "--from", remote)
    assert status == 0
    status, found = there.fsck("--deep")
    assert (status, there.told(found)) == (0, [])
    for before, folder in zip(good, ("objects", "runs"), strict=True):
        after = everything(there.store / folder)
        assert {name: entry[3] for name, entry in after.items()} == {
            name: entry[3] for name, entry in before.items()
        }


#: Makes runs as fast as it can, with contents, statements, and an index that is asked.
WRITER = """\
import os, sys
from msgspec.structs import replace
from tests import builders
from xt.context import Outside
from xt.model import runid
from xt.model.event import Tagged
from xt.model.files import Output
from xt.ops.statements import state
from xt.store import Store
from xt.store.index import Index
store = Store.create(sys.argv[1])
outside = Outside.real()
for number in range(int(sys.argv[2])):
    run = runid.make(os.urandom(8))
    live = store.begin(run)
    digest = store.objects.put_bytes(b"%d of %s" % (number, run.encode()))
    output = Output("artifact", "x", "file", "stored", "x", digest, 1, 1, 0o644)
    snapshot = builders.snapshot(inputs=[], code=builders.code(tree=None, repositories=[]))
    logs = builders.logs(streams=[], timing=None)
    made = builders.record(snapshot, builders.result(outputs=[output], logs=logs, metrics=[]), run)
    store.seal(live, made)
    live.end()
    state(store, outside, Tagged, run=run, name="new")
    if number % 10 == 0:
        Index(store).close()
"""


def test_nothing_is_accused_while_others_write(there):
    words = [sys.executable, "-c", WRITER, str(there.store), "150"]
    path = f"{SOURCE}:{os.path.dirname(SOURCE)}"
    writers = [
        subprocess.Popen(words, env={**os.environ, "PYTHONPATH": path}, cwd=there.path) for _ in range(2)
    ]
    seen = set()
    try:
        while any(writer.poll() is None for writer in writers):
            status, found = there.fsck("--deep")
            assert (status, there.told(found)) == (0, [])
            seen.add(found["checked"]["runs"])
    finally:
        for writer in writers:
            writer.kill()
            assert writer.wait() == 0
    assert len(seen) > 1
    assert there.fsck("--deep")[1]["checked"]["runs"] == 302


def files(there):
    """Files of which every bit has a meaning, and which say so themselves."""
    meaning = ("runs/", "objects/", "events/", "code.git/", "format")
    return sorted(
        name
        for name, (_, _, _, content) in everything(there.store).items()
        if name.startswith(meaning) and content
    )


def content(name, data):
    """What a file says: compressed ones may have bits that mean nothing (RFC 1951, RFC 8878)."""
    if name == "format":
        return data.split()
    try:
        if name.startswith("code.git/objects/"):
            return zlib.decompress(data)
        if name.endswith(".zst"):
            return zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 20)
    except (zlib.error, zstandard.ZstdError):
        return None
    return data


WAYS = {
    "flip": lambda path, data, at: rewrite(
        path, data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
    ),
    "cut": lambda path, data, at: rewrite(path, data[:at]),
    "longer": lambda path, data, at: rewrite(path, data + data[: at + 1]),
    "zeros": lambda path, data, at: rewrite(path, data[:at] + bytes(len(data) - at)),
    "folder": lambda path, data, at: (path.unlink(), path.mkdir()),
    "fifo": lambda path, data, at: (path.unlink(), os.mkfifo(path)),
    "link": lambda path, data, at: (path.unlink(), path.symlink_to("/dev/zero")),
}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_single_damage_is_found(there, data):
    name = data.draw(st.sampled_from(files(there)))
    path = there.store / name
    good, mode = path.read_bytes(), path.stat().st_mode
    event = events.read(str(path)) if name.startswith("events/") else None
    way = data.draw(st.sampled_from(sorted(WAYS)))
    at = data.draw(st.integers(0, len(good) - 1))
    WAYS[way](path, good, at)
    try:
        now = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        done = there.xt("fsck", "--deep", "--json")
        assert "Traceback" not in done.err
        assert "a bug" not in done.err
        # A statement has no seal: what is found there is what makes it say something else.
        same = event is not None and events.read(str(path)) == event
        same = same or (now is not None and content(name, now) == content(name, good))
        assert done.code == 1 or (done.code == 0 and same), (name, way, at)
        assert done.code == 0 or now != good
        assert there.xt("ls").code in (0, 1)
    finally:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        path.write_bytes(good)
        path.chmod(mode)
