"""The search index: a cache of the records in SQLite, made again whenever it is missing or wrong.

A rollback journal and not a write-ahead log: the latter cannot be read on a read-only mount and does not
work on network file systems. Nothing is only here, so nothing is synced to disk.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from typing import NamedTuple

import msgspec
from blake3 import blake3

from xt.errors import XtError
from xt.model.summary import MetricValue, Summary
from xt.store.store import Store

_LAYOUT = """
CREATE TABLE runs (id TEXT PRIMARY KEY, started_at TEXT, name TEXT, trial INTEGER, summary BLOB)
    WITHOUT ROWID;
CREATE INDEX by_time ON runs (started_at);
CREATE INDEX by_trial ON runs (trial, started_at);
CREATE INDEX by_name ON runs (name) WHERE name IS NOT NULL;
CREATE TABLE tags (tag TEXT, id TEXT, PRIMARY KEY (tag, id)) WITHOUT ROWID;
CREATE TABLE folders (folder TEXT PRIMARY KEY, listed INTEGER) WITHOUT ROWID;
"""
_SHAPE = _LAYOUT + repr((Summary.__annotations__, MetricValue.__annotations__))
#: Number of the layout, which follows from it and from what a row holds; another one on disk is thrown away.
VERSION = int.from_bytes(blake3(_SHAPE.encode()).digest(length=4)) >> 1
#: Nanoseconds; a folder changed no longer ago than this may change again and keep its mtime (FAT: 2 s).
TICK = 2_000_000_000
#: Mark of a folder that has to be listed each time.
UNSETTLED = 0

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Summary)


class Found(NamedTuple):
    """Rows of a list, and how many there are in all."""

    rows: list[Summary]
    total: int
    trials: int
    """Runs made by `xt verify` that are not among these."""


class Index:
    """All finished runs of one store, newest first."""

    def __init__(self, store: Store) -> None:
        """Open the index and bring it up to date with the records."""
        self._store = store
        self._path = f"{store.path}/cache/index.db"
        self._db = self._open()
        try:
            self._sync()
        except sqlite3.DatabaseError:
            # Damaged, or another process holds it: what is asked is answered all the same.
            self._db.close()
            self._discard()
            self._db = self._open()
            try:
                self._sync()
            except sqlite3.DatabaseError:
                self._db.close()
                self._db = self._in_memory()
                self._sync()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def newest(self, limit: int | None, skip: int = 0, *, trials: bool = True) -> Found:
        """The newest runs.

        Args:
            limit: rows at most, None for all.
            skip: rows to pass over first.
            trials: with those made by `xt verify`.
        """
        query = "SELECT summary FROM runs ORDER BY started_at DESC, id LIMIT ? OFFSET ?"
        if not trials:
            query = query.replace("FROM runs", "FROM runs WHERE trial = 0")
        rows = self._db.execute(query, (-1 if limit is None else limit, skip))
        found = [_decoder.decode(row[0]) for row in rows]
        total = self._db.execute("SELECT count(*) FROM runs").fetchone()[0]
        made = self._db.execute("SELECT count(*) FROM runs WHERE trial = 1").fetchone()[0]
        return Found(found, total, 0) if trials else Found(found, total - made, made)

    def named(self, name: str) -> str | None:
        """Id of the newest run of that name that was not made by `xt verify`."""
        return self._first(
            "SELECT id FROM runs WHERE name = ? AND trial = 0 ORDER BY started_at DESC LIMIT 1", name
        )

    def tagged(self, tag: str) -> str | None:
        """Id of the newest run with that tag that was not made by `xt verify`."""
        query = "SELECT id FROM tags JOIN runs USING (id) WHERE tag = ? AND trial = 0 "
        query += "ORDER BY started_at DESC LIMIT 1"
        return self._first(query, tag)

    def words(self) -> tuple[list[str], list[str]]:
        """All names and all tags."""
        names = [row[0] for row in self._db.execute("SELECT DISTINCT name FROM runs WHERE name IS NOT NULL")]
        return names, [row[0] for row in self._db.execute("SELECT DISTINCT tag FROM tags")]

    def _first(self, query: str, value: str) -> str | None:
        row = self._db.execute(query, (value,)).fetchone()
        return str(row[0]) if row else None

    def _open(self) -> sqlite3.Connection:
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            return self._prepared(sqlite3.connect(self._path, timeout=2.0))
        except (OSError, sqlite3.DatabaseError):
            return self._in_memory()

    def _in_memory(self) -> sqlite3.Connection:
        return self._prepared(sqlite3.connect(":memory:"))

    def _prepared(self, db: sqlite3.Connection) -> sqlite3.Connection:
        db.execute("PRAGMA synchronous = OFF")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                db.execute(f'DROP TABLE IF EXISTS "{table}"')
            db.executescript(_LAYOUT)
            db.execute(f"PRAGMA user_version = {VERSION}")
        return db

    def _discard(self) -> None:
        for name in (self._path, self._path + "-journal"):
            with contextlib.suppress(OSError):
                os.unlink(name)

    def _sync(self) -> None:
        """Records never change, so their names tell what is missing here and what is gone there.

        A folder of records that has not changed since it was last listed is not listed again.
        """
        now = time.time_ns()
        listed: dict[str, int] = dict(self._db.execute("SELECT folder, listed FROM folders"))
        there = self._store.folders()
        missing: list[str] = []
        gone: list[str] = []
        marks: dict[str, int] = {}
        for folder in listed.keys() | there.keys():
            changed = there.get(folder, UNSETTLED)
            if folder in listed and listed[folder] == changed != UNSETTLED:
                continue
            known = dict(
                self._db.execute(
                    # `{` follows `z`: all ids that begin with the folder's two letters.
                    "SELECT id, started_at IS NULL FROM runs WHERE id >= ? AND id < ?",
                    (folder, folder + "{"),
                )
            )
            ids = set(self._store.ids_in(folder))
            # A damaged record is the one thing that may become another: it is read again.
            missing += [run_id for run_id in ids if known.get(run_id, 1)]
            gone += known.keys() - ids
            marks[folder] = changed if changed < now - TICK else UNSETTLED
        rows = []
        tags = []
        for run_id in missing:
            try:
                summary = Summary.of(self._store.record(run_id))
            except XtError as error:
                summary = Summary(id=run_id, status="damaged", reason=error.message)
                marks[run_id[:2]] = UNSETTLED
            rows.append((run_id, summary.started_at, summary.name, summary.trial, _encoder.encode(summary)))
            tags += [(tag, run_id) for tag in summary.tags]
        new_marks = [(folder, mark) for folder, mark in marks.items() if listed.get(folder) != mark]
        if not (rows or gone or new_marks):
            return
        with self._db:
            self._db.executemany("DELETE FROM runs WHERE id = ?", [(run_id,) for run_id in gone])
            self._db.executemany("DELETE FROM tags WHERE id = ?", [(run_id,) for run_id in gone])
            self._db.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)", rows)
            self._db.executemany("INSERT OR REPLACE INTO tags VALUES (?, ?)", tags)
            self._db.executemany("INSERT OR REPLACE INTO folders VALUES (?, ?)", new_marks)
