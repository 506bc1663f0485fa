"""What the checks of `xt fsck` have in common: what they look at, what they found, and a second look at it.

A store may be written to while it is looked through. So nothing is said of what was seen once only: when all
checks are through, each suspect is asked again whether it is still so.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import NamedTuple

import msgspec

from xt import fsio
from xt.context import Outside
from xt.errors import is_passing
from xt.model.fsck import FAULTS, Affected, Counts, Finding
from xt.model.result import Record
from xt.model.text import Text, to_text
from xt.store import Store

#: Takes what is done, how much of it, and of how many.
Step = Callable[[str, int, int], None]
#: Contents that are named of one run and one finding.
MOST_PARTS = 50
#: Seconds after which a temporary file is of nobody who still writes it.
LEFT = 3600.0
_DENIED = (errno.EACCES, errno.EPERM)
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class One(NamedTuple):
    """A finished run whose record is whole."""

    run: str
    record: Record
    data: bytes


class Suspect:
    """A finding in the making."""

    def __init__(self, code: str, path: str | None, message: str, again: Callable[[], bool] | None) -> None:
        """Suspect something; see `Look.suspect`."""
        self.code, self.path, self.message, self.again = code, path, message, again
        self.hint: str | None = None
        self.repaired: str | None = None
        self.aside: str | None = None
        self.count = 1
        self.runs: dict[str, list[str]] = {}
        self.digest: str | None = None
        """Of the content that is concerned."""
        self.size: int | None = None
        """Of that content, as a record says it."""
        self.lists = False
        """Whether it is a list of the files of a tree."""
        self.places: set[tuple[str, str]] = set()
        """Where that content may lie in the project: run and path, as recorded."""
        self.trees: list[tuple[str, str]] = []
        """Of code: runs, and the folder of the repository in each."""

    def concerns(self, run: str, part: str | None = None) -> None:
        """Say what of a run is concerned; nothing: all of it."""
        parts = self.runs.setdefault(run, [])
        if part is not None and len(parts) < MOST_PARTS and part not in parts:
            parts.append(part)

    def finding(self) -> Finding:
        """What is said of it."""
        return Finding(
            self.code,
            None if self.path is None else to_text(self.path),
            self.message,
            self.code in FAULTS,
            [Affected(run, [shown(part) for part in parts]) for run, parts in sorted(self.runs.items())],
            self.hint,
            self.repaired,
            None if self.aside is None else to_text(self.aside),
            self.count,
        )


class Look:
    """One look through a store. Use it in a `with` statement."""

    def __init__(self, store: Store, outside: Outside, step: Step, *, deep: bool) -> None:
        """Look at nothing yet.

        Args:
            store: opened for reading.
            outside: for git and the time.
            step: is told how far it is.
            deep: read everything.
        """
        self.store, self.outside, self.step, self.deep = store, outside, step, deep
        self.suspects: list[Suspect] = []
        self.counts: dict[str, int] = dict.fromkeys(msgspec.structs.asdict(Counts()), 0)
        self.bad: dict[str, Suspect] = {}
        """Contents that are damaged."""
        self._unread: dict[str, Suspect] = {}
        self.unsure: list[tuple[str, str]] = []
        """Files of damaged records, which may name contents too, and their runs."""
        self.remembers: Callable[[str, bytes], bool] = lambda name, data: True
        """Whether the index has an event as it is: its name and bytes."""
        self._held = ExitStack()
        self.now = outside.now().timestamp()

    def suspect(
        self, code: str, path: str | None, message: str, again: Callable[[], bool] | None = None
    ) -> Suspect:
        """Suspect something.

        Args:
            code: as in `model.fsck`.
            path: of the file, relative to the store.
            message: what is wrong, without the path.
            again: whether it is still so; None where that cannot change.
        """
        found = Suspect(code, path, message, again)
        self.suspects.append(found)
        return found

    def unreadable(self, path: str, reason: str) -> Suspect:
        """Say that a folder or file cannot be read, once; as `inventory.Doubt`. Nothing is done with it."""
        if path in self._unread:
            return self._unread[path]
        denied = reason in [os.strerror(number) for number in _DENIED]
        found = self.suspect("unreadable", path, f"it {'may not' if denied else 'cannot'} be read: {reason}")
        found.hint = (
            "give yourself the right to read it, and look again"
            if denied
            else "the disk fails, or the server behind it: look again, and if it stays so, "
            "move it away and `--repair` brings back what is to be had"
        )
        self._unread[path] = found
        return found

    def there(self, name: str) -> bool:
        """Whether something is in the store; where that cannot be told it is said, and taken to be there."""
        try:
            return fsio.is_there(self.path(name))
        except OSError as error:
            self.unreadable(name, error.strerror or str(error))
            return True

    def scratch(self) -> str:
        """A folder elsewhere, for as long as this look lasts."""
        return self._held.enter_context(tempfile.TemporaryDirectory(prefix="xt-fsck-"))

    def __enter__(self) -> Look:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was made elsewhere."""
        self._held.close()

    def count(self, what: str, number: int = 1) -> None:
        """Count something that was looked at: a field of `Counts`."""
        self.counts[what] += number

    def settle(self) -> None:
        """Look at every suspect once more; what is no longer so was never said."""
        self.suspects = [one for one in self.suspects if one.again is None or one.again()]

    def path(self, name: str) -> str:
        """Path of something in the store."""
        return f"{self.store.path}/{name}"

    def pulled_somehow(self, run: str) -> bool:
        """Whether there is a note that a run came from a remote, even if it cannot be read."""
        return self.there(f"pulled/{run[:2]}/{run}.json")

    def age(self, name: str) -> float:
        """Seconds since something was written; 0 when it is gone or of the future."""
        try:
            return max(0.0, self.now - os.lstat(self.path(name)).st_mtime)
        except OSError:
            return 0.0


def shown(text: str) -> Text:
    """A text of the operating system, fit for JSON."""
    return to_text(text)


def what_is(path: str, error: OSError) -> str:
    """Say why something that should be a regular file cannot be read."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        mode = 0
    for fits, word in _KINDS:
        if fits(mode):
            return f"{word} is in its place"
    return f"it cannot be read: {error.strerror or error}"


class Unread(str):
    """Why something cannot be read, which says nothing about what is in it."""


def why(path: str, error: OSError) -> str:
    """Say why something that should be a regular file cannot be read; `Unread` where it may be whole."""
    return Unread(error.strerror or str(error)) if is_passing(error) else what_is(path, error)
