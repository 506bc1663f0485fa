"""Later statements about runs: make one, and say what all of them come to."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec.structs import replace

from xt.collect.context import user
from xt.context import Outside, timestamp
from xt.errors import ConfigError, NotRecordedError, UsageError
from xt.model.event import Event
from xt.model.standing import Standing, fold
from xt.store import Store, events

#: Fields of events that hold what somebody wrote.
FREE = ("text", "reason", "purpose")
#: Fields that others call a run or a place by: a mask in them would be no name.
LABELS = ("name", "to")

E = TypeVar("E", bound=Event)


def state(store: Store, outside: Outside, kind: type[E], **fields: Any) -> E:
    """Write an event: now, by this user.

    Args:
        store: to write to.
        outside: for the time, chance and the user.
        kind: of event.
        fields: of that kind, without `id`, `at` and `by`; what somebody wrote freely is kept without secrets.

    Raises:
        UsageError: a name, a tag or a place looks like a secret.
        NotRecordedError: the run it is about is not there any more.
        OSError: it was not written.
    """
    from xt.store.holding import statement  # not for those who only read

    run = fields.get("run")
    at = timestamp(outside.now())
    written = {
        name: fields[name] for name in (*FREE, *LABELS) if isinstance(fields.get(name), str) and fields[name]
    }
    # Of measurements the names: others ask for them by these.
    written |= {f"point {point.name}": point.name for point in fields.get("points", ())}
    if written:
        masked = _masked(written, outside)
        if not fields.get("off"):  # one that is there may be taken off
            for name, text in written.items():
                if name not in FREE and masked[name] != text:
                    raise UsageError(
                        "that looks like a secret: nothing was written", "others would read it everywhere"
                    )
        fields |= {name: masked[name] for name in FREE if name in masked}
    event = kind(id=events.event_id(at, outside.random_bytes(4)), at=at, by=user(outside.environ), **fields)
    with statement(store.path):
        if run is not None and not store.has(run):
            raise NotRecordedError(
                f"run {run} is not in the store any more", "`xt gc` dropped it, or it was removed by hand"
            )
        events.append(store.path, event)
    return event


def _masked(texts: dict[str, str], outside: Outside) -> dict[str, str]:
    """Texts without what looks like a secret, and without the values of secret variables."""
    from xt.ops.find import project_settings
    from xt.ops.scrub import Scrubber
    from xt.redact import clean, secret_values

    try:
        declared = project_settings(outside).env.secrets
    except ConfigError:
        declared = []  # whoever speaks of a run need not have settings in order
    scrubber = Scrubber(secret_values(outside.environ, declared))
    return {name: scrubber.clean(clean(text)) for name, text in texts.items()}


def standing(store: Store) -> Standing:
    """Say what all events of a store come to; of those that cannot be read, `doubts` has the paths."""
    read = events.everything(store.path)
    return replace(fold(read.events), doubts=read.doubts)
