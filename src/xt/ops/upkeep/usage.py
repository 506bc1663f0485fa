"""`xt du`: what takes the space of a store, by sort and by run. Every file is counted once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from xt import codec
from xt.errors import XtError, is_unread
from xt.model.result import Result, Start
from xt.model.snapshot import Snapshot
from xt.model.upkeep import Kind, Share, Usage
from xt.ops.sync import parts
from xt.ops.sync.pool import Step
from xt.ops.upkeep import inventory
from xt.ops.upkeep.holds import named
from xt.ops.upkeep.inventory import File
from xt.ops.upkeep.marks import Marks
from xt.ops.upkeep.shares import Shares
from xt.ops.upkeep.survey import whole
from xt.store import Store

#: What contents are, the first of several first.
CONTENTS = ("outputs", "inputs", "logs", "metrics")
_OF_PART = {"outputs": "outputs", "inputs": "inputs", "log": "logs", "metrics": "metrics"}
#: Contents that something else than a run names, and those that nothing names.
NAMED, NOBODY = "contents of no run", "contents nobody names"
#: Sort of what lies in a folder of the store; what is in none is `OTHER`.
OF_FOLDER = {
    "code.git": "code",
    "code.sha256.git": "code",
    "runs": "records",
    "events": "events",
    "live": "runs in flight",
    "work": "workspaces",
    "jobs": "jobs",
    "pulled": "notes of pulls",
    "cache": "caches",
    "trash": "trash",
    "quarantine": "quarantine",
    "tmp": "temporary files",
}
OTHER = "the store itself"
#: Runs that are listed without being named.
LARGEST = 20


class Asked(NamedTuple):
    """Which runs are to be told of."""

    runs: tuple[str, ...] = ()
    largest: bool = False
    """The largest ones, when none are named."""
    everything: bool = False
    """All of these."""


def du(store: Store, asked: Asked, step: Step) -> Usage:
    """Measure a store.

    Args:
        store: to look at.
        asked: which runs are to be told of one by one.
        step: is told how far it is.
    """
    return _Measuring(store, step).usage(asked)


class _Measuring:
    """One look at a store."""

    def __init__(self, store: Store, step: Step) -> None:
        self._store, self._step = store, step
        self._notes: list[str] = []
        self._marks = {sort: Marks() for sort in (*CONTENTS, NAMED)}
        self._opened: set[tuple[bytes, str]] = set()
        self._shares = Shares()
        self._numbers: dict[str, int] = {}
        self._folders: dict[str, list[bytes]] = {}
        self._begun: dict[str, tuple[str, str | None]] = {}
        self._inodes: set[tuple[int, int]] = set()
        self._sorts: dict[str, list[int]] = {}
        self._own: dict[int, int] = {}

    def usage(self, asked: Asked) -> Usage:
        total = sum(1 for _ in self._store.ids())
        for done, raw in enumerate(inventory.records(self._store, self._doubt)):
            self._step("reading records", done, max(total, done + 1))
            try:
                record = whole(raw)
                self._run(raw.run, record.started_at, record.snapshot, record.result)
            except XtError as error:
                self._notes.append(error.message)
                self._marks[NAMED].add(named(raw.data or b""))
        for raw in inventory.starts(self._store, self._doubt):
            if raw.run in self._numbers:
                continue
            try:
                start = codec.decode(raw.data or b"", Start, f"the start of {raw.run}")
                self._run(raw.run, start.started_at, start.snapshot, None)
            except XtError as error:
                self._notes.append(error.message)
                self._marks[NAMED].add(named(raw.data or b""))
        for raw in inventory.events(self._store.path, self._doubt):
            if raw.data is None:
                self._doubt(raw.name, raw.reason or "")
            self._marks[NAMED].add(named(raw.data or b""))
        self._count_all()
        shares = self._told(asked)
        order = (*CONTENTS, NAMED, NOBODY, *dict.fromkeys(OF_FOLDER.values()), OTHER)
        sorts = [Kind(sort, *self._sorts[sort]) for sort in order if sort in self._sorts]
        size = sum(kind.size for kind in sorts)
        return Usage(self._store.path, size, sorts, shares, len(self._numbers), self._notes)

    def _doubt(self, name: str, reason: str) -> None:
        self._notes.append(f"`.xt/{name}` cannot be read: {reason}")

    # --- runs --------------------------------------------------------------------------------------

    def _run(self, run_id: str, started: str, snapshot: Snapshot, result: Result | None) -> None:
        found = [*parts.of_snapshot(snapshot, ("inputs",))]
        if result is not None:
            found += parts.of_result(result, ("outputs",))
        contents: list[bytes] = []
        lists: list[tuple[bytes, str, str]] = []
        for part in found:
            digests = [*named(part.digest.encode())]
            if part.sort == "manifest":
                lists += [(own, part.digest, "outputs" if part.needed else "inputs") for own in digests]
            else:
                self._marks[_OF_PART[part.sort]].add(digests)
                contents += digests
        number = self._numbers[run_id] = self._shares.run(run_id, contents)
        self._folders[run_id] = [own for own, _, _ in lists]
        self._begun[run_id] = started, snapshot.context.name
        for own, digest, sort in lists:
            new = self._shares.folder(own, number)
            if new or (own, sort) not in self._opened:
                self._opened.add((own, sort))
                listed = {own, *self._listed(digest)}
                self._marks[sort].add(listed)
                if new:
                    self._shares.listed(own, listed)

    def _listed(self, digest: str) -> set[bytes]:
        """What a manifest names; nothing when it is not here, as that of an input may not be."""
        try:
            return set().union(*inventory.mentions_of(self._store, digest))
        except XtError as error:
            if is_unread(error) and error.message not in self._notes:
                self._notes.append(error.message)
            return set()

    # --- files -------------------------------------------------------------------------------------

    def _count_all(self) -> None:
        own = inventory.look(self._store.path, "")
        if own is not None:
            self._count(OTHER, own)
        for file in inventory.listed(self._store.path, "", self._doubt):
            base = file.name
            if base == "objects" and file.is_folder:
                self._count(OTHER, file)
                self._count_objects()
                continue
            sort = OF_FOLDER.get(base, OTHER)
            self._count(sort, file)
            if file.is_folder:
                for inner in inventory.walk(self._store.path, base, self._doubt):
                    self._count(sort, inner)

    def _count_objects(self) -> None:
        for folder in inventory.listed(self._store.path, "objects", self._doubt):
            self._count(OTHER, folder)
        first = -1
        marked: list[tuple[str, frozenset[bytes]]] = []
        holders: dict[bytes, list[int]] = {}
        for digest, file in inventory.objects(self._store.path, self._doubt):
            if digest is None:
                self._stray(file)
                continue
            if digest[0] != first:
                first = digest[0]
                self._step("measuring contents", first, 256)
                marked = [(sort, marks.of(first)) for sort, marks in self._marks.items()]
                holders = self._shares.holders(first)
            size = self._count(next((sort for sort, some in marked if digest in some), NOBODY), file)
            owner = self._shares.owner(holders[digest]) if digest in holders else None
            if owner is not None:
                self._own[owner] = self._own.get(owner, 0) + size

    def _stray(self, file: File) -> None:
        if not file.is_folder:
            self._count(OTHER, file)
            return
        for inner in inventory.walk(self._store.path, file.name, self._doubt):
            self._count(OTHER, inner)

    def _count(self, sort: str, file: File) -> int:
        """Count a file, unless it was counted under another name; give its size."""
        device, number, names = file.inode
        if names > 1 and not file.is_folder:
            if (device, number) in self._inodes:
                return 0
            self._inodes.add((device, number))
        counted = self._sorts.setdefault(sort, [0, 0])
        counted[0] += not file.is_folder
        counted[1] += file.disk
        return file.disk

    # --- shares ------------------------------------------------------------------------------------

    def _told(self, asked: Asked) -> list[Share]:
        if not asked.runs and not asked.largest:
            return []
        places = {run_id: place for place, run_id in enumerate(self._shares.runs)}
        own = {run_id: self._own.get(places[run_id], 0) + self._besides(run_id) for run_id in self._numbers}
        chosen = [run_id for run_id in asked.runs if run_id in own]
        if not asked.runs:
            chosen = sorted(own, key=lambda run_id: (-own[run_id], run_id))
            chosen = chosen if asked.everything else chosen[:LARGEST]
        shared = self._shared(chosen)
        shown = self._store.shown_all(chosen)
        return [
            Share(run_id, shown[run_id], own[run_id], shared[run_id], *self._begun[run_id])
            for run_id in chosen
        ]

    def _besides(self, run_id: str) -> int:
        """What a run takes besides contents: its record, or what is there of it in flight."""
        return sum(file.disk for file in self._besides_of(run_id))

    def _besides_of(self, run_id: str) -> Iterator[File]:
        record = inventory.look(self._store.path, f"runs/{run_id[:2]}/{run_id}.json")
        if record is not None:
            yield record
        folder = inventory.look(self._store.path, f"live/{run_id}")
        if folder is not None:
            yield folder
            yield from inventory.walk(self._store.path, folder.name, self._doubt)

    def _shared(self, chosen: Iterable[str]) -> dict[str, int]:
        """What runs have together with others."""
        found = dict.fromkeys(chosen, 0)
        by_number: dict[int, list[str]] = {}
        for run_id in found:
            numbers = {self._numbers[run_id], *map(self._shares.number_of, self._folders[run_id])}
            for number in numbers:
                by_number.setdefault(number, []).append(run_id)
        first = -1
        holders: dict[bytes, list[int]] = {}
        for digest, file in inventory.objects(self._store.path, lambda *_: None):
            if digest is None:
                continue
            if digest[0] != first:
                first, holders = digest[0], self._shares.holders(digest[0])
                self._step("measuring what is shared", first, 256)
            held = holders.get(digest, [])
            if held and self._shares.owner(held) is None:
                for run_id in {run for number in held for run in by_number.get(number, ())}:
                    found[run_id] += file.disk
        return found
