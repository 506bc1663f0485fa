"""Bring the index up to date: records and events never change, so their names tell what is missing here.

A folder that has not changed since it was last listed is not listed again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable

import msgspec

from xt import fsio
from xt.errors import XtError, is_unread
from xt.model.event import Deployed, Event
from xt.model.standing import RunStanding, fold
from xt.store import events
from xt.store.index.layout import has_words
from xt.store.index.rows import Writer
from xt.store.store import Store

#: Nanoseconds; a folder changed no longer ago than this may change again and keep its mtime (FAT: 2 s).
TICK = 2_000_000_000
#: Mark of a folder that has to be listed each time.
UNSETTLED = 0
#: Runs whose rows are held in memory before they are written.
BATCH = 1_000


class Sync:
    """One pass over what changed."""

    def __init__(self, db: sqlite3.Connection, store: Store, now: int) -> None:
        """Look at an index and the store it is of; `now` by the clock of its files, in nanoseconds."""
        self._db = db
        self._store = store
        self._now = now
        self._listed: dict[str, int] = dict(db.execute("SELECT folder, listed FROM folders"))
        self._marks: dict[str, int] = {}
        self._events: tuple[list[str], list[str]] = ([], [])
        self._runs: tuple[list[str], list[str]] = ([], [])
        self.doubts: list[str] = []
        """Events that cannot be read."""
        self.unread: list[str] = []
        """Records and events that the disk, or the server behind it, failed to read: a sentence each."""

    def run(self) -> None:
        """Read what is new, forget what is gone."""
        if not self._changed():
            return
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            # Once more: whoever held it may have done the work.
            self._listed = dict(self._db.execute("SELECT folder, listed FROM folders"))
            self._marks.clear()
            self._changed()
            again = self._take_events(*self._events)
            self._take_runs(*self._runs, again)
            self._db.executemany("INSERT OR REPLACE INTO folders VALUES (?, ?)", self._new_marks())

    def _changed(self) -> bool:
        self._events = self._changed_events()
        self._runs = self._changed_runs()
        return any((*self._events, *self._runs, self._new_marks()))

    def _new_marks(self) -> list[tuple[str, int]]:
        return [(folder, mark) for folder, mark in self._marks.items() if self._listed.get(folder) != mark]

    def _settled(self, folder: str, changed: int) -> bool:
        """Whether a folder is as it was when it was last listed; otherwise it gets a mark of now."""
        if folder in self._listed and self._listed[folder] == changed != UNSETTLED:
            return True
        self._marks[folder] = changed if changed < self._now - TICK else UNSETTLED
        return False

    # --- records -----------------------------------------------------------------------------------

    def _changed_runs(self) -> tuple[list[str], list[str]]:
        there = self._store.folders()
        missing: list[str] = []
        gone: list[str] = []
        listed = {folder for folder in self._listed if "/" not in folder}
        for folder in listed | there.keys():
            if self._settled(folder, there.get(folder, UNSETTLED)):
                continue
            known = dict(
                self._db.execute(
                    # `{` follows `z`: all ids that begin with the folder's two letters.
                    "SELECT id, started IS NULL FROM runs WHERE id >= ? AND id < ?",
                    (folder, folder + "{"),
                )
            )
            ids = set(self._store.ids_in(folder))
            # A damaged record is the one thing that may become another: it is read again.
            missing += [run_id for run_id in ids if known.get(run_id, 1)]
            gone += [*(known.keys() - ids), *(run_id for run_id in ids if known.get(run_id))]
        return missing, gone

    def _take_runs(self, missing: list[str], gone: list[str], again: Iterable[str]) -> None:
        writer = Writer(self._db, words=has_words(self._db))
        for run_id in gone:
            writer.remove(run_id)
        known = {run_id for run_id in again if self._known(run_id)} - set(missing) - set(gone)
        for run_id in known:
            writer.remove(run_id)
        for count, run_id in enumerate([*missing, *known], 1):
            try:
                writer.run(self._store.record(run_id), self._standing(run_id))
            except XtError as error:
                writer.damaged(run_id, error.message)
                self.unread += [error.message] if is_unread(error) else []
                self._marks[run_id[:2]] = UNSETTLED
            if count % BATCH == 0:
                writer.flush()
        writer.flush()

    def _known(self, run_id: str) -> bool:
        return self._db.execute("SELECT 1 FROM runs WHERE id = ?", (run_id,)).fetchone() is not None

    # --- events ------------------------------------------------------------------------------------

    def _changed_events(self) -> tuple[list[str], list[str]]:
        """Paths below `events/` that are new, and ids of those that are gone."""
        top = f"{self._store.path}/events"
        there: dict[str, int] = {}
        for year in _folders(top):
            for month in _folders(f"{top}/{year}"):
                with fsio.absent():
                    there[f"{year}/{month}"] = os.stat(f"{top}/{year}/{month}").st_mtime_ns
        new: list[str] = []
        gone: list[str] = []
        for folder in {name for name in self._listed if "/" in name} | there.keys():
            if self._settled(folder, there.get(folder, UNSETTLED)):
                continue
            digits = folder.replace("/", "")
            known = {
                row[0]
                for row in self._db.execute(
                    "SELECT id FROM events WHERE id >= ? AND id < ?", (digits, digits + ":")
                )
            }
            names = {
                name.partition(".")[0]: name for name in _names(f"{top}/{folder}") if name.endswith(".json")
            }
            new += [f"{folder}/{name}" for event_id, name in names.items() if event_id not in known]
            gone += known - names.keys()
        return new, gone

    def _take_events(self, new: list[str], gone: list[str]) -> set[str]:
        """Put events in; give the runs of which something else is said now."""
        again: set[str] = set()
        for event_id in gone:
            row = self._db.execute("SELECT run FROM events WHERE id = ?", (event_id,)).fetchone()
            self._db.execute("DELETE FROM events WHERE id = ?", (event_id,))
            again |= {row[0]} if row and row[0] else set()
        for path in new:
            event = events.read(f"{self._store.path}/events/{path}", self.unread)
            if event is None:
                if events.is_one(path):
                    self.doubts.append(f"{self._store.path}/events/{path}")
                # Of a newer xt, or damaged: it may be mended, so it is looked for again.
                self._marks[path.rpartition("/")[0]] = UNSETTLED
                continue
            run, place = getattr(event, "run", None), getattr(event, "to", None)
            kind = events.KINDS[type(event)]
            self._db.execute(
                "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?)",
                (event.id, kind, run, place, msgspec.json.encode(event)),
            )
            again |= {run} if run else set()
        if new or gone:
            self._live()
        return again

    def _live(self) -> None:
        """What is live where."""
        suffix = events.KINDS[Deployed]
        rows = self._db.execute("SELECT data FROM events WHERE kind = ?", (suffix,)).fetchall()
        standing = fold(events.decode(data, suffix) for (data,) in rows)
        self._db.execute("DELETE FROM live")
        pairs = [(place, run) for run, places in standing.live().items() for place in places]
        self._db.executemany("INSERT INTO live VALUES (?, ?)", pairs)

    def _standing(self, run_id: str) -> RunStanding | None:
        rows = self._db.execute("SELECT kind, data FROM events WHERE run = ?", (run_id,)).fetchall()
        if not rows:
            return None
        said: list[Event] = [events.decode(data, kind) for kind, data in rows]
        return fold(said).runs.get(run_id)


def _names(folder: str) -> list[str]:
    found: list[str] = []
    with fsio.absent():
        found = os.listdir(folder)
    return found


def _folders(folder: str) -> list[str]:
    return [name for name in _names(folder) if name.isdigit()]
