"""Which runs made a content and which read it: records joined by what their inputs and outputs hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from xt import codec
from xt.errors import XtError
from xt.model.files import Entry, Input, Manifest, Output
from xt.model.result import Record
from xt.model.snapshot import Snapshot
from xt.model.text import Text, from_text, to_text
from xt.store import Store

#: Files of one folder that are looked at one by one.
MEMBERS = 100_000


class Use(NamedTuple):
    """A run made or read a content."""

    run: str
    role: str
    path: Text
    """As recorded; of a file in a folder or pattern with the path in it."""
    part: bool = False
    """Whether what was declared is more than this content: it is one file of it."""


class Thing(NamedTuple):
    """A declared input or output of a run."""

    role: str
    path: Text
    """Where it was; of a pattern and a URI what was declared."""
    kind: str
    digest: str | None
    size: int | None
    files: int | None
    reason: str | None
    """Why its content is not known."""
    top: str
    """Of a tree or pattern: the folder that its files are relative to, as recorded."""


class Run(NamedTuple):
    """A run, as far as lineage is concerned."""

    id: str
    started_at: str
    status: str
    snapshot: Snapshot
    inputs: list[Thing]
    outputs: list[Thing]
    """Those it wrote: what was there before and was left alone is none of its effects."""

    @property
    def trial(self) -> bool:
        """Whether `xt verify` made it."""
        repeat = self.snapshot.repeat
        return repeat is not None and repeat.trial

    @property
    def rank(self) -> tuple[bool, bool, str, str]:
        """Sorts the run that best answers for a content last: one that ended well, no trial, the newest."""
        return self.status == "ok", not self.trial, self.started_at, self.id


class Uses(Protocol):
    """What lineage asks of a store."""

    doubts: list[str]
    """What could not be read, so that answers may lack it."""

    def made(self, digest: str) -> list[Use]:
        """Runs that wrote a content, or a folder with it; the one that best answers for it first."""

    def used(self, digest: str) -> list[Use]:
        """Runs that read it, or a folder with it; oldest first."""

    def of_run(self, run: str) -> Run | None:
        """A run; None when there is none that can be read."""

    def runs(self) -> Iterator[Run]:
        """All runs that ended, in no order."""

    def like(self, beginning: str) -> list[str]:
        """Digests of recorded contents that begin so: `blake3:<hex>`."""

    def members(self, digest: str) -> list[Entry]:
        """Files of a recorded tree; none for a file, and for a tree that cannot be read."""


class Walk:
    """Uses, from one walk over all records."""

    def __init__(self, store: Store) -> None:
        """Read every record, and the manifests of what they name."""
        self.doubts: list[str] = []
        self._store = store
        self._runs: dict[str, Run] = {}
        self._manifests: dict[str, list[Entry]] = {}
        self._made: dict[str, list[Use]] = {}
        self._used: dict[str, list[Use]] = {}
        for run_id in store.ids():
            try:
                self._add(_run(store.record(run_id)))
            except XtError as error:
                self.doubts.append(error.message)
        for run_id in store.live_ids():
            try:
                start, state = store.live(run_id)
            except XtError as error:
                self.doubts.append(error.message)
                continue
            inputs = [thing(item) for item in start.snapshot.inputs]
            self._add(Run(run_id, start.started_at, state, start.snapshot, inputs, []))
        self.doubts.sort()

    def made(self, digest: str) -> list[Use]:
        """See `Uses`."""
        found = self._made.get(digest, [])
        # All of what was declared says more than one file of it.
        return sorted(found, key=lambda use: (not use.part, self._runs[use.run].rank), reverse=True)

    def used(self, digest: str) -> list[Use]:
        """See `Uses`."""
        found = self._used.get(digest, [])
        return sorted(found, key=lambda use: (self._runs[use.run].started_at, use.run))

    def of_run(self, run: str) -> Run | None:
        """See `Uses`."""
        return self._runs.get(run)

    def runs(self) -> Iterator[Run]:
        """See `Uses`."""
        return iter(self._runs.values())

    def like(self, beginning: str) -> list[str]:
        """See `Uses`."""
        return sorted(
            digest for digest in self._made.keys() | self._used.keys() if digest.startswith(beginning)
        )

    def members(self, digest: str) -> list[Entry]:
        """See `Uses`."""
        return self._manifests.get(digest, [])

    def _add(self, run: Run) -> None:
        self._runs[run.id] = run
        for things, uses in ((run.inputs, self._used), (run.outputs, self._made)):
            for item in things:
                if item.digest is None:
                    continue
                uses.setdefault(item.digest, []).append(Use(run.id, item.role, item.path))
                if item.kind not in ("tree", "glob"):
                    continue
                for digest, entry in joining(self._read(run.id, item, item.digest)):
                    path = inside(item, entry)
                    uses.setdefault(digest, []).append(Use(run.id, item.role, path, part=True))

    def _read(self, run_id: str, item: Thing, digest: str) -> list[Entry]:
        if digest not in self._manifests:
            name = f"`{from_text(item.path)}` of {run_id[:8]}"
            try:
                data = self._store.objects.read(digest)
                self._manifests[digest] = codec.decode(data, Manifest, f"the manifest of {name}").entries
            except XtError as error:
                self._manifests[digest] = []
                self.doubts.append(f"which files {name} had is not known: {error.message}")
        return self._manifests[digest]


def joining(entries: Iterable[Entry]) -> Iterator[tuple[str, Entry]]:
    """Files of a tree by whose content runs are joined: an empty one says nothing of where it came from."""
    for count, entry in enumerate(entries):
        if count >= MEMBERS:
            return
        if entry.digest is not None and entry.size:
            yield entry.digest, entry


def inside(item: Thing, entry: Entry) -> Text:
    """Path of a file of a tree or pattern, as a run would have recorded it by itself."""
    name = from_text(entry.path)
    return to_text(name if item.top in (".", "") else f"{item.top.rstrip('/')}/{name}")


def thing(item: Input | Output) -> Thing:
    """Take of a declared input or output what lineage asks for."""
    bare = item.path is None or item.kind == "glob"
    path = item.declared if bare or item.path is None else item.path
    size = item.size if item.digest is not None else None
    top = from_text(item.path) if item.path is not None else ""
    return Thing(item.role, path, item.kind, item.digest, size, item.files, item.reason, top)


def _run(record: Record) -> Run:
    outputs = [thing(item) for item in record.result.outputs if item.written is not False]
    inputs = [thing(item) for item in record.snapshot.inputs]
    return Run(record.id, record.started_at, record.result.status, record.snapshot, inputs, outputs)
