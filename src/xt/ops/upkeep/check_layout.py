"""The store itself: `format`, `key`, and what does not belong there."""

from __future__ import annotations

import os
import re
import stat

from xt import fsio
from xt.errors import is_passing
from xt.ops.upkeep import inventory
from xt.ops.upkeep.looking import LEFT, Look, One, Unread, what_is, why
from xt.store.layout import FOLDERS, FORMAT, KEY_BYTES

#: What else may lie in a store.
_OTHERS = frozenset(
    (
        *("format", "key", ".gitignore", "pulled", "code.git", "code.sha256.git", "work", "jobs", "trash"),
        *("quarantine", "gc.lock", "events.lock"),
    )
)
_FOLDERS = frozenset(("pulled", "code.git", "work", "jobs", "trash", "quarantine"))
_FORMAT = re.compile(rb"xt-store [0-9]+\s*")


class Layout:
    """The check."""

    def __init__(self, look: Look) -> None:
        """Look at nothing yet."""
        self._look = look

    def begin(self) -> None:
        """Look at all of it."""
        self._format()
        self._key()
        look = self._look
        for name in sorted(FOLDERS | _FOLDERS):
            if look.there(name) and not _is_folder(look, name):
                said = "something else is where a folder must be"
                look.suspect("folder-damaged", name, said, lambda name=name: not _is_folder(look, name))  # type: ignore[misc]
        for file in sorted(inventory.listed(look.store.path, "", look.unreadable)):
            if file.name in FOLDERS | _OTHERS:
                continue
            if file.name.endswith(".tmp"):
                if look.age(file.name) > LEFT:
                    look.suspect("leftover", file.name, "a file that was being written")
                continue
            look.suspect("foreign", file.name, "it is not of xt")

    def run(self, one: One) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""

    def _format(self) -> None:
        look = self._look
        if look.there("format"):
            reason = _format_fault(look.path("format"))
            if isinstance(reason, Unread):
                look.unreadable("format", reason)
            elif reason is not None:
                look.suspect("format-damaged", "format", reason)
        elif used(look.store.path):
            found = look.suspect("format-missing", "format", "it says that this is a store, and is gone")
            found.hint = f"`--repair` writes it for format {FORMAT}, the only one there is"
        else:
            look.suspect("unfinished", None, "the making of the store was interrupted")

    def _key(self) -> None:
        look, path = self._look, self._look.path("key")
        try:
            info = os.lstat(path)
        except OSError as error:
            if is_passing(error):
                look.unreadable("key", error.strerror or str(error))
            elif used(look.store.path):
                look.suspect("key-missing", "key", "keyed digests of until now say nothing any more")
            return
        file = inventory.look(look.store.path, "key")
        if file is not None and not file.is_file:
            look.suspect("key-damaged", "key", what_is(path, OSError()))
        elif info.st_size != KEY_BYTES:
            look.suspect("key-damaged", "key", f"it has {info.st_size} bytes instead of {KEY_BYTES}")


def _is_folder(look: Look, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(look.path(name)).st_mode)
    except OSError as error:
        if is_passing(error):
            look.unreadable(name, error.strerror or str(error))
            return True
        return False


def _format_fault(path: str) -> str | None:
    try:
        data = fsio.read_file(path, 4096)
    except OSError as error:
        return why(path, error)
    return None if _FORMAT.fullmatch(data) else "it does not say what it must" if data else "it is empty"


def used(store: str) -> bool:
    """Whether anything was ever recorded in a store."""
    return any(
        file.is_folder and any(inventory.listed(store, file.name, _ignored))
        for file in (
            *inventory.listed(store, "runs", _ignored),
            *inventory.listed(store, "live", _ignored),
            *inventory.listed(store, "events", _ignored),
        )
    )


def _ignored(name: str, reason: str) -> None:
    """What cannot be listed is told where it is looked at."""
