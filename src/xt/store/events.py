"""Events: `events/YYYY/MM/<id>[.<kind>].json`, written once and never changed.

A pin has no kind in its name, every other event has: so what is pinned is found without reading the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import msgspec

from xt import codec, fsio
from xt.errors import DamagedError, is_passing
from xt.model.event import (
    Deployed,
    Event,
    Named,
    Noted,
    Observed,
    Pin,
    Removed,
    Reused,
    Signed,
    Swept,
    Tagged,
    Verified,
)

#: Bytes; an event is a sentence.
LARGEST = 1_000_000
#: What stands between the id and `.json` in the name of a file.
KINDS: dict[type[Event], str] = {
    Pin: "",
    Verified: ".verified",
    Reused: ".reused",
    Tagged: ".tagged",
    Named: ".named",
    Noted: ".noted",
    Removed: ".removed",
    Deployed: ".deployed",
    Observed: ".observed",
    Signed: ".signed",
    Swept: ".swept",
}

_OF_SUFFIX = {suffix: kind for kind, suffix in KINDS.items()}

E = TypeVar("E", bound=Event)


class _Any(msgspec.Struct, frozen=True):
    """An event of a kind that is not known here."""

    id: str
    kind: str


class _About(_Any, frozen=True):
    """The same, and which run it is about, if any."""

    run: str | None = None


class Read(NamedTuple):
    """All events of a store."""

    events: list[Event]
    doubts: list[str]
    """Paths of those that cannot be read."""


def event_id(at: str, random: bytes) -> str:
    """Make an id that sorts by time: digits of the time, then chance.

    Args:
        at: RFC 3339 with microseconds, UTC.
        random: 4 unpredictable bytes.
    """
    return "".join(character for character in at if character.isdigit()) + "-" + random.hex()


def append(store: str, event: Event) -> str:
    """Write an event, durably; give its path.

    Raises:
        OSError: it was not written.
    """
    folder = f"{store}/events/{event.at[:4]}/{event.at[5:7]}"
    _make(folder)
    name = f"{folder}/{event.id}{KINDS[type(event)]}.json"
    fsio.write_atomic(name, codec.encode(event), mode=0o400)
    return name


def check(name: str, data: bytes) -> None:
    """See that an event from elsewhere is one, and of its name; one of a newer xt is taken as it is.

    Raises:
        DamagedError: it is not.
    """
    stem, kind = name.partition(".")[0], _kind(name)
    what = f"the event {stem}"
    event = codec.decode(data, _Any, what) if kind is None else codec.decode(data, kind, what)
    if len(data) > LARGEST or event.id != stem:
        raise DamagedError(f"the event {stem} is not one")


def publish(store: str, name: str, data: bytes, *, durable: bool = True) -> bool:
    """Put an event in place that was written in another store.

    Args:
        store: path of `.xt`.
        name: `2026/11/<id>[.<kind>].json`.
        data: as it was written.
        durable: flush it; not needed for what can be had again.

    Returns:
        False when it is there already.

    Raises:
        DamagedError: it is no event, or not of that name; one of a newer xt is taken as it is.
        OSError: it was not written.
    """
    check(os.path.basename(name), data)
    path = f"{store}/events/{name}"
    if os.path.lexists(path):
        return False
    _make(os.path.dirname(path))
    fsio.write_atomic(path, data, mode=0o400, durable=durable)
    return True


def _make(folder: str) -> None:
    """Make a month's folder, and the year's, which `makedirs` alone would leave to the umask."""
    for path in (os.path.dirname(folder), folder):
        try:
            os.makedirs(path, fsio.PRIVATE_DIR, exist_ok=True)
        except FileExistsError:
            os.listdir(path)  # says what is wrong with it
            if not os.path.isdir(path):
                raise


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
    for path in _files(store, Pin):
        try:
            found.append(_read(path, Pin))
        except (OSError, DamagedError) as error:
            raise DamagedError(
                f"what is pinned is not certain: the event `{path}` cannot be read",
                "restore it from a copy of the store, or delete it and pin again",
            ) from error
    return sorted(found, key=lambda event: event.id)


def every(store: str, kind: type[E], *, certain: bool = False) -> list[E]:
    """All events of a kind that can be read, oldest first.

    Args:
        store: path of `.xt`.
        kind: not `Pin`, of which none may be passed over.
        certain: whether what the disk, or the server behind it, fails to read ends it.

    Raises:
        OSError: a folder cannot be listed; with `certain`, also: an event cannot be read.
    """
    found = []
    for path in _files(store, kind):
        try:
            found.append(_read(path, kind))
        except (OSError, DamagedError) as error:
            if certain and isinstance(error, OSError) and is_passing(error):
                raise
            continue  # it says something good of a run; without it the run merely lacks that
    return sorted(found, key=lambda event: event.id)


def signatures(store: str, run: str) -> tuple[list[Signed], list[str]]:
    """All signatures of a run, oldest first, and the paths of signatures that cannot be read."""
    found: list[Signed] = []
    doubts: list[str] = []
    for path in _files(store, Signed):
        try:
            event = _read(path, Signed)
        except (OSError, DamagedError):
            doubts.append(path)
        else:
            found += [event] if event.run == run else []
    return sorted(found, key=lambda event: event.id), doubts


def everything(store: str) -> Read:
    """All events that can be read, in no order, and which cannot.

    Args:
        store: path of `.xt`.
    """
    found: list[Event] = []
    doubts: list[str] = []

    def unlisted(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            doubts.append(os.fsdecode(error.filename or f"{store}/events"))

    for folder, _, names in os.walk(f"{store}/events", onerror=unlisted):
        for name in names:
            if _kind(name) is None:
                continue  # a file being written, or of a newer xt
            event = read(f"{folder}/{name}")
            if event is None:
                doubts.append(f"{folder}/{name}")
            else:
                found.append(event)
    return Read(found, sorted(doubts))


def read(path: str, unread: list[str] | None = None) -> Event | None:
    """Read one event; None when it cannot be read, or is of a kind that is not known here.

    Args:
        path: of it.
        unread: gets a sentence where the disk, or the server behind it, failed: the event may be whole.
    """
    kind = _kind(os.path.basename(path))
    if kind is None:
        return None
    try:
        return _read(path, kind)
    except DamagedError:
        return None
    except OSError as error:
        if unread is not None and is_passing(error):
            unread.append(f"the event `{path}` cannot be read: {error.strerror}")
        return None


def decode(data: bytes, suffix: str) -> Event:
    """Read an event back from its JSON.

    Args:
        data: as it was encoded.
        suffix: of its kind, as in `KINDS`.
    """
    return codec.decode(data, _OF_SUFFIX[suffix], "an event of the index")


def is_one(path: str) -> bool:
    """Whether a file is an event of a kind that is known here, and not one of a newer xt."""
    return _kind(os.path.basename(path)) is not None


def glance(data: bytes, what: str) -> tuple[str, str | None]:
    """Read of an event, of any kind, its id and the run it is about.

    Raises:
        DamagedError: it is none.
    """
    found = codec.decode(data, _About, what)
    return found.id, found.run


def kind_of(name: str) -> type[Event]:
    """The kind that the name of a file says; see `is_one`."""
    found = _kind(name)
    assert found is not None
    return found


def _kind(name: str) -> type[Event] | None:
    stem, dot, suffix = name.removesuffix(".json").partition(".")
    return _OF_SUFFIX.get(dot + suffix) if stem and name.endswith(".json") else None


def _files(store: str, kind: type[Event]) -> Iterator[str]:
    dots = 1 if KINDS[kind] == "" else 2
    for folder, folders, names in fsio.walk(f"{store}/events"):
        folders.sort()
        for name in sorted(names):
            if name.endswith(f"{KINDS[kind]}.json") and name.count(".") == dots:
                yield f"{folder}/{name}"


def _read(path: str, kind: type[E]) -> E:
    name = os.path.basename(path)
    event = codec.decode(fsio.read_file(path, LARGEST), kind, name)
    if event.id != name.partition(".")[0]:
        raise DamagedError(f"the event {name} says it is {event.id!r}")
    return event
