"""Later statements about runs: make one, and say what all of them come to."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec.structs import replace

from xt.collect.context import user
from xt.context import Outside, timestamp
from xt.errors import NotRecordedError
from xt.model.event import Event
from xt.model.standing import Standing, fold
from xt.store import Store, events
from xt.store.holding import statement

#: Fields of events that hold what somebody wrote.
FREE = ("text", "reason", "purpose")

E = TypeVar("E", bound=Event)


def state(store: Store, outside: Outside, kind: type[E], **fields: Any) -> E:
    """Write an event: now, by this user.

    Args:
        store: to write to.
        outside: for the time, chance and the user.
        kind: of event.
        fields: of that kind, without `id`, `at` and `by`; what somebody wrote freely is kept without secrets.

    Raises:
        NotRecordedError: the run it is about is not there any more.
        OSError: it was not written.
    """
    run = fields.get("run")
    at = timestamp(outside.now())
    fields |= {name: _masked(fields[name], outside) for name in FREE if fields.get(name)}
    event = kind(id=events.event_id(at, outside.random_bytes(4)), at=at, by=user(outside.environ), **fields)
    with statement(store.path):
        if run is not None and not store.has(run):
            raise NotRecordedError(
                f"run {run} is not in the store any more", "`xt gc` dropped it, or it was removed by hand"
            )
        events.append(store.path, event)
    return event


def _masked(text: str, outside: Outside) -> str:
    """A text without what looks like a secret, and without the values of secret variables."""
    from xt.ops.scrub import Scrubber
    from xt.redact import clean, secret_values

    return Scrubber(secret_values(outside.environ, [])).clean(clean(text))


def standing(store: Store) -> Standing:
    """Say what all events of a store come to; of those that cannot be read, `doubts` has the paths."""
    read = events.everything(store.path)
    return replace(fold(read.events), doubts=read.doubts)
