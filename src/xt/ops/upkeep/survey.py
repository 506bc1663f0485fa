"""What must be known of the runs of a store before it can be said which of them may go."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, TypeVar

from xt import codec, fsio
from xt.errors import DamagedError, XtError
from xt.model.event import Event
from xt.model.files import Input, Output
from xt.model.result import Record, Start
from xt.model.snapshot import Snapshot
from xt.model.standing import Standing, fold
from xt.ops.sync.pool import Step
from xt.ops.upkeep import inventory
from xt.ops.upkeep.holds import Tree, named, trees
from xt.ops.upkeep.inventory import Raw
from xt.store import Store, events
from xt.store.launches import going_on
from xt.store.live import state
from xt.store.store import is_whole

#: A run id in what is not read by its structure.
_ID = re.compile(rb"(?<![a-z])[k-z]{16}(?![a-z])")

#: Nanoseconds; what is newer is never swept, so a run that begins right now is left alone.
_FRESH = 3600 * 10**9
T = TypeVar("T")


class Facts(NamedTuple):
    """One run."""

    id: str
    started_at: str
    status: str
    """As lists show it."""
    name: str | None
    tags: list[str]
    recipe: str | None
    """None when nothing is certain to be a repeat of it."""
    of: str | None
    """The run it is a repeat of."""
    trial: bool
    read: tuple[bytes, ...]
    """Contents of its inputs, as they were declared."""
    made: tuple[bytes, ...]
    """Contents of what it wrote."""
    code: tuple[Tree, ...]


class Survey:
    """Runs, and what is said of them. What cannot be read ends it: nothing is safe that is not known."""

    def __init__(self, store: Store, step: Step) -> None:
        """Read every record, start and event.

        Args:
            store: to read.
            step: is told how far it is.

        Raises:
            DamagedError: one of them cannot be read.
        """
        self._store, self._step = store, step
        self.runs: dict[str, Facts] = {}
        self._sealed: set[str] = set()
        self.begun: dict[str, int] = {}
        """Runs in flight → when each began at the latest, nanoseconds since 1970."""
        self.busy: dict[str, str] = {}
        """Runs that somebody is at work with → how."""
        self.named: set[str] = set()
        """Runs that are named by events of a newer xt."""
        self.standing = Standing()
        self._events: dict[str, Event | None] = {}
        """Name of each event → what it is; None for one of a newer xt."""
        self._common: dict[object, object] = {}
        self.refresh()

    def refresh(self) -> bool:
        """Read what is new, forget what is gone; whether there was anything.

        Raises:
            DamagedError: something cannot be read.
        """
        said = self._refresh_events()
        runs = self._refresh_runs()
        return runs or said

    # --- runs --------------------------------------------------------------------------------------

    def _refresh_runs(self) -> bool:
        before = {*self.runs}, {*self._sealed}, {*self.busy}
        there = {*self._store.ids()}
        self._sealed &= there
        new = sorted(there - self._sealed)
        for done, run_id in enumerate(new):
            self._step("reading records", done, len(new))
            raw = inventory.read(self._store.path, f"runs/{run_id[:2]}/{run_id}.json", run_id)
            if raw is not None:
                record = whole(raw)
                self.runs[run_id] = self._facts(run_id, record, record.result.status, record)
                self._sealed.add(run_id)
        self._refresh_live(there)
        self._refresh_jobs()
        return before != ({*self.runs}, {*self._sealed}, {*self.busy})

    def _refresh_live(self, there: set[str]) -> None:
        self.begun.clear()
        self.busy.clear()
        flying: set[str] = set()
        for folder in inventory.listed(self._store.path, "live", unlisted):
            run_id = os.path.basename(folder.name)
            if not folder.is_folder or run_id in there:
                continue
            path = f"{self._store.path}/{folder.name}"
            raw = inventory.read(self._store.path, f"{folder.name}/start.json", run_id)
            if raw is None and folder.mtime > time.time_ns() - _FRESH:
                continue
            if raw is not None and raw.data is None:
                raise DamagedError(
                    f"the start of {run_id} cannot be read: {raw.reason}",
                    "nothing was removed, because what that run needs is not known",
                )
            start = _start(raw)
            how = "lost" if raw is None else "unknown"
            held = going_on(path)
            if held:
                how = "running"
            elif start is not None:
                how = state(path, start)
                if how == "unknown" and self.standing.of(run_id).removed is not None:
                    how = "lost"  # whoever put it away said that it has ended, on its host
            if held or (start is not None and how != "lost"):
                began = [folder.mtime, *(_mtime(f"{path}/{name}") for name in ("lock", "start.json"))]
                began += [_nanoseconds(start.started_at)] if start is not None else []
                self.begun[run_id] = min(filter(None, began))
            if raw is None:
                continue
            flying.add(run_id)
            if start is None:
                how = how if held else "lost"
                self.runs[run_id] = Facts(run_id, "", how, None, [], None, None, False, (), (), ())
            else:
                self.runs[run_id] = self._facts(run_id, start, how, None)
                repeat = start.snapshot.repeat
                if run_id in self.begun and repeat is not None:
                    self.busy[repeat.of] = "is being repeated"
        for run_id in self.runs.keys() - (there | flying):
            del self.runs[run_id]

    def _refresh_jobs(self) -> None:
        for file in inventory.walk(self._store.path, inventory.JOBS, unlisted):
            if file.is_file:
                for run_id in _ids(f"{self._store.path}/{file.name}"):
                    self.busy.setdefault(run_id, "is being repeated elsewhere")

    def _facts(self, run_id: str, said: Record | Start, status: str, record: Record | None) -> Facts:
        snapshot: Snapshot = said.snapshot
        repeat = snapshot.repeat
        written = [item for item in record.result.outputs if item.written is not False] if record else []
        recipe = snapshot.recipe if snapshot.recipe_doubt is None else None
        return Facts(
            run_id,
            said.started_at,
            status,
            snapshot.context.name,
            snapshot.context.tags,
            self._one(recipe),
            repeat.of if repeat is not None else None,
            repeat is not None and repeat.trial,
            self._one(_contents(snapshot.inputs)),
            self._one(_contents(written)),
            self._one(tuple(trees(snapshot))),
        )

    def _one(self, value: T) -> T:
        """The same value, once: runs of a project have most of it in common."""
        return self._common.setdefault(value, value)  # type: ignore[return-value]

    # --- events ------------------------------------------------------------------------------------

    def _refresh_events(self) -> bool:
        there = {
            file.name
            for file in inventory.walk(self._store.path, "events", unlisted)
            if not file.is_folder and file.name.endswith(".json")
        }
        new, gone = there - self._events.keys(), self._events.keys() - there
        for name in gone:
            del self._events[name]
        for name in new:
            self._take(name)
        if new or gone:
            self.standing = fold(event for event in self._events.values() if event is not None)
        return bool(new or gone)

    def _take(self, name: str) -> None:
        raw = inventory.read(self._store.path, name, os.path.basename(name).partition(".")[0])
        if raw is None:
            return
        path = f"{self._store.path}/{name}"
        if raw.data is not None and not events.is_one(name):
            # Of a newer xt: what it means is not known, so whatever it names stays.
            self._events[name] = None
            self.named |= {found.decode() for found in _ID.findall(raw.data)}
            return
        event = events.read(path)
        if event is None or event.id != raw.run:
            raise DamagedError(
                f"what is said of runs is not certain: the event `{path}` cannot be read",
                "`xt fsck --repair` brings it back from elsewhere, or puts it aside; nothing was removed",
            )
        self._events[name] = event

    def said(self) -> Iterator[tuple[str, Event]]:
        """All events that are known here, with their names."""
        for name, event in self._events.items():
            if event is not None:
                yield name, event


def whole(raw: Raw) -> Record:
    """Read a record, or end it.

    Raises:
        DamagedError: it cannot be read, or is not what was sealed.
    """
    hint = "`xt fsck` tells what is wrong; nothing was removed, because what that run needs is not known"
    if raw.data is None:
        raise DamagedError(f"the record of {raw.run} cannot be read: {raw.reason}", hint)
    if not is_whole(raw.data):
        raise DamagedError(f"the record of {raw.run} is not what was sealed", hint)
    try:
        record = codec.decode(raw.data, Record, f"the record of {raw.run}")
    except XtError as error:
        raise DamagedError(error.message, hint) from None
    if record.id != raw.run:
        raise DamagedError(f"the record of {raw.run} says it is of {record.id!r}", hint)
    return record


def unlisted(name: str, reason: str) -> None:
    """End it, for a folder that cannot be listed.

    Raises:
        DamagedError: always.
    """
    raise DamagedError(f"`.xt/{name}` cannot be read: {reason}", "nothing was removed")


def _start(raw: Raw | None) -> Start | None:
    """A start; None for one that cannot be read: it is not flushed, so power loss may leave half of it."""
    if raw is None or raw.data is None:
        return None
    try:
        return codec.decode(raw.data, Start, "a start")
    except XtError:
        return None


def _contents(items: list[Input] | list[Output]) -> tuple[bytes, ...]:
    return tuple(
        digest
        for item in items
        if item.digest is not None and item.kind not in ("uri", "link") and item.size
        for digest in named(item.digest.encode())
    )


def _ids(path: str) -> set[str]:
    try:
        return {found.decode() for piece in fsio.read_pieces(path) for found in _ID.findall(piece)}
    except FileNotFoundError:
        return set()


def _mtime(path: str) -> int | None:
    try:
        return os.lstat(path).st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None


def _nanoseconds(text: str) -> int | None:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1e9)
    except (ValueError, OverflowError):
        return None
