"""Pin a run as the one that others are compared with. It never moves by itself."""

from __future__ import annotations

from xt.collect.context import user
from xt.context import Outside, timestamp
from xt.errors import NoSuchRunError, NotRecordedError
from xt.model.event import BASELINE, Pin
from xt.ops.beside import current
from xt.ops.find import resolve
from xt.store import Store, events


def pin(store: Store, reference: str, reason: str | None, outside: Outside) -> Pin:
    """Pin a finished run as the baseline.

    Raises:
        NoSuchRunError: the reference names none.
        NotRecordedError: the run is not sealed (yet).
    """
    run_id = resolve(store, reference, outside)
    status = store.record(run_id).result.status
    if status != "ok":
        raise NotRecordedError(f"run {run_id} is `{status}`: only a run that is `ok` can be the baseline")
    at = timestamp(outside.now())
    event = Pin(
        events.event_id(at, outside.random_bytes(4)), at, user(outside.environ), BASELINE, run_id, reason
    )
    events.append(store.path, event)
    return event


def unpin(store: Store, reason: str | None, outside: Outside) -> Pin:
    """Take the pin away.

    Raises:
        NoSuchRunError: none is set.
    """
    if current(store) is None:
        raise NoSuchRunError("no baseline is pinned", "`xt baseline set RUN` pins one")
    at = timestamp(outside.now())
    event = Pin(
        events.event_id(at, outside.random_bytes(4)), at, user(outside.environ), BASELINE, None, reason
    )
    events.append(store.path, event)
    return event


def history(store: Store) -> list[Pin]:
    """All pins of the baseline, oldest first."""
    return events.pins(store.path, BASELINE)
