"""Everything about one run: its record, or how it was started when it has none; a file as it ran."""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

from xt import codec, fsio
from xt.collect import gitdir
from xt.collect.codestore import CodeStore
from xt.collect.git import Git, GitError
from xt.collect.gitdir import find_top
from xt.context import Outside
from xt.errors import NotRecordedError
from xt.model.event import Reused
from xt.model.result import Record, Start
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.ops.beside import current
from xt.ops.repeats import earlier
from xt.store import State, Store, events


class Page(NamedTuple):
    """What `xt show` shows."""

    id: str
    shown: int
    snapshot: Snapshot
    started_at: str
    record: Record | None
    seal: str | None
    state: State | None
    """For a run without a record."""
    repeats: tuple[str, str] | None = None
    """Id and start (RFC 3339) of the last earlier run of the same recipe."""
    repeats_known: bool = False
    """Whether it could be told."""
    is_baseline: bool = False
    """Whether this run is the one pinned as baseline."""
    reused: tuple[int, str] | None = None
    """How often it stood for another run, and when last (RFC 3339)."""


def page(store: Store, run_id: str) -> Page:
    """Read one run.

    Raises:
        NotRecordedError, DamagedError: it is not there, or not readable.
    """
    shown = store.shown(run_id)
    try:
        record = store.record(run_id)
    except NotRecordedError:
        start, state = store.live(run_id)
        return Page(run_id, shown, start.snapshot, start.started_at, None, None, state)
    whole = Page(run_id, shown, record.snapshot, record.started_at, record, record.seal, None)
    whole = whole._replace(is_baseline=current(store) == run_id, reused=_reused(store, run_id))
    try:
        return whole._replace(repeats=earlier(store.path, record), repeats_known=True)
    except OSError:
        return whole  # a store that cannot be written to is read all the same


def _reused(store: Store, run_id: str) -> tuple[int, str] | None:
    times = [event.at for event in events.every(store.path, Reused) if event.run == run_id]
    return (len(times), max(times)) if times else None


def json_bytes(store: Store, run_id: str) -> bytes:
    """The record as it is stored, unknown fields and all; of a run without one, its start."""
    try:
        return store.record_bytes(run_id)
    except NotRecordedError:
        start: Start = store.live(run_id)[0]
        return codec.encode(start)


def code_file(store: Store, run_id: str, path: str, outside: Outside) -> bytes:
    """Read a file as it was when the run started; of a folder, the names of the files below it, one a line.

    Args:
        store: that has the run.
        run_id: whole.
        path: relative to where the command ran, or to the top of the snapshot; or absolute.
        outside: for git.

    Raises:
        NotRecordedError: the snapshot has no such file, or its content is not to be had here.
    """
    snapshot = page(store, run_id).snapshot
    code = snapshot.code
    if code.tree is None:
        raise NotRecordedError(f"run {run_id} has no code snapshot: {code.reason}")
    tried = _candidates(store, snapshot, path)
    try:
        for inside in tried:
            for place in _places(store, snapshot, inside, outside):
                found = place.read()
                if found is not None:
                    return found
    except (GitError, OSError) as error:
        raise NotRecordedError(f"`{path}` as it ran cannot be read: {error}") from error
    left = {from_text(entry.path): entry.reason for entry in code.left_out}
    for inside in tried:
        if inside in left:
            raise NotRecordedError(f"`{path}` is not in the snapshot: {left[inside]}")
    raise NotRecordedError(f"the snapshot of {run_id} has no file `{path}`", "`--code .` lists all files")


class _Place(NamedTuple):
    """A path in one of a snapshot's trees."""

    git: Git
    tree: str
    path: str
    inner: list[tuple[str, _Place]]
    """Trees of repositories below the path, with where they are, relative to it."""

    def read(self) -> bytes | None:
        """The file's bytes, or the folder's listing; None when there is neither."""
        kind, oid = b"tree", self.tree
        if self.path:
            entry = self.git.run("ls-tree", "-z", "--full-tree", self.tree, "--", self.path)
            if not entry:
                return None
            _, kind, rest = entry.split(b" ", 2)
            oid = rest.partition(b"\t")[0].decode()
        if kind == b"blob":
            return self.git.run("cat-file", "blob", oid)
        return b"".join(name + b"\n" for name in self._names(oid)) if kind == b"tree" else None

    def _names(self, tree: str) -> list[bytes]:
        listing = self.git.run("ls-tree", "-r", "--name-only", "--full-tree", "-z", tree)
        names = set(listing.split(b"\0")[:-1])
        for folder, place in self.inner:
            prefix = os.fsencode(folder)
            names.discard(prefix)
            names.update(prefix + b"/" + name for name in place._names(place.tree))
        return sorted(names)


def _candidates(store: Store, snapshot: Snapshot, path: str) -> list[str]:
    """Paths in the snapshot that the user may mean, `` for its top, the likeliest first."""
    project = from_text(snapshot.context.project)
    below = from_text(snapshot.code.root or ".")
    top = os.path.normpath(os.path.join(project, below))
    here = os.path.normpath(os.path.join(os.path.dirname(store.path), below))
    cwd = os.path.join(project, from_text(snapshot.command.cwd))
    found = [os.path.normpath(os.path.join(folder, path)) for folder in (cwd, top)]
    found = [fsio.relative_to(name, top) for name in found] + [fsio.relative_to(name, here) for name in found]
    return list(dict.fromkeys("" if name == "." else name for name in found if not os.path.isabs(name)))


def _places(store: Store, snapshot: Snapshot, path: str, outside: Outside) -> list[_Place]:
    """Trees that may hold a path: that of the innermost repository first, the outer one last."""
    top = find_top(os.path.dirname(store.path)) if snapshot.code.vcs else os.path.dirname(store.path)
    trees = {"": str(snapshot.code.tree)} | {
        from_text(inner.path): inner.tree for inner in snapshot.code.repositories if inner.tree
    }
    places = {
        folder: _Place(_git(store, top, folder, tree, outside), tree, "", [])
        for folder, tree in trees.items()
    }
    found = []
    for folder in sorted(trees, key=len, reverse=True):
        if folder == "" or fsio.is_inside(path, folder):
            name = path[len(folder) :].lstrip("/")
            prefix = path + "/" if path else ""
            inner = [
                (other[len(prefix) :], place)
                for other, place in places.items()
                if other.startswith(prefix) and other not in (folder, path)
            ]
            found.append(places[folder]._replace(path=name, inner=inner))
    return found


def reader(store: Store, snapshot: Snapshot, folder: str, tree: str, outside: Outside) -> Git:
    """Git that can read a tree of a snapshot.

    Args:
        store: that has the run.
        snapshot: its causes.
        folder: of the repository whose tree it is, relative to the top of the snapshot; `` for that itself.
        tree: its id.
        outside: for git.
    """
    root = os.path.dirname(store.path)
    return _git(store, find_top(root) if snapshot.code.vcs else root, folder, tree, outside)


def _git(store: Store, top: str | None, folder: str, tree: str, outside: Outside) -> Git:
    """Git on the private repository, borrowing from the repository at `folder` as far as it is here."""
    borrowed = []
    if top is not None:
        # Where there is none any more, git says which object is missing.
        with contextlib.suppress(GitError, OSError):
            borrowed = [gitdir.find(os.path.join(top, folder)).objects]
    code = CodeStore(store.path, "sha256" if len(tree) == 64 else "sha1", outside.environ)
    return code.git(None, [path for path in borrowed if os.path.isdir(path)])
