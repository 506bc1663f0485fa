"""A remote that lies: xt fails and says so, takes nothing of it, and writes nowhere else."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from msgspec.structs import replace

from tests import builders
from tests.sync.team import Side, files, ids, shared
from xt.errors import NewerStoreError, RemoteError
from xt.model.event import Pin
from xt.ops.statements import state
from xt.store import events
from xt.store.remote import Entry
from xt.store.remote.folder import Folder
from xt.store.store import MAX_RECORD, sealed

A, B = ids(2)


@pytest.fixture
def pushed(tmp_path):
    """A remote with two runs, and the folder of it."""
    (tmp_path / "remote").mkdir()
    here = Side(tmp_path / "here")
    here.add(A)
    here.add(B)
    state(here.store, here.outside, Pin, name="baseline", run=A, reason="x")
    remote = Folder(str(tmp_path / "remote"))
    here.push(remote, asked=["outputs"])
    here.remote = remote
    return here


@pytest.fixture
def there(tmp_path):
    return Side(tmp_path / "there")


def damage(path, data):
    path.chmod(0o600)
    path.write_bytes(data)


def one(found, run_id):
    return next(moved for moved in found.runs if moved.run == run_id)


def placed(here, digest):
    """Where an object lies on the remote."""
    (path,) = Path(here.remote.url, "objects", digest[7:9]).glob(f"{digest[7:]}*")
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda _: b"",
        lambda _: b"<html>log in first</html>",
    ],
    ids=["flipped", "short", "long", "empty", "page"],
)
def test_wrong_bytes_are_not_taken(pushed, tmp_path, change):
    metrics, model, manifest = (output.digest for output in pushed.store.record(A).result.outputs)
    for digest in (metrics, model, manifest):
        path = placed(pushed, digest)
        assert path.name.endswith(".zst") == (digest == model)
        whole = path.read_bytes()
        damage(path, change(whole))
        there = Side(tmp_path / digest)
        found = there.pull(pushed.remote, asked=["outputs"])
        assert one(found, A).state == "refused"
        assert "not what its name says" in one(found, A).reason
        assert one(found, B).state == "copied"
        assert list(there.store.ids()) == [B]
        assert not there.store.objects.has(digest)
        assert os.listdir(f"{there.store.path}/tmp") == []
        damage(path, whole)


def test_a_compressed_bomb_is_not_unpacked(pushed, there):
    digest = pushed.store.record(A).result.outputs[1].digest
    damage(placed(pushed, digest), zstandard.ZstdCompressor().compress(b"\0" * (1 << 26)))
    tracemalloc.start()
    assert one(there.pull(pushed.remote, asked=["outputs"]), A).state == "refused"
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1 << 25


@pytest.mark.parametrize("how", ["unsealed", "of another run", "no json", "empty"])
def test_a_record_that_is_none_is_not_taken(pushed, there, how):
    path = Path(pushed.remote.url, "runs", A[:2], f"{A}.json")
    data = path.read_bytes()
    changed = {
        "unsealed": data.replace(b'"status":"ok"', b'"status":"no"'),
        "of another run": Path(pushed.remote.url, "runs", B[:2], f"{B}.json").read_bytes(),
        "no json": b"{" * 1000,
        "empty": b"",
    }
    damage(path, changed[how])
    found = there.pull(pushed.remote)
    assert one(found, A).state == "refused"
    assert one(found, B).state == "copied"
    assert list(there.store.ids()) == [B]


class Listing(Folder):
    """Lists what it likes."""

    names = ()

    def entries(self, prefix):
        yield from super().entries(prefix)
        for name in self.names:
            if name.startswith(prefix):
                yield Entry(name, 10)


ELSEWHERE = (
    "runs/../../../../evil.json",
    "runs/kk/../kkkkkkkkkkkkkkkk.json",
    "runs/kk/kkkkkkkkkkkkkkkk.json/x",
    "runs//kkkkkkkkkkkkkkkk.json",
    "runs/kk/kkkkkkkkkkkkkkkk.json\0",
    "runs/kk/lkkkkkkkkkkkkkkk.json",
    "runs/\x1b]0;x\x07",
    "runs/" + "k" * 5000,
    "events/2026/11/../../../x.json",
    "events/2026/11/20261126172413794713-a421a8ab.json.sh",
    "events/2026/12/20261126172413794713-a421a8ab.json",
)


def test_names_that_lead_elsewhere_are_passed_over(pushed, there, tmp_path):
    remote = Listing(pushed.remote.url)
    remote.names = ELSEWHERE
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(there.path)}
    found = there.pull(remote)
    assert [moved.state for moved in found.runs] == ["copied", "copied"]
    assert len(found.doubts) == len(ELSEWHERE)
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(there.path)} == before


def test_events_that_are_none_are_passed_over(pushed, there):
    none = (
        b"",
        b"{}",
        b"[" * 100_000,
        b'{"kind":"pin","id":"x"}',
        b" " * 2_000_000,
        b'{"kind":"pin","id":7}',
    )
    for number, data in enumerate(none):
        name = f"events/2026/11/2026112617241379471{number}-a421a8ab.json"
        Path(pushed.remote.url, name).parent.mkdir(parents=True, exist_ok=True)
        Path(pushed.remote.url, name).write_bytes(data)
    found = there.pull(pushed.remote)
    assert [moved.state for moved in found.runs] == ["copied", "copied"]
    assert len(found.doubts) == len(none)
    assert not list(Path(there.store.path, "events").rglob("*a421a8ab*"))


def test_what_is_too_large_is_passed_over_and_the_rest_goes_on(pushed, there):
    event = Path(pushed.remote.url, "events/2026/11/20261126172413794713-a421a8ab.json")
    event.parent.mkdir(parents=True, exist_ok=True)
    event.write_bytes(b" " * (events.LARGEST + 1))
    record = Path(pushed.remote.url, "runs", A[:2], f"{A}.json")
    record.chmod(0o600)
    os.truncate(record, MAX_RECORD + 1)
    found = there.pull(pushed.remote)
    assert (one(found, A).state, one(found, B).state) == ("refused", "copied")
    assert any(event.name in doubt for doubt in found.doubts)


def test_an_event_of_a_newer_xt_is_kept_as_it_is(pushed, there):
    name = "events/2026/11/20261126172413794713-a421a8ab.foretold.json"
    data = json.dumps(
        {"id": "20261126172413794713-a421a8ab", "kind": "foretold", "run": A, "more": 1}
    ).encode()
    Path(pushed.remote.url, name).parent.mkdir(parents=True, exist_ok=True)
    Path(pushed.remote.url, name).write_bytes(data)
    there.pull(pushed.remote)
    assert Path(there.store.path, name).read_bytes() == data


def test_a_recipe_is_no_path(pushed, there, tmp_path):
    record = pushed.store.record(A)
    snapshot = replace(record.snapshot, recipe="blake3:../../../../evil")
    data, _ = sealed(replace(record, id="kkkkkkkkkkkkkkkk", snapshot=snapshot))
    pushed.remote.create("runs/kk/kkkkkkkkkkkkkkkk.json", data)
    there.pull(pushed.remote, "kkkkkkkkkkkkkkkk")
    assert list(there.store.ids()) == ["kkkkkkkkkkkkkkkk"]
    assert not list(tmp_path.rglob("evil"))


def test_links_on_a_remote_lead_nowhere(pushed, there, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    remote = Path(pushed.remote.url)
    os.rename(remote / "runs", remote / "gone")
    os.symlink(outside, remote / "runs")
    with pytest.raises(RemoteError, match="link"):
        pushed.push(pushed.remote)
    assert os.listdir(outside) == []
    assert there.pull(pushed.remote).runs == []


def test_a_remote_of_a_newer_xt_is_left_alone(pushed, there):
    damage(Path(pushed.remote.url, "format"), b"xt-store 9\n")
    before = files(pushed.remote.url, "")
    for act in (there.pull, there.push):
        with pytest.raises(NewerStoreError):
            act(pushed.remote)
    assert files(pushed.remote.url, "") == before


def test_a_damaged_copy_on_the_remote_is_named_and_not_overwritten(pushed):
    digest = pushed.store.record(A).result.outputs[0].digest
    path = placed(pushed, digest)
    damage(path, b"short")
    found = pushed.push(pushed.remote)
    assert one(found, A).state == "refused"
    assert path.name in one(found, A).reason
    assert path.read_bytes() == b"short"


def test_a_full_or_read_only_remote_is_said_and_goes_on_later(pushed, tmp_path):
    class Full(Folder):
        left = 3

        def create(self, name, source):
            if self.left == 0:
                raise RemoteError("No space left on device")
            self.left -= 1
            return super().create(name, source)

    pushed.add("kkkkkkkkkkkkkkkk")
    with pytest.raises(RemoteError, match="No space"):
        pushed.push(Full(pushed.remote.url))
    pushed.push(pushed.remote, asked=["outputs"])
    assert shared(pushed.store.path) == shared(pushed.remote.url)


def test_values_of_another_store_are_unknown_and_not_changed(pushed, there):
    from xt.config import Settings
    from xt.ops.diff.verb import compare
    from xt.ops.diff.wanted import Options

    there.pull(pushed.remote, A)
    snapshot = there.store.record(A).snapshot
    around = replace(snapshot.environment, hidden={"EDITOR": builders.digest("2"), "NEW": "secret"})
    there.add("kkkkkkkkkkkkkkkk", snapshot=replace(snapshot, environment=around))
    found = compare(there.store, A, "kkkkkkkkkkkkkkkk", Options(), Settings(), there.outside)
    told = [child for child in found.context.children if child.path == "context/variables"]
    assert [(child.relation, child.note.partition(":")[2]) for child in told] == [
        ("changed", " HF_TOKEN, NEW"),
        ("unknown", " EDITOR"),
    ]
