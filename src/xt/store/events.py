"""Events: `events/YYYY/MM/<id>.json`, written once and never changed."""

from __future__ import annotations

import os

from xt import codec, fsio
from xt.errors import DamagedError
from xt.model.event import Pin

#: Bytes; an event is a sentence.
LARGEST = 1_000_000


def event_id(at: str, random: bytes) -> str:
    """Make an id that sorts by time: digits of the time, then chance.

    Args:
        at: RFC 3339 with microseconds, UTC.
        random: 4 unpredictable bytes.
    """
    return "".join(character for character in at if character.isdigit()) + "-" + random.hex()


def append(store: str, event: Pin) -> None:
    """Write an event, durably.

    Raises:
        OSError: it was not written.
    """
    folder = f"{store}/events/{event.at[:4]}/{event.at[5:7]}"
    os.makedirs(folder, fsio.PRIVATE_DIR, exist_ok=True)
    fsio.write_atomic(f"{folder}/{event.id}.json", codec.encode(event), mode=0o400)


def pins(store: str, name: str) -> list[Pin]:
    """All pins of a name, oldest first.

    Args:
        store: path of `.xt`.
        name: such as `baseline`.

    Raises:
        DamagedError: an event cannot be read, which may be one of that name.
    """
    return [event for event in all_pins(store) if event.name == name]


def pinned(store: str) -> dict[str, str]:
    """The run that each name is pinned on now.

    Args:
        store: path of `.xt`.

    Raises:
        DamagedError: an event cannot be read: an older pin must not come back for that.
    """
    last = {event.name: event.run for event in all_pins(store)}
    return {name: run for name, run in last.items() if run is not None}


def all_pins(store: str) -> list[Pin]:
    """All pins, oldest first.

    Raises:
        DamagedError: an event cannot be read.
    """
    found = []
    for folder, folders, names in os.walk(f"{store}/events"):
        folders.sort()
        for file in sorted(names):
            if not file.endswith(".json"):
                continue
            path = f"{folder}/{file}"
            try:
                found.append(codec.decode(fsio.read_file(path, LARGEST), Pin, file))
            except (OSError, DamagedError) as error:
                raise DamagedError(
                    f"what is pinned is not certain: the event `{path}` cannot be read",
                    "restore it from a copy of the store, or delete it and pin again",
                ) from error
    return sorted(found, key=lambda event: event.id)
