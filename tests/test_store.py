"""The store: objects, records, runs in flight, the index."""

from __future__ import annotations

import errno
import glob
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from xt import codec, flushing, fsio
from xt.errors import DamagedError, NewerStoreError, NotRecordedError, StoreError
from xt.model import runid
from xt.model.result import Metric
from xt.model.text import Raw, from_text, to_text
from xt.store import Live, Store, supervisor
from xt.store.objects import COMPRESS_TO, TOGETHER
from xt.store.store import is_whole, sealed


@pytest.fixture
def store(tmp_path):
    return Store.create(str(tmp_path / ".xt"))


def stored_files(store):
    return sorted(name for _, _, names in os.walk(f"{store.path}/objects") for name in names)


class TestObjects:
    @pytest.mark.parametrize("size", [0, 1, 4095, 4096, 200_000, COMPRESS_TO, COMPRESS_TO + 1])
    @pytest.mark.parametrize("kind", ["random", "same"])
    def test_what_is_put_comes_back(self, store, tmp_path, size, kind):
        data = os.urandom(size) if kind == "random" else b"a" * size
        path = tmp_path / "file"
        path.write_bytes(data)
        digest, length, changed = store.objects.put_file(str(path))
        assert (digest, length, changed) == (codec.digest(data), size, False)
        assert store.objects.put_bytes(data) == digest
        store.objects.settle()
        assert store.objects.read(digest) == data
        assert os.listdir(f"{store.path}/tmp") == []

    def test_compression_saves_room_and_is_skipped_where_it_does_not(self, store):
        store.objects.put_bytes(b"line\n" * 10_000)
        store.objects.put_bytes(os.urandom(50_000))
        store.objects.settle()
        assert sorted(name.endswith(".zst") for name in stored_files(store)) == [False, True]

    def test_same_content_is_stored_once(self, store):
        for _ in range(3):
            store.objects.put_bytes(b"content")
        store.objects.settle()
        store.objects.put_bytes(b"content")
        store.objects.settle()
        assert len(stored_files(store)) == 1

    def test_nothing_is_visible_before_it_settles(self, store):
        digest = store.objects.put_bytes(b"content")
        assert stored_files(store) == []
        assert store.objects.has(digest)
        store.objects.discard()
        assert not store.objects.has(digest)
        assert os.listdir(f"{store.path}/tmp") == []

    def test_many_are_settled_together(self, store):
        digests = [store.objects.put_bytes(str(number).encode()) for number in range(TOGETHER * 3)]
        store.objects.settle()
        assert all(store.objects.read(digest) for digest in digests)

    @pytest.mark.parametrize("data", [b"short", b"line\n" * 5000], ids=["plain", "compressed"])
    @pytest.mark.parametrize("dropped", [False, True])
    def test_what_the_disk_refused_once_is_written_anew(self, store, monkeypatch, data, dropped):
        """The kernel calls clean what it could not write: flushed again, it would seem well."""
        digest = store.objects.put_bytes(data)
        [(staged, _)] = store.objects.staged.values()
        held = os.open(staged, os.O_RDONLY)  # so that its number is no other file's
        refused = os.fstat(held).st_ino
        flush = os.fsync

        def fsync(fd):
            if os.fstat(fd).st_ino != refused:
                return flush(fd)
            if dropped:
                Path(staged).write_bytes(b"what was there before")
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, "fsync", fsync)
        if dropped:
            with pytest.raises(OSError, match="Input/output error"):
                store.objects.settle()
            assert stored_files(store) == []
            os.close(held)
            return
        store.objects.settle()
        [name] = stored_files(store)
        assert os.stat(f"{store.path}/objects/{name[:2]}/{name}").st_ino != refused
        assert store.objects.read(digest) == data
        assert os.listdir(f"{store.path}/tmp") == []
        os.close(held)

    def test_when_all_are_flushed_together_each_is_written_anew(self, store, monkeypatch):
        digests = [store.objects.put_bytes(str(number).encode()) for number in range(TOGETHER + 1)]
        refused = {os.stat(staged).st_ino for staged, _ in store.objects.staged.values()}
        held = [
            os.open(staged, os.O_RDONLY) for staged, _ in store.objects.staged.values()
        ]  # keeps the numbers

        def syncfs(folder):
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(flushing, "syncfs", syncfs)
        store.objects.settle()
        for fd in held:
            os.close(fd)
        paths = [path for path in Path(store.path, "objects").rglob("*") if path.is_file()]
        assert len(paths) == len(digests)
        assert not refused & {path.stat().st_ino for path in paths}

    def test_a_log_of_which_no_copy_can_be_made_is_moved(self, store, tmp_path, monkeypatch):
        path = Path(store.path, "live", "log")
        path.write_bytes(b"line\n" * 5000)
        digest = codec.digest(path.read_bytes())

        def full(fd, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(fsio, "write_all", full)
        store.objects.adopt(str(path), digest, path.stat().st_size)
        store.objects.settle()
        assert store.objects.read(digest) == b"line\n" * 5000
        assert not path.exists()
        assert os.listdir(f"{store.path}/tmp") == []

    def test_a_record_that_the_disk_refused_once_is_written_anew(self, store, record, monkeypatch):
        flush, refused = os.fsync, []

        def fsync(fd):
            if not refused and "/runs/" in os.readlink(f"/proc/self/fd/{fd}"):
                refused.append(os.fstat(fd).st_ino)
                raise OSError(errno.EIO, "Input/output error")
            return flush(fd)

        monkeypatch.setattr(os, "fsync", fsync)
        live = store.begin(record.id)
        store.seal(live, record)
        assert len(refused) == 1
        assert store.record(record.id).id == record.id
        assert len(list(Path(store.path, "runs").rglob("*.json*"))) == 1, "nothing stays behind"

    @pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "folder", "link"])
    @pytest.mark.parametrize("data", [b"short", b"line\n" * 5000], ids=["plain", "compressed"])
    def test_damage_is_found_when_read_and_mended_when_put_again(self, store, tmp_path, damage, data):
        digest = store.objects.put_bytes(data)
        store.objects.settle()
        [name] = stored_files(store)
        path = f"{store.path}/objects/{name[:2]}/{name}"
        content = Path(path).read_bytes()
        os.unlink(path)
        if damage == "folder":
            os.mkdir(path)
        elif damage == "link":
            (tmp_path / "elsewhere").write_bytes(content)
            os.symlink(tmp_path / "elsewhere", path)
        else:
            changed = {
                "flip": content[:-1] + bytes([content[-1] ^ 1]),
                "truncate": content[:-1],
                "empty": b"",
            }
            Path(path).write_bytes(changed[damage])
        with pytest.raises(DamagedError):
            store.objects.read(digest)
        if damage != "folder":
            store.objects.put_bytes(data)
            store.objects.settle()
            assert store.objects.read(digest) == data

    def test_a_missing_object_is_named(self, store):
        with pytest.raises(NotRecordedError):
            store.objects.read("blake3:" + "0" * 64)

    @pytest.mark.parametrize(
        "digest", ["blake3:../../../etc/passwd", "blake3:" + "A" * 64, "sha256:" + "0" * 64, ""]
    )
    def test_a_digest_cannot_name_another_file(self, store, digest):
        with pytest.raises(DamagedError):
            store.objects.read(digest)

    def test_a_link_or_a_fifo_is_never_followed_or_waited_for(self, store, tmp_path):
        os.mkfifo(tmp_path / "fifo")
        os.symlink("/etc/hostname", tmp_path / "link")
        for name in ("fifo", "link"):
            with pytest.raises(OSError):
                store.objects.put_file(str(tmp_path / name))
        assert os.listdir(f"{store.path}/tmp") == []

    def test_a_file_that_grows_while_it_is_copied_is_said_to_have_changed(self, store, tmp_path):
        path = tmp_path / "grows"
        path.write_bytes(b"x" * (64 << 20))
        grow = "import sys,time\nf=open(sys.argv[1],'ab')\nwhile True: f.write(b'y'*4096); f.flush()"
        writer = subprocess.Popen([sys.executable, "-c", grow, str(path)])
        try:
            while path.stat().st_size == 64 << 20:
                time.sleep(0.01)
            digest, size, changed = store.objects.put_file(str(path))
        finally:
            writer.kill()
            writer.wait()
        assert changed
        store.objects.settle()
        assert sum(len(piece) for piece in store.objects.stream(digest)) == size

    def test_modes_are_private_whatever_the_umask(self, tmp_path):
        before = os.umask(0)
        try:
            store = Store.create(str(tmp_path / ".xt"))
            store.objects.put_bytes(b"content")
            store.objects.settle()
        finally:
            os.umask(before)
        for folder, folders, names in os.walk(store.path):
            for name in folders:
                assert os.stat(f"{folder}/{name}").st_mode & 0o077 == 0
            for name in names:
                mode = os.stat(f"{folder}/{name}").st_mode & 0o777
                assert mode == (0o444 if "/objects/" in folder else 0o600), name


class TestLayout:
    def test_making_it_twice_or_at_once_is_the_same(self, tmp_path):
        path = str(tmp_path / ".xt")
        program = "import sys; from xt.store import Store; print(Store.create(sys.argv[1]).key().hex())"
        made = [
            subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True)
            for _ in range(8)
        ]
        keys = {process.communicate()[0] for process in made}
        assert all(process.returncode == 0 for process in made)
        assert len(keys) == 1

    def test_a_newer_store_is_refused(self, store):
        with open(f"{store.path}/format", "w") as file:
            file.write("xt-store 99\n")
        with pytest.raises(NewerStoreError):
            Store.open(store.path)

    @pytest.mark.parametrize("text", ["", "garbage", "xt-store", "xt-store one\n", "\xff"])
    def test_a_damaged_format_is_said(self, store, text):
        with open(f"{store.path}/format", "w") as file:
            file.write(text)
        with pytest.raises(StoreError):
            Store.open(store.path)

    def test_a_store_of_another_user_is_refused(self, store):
        if os.geteuid() != 0:
            pytest.skip("needs root to give a folder away")
        os.chown(store.path, 12345, -1)
        with pytest.raises(StoreError, match="another user"):
            Store.open(store.path)
        assert Store.open(store.path, foreign=True)

    def test_it_is_ignored_by_git(self, store):
        assert Path(store.path, ".gitignore").read_text() == "*\n"


class TestLive:
    def test_a_run_in_flight_is_running_until_its_process_ends(self, store, record):
        program = (
            "import sys,os\nfrom xt.store import Store\nfrom xt import codec\n"
            "store=Store.create(sys.argv[1])\nlive=store.begin(sys.argv[2])\n"
            "live.publish(open(sys.argv[3],'rb').read())\nprint('ready',flush=True)\nsys.stdin.read()"
        )
        start = codec.encode(started(record))
        path = os.path.join(os.path.dirname(store.path), "start")
        with open(path, "wb") as file:
            file.write(start)
        process = subprocess.Popen(
            [sys.executable, "-c", program, store.path, record.id, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout.readline() == b"ready\n"
        assert store.live(record.id)[1] == "running"
        assert store.live_ids() == [record.id]
        process.kill()
        process.communicate()
        assert store.live(record.id)[1] == "lost"

    def test_an_id_is_claimed_once(self, store):
        store.begin("k" * 16)
        with pytest.raises(FileExistsError):
            store.begin("k" * 16)

    def test_the_lock_does_not_reach_the_command(self, store):
        live = store.begin("k" * 16)
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
        try:
            os.close(live.lock)
            other = os.open(live.path("lock"), os.O_RDWR)
            assert fsio.try_lock(other)
        finally:
            child.kill()
            child.wait()

    def test_a_folder_without_a_start_is_no_run(self, store):
        Live.begin(store.path, "k" * 16)
        assert store.live_ids() == []


class TestRecords:
    def test_a_sealed_record_reads_back(self, store, record):
        live = store.begin(record.id)
        live.publish(codec.encode(started(record)))
        seal = store.seal(live, record)
        live.end()
        assert store.record(record.id) == replace(record, seal=seal)
        assert seal == codec.digest(store.record_bytes(record.id).replace(seal.encode(), b""))
        assert list(store.ids()) == [record.id]
        assert store.live_ids() == []
        assert os.stat(f"{store.path}/runs/{record.id[:2]}/{record.id}.json").st_mode & 0o777 == 0o400

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"[]", b"null", b'{"schema": 3}', b"[" * 100_000, b"\xff\xfe"]
    )
    def test_a_damaged_record_is_an_error_of_its_own(self, store, content):
        os.mkdir(f"{store.path}/runs/kk")
        with open(f"{store.path}/runs/kk/{'k' * 16}.json", "wb") as file:
            file.write(content)
        with pytest.raises(DamagedError):
            store.record("k" * 16)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_any_changed_byte_is_found(self, record, data):
        content, _ = sealed(record)
        at = data.draw(st.integers(0, len(content) - 1))
        other = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))
        assert is_whole(content)
        assert not is_whole(content[:at] + bytes([other]) + content[at + 1 :])

    def test_a_label_called_seal_does_not_hide_the_seal(self, record):
        metric = Metric("a", 1, "XT_METRICS", labels={"seal": "", "schema": "x"})
        labelled = replace(record, result=replace(record.result, metrics=[metric]))
        assert is_whole(sealed(labelled)[0])

    def test_a_record_under_another_name_is_refused(self, store, record):
        os.mkdir(f"{store.path}/runs/kk")
        with open(f"{store.path}/runs/kk/{'k' * 16}.json", "wb") as file:
            file.write(sealed(record)[0])
        with pytest.raises(DamagedError):
            store.record("k" * 16)

    def test_unknown_fields_of_a_newer_xt_do_not_hinder_reading(self, store, record):
        data = codec.encode(record).replace(b'{"id":', b'{"from_the_future":{"a":1},"id":', 1)
        seal = codec.digest(data)
        data = data.replace(b'"seal":""', f'"seal":"{seal}"'.encode())
        os.makedirs(f"{store.path}/runs/{record.id[:2]}")
        with open(f"{store.path}/runs/{record.id[:2]}/{record.id}.json", "wb") as file:
            file.write(data)
        assert store.record(record.id) == replace(record, seal=seal)
        assert b"from_the_future" in store.record_bytes(record.id)


class TestRunIds:
    @given(st.binary(min_size=8, max_size=8))
    def test_every_id_is_one(self, random):
        assert runid.is_id(runid.make(random))

    @given(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=30, unique=True))
    def test_what_is_shown_is_unique(self, random):
        ids = [runid.make(item) for item in random]
        for one in ids:
            prefix = one[: runid.shortest_unique(one, ids)]
            assert [other for other in ids if other.startswith(prefix)] == [one]
            assert len(prefix) >= runid.SHORTEST

    def test_many_are_told_apart_at_once_as_one_by_one(self, tmp_path):
        store = Store.create(f"{tmp_path}/.xt")
        ids = ["kwpztnlqsmvrxoyu", "kwpztnlqsmvrxoyz", "kwpzknlqsmvrxoyu", "kwlltnlqsmvrxoyu"]
        for run_id in ids:
            os.makedirs(f"{store.path}/runs/{run_id[:2]}", exist_ok=True)
            open(f"{store.path}/runs/{run_id[:2]}/{run_id}.json", "w").close()
        expected = dict(zip(ids, [16, 16, 5, 4], strict=True))
        assert store.shown_all(ids) == expected
        assert {run_id: store.shown(run_id) for run_id in ids} == expected


@given(st.binary())
def test_any_string_of_the_system_survives(data):
    text = os.fsdecode(data)
    value = to_text(text)
    assert from_text(value) == text
    assert from_text(codec.decode(codec.encode(value), str | Raw, "it")) == text


def started(record):
    from xt.model.result import Start

    return Start(record.id, record.started_at, supervisor(), record.snapshot)


def test_what_is_found_in_place_of_being_written_gets_the_time_of_now(store):
    """So a sweep knows that it is wanted, of whoever comes to name it."""
    objects = store.objects
    digests = [objects.put_bytes(data) for data in (b"small", b"packs well " * 1000, os.urandom(9 << 20))]
    objects.settle()
    names = [name for digest in digests for name in glob.glob(objects.name(digest) + "*")]
    for name in names:
        os.utime(name, (1, 1))
    objects.put_bytes(b"small")
    assert objects.hold(digests[1])
    large = store.path + "/large"
    Path(large).write_bytes(objects.read(digests[2]))
    objects.put_file(large)
    assert not objects.staged
    assert all(os.stat(name).st_mtime > 1e9 for name in names) and len(names) == 3


def test_what_was_swept_in_between_is_written_again(store):
    digest = store.objects.put_bytes(b"wanted")
    store.objects.settle()
    os.unlink(store.objects.name(digest))
    assert not store.objects.hold(digest)
    store.objects.put_bytes(b"wanted")
    store.objects.settle()
    assert store.objects.read(digest) == b"wanted"
