"""Everything about one run: its record, or how it was started when it has none; a file as it ran."""

from __future__ import annotations

import os
from typing import NamedTuple

from xt import codec, fsio
from xt.collect.codestore import CodeStore
from xt.collect.git import Git, GitError
from xt.collect.worktree import find_top
from xt.context import Outside
from xt.errors import NotRecordedError
from xt.model.result import Record, Start
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.ops.beside import current
from xt.ops.repeats import earlier
from xt.store import State, Store


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


def page(store: Store, run_id: str) -> Page:
    """Read one run.

    Raises:
        NotRecordedError, DamagedError: it is not there, or not readable.
    """
    shown = store.shown(run_id)
    try:
        data = store.record_bytes(run_id)
    except NotRecordedError:
        start, state = store.live(run_id)
        return Page(run_id, shown, start.snapshot, start.started_at, None, None, state)
    record = store.record(run_id)
    whole = Page(run_id, shown, record.snapshot, record.started_at, record, codec.digest(data), None)
    whole = whole._replace(is_baseline=current(store) == run_id)
    try:
        return whole._replace(repeats=earlier(store.path, record), repeats_known=True)
    except OSError:
        return whole  # a store that cannot be written to is read all the same


def json_bytes(store: Store, run_id: str) -> bytes:
    """The record as it is stored, unknown fields and all; of a run without one, its start."""
    try:
        return store.record_bytes(run_id)
    except NotRecordedError:
        start: Start = store.live(run_id)[0]
        return codec.encode(start)


def code_file(store: Store, run_id: str, path: str, outside: Outside) -> bytes:
    """Read a file as it was when the run started.

    Args:
        store: that has the run.
        run_id: whole.
        path: relative to where the command ran, or to the top of the snapshot.
        outside: for git.

    Raises:
        NotRecordedError: the snapshot has no such file, or its content is not to be had here.
    """
    snapshot = page(store, run_id).snapshot
    code = snapshot.code
    if code.tree is None:
        raise NotRecordedError(f"run {run_id} has no code snapshot: {code.reason}")
    root = os.path.dirname(store.path)
    inside = os.path.normpath(os.path.join("/", _from_top(snapshot), path)).lstrip("/")
    tried = list(dict.fromkeys([inside, os.path.normpath(path)]))
    try:
        git = CodeStore(store.path, code.object_format, outside.environ).git(
            None, _borrowed(root, snapshot, outside)
        )
        for candidate in tried:
            for tree, name in _places(snapshot, candidate):
                kind = git.run(
                    "cat-file", "--batch-check=%(objecttype)", data=os.fsencode(f"{tree}:{name}\n")
                )
                if kind.strip() == b"blob":
                    return git.run("cat-file", "blob", f"{tree}:{name}")
                if kind.strip() == b"tree":
                    listing = git.run("ls-tree", "-r", "--name-only", "-z", f"{tree}:{name}")
                    return listing.replace(b"\0", b"\n")
    except GitError as error:
        raise NotRecordedError(f"`{path}` as it ran cannot be read: {error}") from error
    left = {from_text(entry.path): entry.reason for entry in code.left_out}
    for candidate in tried:
        if candidate in left:
            raise NotRecordedError(f"`{path}` is not in the snapshot: {left[candidate]}")
    raise NotRecordedError(f"the snapshot of {run_id} has no file `{path}`", "`--code .` lists all files")


def _from_top(snapshot: Snapshot) -> str:
    """Where the command ran, relative to the top of the snapshot."""
    project = from_text(snapshot.context.project)
    top = os.path.normpath(os.path.join(project, from_text(snapshot.code.root or ".")))
    return os.path.relpath(os.path.join(project, from_text(snapshot.command.cwd)), top)


def _places(snapshot: Snapshot, path: str) -> list[tuple[str, str]]:
    """Trees that may hold a path: the outer one, and that of a repository inside it."""
    path = "" if path == "." else path
    places = [(str(snapshot.code.tree), path)]
    for inner in snapshot.code.repositories:
        prefix = from_text(inner.path)
        if inner.tree and fsio.is_inside(path, prefix):
            places.insert(0, (inner.tree, path[len(prefix) + 1 :]))
    return places


def _borrowed(root: str, snapshot: Snapshot, outside: Outside) -> list[str]:
    """Object folders of the project and of the repositories inside it, as far as they are here."""
    top = find_top(root)
    if top is None:
        return []
    found = []
    for inner in ("", *(from_text(item.path) for item in snapshot.code.repositories)):
        folder = os.path.join(top, inner)
        if not os.path.lexists(os.path.join(folder, ".git")):
            continue
        try:
            line = Git(folder, outside.environ).run("rev-parse", "--git-path", "objects")
        except GitError:
            continue  # what it had is then missing, and the reader says which file
        found.append(os.path.realpath(os.path.join(folder, os.fsdecode(line).strip())))
    return found
