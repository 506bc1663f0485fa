"""Everything about one run: its record, or how it was started when it has none; a file as it ran."""

from __future__ import annotations

import os
from typing import NamedTuple

from xt import codec, fsio
from xt.collect.git import GitError
from xt.context import Outside
from xt.errors import NotRecordedError
from xt.model.bundle import Bundle
from xt.model.result import Exit, Record
from xt.model.snapshot import Snapshot
from xt.model.standing import RunStanding
from xt.model.text import from_text
from xt.ops.beside import current
from xt.ops.bundles import of_snapshot
from xt.ops.elsewhere import not_brought
from xt.ops.evidence import lacking
from xt.ops.repeats import earlier
from xt.ops.statements import standing
from xt.store import State, Store
from xt.store.live import exit_of


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
    said: RunStanding = RunStanding()
    """What was said of it later."""
    live: list[str] = []  # noqa: RUF012
    """Environments in which something of it is live now."""
    doubts: list[str] = []  # noqa: RUF012
    """Events that cannot be read, so that what they say of it is missing here."""
    bundles: tuple[Bundle, ...] = ()
    """Versions of the prompts and the policy it used."""
    ended: Exit | None = None
    """How the command of a run without a record has ended, where it has."""
    lacking: list[str] | None = None
    """Evidence that is required now and that it lacks; None where nothing is required, or not known."""

    def judged(self, wanted: list[str]) -> Page:
        """Say what it lacks of the evidence that is required of it.

        Args:
            wanted: names of fields.
        """
        result = self.record.result if self.record is not None else None
        found = lacking(wanted, self.snapshot, result, self.said.verified)
        # That one which has not ended lacks nothing yet does not make it complete.
        return self._replace(lacking=found if found or (wanted and result is not None) else None)


def page(store: Store, run_id: str) -> Page:
    """Read one run.

    Raises:
        NotRecordedError, DamagedError: it is not there, or not readable.
    """
    shown = store.shown(run_id)
    record = store.whichever(run_id)
    if isinstance(record, tuple):
        start, state = record
        found = Page(run_id, shown, start.snapshot, start.started_at, None, None, state)
        ended = exit_of(store.live_folder(run_id))
        return found._replace(bundles=tuple(of_snapshot(store, start.snapshot)), ended=ended)
    whole = Page(run_id, shown, record.snapshot, record.started_at, record, record.seal, None)
    stands = standing(store)
    whole = whole._replace(
        is_baseline=current(store) == run_id,
        said=stands.of(run_id),
        live=stands.live().get(run_id, []),
        doubts=stands.doubts,
        bundles=tuple(of_snapshot(store, record.snapshot)),
    )
    try:
        return whole._replace(repeats=earlier(store.path, record), repeats_known=True)
    except OSError:
        return whole  # a store that cannot be written to is read all the same


def json_bytes(store: Store, run_id: str) -> bytes:
    """The record as it is stored, unknown fields and all; of a run without one, its start."""
    try:
        return store.record_bytes(run_id)
    except NotRecordedError:
        found = store.whichever(run_id)
        return codec.encode(found[0]) if isinstance(found, tuple) else store.record_bytes(run_id)


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
    from xt.ops.code_trees import places  # hashlib takes longer to load than the rest of a page

    snapshot = page(store, run_id).snapshot
    code = snapshot.code
    if code.tree is None:
        raise NotRecordedError(f"run {run_id} has no code snapshot: {code.reason}")
    tried = _candidates(store, snapshot, path)
    try:
        for inside in tried:
            for place in places(store, snapshot, inside, outside):
                found = place.read()
                if found is not None:
                    return found
    except (GitError, OSError) as error:
        away = not_brought(store, run_id, "code")
        raise NotRecordedError(f"`{path}` as it ran cannot be read: {error}", away) from error
    left = {from_text(entry.path): entry.reason for entry in code.left_out}
    for inside in tried:
        reason = next((left[above] for above in left if fsio.is_inside(inside, above)), None)
        if reason is not None:
            raise NotRecordedError(f"`{path}` is not in the snapshot: {reason}")
    raise NotRecordedError(f"the snapshot of {run_id} has no file `{path}`", "`--code .` lists all files")


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
