"""The tables of the index, and a connection that has them.

Everything here is derived; nothing is synced to disk. A rollback journal and not a write-ahead log: the
latter cannot be read on a read-only mount and does not work on network file systems.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3

from blake3 import blake3

from xt import shares
from xt.model.event import Event
from xt.model.standing import RunStanding
from xt.model.summary import MetricValue, Summary

#: Of a run that lists pass over, which few are.
UNUSUAL = "trial <> 0 OR gone <> 0"
#: A number of a run is never another's, not even when the run is gone: others may be holding it.
#: `runs` holds what is filtered and sorted by, `shown` what is displayed: a scan of the first stays small.
_LAYOUT = f"""
CREATE TABLE runs (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, started TEXT, trial INTEGER NOT NULL,
    gone INTEGER NOT NULL, status TEXT NOT NULL, name TEXT, task TEXT, user TEXT, host TEXT, ticket TEXT,
    branch TEXT, head TEXT, tree TEXT, recipe TEXT, repeats TEXT, wall REAL, exit INTEGER, level INTEGER,
    environment INTEGER, has TEXT, grouped TEXT
);
CREATE INDEX by_time ON runs (trial, gone, started DESC, id);
CREATE INDEX by_name ON runs (name) WHERE name IS NOT NULL;
CREATE INDEX by_status ON runs (status);
CREATE INDEX unusual ON runs (trial, gone) WHERE {UNUSUAL};
CREATE TABLE shown (n INTEGER PRIMARY KEY, summary BLOB NOT NULL, standing BLOB);
CREATE TABLE tags (tag TEXT, n INTEGER, PRIMARY KEY (tag, n)) WITHOUT ROWID;
CREATE INDEX tags_of ON tags (n);
CREATE TABLE keys (k INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (kind, name));
CREATE TABLE numbers (k INTEGER, value REAL, n INTEGER, PRIMARY KEY (k, value, n)) WITHOUT ROWID;
CREATE INDEX numbers_of ON numbers (n);
CREATE TABLE texts (k INTEGER, value TEXT, n INTEGER, PRIMARY KEY (k, value, n)) WITHOUT ROWID;
CREATE INDEX texts_of ON texts (n);
CREATE TABLE environments (e INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL);
CREATE TABLE parts (name TEXT, version TEXT, e INTEGER, PRIMARY KEY (name, version, e)) WITHOUT ROWID;
CREATE TABLE files (
    digest BLOB, n INTEGER, made INTEGER, role TEXT, path TEXT, kind TEXT, PRIMARY KEY (digest, n, made, path)
) WITHOUT ROWID;
CREATE INDEX files_of ON files (n);
CREATE TABLE members (digest BLOB, tree BLOB, path TEXT, PRIMARY KEY (digest, tree, path)) WITHOUT ROWID;
CREATE TABLE opened (tree BLOB PRIMARY KEY, known INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE events (id TEXT PRIMARY KEY, kind TEXT NOT NULL, run TEXT, place TEXT, data BLOB NOT NULL);
CREATE INDEX events_of ON events (run);
CREATE TABLE live (place TEXT, run TEXT, PRIMARY KEY (place, run)) WITHOUT ROWID;
CREATE TABLE folders (folder TEXT PRIMARY KEY, listed INTEGER) WITHOUT ROWID;
"""
#: Full text; a Python whose SQLite was built without it has everything else.
_WORDS = "CREATE VIRTUAL TABLE words USING fts5 (purpose, command, name, note, rest)"
_KINDS = [Summary, MetricValue, RunStanding, *Event.__subclasses__()]
_SHAPE = _LAYOUT + _WORDS + repr([kind.__annotations__ for kind in _KINDS])
#: Number of the layout, which follows from it and from what a row holds; another one on disk is thrown away.
VERSION = int.from_bytes(blake3(_SHAPE.encode()).digest(length=4)) >> 1


#: Errors of a file that is no use any more.
RUINED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
#: Seconds to wait for another process that is bringing the index up to date.
WAIT = 20.0


def index_path(store: str) -> str:
    """Path of the index; of a store on a shared folder, where locks may be of no effect, this host's own.

    Args:
        store: path of `.xt`.
    """
    return shares.of_this_host(f"{store}/cache/index.db")


def prepared(db: sqlite3.Connection) -> sqlite3.Connection:
    """Make sure a connection has these tables, whatever it had before."""
    db.execute("PRAGMA synchronous = OFF")
    if _version(db) != VERSION:
        # All of it or nothing, and one after the other: many begin at once with an index that is not there.
        db.execute("BEGIN IMMEDIATE")
        with db:
            if _version(db) != VERSION:
                _make(db)
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _make(db: sqlite3.Connection) -> None:
    for sort in ("VIRTUAL TABLE%", "TABLE%"):
        query = (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE ? AND name NOT LIKE 'sqlite%'"
        )
        for (table,) in db.execute(query, (f"CREATE {sort}",)).fetchall():
            db.execute(f'DROP TABLE IF EXISTS "{table}"')
    for statement in _LAYOUT.split(";\n"):
        db.execute(statement)
    if has_words(db):
        db.execute(_WORDS)
    db.execute(f"PRAGMA user_version = {VERSION}")


def has_words(db: sqlite3.Connection) -> bool:
    """Whether this SQLite can search full text."""
    options = db.execute("PRAGMA compile_options").fetchall()
    return ("ENABLE_FTS5",) in options


def in_memory() -> sqlite3.Connection:
    """An empty index that is no file."""
    return prepared(sqlite3.connect(":memory:"))


def are_files(path: str) -> bool:
    """Whether a database, and its journal if it has one, are files: SQLite would wait for ever on a FIFO."""
    return os.path.isfile(path) and (
        os.path.isfile(path + "-journal") or not os.path.lexists(path + "-journal")
    )


def open_file(path: str) -> sqlite3.Connection:
    """Open an index, making or replacing it if needed; where that cannot be, one that is no file."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if not are_files(path):
            return in_memory()
        try:
            return prepared(sqlite3.connect(path, timeout=WAIT))
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in RUINED:
                raise
            remove(path)
            return prepared(sqlite3.connect(path, timeout=WAIT))
    except (OSError, sqlite3.DatabaseError):
        return in_memory()


def remove(path: str) -> None:
    """Take an index away, with its journal, as far as that can be."""
    for name in (path, path + "-journal"):
        with contextlib.suppress(OSError):
            os.unlink(name)
