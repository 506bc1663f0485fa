"""Pin runs that others are compared with, under names. A pin never moves by itself."""

from __future__ import annotations

from xt.context import Outside
from xt.errors import NoSuchRunError, NotRecordedError
from xt.model.event import BASELINE, Pin
from xt.ops.find import resolve
from xt.ops.labels import check_word
from xt.ops.statements import state
from xt.store import Store, events


def pin(store: Store, name: str, reference: str, reason: str | None, outside: Outside) -> Pin:
    """Pin a finished run under a name.

    Raises:
        UsageError: the name is not one, or could be taken for another reference.
        NoSuchRunError: the reference names none.
        NotRecordedError: the run is not sealed (yet), or did not end well.
    """
    check_word("pinned name", name)
    run_id = resolve(store, reference, outside)
    status = store.record(run_id).result.status
    if status != "ok":
        raise NotRecordedError(
            f"run {run_id} is `{status}`: only a run that is `ok` can be a baseline",
            "`xt ls status:ok` lists those",
        )
    return _append(store, name, run_id, reason, outside)


def unpin(store: Store, name: str, reason: str | None, outside: Outside) -> Pin:
    """Take a pin away.

    Raises:
        NoSuchRunError: there is none of that name.
    """
    if name not in events.pinned(store.path):
        raise none_pinned(name)
    return _append(store, name, None, reason, outside)


def history(store: Store, name: str | None) -> list[Pin]:
    """All pins of a name, or of every name, oldest first."""
    return events.all_pins(store.path) if name is None else events.pins(store.path, name)


def current(store: Store, name: str | None) -> list[Pin]:
    """The pins that hold now, the baseline first."""
    last = {found.name: found for found in history(store, name)}
    holding = [found for found in last.values() if found.run is not None]
    return sorted(holding, key=lambda found: (found.name != BASELINE, found.name))


def none_pinned(name: str | None) -> NoSuchRunError:
    """Say that nothing is pinned, and what pins it."""
    if name is None or name == BASELINE:
        return NoSuchRunError("no baseline is pinned", "`xt baseline set RUN -m WHY` pins one")
    return NoSuchRunError(
        f"nothing is pinned as `{name}`", f"`xt baseline set RUN --name {name} -m WHY` pins it"
    )


def _append(store: Store, name: str, run_id: str | None, reason: str | None, outside: Outside) -> Pin:
    return state(store, outside, Pin, name=name, run=run_id, reason=reason)
