"""Bring records and statements back, or put aside those that are damaged."""

from __future__ import annotations

import os

from xt import fsio
from xt.model import runid
from xt.ops.upkeep.aside import put_aside
from xt.ops.upkeep.check_events import reason_of as event_reason
from xt.ops.upkeep.check_records import reason_of, record_of
from xt.ops.upkeep.looking import Suspect
from xt.ops.upkeep.mending import Mending
from xt.store import events
from xt.store.launches import going_on
from xt.store.remote import Remote, names
from xt.store.store import MAX_RECORD


def misplaced(mending: Mending, suspect: Suspect) -> None:
    """Put a record where it is looked for."""
    assert suspect.path is not None
    store, path = mending.store, f"{mending.store.path}/{suspect.path}"
    run = record_of(path)
    if run is None:
        return
    published = store.publish(run, fsio.read_file(path, limit=MAX_RECORD))
    suspect.aside = put_aside(store.path, suspect.path)
    suspect.repaired = "put in its place" if published else "its place is taken by the same record"
    mending.restored += [run] * published


def damaged(mending: Mending, suspect: Suspect) -> None:
    """Put a damaged record aside, and bring that of a remote."""
    assert suspect.path is not None
    store = mending.store
    run = next(iter(suspect.runs))

    def question(remote: Remote) -> bytes:
        data = remote.read(names.of_run(run), MAX_RECORD)
        store.check_record(run, data)
        return data

    found = mending.sources.places.ask(question) if runid.is_id(run) else None
    if suspect.code == "record-damaged":
        path = f"{store.path}/{suspect.path}"
        if reason_of(path, run)[1] == "record-damaged":
            suspect.aside = put_aside(
                store.path, suspect.path, lambda moved: reason_of(moved, run)[1] != "record-damaged"
            )
        if suspect.aside is None:
            suspect.repaired = "somebody put a good one in its place"
            return
    if found is not None:
        data, defined = found
        store.publish(run, data)
        suspect.repaired = f"brought from the remote `{defined.name}`"
        mending.restored.append(run)
    elif suspect.code != "record-missing":
        suspect.hint = "`xt pull` from a store that has the run brings it back"


def start(mending: Mending, suspect: Suspect) -> None:
    """Put a run aside that does not say how it was started, with what it wrote."""
    assert suspect.path is not None
    folder = os.path.dirname(suspect.path)
    if not going_on(f"{mending.store.path}/{folder}"):
        suspect.aside = put_aside(mending.store.path, folder)
        suspect.repaired = "what it wrote is kept there"


def event(mending: Mending, suspect: Suspect) -> None:
    """Put a damaged statement aside, and bring that of a remote."""
    assert suspect.path is not None
    store, name = mending.store, suspect.path
    base = os.path.basename(name)

    def question(remote: Remote) -> bytes | None:
        data = remote.read(name, events.LARGEST) if names.is_event(name) else None
        if data is not None:
            events.check(base, data)
        return data

    found = mending.sources.places.ask(question)
    path = f"{store.path}/{name}"
    if suspect.code == "event-changed":
        if found is None:
            suspect.hint = "which of the two is right is not known here: look at the file"
            return
        if found[0] == fsio.read_file(path, events.LARGEST):
            suspect.repaired = f"the remote `{found[1].name}` has it as it is here"
            return
    suspect.aside = put_aside(
        store.path,
        name,
        lambda moved: suspect.code == "event-damaged" and event_reason(moved).code in ("", "unreadable"),
    )
    if found is not None:
        data, defined = found
        events.publish(store.path, name.removeprefix("events/"), data)
        suspect.repaired = f"brought from the remote `{defined.name}`"
    elif suspect.aside is None:
        suspect.repaired = "somebody put a good one in its place"
    elif base.count(".") == 1:
        suspect.hint = "what it pinned is not known any more: `xt baseline` says what holds now"
    else:
        suspect.hint = "what it said is not known any more: `xt pull` from a store that has it brings it back"
