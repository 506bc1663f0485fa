"""Hold the index against what it is made of, without touching it: a copy is looked at.

What the index lacks because nobody has asked it since is no disagreement: only what it takes to be up to date
counts, as `syncing` will take it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from urllib.parse import quote

import msgspec

from xt.errors import XtError
from xt.model import runid
from xt.model.event import Deployed, Event
from xt.model.result import Record
from xt.model.standing import RunStanding, fold
from xt.model.summary import Summary
from xt.store.events import KINDS, decode
from xt.store.index import Index
from xt.store.index.layout import VERSION, are_files, has_words, in_memory, index_path
from xt.store.index.rows import Writer
from xt.store.index.syncing import UNSETTLED
from xt.store.store import Store

#: Seconds to wait for whoever is writing it.
_WAIT = 2.0
#: Another process holds it (sqlite.org/rescode.html), or its journal must be played back first.
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_JOURNAL = (sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)

#: What each table says of runs, without the numbers that mean something within one index only.
_OF_RUNS = {
    "runs": "SELECT id, started, trial, gone, status, name, task, user, host, ticket, branch, head, tree,"
    " recipe, repeats, wall, exit, level, key, has, grouped"
    " FROM runs LEFT JOIN environments ON environment = e",
    "shown": "SELECT id, summary, standing FROM runs JOIN shown USING (n)",
    "tags": "SELECT id, tag FROM runs JOIN tags USING (n)",
    "numbers": "SELECT id, kind, keys.name, value FROM runs JOIN numbers USING (n) JOIN keys USING (k)",
    "texts": "SELECT id, kind, keys.name, value FROM runs JOIN texts USING (n) JOIN keys USING (k)",
    "parts": "SELECT id, parts.name, version FROM runs JOIN parts ON environment = parts.e",
    "files": "SELECT id, digest, made, role, path, files.kind FROM runs JOIN files USING (n)",
    "words": "SELECT id, purpose, command, words.name, note, rest FROM runs JOIN words ON words.rowid = n",
}

_encoder = msgspec.msgpack.Encoder()


class IndexFaultError(Exception):
    """The index cannot be looked at: `code` is one of `index-damaged`, `index-old`, `index-busy`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Around every question to a `Copy`: what it holds may be anything.

    Raises:
        IndexFaultError: it cannot be understood.
    """
    try:
        yield
    except (sqlite3.Error, msgspec.MsgspecError, XtError, ValueError, TypeError, KeyError) as error:
        raise IndexFaultError("index-damaged", f"what it holds cannot be understood: {error}") from error


class Copy:
    """A copy of an index; see `asking`."""

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
            path = index_path(store.path)
            if os.path.lexists(path) and not are_files(path):
                raise IndexFaultError("index-damaged", "it is no file")
            _copy(path, self._db)
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

    def differing(self, records: list[Record]) -> set[str]:
        """Runs of which it says anything, in any table, that their records and events do not say."""
        fresh = in_memory()
        try:
            known = [record for record in records if self._knows(record.id)]
            writer = Writer(fresh, words=has_words(fresh) and has_words(self._db))
            for record in known:
                writer.run(record, self._standing(record.id))
            writer.flush()
            ids = [record.id for record in known]
            found: set[str] = set()
            for table, query in _OF_RUNS.items():
                if table == "words" and not has_words(self._db):
                    continue
                ours, theirs = (_by_run(db, query, ids) for db in (fresh, self._db))
                found |= {run for run in ids if ours.get(run) != theirs.get(run)}
            return found
        finally:
            fresh.close()

    def knows_what_is_live(self) -> bool:
        """Whether it says of what is live where the same as the events that it has."""
        kind = KINDS[Deployed]
        rows = self._db.execute("SELECT data FROM events WHERE kind = ?", (kind,)).fetchall()
        live = fold(decode(data, kind) for (data,) in rows).live()
        pairs = {(place, run) for run, places in live.items() for place in places}
        return pairs == set(self._db.execute("SELECT place, run FROM live"))

    def _knows(self, run_id: str) -> bool:
        query = "SELECT 1 FROM runs WHERE id = ? AND started IS NOT NULL"
        return self._db.execute(query, (run_id,)).fetchone() is not None

    def _standing(self, run_id: str) -> RunStanding | None:
        rows = self._db.execute("SELECT kind, data FROM events WHERE run = ?", (run_id,)).fetchall()
        return fold(decode(data, kind) for kind, data in rows).runs.get(run_id) if rows else None

    def remembered(self) -> Iterator[str]:
        """All runs that it has."""
        for (run_id,) in self._db.execute("SELECT id FROM runs"):
            yield run_id

    def runs(self) -> Iterator[str]:
        """All runs that it takes to be there, and will not look for."""
        return (run for run in self.remembered() if self._settled(run[:2], f"runs/{run[:2]}"))

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
        try:
            return bool(msgspec.json.encode(_event(base, data)) == row[1])
        except XtError:
            return False

    def _settled(self, folder: str, name: str) -> bool:
        """Whether it will not look again at what is in a folder."""
        try:
            changed = os.stat(f"{self._store.path}/{name}").st_mtime_ns
        except OSError:
            changed = UNSETTLED
        return bool(self._listed.get(folder) == changed != UNSETTLED)


def _by_run(db: sqlite3.Connection, query: str, ids: list[str]) -> dict[str, list[str]]:
    """What a table says of some runs, in any order."""
    found: dict[str, list[str]] = {}
    marks = ", ".join("?" * len(ids))
    for row in db.execute(f"{query} WHERE id IN ({marks})", ids):
        found.setdefault(row[0], []).append(repr(row[1:]))
    return {run: sorted(rows) for run, rows in found.items()}


def rebuild(store: Store) -> None:
    """Make the index anew.

    Raises:
        OSError: the old one cannot be removed.
    """
    for suffix in ("", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(index_path(store.path) + suffix)
    os.makedirs(f"{store.path}/cache", 0o700, exist_ok=True)
    Index(store).close()


def _event(base: str, data: bytes) -> Event:
    suffix = base.removesuffix(".json").partition(".")[2]
    return decode(data, f".{suffix}" if suffix else KINDS[_pin()])


def _pin() -> type[Event]:
    return next(kind for kind, suffix in KINDS.items() if suffix == "")


def remembered(store: Store) -> set[str]:
    """Ids of the runs that the index has, looked for or not; none where it cannot be asked."""
    path = index_path(store.path)
    if not are_files(path):
        return set()
    try:
        with _opened(path, "ro") as db:
            return {run_id for (run_id,) in db.execute("SELECT id FROM runs") if runid.is_id(run_id)}
    except (sqlite3.Error, TypeError):
        return set()


def _copy(path: str, target: sqlite3.Connection) -> None:
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise IndexFaultError("index-damaged", "it is no regular file")
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


def _opened(path: str, mode: str) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(f"file:{quote(path)}?mode={mode}", uri=True, timeout=_WAIT))


def _backup(path: str, target: sqlite3.Connection, mode: str = "ro") -> None:
    with _opened(path, mode) as source:
        if source.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            raise IndexFaultError("index-old", "it is of another version of xt")
        source.backup(target)


def _fault(error: sqlite3.DatabaseError) -> IndexFaultError:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _BUSY:
        return IndexFaultError("index-busy", "another process holds it")
    return IndexFaultError("index-damaged", f"SQLite cannot read it: {error}")
