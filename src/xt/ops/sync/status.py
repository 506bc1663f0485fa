"""`xt remote status`: a store held against a remote, by names and sizes, and if asked by records."""

from __future__ import annotations

import os
from collections.abc import Iterator

from xt.errors import RemoteError, XtError
from xt.model.sync import RemoteStatus, Surplus
from xt.ops.sync import knowing
from xt.ops.sync.mirror import Mirror
from xt.ops.sync.pool import Pool, Step
from xt.store import Store
from xt.store.remote import Remote, names

#: Wrong copies that are named.
MOST = 1_000


def status(store: Store, remote: Remote, name: str, step: Step, *, check: bool) -> RemoteStatus:
    """Say what each side lacks.

    Args:
        store: this side.
        remote: the other.
        name: of the remote.
        step: is told how far it is.
        check: read the remote's records, and hold sizes of what both have against each other.

    Raises:
        RemoteError: the remote failed, or there is no store on it.
    """
    if not knowing.is_store(remote):
        raise RemoteError(f"there is no store on `{remote.url}`", "`xt push` begins one")
    pool = Pool(step)
    try:
        mirror = Mirror(store, remote, pool)
        there_runs, here_runs = mirror.list_runs(), {*store.ids()}
        there_objects, here_objects = _objects(remote), dict(_local(store))
        there_events = {entry.name for entry in remote.entries(names.EVENTS) if names.is_event(entry.name)}
        here_events = {
            f"{names.EVENTS}{path}"
            for path in _files(f"{store.path}/events")
            if names.is_event(names.EVENTS + path)
        }
        wrong: list[str] = []
        if check:
            wrong = _wrong_records(store, mirror, there_runs)
            wrong += _wrong_objects(here_objects, there_objects)
        return RemoteStatus(
            name,
            remote.url,
            len(here_runs & there_runs),
            _side(here_runs - there_runs, here_objects, there_objects, here_events - there_events),
            _side(there_runs - here_runs, there_objects, here_objects, there_events - here_events),
            [*mirror.doubts, *wrong][:MOST],
            check,
        )
    finally:
        pool.close()


#: Digest → suffix → bytes as stored.
_Held = dict[str, dict[str, int]]


def _objects(remote: Remote) -> _Held:
    found: _Held = {}
    for entry in remote.entries(names.OBJECTS):
        digest = names.object_of(entry.name)
        if digest is not None:
            found.setdefault(digest, {})[_suffix(entry.name)] = entry.size
    return found


def _local(store: Store) -> Iterator[tuple[str, dict[str, int]]]:
    for path in _files(f"{store.path}/objects"):
        digest = names.object_of(names.OBJECTS + path)
        if digest is not None:
            yield digest, {_suffix(path): os.lstat(f"{store.path}/objects/{path}").st_size}


def _suffix(name: str) -> str:
    return ".zst" if name.endswith(".zst") else ""


def _files(folder: str) -> Iterator[str]:
    for inside, _, members in os.walk(folder):
        for member in members:
            yield os.path.relpath(f"{inside}/{member}", folder)


def _side(runs: set[str], own: _Held, other: _Held, events: set[str]) -> Surplus:
    alone = [own[digest] for digest in own.keys() - other.keys()]
    return Surplus(sorted(runs), len(alone), sum(max(sizes.values()) for sizes in alone), len(events))


def _wrong_records(store: Store, mirror: Mirror, there: set[str]) -> list[str]:
    mirror.forget(set())  # what was read before says nothing of what lies there now
    mirror.read_runs(there)
    wrong = [
        reason if run_id in reason else f"the record of {run_id}: {reason}"
        for run_id, reason in sorted(mirror.bad.items())
    ]
    for run_id in sorted(there & {*store.ids()} - mirror.bad.keys()):
        try:
            if store.record_bytes(run_id) != mirror.store.record_bytes(run_id):
                wrong.append(f"the record of {run_id} is another one than here")
        except XtError as error:
            wrong.append(f"here: {error.message}")
    return wrong


def _wrong_objects(here: _Held, there: _Held) -> list[str]:
    """Copies of the same bytes that differ in size; what compressors made may."""
    return [
        f"`{names.of_object(digest)}` has {there[digest]['']} bytes, and not {here[digest]['']}"
        for digest in sorted(here.keys() & there.keys())
        if "" in here[digest] and "" in there[digest] and here[digest][""] != there[digest][""]
    ]
