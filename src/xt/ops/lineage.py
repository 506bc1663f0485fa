"""Which runs made a content and which read it: records joined by what their inputs and outputs hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from xt import codec
from xt.errors import XtError
from xt.model.files import Entry, Input, Manifest, Output
from xt.model.result import Record
from xt.model.snapshot import Snapshot
from xt.model.text import Text, from_text, to_shown, to_text
from xt.store import Store

#: Files of one folder that are looked at one by one.
MEMBERS = 100_000


class Use(NamedTuple):
    """A run made or read a content."""

    run: str
    role: str
    path: str
    """As recorded; of a file in a folder or pattern with the path in it."""
    declared: str
    """Digest of what was declared."""
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


class Uses:
    """What the runs of a store made and read, from one walk over all records."""

    def __init__(self, store: Store) -> None:
        """Read every record, and the manifests of what they name."""
        self.doubts: list[str] = []
        """What could not be read, so that answers may lack it."""
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
        """Runs that wrote a content, or a folder with it; the one that best answers for it first.

        What is all of a declared output comes before what is one file of it.
        """
        found = self._made.get(digest, [])
        return sorted(found, key=lambda use: (not use.part, rank(self._runs[use.run])), reverse=True)

    def used(self, digest: str) -> list[Use]:
        """Runs that read a content, or a folder with it; oldest first."""
        found = self._used.get(digest, [])
        return sorted(found, key=lambda use: (self._runs[use.run].started_at, use.run))

    def started(self, run: str) -> str:
        """When a run of an answer started, RFC 3339."""
        return self._runs[run].started_at

    def of_run(self, run: str) -> Run | None:
        """A run; None when there is none that can be read."""
        return self._runs.get(run)

    def newest(self, accept: Callable[[Run], bool]) -> dict[str, Run]:
        """The newest run that ended well of each task, or else of each command, by `label`.

        Args:
            accept: whether a run can stand for its task.
        """
        found: dict[str, Run] = {}
        for run in sorted(self._runs.values(), key=rank, reverse=True):
            if run.status == "ok" and not run.trial and label(run) not in found and accept(run):
                found[label(run)] = run
        return found

    def like(self, beginning: str) -> list[str]:
        """Digests of recorded contents that begin so: `blake3:<hex>`."""
        known = self._made.keys() | self._used.keys()
        return sorted(digest for digest in known if digest.startswith(beginning))

    def members(self, digest: str) -> list[Entry]:
        """Files of a recorded tree; none for a file, and for a tree that cannot be read."""
        return self._manifests.get(digest, [])

    def _add(self, run: Run) -> None:
        self._runs[run.id] = run
        for things, uses in ((run.inputs, self._used), (run.outputs, self._made)):
            for item in things:
                if item.digest is None:
                    continue
                path = to_shown(from_text(item.path))
                uses.setdefault(item.digest, []).append(Use(run.id, item.role, path, item.digest))
                if item.kind not in ("tree", "glob"):
                    continue
                for digest, entry in joining(self._read(run.id, item, item.digest)):
                    name = to_shown(from_text(inside(item, entry)))
                    use = Use(run.id, item.role, name, item.digest, part=True)
                    uses.setdefault(digest, []).append(use)

    def _read(self, run_id: str, item: Thing, digest: str) -> list[Entry]:
        if digest not in self._manifests:
            name = f"`{to_shown(from_text(item.path))}` of {run_id[:8]}"
            try:
                data = self._store.objects.read(digest)
                self._manifests[digest] = codec.decode(data, Manifest, f"the manifest of {name}").entries
            except XtError as error:
                self._manifests[digest] = []
                self.doubts.append(f"which files {name} had is not known: {error.message}")
        return self._manifests[digest]


def rank(run: Run) -> tuple[bool, bool, str, str]:
    """Sorts the run that best answers for a content last: one that ended well, no trial, the newest."""
    return run.status == "ok", not run.trial, run.started_at, run.id


def label(run: Run) -> str:
    """What makes runs versions of each other: the task, or else the command and where it runs."""
    task = run.snapshot.context.task
    if task is not None:
        return task
    command = run.snapshot.command
    return "\0".join([from_text(command.cwd), *map(from_text, command.argv)])


def joining(entries: Iterable[Entry]) -> Iterator[tuple[str, Entry]]:
    """Files of a tree by whose content runs are joined: an empty one says nothing of where it came from."""
    for count, entry in enumerate(entries):
        if count >= MEMBERS:
            return
        if entry.digest is not None and entry.size:
            yield entry.digest, entry


def inside(item: Thing, entry: Entry) -> Text:
    """Path of a file of a tree or pattern, as a run would have recorded it by itself."""
    return to_text(_below(item.top, from_text(entry.path)))


def _below(top: str, name: str) -> str:
    return name if top in (".", "") else f"{top.rstrip('/')}/{name}"


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
