"""The search index: a cache of records and events in SQLite, made again whenever it is missing or wrong."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from xt import shares
from xt.errors import DamagedError, StoreError
from xt.model.snapshot import Snapshot
from xt.model.summary import Summary
from xt.store.index.conditions import Condition
from xt.store.index.layout import RUINED, has_words, in_memory, index_path, open_file, remove
from xt.store.index.rows import Writer, standings, summaries
from xt.store.index.syncing import Sync
from xt.store.store import Store

__all__ = ["COLUMNS", "Cell", "Found", "InFlight", "Index", "Use"]

#: A value that can be shown and sorted by.
Cell = float | int | str
#: Columns of `runs` that can be shown, sorted and grouped by.
COLUMNS = frozenset(
    (
        *("id", "started", "status", "name", "task", "user", "host", "ticket", "branch", "head", "recipe"),
        *("repeats", "wall", "exit", "level", "environment", "grouped"),
    )
)
VALUES = ("numbers", "texts")
#: Runs that are named one by one in a question.
FEW = 500
#: Errors that say nothing of the file itself.
HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
#: Errors of a file that may be no use any more.
DAMAGED = (*RUINED, sqlite3.SQLITE_IOERR)


class Found(NamedTuple):
    """Rows of a list, and how many there are in all."""

    rows: list[Summary]
    total: int
    trials: int
    """Runs made by `xt verify` that are not among these."""


class Use(NamedTuple):
    """A content that a run read or made."""

    run: str
    made: bool
    role: str
    path: str
    digest: str
    """Of the file or tree as declared: for a file inside a tree, of the tree."""
    inside: str | None = None
    """Path in the tree, for a file inside one."""


class Index:
    """All finished runs of one store, and what was said of them later."""

    def __init__(self, store: Store) -> None:
        """Open the index and bring it up to date with the records."""
        self._store = store
        self._path = index_path(store.path)
        elsewhere = os.path.basename(self._path) != "index.db"
        # The clock of a shared folder may be another.
        now = shares.now(os.path.dirname(self._path)) if elsewhere else time.time_ns()
        self._held = False
        self.doubts: list[str] = []
        """Events that cannot be read, so that what they say is missing here."""
        self._db = open_file(self._path)
        for attempt in (None, self._anew, in_memory):
            if attempt is not None:
                self._db.close()
                self._db = attempt()
            try:
                sync = Sync(self._db, self._store, now)
                sync.run()
            except sqlite3.DatabaseError as error:
                # Damaged, or another process holds it: what is asked is answered all the same.
                self._held = error.sqlite_errorcode & 0xFF in HELD
            except DamagedError:
                self._held = False  # of the rows themselves; records that are damaged are said in rows
            else:
                self.doubts = sorted(sync.doubts)
                break

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    # --- runs --------------------------------------------------------------------------------------

    def has(self, run_id: str) -> bool:
        """Whether a run is in it."""
        return bool(self._ask("SELECT 1 FROM runs WHERE id = ?", (run_id,)))

    def newest(self, limit: int | None, skip: int = 0, *, trials: bool = False) -> Found:
        """The newest runs.

        Args:
            limit: rows at most, None for all.
            skip: rows to pass over first.
            trials: with those made by `xt verify`.
        """
        numbers = self.newest_numbers(limit, skip, trials=trials)
        return Found(self.rows(numbers), *self.counts(trials=trials))

    def newest_numbers(self, limit: int | None, skip: int = 0, *, trials: bool = False) -> list[int]:
        """The same by number, for `rows`."""
        kinds = "trial IN (0, 1)" if trials else "trial = 0"
        query = f"SELECT n FROM runs WHERE {kinds} AND gone = 0 ORDER BY started DESC, id LIMIT ? OFFSET ?"
        return [row[0] for row in self._ask(query, (-1 if limit is None else limit, skip))]

    def counts(self, *, trials: bool = False) -> tuple[int, int]:
        """How many runs there are, and how many made by `xt verify` besides."""
        counted = dict(self._ask("SELECT trial, count(*) FROM runs WHERE gone = 0 GROUP BY trial"))
        made = counted.get(1, 0)
        return counted.get(0, 0) + (made if trials else 0), 0 if trials else made

    def matching(self, condition: Condition, *, trials: bool, gone: bool = False) -> list[int]:
        """Numbers of the runs that fulfil a condition, for `rows`; the newest first.

        Args:
            condition: on `runs`.
            trials: with those made by `xt verify`.
            gone: with those that were put away.
        """
        kinds = "+trial IN (0, 1)" if trials else "+trial = 0"
        there = "+gone IN (0, 1)" if gone else "+gone = 0"
        # The signs keep SQLite from walking all runs in the order of time: the condition is what is rare.
        query = (
            f"SELECT n FROM runs WHERE {kinds} AND {there} AND ({condition[0]}) ORDER BY +started DESC, +id"
        )
        return [row[0] for row in self._ask(query, condition[1])]

    def rows(self, numbers: list[int]) -> list[Summary]:
        """Runs as they stand now.

        Args:
            numbers: of `matching`, in the order to give them.
        """
        found = []
        for n in numbers:
            for row in self._ask("SELECT summary, standing FROM shown WHERE n = ?", (n,)):
                try:
                    found.append(_as_it_stands(*row))
                except msgspec.DecodeError as error:
                    raise self._lost() from error
        return found

    def named(self, name: str) -> str | None:
        """Id of the newest run of that name that was not made by `xt verify`."""
        return self._first("SELECT id FROM runs WHERE name = ?", name)

    def tagged(self, tag: str) -> str | None:
        """Id of the newest run with that tag that was not made by `xt verify`."""
        return self._first("SELECT id FROM tags JOIN runs USING (n) WHERE tag = ?", tag)

    def words(self) -> tuple[list[str], list[str]]:
        """All names and all tags."""
        names = self._ask("SELECT DISTINCT name FROM runs WHERE name IS NOT NULL AND gone = 0")
        tags = self._ask("SELECT DISTINCT tag FROM tags")
        return [row[0] for row in names], [row[0] for row in tags]

    def keys(self, kind: str) -> list[str]:
        """All names of params, facts or metrics.

        Args:
            kind: `param`, `fact` or `metric`.
        """
        rows = self._ask("SELECT name FROM keys WHERE kind = ? ORDER BY name", (kind,))
        return [row[0] for row in rows]

    def versions(self, name: str) -> list[str]:
        """All versions of a part of an environment."""
        rows = self._ask("SELECT DISTINCT version FROM parts WHERE name = ?", (name,))
        return [row[0] for row in rows]

    def parts(self) -> list[str]:
        """Names of all parts of environments."""
        return [row[0] for row in self._ask("SELECT DISTINCT name FROM parts ORDER BY name")]

    def column(self, field: str, key: str | None) -> dict[int, Cell]:
        """One property of every run that has it, by number; of several values one.

        Args:
            field: `metric`, `param`, `fact` or `env` with a key; `tag`; or a column of `runs`.
            key: its name.
        """
        found: dict[int, Cell] = {}
        for query, values in _queries(field, key):
            found.update(self._ask(query, values))
        return found

    def cells(self, field: str, key: str | None, numbers: list[int] | None = None) -> dict[int, list[Cell]]:
        """The same, with all values.

        Args:
            field: as for `column`.
            key: likewise.
            numbers: of the runs that are of interest, all by default.
        """
        chosen, bound = "", []
        if numbers is not None and len(numbers) <= FEW:
            chosen = f" AND n IN ({', '.join('?' * len(numbers))})"
            bound = numbers
        found: dict[int, list[Cell]] = {}
        for query, values in _queries(field, key):
            for n, value in self._ask(query + chosen, [*values, *bound]):
                found.setdefault(n, []).append(value)
        return found

    def live(self) -> dict[str, list[str]]:
        """Run → environments in which something of it is live now."""
        found: dict[str, list[str]] = {}
        for run, place in self._ask("SELECT run, place FROM live ORDER BY place"):
            found.setdefault(run, []).append(place)
        return found

    @property
    def can_search_words(self) -> bool:
        """Whether this SQLite can search full text."""
        return has_words(self._db)

    # --- contents ----------------------------------------------------------------------------------

    def uses(self, digest: str) -> list[Use]:
        """Every run that read or made a content, as a declared path or as a file inside of one.

        Args:
            digest: `blake3:<hex>`, or the beginning of the hex digits.
        """
        low, high = _range(digest)
        found = []
        query = "SELECT id, made, role, path, hex(digest) FROM files JOIN runs USING (n)"
        query += " WHERE digest BETWEEN ? AND ?"
        for run_id, made, role, path, own in self._ask(query, (low, high)):
            found.append(Use(run_id, bool(made), role, path, f"blake3:{own.lower()}"))
        query = (
            "SELECT id, made, role, files.path, hex(members.tree), members.path FROM members"
            " JOIN files ON files.digest = members.tree JOIN runs USING (n)"
            " WHERE members.digest BETWEEN ? AND ?"
        )
        for run_id, made, role, path, own, inside in self._ask(query, (low, high)):
            found.append(Use(run_id, bool(made), role, path, f"blake3:{own.lower()}", inside))
        return found

    def with_inputs(self, roles: tuple[str, ...]) -> list[Summary]:
        """Runs with inputs of some roles, the newest first, without repeats that `xt verify` made."""
        marks = ", ".join("?" * len(roles))
        condition = f"n IN (SELECT n FROM files WHERE made = 0 AND role IN ({marks})) OR status = 'damaged'"
        return self.rows(self.matching((condition, list(roles)), trials=False))

    def made_at(self, paths: list[str]) -> str | None:
        """The newest run that has one of some paths among its outputs."""
        marks = ", ".join("?" * len(paths))
        query = "SELECT id FROM files JOIN runs USING (n) WHERE gone = 0 AND made = 1 AND digest <> x''"
        query += f" AND path IN ({marks}) ORDER BY started DESC LIMIT 1"
        rows = self._ask(query, paths)
        return str(rows[0][0]) if rows else None

    def unopened(self) -> list[str]:
        """Digests of trees whose files are not in the index yet."""
        query = (
            "SELECT DISTINCT hex(digest) FROM files WHERE kind IN ('tree', 'glob') AND digest <> x''"
            " AND NOT EXISTS (SELECT 1 FROM opened WHERE tree = digest AND known = 1)"
        )
        return [f"blake3:{row[0].lower()}" for row in self._ask(query)]

    def open_tree(self, tree: str, members: Iterable[tuple[str, str]] | None) -> None:
        """Put the files of a tree in.

        Args:
            tree: digest of its manifest.
            members: digest and path of each file; None when they cannot be told.
        """
        own = _bytes(tree)
        with contextlib.suppress(sqlite3.OperationalError), self._db:
            rows = ((_bytes(digest), own, path) for digest, path in members or ())
            self._db.executemany("INSERT OR REPLACE INTO members VALUES (?, ?, ?)", rows)
            self._db.execute("INSERT OR REPLACE INTO opened VALUES (?, ?)", (own, int(members is not None)))

    def members(self) -> Iterator[tuple[bytes, bytes]]:
        """Every file of every tree: its digest and that of the tree, in the order of the files' digests."""
        yield from self._db.execute("SELECT digest, tree FROM members ORDER BY digest")

    # --- the file ----------------------------------------------------------------------------------

    def _first(self, query: str, value: str) -> str | None:
        query += " AND trial = 0 AND gone = 0 ORDER BY started DESC LIMIT 1"
        rows = self._ask(query, (value,))
        return str(rows[0][0]) if rows else None

    def _ask(self, query: str, values: Sequence[Cell | bytes] = ()) -> list[Any]:
        """Give all rows.

        Raises:
            StoreError: the file is damaged, where bringing it up to date did not come by; or held for long.
        """
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in HELD:
                raise StoreError("another process holds the index of the store", "try again") from error
            if error.sqlite_errorcode & 0xFF not in DAMAGED:
                raise
            raise self._lost() from error

    def _lost(self) -> StoreError:
        """Take a damaged file away; it was whole as far as bringing it up to date came."""
        remove(self._path)
        return StoreError("the index of the store was damaged, and is taken away", "again: it is made anew")

    def _anew(self) -> sqlite3.Connection:
        """Begin with an empty file, unless somebody is writing this one."""
        if self._held:
            return in_memory()
        remove(self._path)
        return open_file(self._path)


class InFlight(Index):
    """Runs without a record, in tables of the same layout: the same questions can be asked of them."""

    def __init__(self, runs: Iterable[tuple[Summary, Snapshot | None]]) -> None:
        """Take them in.

        Args:
            runs: each with its causes, None when they cannot be read.
        """
        self._db = in_memory()
        with self._db:
            writer = Writer(self._db, words=has_words(self._db))
            for summary, snapshot in runs:
                if snapshot is None:
                    writer.damaged(summary.id, summary.reason or "")
                else:
                    writer.in_flight(summary, snapshot)
            writer.flush()


def _queries(field: str, key: str | None) -> list[tuple[str, list[str]]]:
    """Questions whose answers are numbers of runs and values; a condition may follow."""
    if field in ("metric", "param", "fact"):
        where = "k = (SELECT k FROM keys WHERE kind = ? AND name = ?)"
        return [(f"SELECT n, value FROM {table} WHERE {where}", [field, key or ""]) for table in VALUES]
    if field == "env":
        query = "SELECT n, version FROM runs JOIN parts ON environment = e WHERE parts.name = ?"
        return [(query, [key or ""])]
    if field == "tag":
        return [("SELECT n, tag FROM tags WHERE 1", [])]
    if field in COLUMNS:
        return [(f"SELECT n, {field} FROM runs WHERE {field} IS NOT NULL", [])]
    raise KeyError(field)


def _as_it_stands(summary: bytes, standing: bytes | None) -> Summary:
    row = summaries.decode(summary)
    return row if standing is None else row.standing(standings.decode(standing))


def _bytes(digest: str) -> bytes:
    return bytes.fromhex(digest.partition(":")[2] or digest)


def _range(digest: str) -> tuple[bytes, bytes]:
    """The digests that begin with some hex digits."""
    digits = (digest.partition(":")[2] or digest).lower()
    return bytes.fromhex(digits.ljust(64, "0")), bytes.fromhex(digits.ljust(64, "f"))
