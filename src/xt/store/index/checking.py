"""Hold the index against what it is made of, without touching it: a copy is looked at.

What the index lacks because nobody has asked it since is no disagreement: only what it takes to be up to date
counts, as `syncing` will take it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from urllib.parse import quote

import msgspec

from xt.model.event import Event
from xt.model.result import Record
from xt.model.summary import Summary
from xt.store.events import KINDS, decode
from xt.store.index import Index
from xt.store.index.layout import VERSION
from xt.store.index.syncing import UNSETTLED
from xt.store.store import Store

#: Seconds to wait for whoever is writing it.
_WAIT = 2.0
#: Another process holds it (sqlite.org/rescode.html), or its journal must be played back first.
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_JOURNAL = (sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)

_encoder = msgspec.msgpack.Encoder()


class IndexFaultError(Exception):
    """The index cannot be looked at: `code` is one of `index-damaged`, `index-old`, `index-busy`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Copy:
    """A copy of an index."""

    def __init__(self, store: Store, *, deep: bool) -> None:
        """Take it.

        Args:
            store: whose index it is.
            deep: look at every page and every index of the tables.

        Raises:
            FileNotFoundError: there is none.
            IndexFaultError: it cannot be looked at.
        """
        self._store = store
        self._db = sqlite3.connect("")
        try:
            _copy(f"{store.path}/cache/index.db", self._db)
            check = "integrity_check" if deep else "quick_check"
            answer = self._db.execute(f"PRAGMA {check}(1)").fetchone()
            if answer != ("ok",):
                raise IndexFaultError("index-damaged", "SQLite says that it is damaged")
            self._listed = dict(self._db.execute("SELECT folder, listed FROM folders"))
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise _fault(error) from error
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Let go of it."""
        self._db.close()

    def fits(self, record: Record) -> bool:
        """Whether it says of a run what its record says, or does not claim to know."""
        query = "SELECT started, summary FROM runs JOIN shown USING (n) WHERE id = ?"
        row = self._db.execute(query, (record.id,)).fetchone()
        if row is None or row[0] is None:
            return not self._settled(record.id[:2], f"runs/{record.id[:2]}")
        return bool(row[1] == _encoder.encode(Summary.of(record)))

    def runs(self) -> Iterator[str]:
        """All runs that it takes to be there."""
        for (run_id,) in self._db.execute("SELECT id FROM runs"):
            if self._settled(run_id[:2], f"runs/{run_id[:2]}"):
                yield run_id

    def remembers(self, name: str, data: bytes) -> bool:
        """Whether it has an event as it is, or does not claim to know it.

        Args:
            name: relative to the store.
            data: of the file.
        """
        base = os.path.basename(name)
        row = self._db.execute("SELECT kind, data FROM events WHERE id = ?", (base.split(".")[0],)).fetchone()
        folder = os.path.dirname(name)
        if row is None:
            return not self._settled(folder.removeprefix("events/"), folder)
        with contextlib.suppress(Exception):
            return bool(msgspec.json.encode(_event(base, data)) == row[1])
        return True

    def _settled(self, folder: str, name: str) -> bool:
        """Whether it will not look again at what is in a folder."""
        try:
            changed = os.stat(f"{self._store.path}/{name}").st_mtime_ns
        except OSError:
            changed = UNSETTLED
        return bool(self._listed.get(folder) == changed != UNSETTLED)


def rebuild(store: Store) -> None:
    """Make the index anew.

    Raises:
        OSError: the old one cannot be removed.
    """
    for name in ("index.db", "index.db-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{store.path}/cache/{name}")
    os.makedirs(f"{store.path}/cache", 0o700, exist_ok=True)
    Index(store).close()


def _event(base: str, data: bytes) -> Event:
    suffix = base.removesuffix(".json").partition(".")[2]
    return decode(data, f".{suffix}" if suffix else KINDS[_pin()])


def _pin() -> type[Event]:
    return next(kind for kind, suffix in KINDS.items() if suffix == "")


def _copy(path: str, target: sqlite3.Connection) -> None:
    os.stat(path)
    try:
        _backup(path, target)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in _JOURNAL or not os.path.exists(path + "-journal"):
            raise
        # Left by a process that was killed: the next one plays it back. Here a copy is played back.
        with tempfile.TemporaryDirectory(prefix="xt-fsck-") as folder:
            before = _stamps(path)
            for suffix in ("", "-journal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(path + suffix, f"{folder}/index.db{suffix}")
            if _stamps(path) != before:
                raise IndexFaultError("index-busy", "it is being written") from error
            _backup(f"{folder}/index.db", target, mode="rw")


def _stamps(path: str) -> list[tuple[int, int]]:
    found = []
    for suffix in ("", "-journal"):
        with contextlib.suppress(OSError):
            info = os.stat(path + suffix)
            found.append((info.st_mtime_ns, info.st_size))
    return found


def _backup(path: str, target: sqlite3.Connection, mode: str = "ro") -> None:
    with contextlib.closing(
        sqlite3.connect(f"file:{quote(path)}?mode={mode}", uri=True, timeout=_WAIT)
    ) as source:
        if source.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            raise IndexFaultError("index-old", "it is of another version of xt")
        source.backup(target)


def _fault(error: sqlite3.DatabaseError) -> IndexFaultError:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _BUSY:
        return IndexFaultError("index-busy", "another process holds it")
    return IndexFaultError("index-damaged", f"SQLite cannot read it: {error}")
