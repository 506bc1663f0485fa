"""The store: records under run ids, content under digests, runs in flight."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

import msgspec

from xt import codec, fsio
from xt.errors import DamagedError, NotRecordedError, StoreError
from xt.model import runid
from xt.model.result import Record, Start
from xt.store import layout
from xt.store.live import Live, State, state
from xt.store.objects import Objects

#: Bytes. A larger one is not read, whoever wrote it: in memory it is ten times as much. One of xt's own
#: making has some ten thousand.
MAX_RECORD = 20_000_000

WENT_AWAY = "moved or removed while the command ran"

#: What stands before the seal in canonical JSON; in a string the quotes would be escaped.
_SCHEMA, _SEAL = b'"schema":"xt.run/', b'","seal":"'
_SEAL_LENGTH = len("blake3:") + 64


def sealed(record: Record) -> tuple[bytes, str]:
    """Write a record with its seal; give both."""
    data = codec.encode(msgspec.structs.replace(record, seal=""))
    seal = codec.digest(data)
    at = _place(data)
    return data[:at] + seal.encode() + data[at:], seal


def is_whole(data: bytes) -> bool:
    """Whether the bytes of a record are those that were sealed."""
    at = _place(data)
    seal = data[at : at + _SEAL_LENGTH]
    return at > 0 and codec.digest(data[:at] + data[at + _SEAL_LENGTH :]).encode() == seal


def _place(data: bytes) -> int:
    """Where the seal is, or is to be; 0 when there is no such place."""
    at = data.find(_SEAL, data.find(_SCHEMA))
    return at + len(_SEAL) if at >= 0 else 0


def _read(run_id: str, data: bytes) -> Record:
    record = codec.decode(data, Record, f"the record of {run_id}")
    if record.id != run_id:
        raise DamagedError(f"the record of {run_id} says it is of {record.id!r}")
    return record


def _may_be(path: str) -> bool:
    """Whether something may have that name; who reads it is told why it cannot be read."""
    try:
        return fsio.is_there(path)
    except OSError:
        return True


def _is_gone(path: str) -> bool:
    """Whether a file is not there, other than not to be reached for now."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


class Store:
    """Reader and writer of one `.xt`."""

    def __init__(self, path: str) -> None:
        """Use the store at `path`; call `open` or `create` instead."""
        self.path = path
        self.objects = Objects(path)

    @classmethod
    def open(cls, path: str, *, foreign: bool = False) -> Store:
        """Open a store for reading; one of another user only if `foreign` says so.

        Raises:
            FileNotFoundError: there is none.
            StoreError: it is not usable.
        """
        layout.check(path, foreign=foreign)
        return cls(path)

    @classmethod
    def create(cls, path: str, *, foreign: bool = False) -> Store:
        """Open a store for writing, and make it if there is none.

        Raises:
            OSError: it cannot be written.
            StoreError: it is not usable.
        """
        layout.create(path, foreign=foreign)
        return cls(path)

    def key(self) -> bytes:
        """Secret of this store, for keyed digests."""
        return layout.key(self.path)

    # --- writing -----------------------------------------------------------------------------------

    def begin(self, run_id: str) -> Live:
        """Claim a run id and lock it.

        Raises:
            FileExistsError: the id is taken.
            OSError: the store cannot be written.
        """
        if os.path.exists(self._record(run_id)):
            raise FileExistsError(run_id)
        return Live.begin(self.path, run_id)

    def remade(self, live: Live) -> str | None:
        """Have a place for the record when the store went away while the command ran.

        Where the folder is gone that held it, nothing is made.

        Returns:
            What is missing in it now; None when the run in flight is where it was.
        """
        there, is_store = not _is_gone(live.path("start.json")), not _is_gone(f"{self.path}/format")
        if there and is_store:
            return None
        if os.path.isdir(os.path.dirname(self.path)):
            with contextlib.suppress(OSError, StoreError):  # sealing tells of it
                layout.create(self.path)
        if there:
            return "its file `format` was removed while the command ran, and made again"
        if is_store:
            return "the run in flight was removed from it while the command ran, with what was kept of it"
        return f"{WENT_AWAY}, and made again: earlier runs, and code and inputs kept before, are not in it"

    def seal(self, live: Live, record: Record) -> str:
        """Make a run's objects durable, then its record; from here on it exists for good.

        Returns:
            The seal.

        Raises:
            NotFlushedError: it is written, and may not survive a power failure.
            OSError: the record was not written; the run stays in flight and will be `lost`.
        """
        data, seal = sealed(record)
        if _is_gone(f"{self.path}/format"):  # what is written now would be in no store
            raise OSError(errno.ENOENT, f"the store was {WENT_AWAY}", self.path)
        if len(data) > MAX_RECORD:
            raise OSError(errno.EFBIG, f"the record is larger than {MAX_RECORD // 1_000_000} MB")
        live.free_reserve()
        weak: fsio.NotFlushedError | None = None
        try:
            self.objects.settle()
        except fsio.NotFlushedError as error:
            weak = error  # a record that may be lost is better than none
        self._write_record(self._record(record.id), data)
        if weak is not None:
            raise weak
        return seal

    def _write_record(self, path: str, data: bytes, *, durable: bool = True) -> None:
        try:
            fsio.write_atomic(path, data, mode=0o400, durable=durable)
        except FileNotFoundError:
            if not os.path.exists(f"{self.path}/format"):
                # Removed or moved meanwhile: a record in a folder that is no store would be found by nobody.
                raise FileNotFoundError(errno.ENOENT, "the store is gone", self.path) from None
            os.makedirs(os.path.dirname(path), fsio.PRIVATE_DIR, exist_ok=True)
            fsio.write_atomic(path, data, mode=0o400, durable=durable)
            fsio.fsync_dir(f"{self.path}/runs")

    def publish(self, run_id: str, data: bytes, *, durable: bool = True) -> bool:
        """Put a record in place that was sealed in another store, after its objects.

        Args:
            run_id: of the run.
            data: as it was sealed.
            durable: flush it; not needed for what can be had again.

        Returns:
            False when that very record is there already.

        Raises:
            DamagedError: it is no whole record of that run, or another one of that id is here: both are kept.
            OSError: it was not written.
        """
        self.check_record(run_id, data)
        path = self._record(run_id)
        if fsio.is_there(path):
            if fsio.read_file(path, limit=MAX_RECORD) == data:
                return False
            raise DamagedError(f"another run with the id {run_id} is here", "both are kept as they are")
        self._write_record(path, data, durable=durable)
        return True

    @staticmethod
    def check_record(run_id: str, data: bytes) -> Record:
        """Read a record that came from elsewhere.

        Raises:
            DamagedError: it is not what was sealed, or not of that run.
        """
        if not is_whole(data):
            raise DamagedError(f"the record of {run_id} is not what was sealed: damaged, or changed by hand")
        return _read(run_id, data)

    # --- reading -----------------------------------------------------------------------------------

    def ids(self) -> Iterator[str]:
        """All ids of finished runs, in no order."""
        for folder in self.folders():
            yield from self.ids_in(folder)

    def folders(self) -> dict[str, int]:
        """Folders of records, named by the two letters their ids begin with → mtime in nanoseconds."""
        found = {}
        with os.scandir(f"{self.path}/runs") as members:
            for member in members:
                if len(member.name) == 2:
                    with fsio.absent():
                        found[member.name] = member.stat().st_mtime_ns
        return found

    def ids_in(self, folder: str) -> Iterator[str]:
        """Ids of the finished runs in one of the folders; none when it is not there."""
        names: list[str] = []
        if not set(folder) <= runid.ALL:
            return  # what an event names need not be an id
        with fsio.absent():
            names = os.listdir(f"{self.path}/runs/{folder}")
        for name in names:
            if name.endswith(".json") and runid.is_id(name[:-5]):
                yield name[:-5]

    def ids_like(self, prefix: str) -> list[str]:
        """Ids of finished runs and of runs in flight that begin with a prefix of two letters or more."""
        found = [run for run in self.ids_in(prefix[:2]) if run.startswith(prefix)]
        return sorted({*found, *(run for run in self.live_ids() if run.startswith(prefix))})

    def shown(self, run_id: str) -> int:
        """How many letters of an id to show so that it is unique in this store."""
        return runid.shortest_unique(run_id, self.ids_like(run_id[:2]))

    def shown_all(self, run_ids: list[str]) -> dict[str, int]:
        """How many letters of each of many ids to show; every folder is listed once."""
        live = self.live_ids()
        found: dict[str, int] = {}
        for prefix in {run_id[:2] for run_id in run_ids}:
            like = {*self.ids_in(prefix), *(run for run in live if run[:2] == prefix)}
            ordered = sorted(like)
            places = {run_id: at for at, run_id in enumerate(ordered)}
            for run_id in like.intersection(run_ids):
                at = places[run_id]
                # In order, nobody shares more letters with an id than its neighbours.
                found[run_id] = runid.shortest_unique(run_id, ordered[max(0, at - 1) : at + 2])
        return {run_id: found.get(run_id, runid.LENGTH) for run_id in run_ids}

    def has(self, run_id: str) -> bool:
        """Whether a run is here, finished or not; whether it can be read is another question."""
        return fsio.is_there(self._record(run_id)) or fsio.is_there(self.live_folder(run_id))

    def record_bytes(self, run_id: str) -> bytes:
        """A record as it lies on disk; its seal is verified.

        Raises:
            NotRecordedError: there is none.
            DamagedError: it cannot be read, or is not what was sealed.
        """
        if not runid.is_id(run_id):
            raise NotRecordedError(f"`{run_id}` is not the id of a run")
        try:
            data = fsio.read_file(self._record(run_id), limit=MAX_RECORD)
        except FileNotFoundError:
            raise self._none(run_id) from None
        except OSError as error:
            raise DamagedError(f"the record of {run_id} cannot be read: {error.strerror}") from error
        if not is_whole(data):
            raise DamagedError(f"the record of {run_id} is not what was sealed: damaged, or changed by hand")
        return data

    def record(self, run_id: str) -> Record:
        """Read a record.

        Raises:
            NotRecordedError: there is none.
            DamagedError: it is not one, or not of this run.
        """
        return _read(run_id, self.record_bytes(run_id))

    def is_sealed(self, run_id: str) -> bool:
        """Whether a run has a record, whole or not."""
        return fsio.is_there(self._record(run_id))

    def whichever(self, run_id: str) -> Record | tuple[Start, State]:
        """The record of a run; of one without, how it was started and whether it is still going on.

        Raises:
            NotRecordedError, DamagedError: it is not there, or not readable.
        """
        with contextlib.suppress(NotRecordedError):
            return self.record(run_id)
        with contextlib.suppress(NotRecordedError):
            return self.live(run_id)
        return self.record(run_id)  # it ended between the two

    def goes_on(self, run_id: str) -> bool:
        """Whether a run may still be going on."""
        try:
            return not self.is_sealed(run_id) and self.live(run_id)[1] != "lost"
        except NotRecordedError:
            return False  # it ended meanwhile

    def live_ids(self) -> list[str]:
        """Ids of runs without a record that were started: running or lost."""
        try:
            names = os.listdir(f"{self.path}/live")
        except FileNotFoundError:
            return []
        return [
            name
            for name in names
            if runid.is_id(name)
            and _may_be(f"{self.path}/live/{name}/start.json")
            and not fsio.is_there(self._record(name))
        ]

    def live_folder(self, run_id: str) -> str:
        """Folder of a run in flight."""
        return f"{self.path}/live/{run_id}"

    def live(self, run_id: str) -> tuple[Start, State]:
        """Read how a run without a record was started, and whether it is still going on.

        Raises:
            NotRecordedError: it is not in flight (any more).
            DamagedError: `start.json` is not one.
        """
        if not runid.is_id(run_id):
            raise NotRecordedError(f"`{run_id}` is not the id of a run")
        folder = self.live_folder(run_id)
        try:
            data = fsio.read_file(f"{folder}/start.json", limit=MAX_RECORD)
        except FileNotFoundError:
            raise NotRecordedError(f"run {run_id} is not in flight") from None
        except OSError as error:
            raise DamagedError(f"the start of {run_id} cannot be read: {error.strerror}") from error
        start = codec.decode(data, Start, f"the start of {run_id}")
        try:
            how = state(folder, start)
        except OSError as error:
            raise DamagedError(f"whether {run_id} goes on cannot be told: {error.strerror}") from error
        if how == "lost" and self.is_sealed(run_id):
            raise NotRecordedError(f"run {run_id} is not in flight")  # it ended while it was looked at
        return start, how

    def _none(self, run_id: str) -> NotRecordedError:
        try:
            _, how = self.live(run_id)
        except (NotRecordedError, DamagedError):
            return NotRecordedError(f"run {run_id} has no record")
        hint = "it has one when it has ended" if how == "running" else "`xt show` says how far it came"
        return NotRecordedError(f"run {run_id} has no record: it is {how}", hint)

    def _record(self, run_id: str) -> str:
        return f"{self.path}/runs/{run_id[:2]}/{run_id}.json"
