"""Which runs made a content and which read it: records joined by what their inputs and outputs hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from xt import codec
from xt.errors import XtError
from xt.model.files import Entry, Input, Manifest, Output
from xt.model.result import Record
from xt.model.snapshot import Snapshot
from xt.model.summary import Summary
from xt.model.text import Text, from_text, to_shown, to_text
from xt.store import Store
from xt.store.index import Index

#: Files of one folder that are looked at one by one.
MEMBERS = 100_000
#: Runs that made a content, of which it is checked whether they did: the best.
CHECKED = 50
#: Runs looked up in one question.
FEW = 400
#: Newest runs of one command that are read, to find those that can stand for it.
SAME = 50


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
    """What the runs of a store made and read, looked up in the index; records are read as they are needed."""

    def __init__(self, store: Store) -> None:
        """Bring the index up to date, with the files of folders. It is let go of when the process ends."""
        self.doubts: list[str] = []
        """What could not be read, so that answers may lack it."""
        self._store = store
        flying = store.live_ids()
        self._index = Index(store)
        self._runs: dict[str, Run | None] = {}
        self._rows: dict[str, Summary] = {}
        self._manifests: dict[str, list[Entry]] = {}
        self._flying: dict[str, list[Use]] = {}
        for tree in self._index.unopened():
            entries = self._read(tree)
            files = [(digest, to_shown(from_text(entry.path))) for digest, entry in joining(entries or [])]
            self._index.open_tree(tree, None if entries is None else files)
        damaged = self._index.matching(("status = 'damaged'", []), trials=True, gone=True)
        self.unreadable = len(damaged)
        """Records that cannot be read."""
        self.doubts += [row.reason or f"{row.id} cannot be read" for row in self._index.rows(damaged)]
        for run_id in flying:
            if not self._index.has(run_id):  # else it ended meanwhile
                self._take(run_id)
        self.doubts.sort()

    def made(self, digest: str) -> list[Use]:
        """Runs that wrote a content, or a folder with it; the one that best answers for it first.

        What is all of a declared output comes before what is one file of it.
        """
        found = self._uses(digest, made=True)
        found.sort(key=lambda use: (not use.part, self._rank(use.run)), reverse=True)
        return [use for at, use in enumerate(found) if at >= CHECKED or self._wrote(use)]

    def held(self, digest: str) -> list[Use]:
        """Runs among whose outputs a content is, whether they wrote it or left it alone; the newest first."""
        found = self._uses(digest, made=True)
        return sorted(found, key=lambda use: (self._rank(use.run)[2:], use.path), reverse=True)

    def wrote_at(self, paths: list[str]) -> str | None:
        """The newest run that has one of some paths, as recorded, among its outputs."""
        return self._index.made_at(paths)

    def used(self, digest: str) -> list[Use]:
        """Runs that read a content, or a folder with it; oldest first."""
        found = self._uses(digest, made=False)
        found.sort(key=lambda use: self._rank(use.run)[2:])
        return [*found, *self._flying.get(digest, [])]

    def together(self) -> Iterator[frozenset[bytes]]:
        """For every file of a folder or pattern: itself, and all folders and patterns with that content."""
        for digest, rows in groupby(self._index.members(), key=lambda row: row[0]):
            yield frozenset([digest, *(tree for _, tree in rows)])

    def started(self, run: str) -> str:
        """When a run of an answer started, RFC 3339."""
        return self._rank(run)[2]

    def of_run(self, run: str) -> Run | None:
        """A run; None when there is none that can be read."""
        if run not in self._runs:
            try:
                self._runs[run] = _run(self._store.record(run))
            except XtError as error:
                self._runs[run] = None
                if error.message not in self.doubts:
                    self.doubts.append(error.message)
        return self._runs[run]

    def newest(self, accept: Callable[[Run], bool]) -> dict[str, Run]:
        """The newest run that ended well of each task, or else of each command, by `label`.

        Args:
            accept: whether a run can stand for its task.
        """
        found: dict[str, Run] = {}
        looked: dict[tuple[str, ...], int] = {}
        for row in self._index.newest(None).rows:
            # What a row does not say, the folder a command ran in and its last words, is in the record.
            words = tuple(from_text(word) for word in row.command)
            if row.status != "ok" or (row.task or "") in found or looked.get(words, 0) >= SAME:
                continue
            run = self.of_run(row.id)
            if row.task is None:
                looked[words] = looked.get(words, 0) + 1
            if run is not None and label(run) not in found and accept(run):
                found[label(run)] = run
        return found

    def like(self, beginning: str) -> list[str]:
        """Digests of recorded contents that begin so: `blake3:<hex>`."""
        found: dict[str, None] = {}
        for use in self._index.uses(beginning):
            if use.inside is None:
                found[use.digest] = None
            else:
                found.update(
                    (entry.digest, None)
                    for entry in self.members(use.digest)
                    if entry.digest is not None and entry.digest.startswith(beginning)
                )
        for digest in self._flying:
            if digest.startswith(beginning):
                found[digest] = None
        return sorted(found)

    def members(self, digest: str) -> list[Entry]:
        """Files of a recorded tree; none for a file, and for a tree that cannot be read."""
        if digest not in self._manifests:
            self._manifests[digest] = []
            for use in self._index.uses(digest):
                run = self.of_run(use.run) if use.inside is None else None
                if run is not None:
                    kinds = {item.kind for item in (*run.inputs, *run.outputs) if item.digest == digest}
                    if kinds & {"tree", "glob"}:
                        self._manifests[digest] = self._read(digest) or []
                    break
        return self._manifests[digest]

    def _read(self, tree: str) -> list[Entry] | None:
        try:
            return codec.decode(self._store.objects.read(tree), Manifest, "the manifest of a folder").entries
        except XtError as error:
            said = f"which files a folder had is not known: {error.message}"
            if said not in self.doubts:
                self.doubts.append(said)
            return None

    def _uses(self, digest: str, *, made: bool) -> list[Use]:
        found = []
        for use in self._index.uses(digest):
            if use.made == made:
                part = use.inside is not None
                path = use.path if use.inside is None else _below(use.path, use.inside)
                found.append(Use(use.run, use.role, path, use.digest, part))
        missing = [use.run for use in found if use.run not in self._rows]
        for at in range(0, len(missing), FEW):
            some = list(dict.fromkeys(missing[at : at + FEW]))
            condition = f"id IN ({', '.join('?' * len(some))})"
            rows = self._index.rows(self._index.matching((condition, list(some)), trials=True, gone=True))
            self._rows.update((row.id, row) for row in rows)
        return found

    def _rank(self, run: str) -> tuple[bool, bool, str, str]:
        """Sorts the run that best answers for a content last: one that ended well, no trial, the newest."""
        row = self._rows.get(run)
        return (
            (False, False, "", run)
            if row is None
            else (row.status == "ok", not row.trial, row.started_at or "", run)
        )

    def _wrote(self, use: Use) -> bool:
        """Whether it is an effect of the run: not what was there before, and was left alone."""
        run = self.of_run(use.run)
        return run is None or any(item.digest == use.declared for item in run.outputs)

    def _take(self, run_id: str) -> None:
        """Take in a run in flight: what it reads is known."""
        try:
            start, state = self._store.live(run_id)
        except XtError as error:
            self.doubts.append(error.message)
            return
        inputs = [thing(item) for item in start.snapshot.inputs]
        self._runs[run_id] = Run(run_id, start.started_at, state, start.snapshot, inputs, [])
        for item in inputs:
            if item.digest is not None:
                use = Use(run_id, item.role, to_shown(from_text(item.path)), item.digest)
                self._flying.setdefault(item.digest, []).append(use)


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
