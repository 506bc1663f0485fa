"""The search index: a cache of records and events in SQLite, made again whenever it is missing or wrong."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from xt import shares
from xt.errors import DamagedError, StoreError
from xt.model.snapshot import Snapshot
from xt.model.summary import Summary
from xt.store.index.layout import has_words, in_memory, index_path, open_file, remove
from xt.store.index.lists import COLUMNS, HELD, By, Cell, Found, Lists
from xt.store.index.rows import Writer
from xt.store.index.syncing import Sync
from xt.store.store import Store

__all__ = ["COLUMNS", "By", "Cell", "Found", "InFlight", "Index", "Use"]


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


class Index(Lists):
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
        self.unread: list[str] = []
        """What of them, and of the records, the disk failed to read: it may be whole."""
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
                self.doubts, self.unread = sorted(sync.doubts), sorted(sync.unread)
                break

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    # --- runs --------------------------------------------------------------------------------------

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

    def _lost(self, why: str = "was damaged") -> StoreError:
        """Take a damaged file away; it was whole as far as bringing it up to date came."""
        remove(self._path)
        return StoreError(f"the index of the store {why}, and is taken away", "again: it is made anew")

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


def _bytes(digest: str) -> bytes:
    return bytes.fromhex(digest.partition(":")[2] or digest)


def _range(digest: str) -> tuple[bytes, bytes]:
    """The digests that begin with some hex digits."""
    digits = (digest.partition(":")[2] or digest).lower()
    return bytes.fromhex(digits.ljust(64, "0")), bytes.fromhex(digits.ljust(64, "f"))
