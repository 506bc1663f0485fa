"""Where a recorded project was, where it is now, and where its repeat runs."""

from __future__ import annotations

import os
from typing import NamedTuple

from xt.collect.gitdir import find_top
from xt.context import Outside
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.store import Store, find_root

#: Characters of a name that may follow a path which is then another path: `/proj` is not in `/proj-old`.
_OF_NAMES = frozenset("_-.@+~")


class Was(NamedTuple):
    """Where the project was when it was recorded, absolute."""

    root: str
    top: str
    """Of the code snapshot: the root, or a folder above it."""

    @property
    def below(self) -> str:
        """The root relative to the top: `.` nearly always."""
        return os.path.relpath(self.root, self.top)


def was(snapshot: Snapshot) -> Was:
    """Read from the record where the project was."""
    root = os.path.normpath(from_text(snapshot.context.project))
    return Was(root, os.path.normpath(os.path.join(root, from_text(snapshot.code.root or "."))))


def roots(store: Store, snapshot: Snapshot, outside: Outside) -> list[str]:
    """Folders in which the project may lie now: that of the caller, that of the store, that of the record."""
    found = [find_root(outside.cwd), os.path.dirname(store.path), was(snapshot).root]
    return [path for path in dict.fromkeys(map(os.path.normpath, found)) if os.path.isdir(path)]


def tops(store: Store, snapshot: Snapshot, outside: Outside) -> list[str]:
    """Working trees whose repositories may have what the run's code was committed to."""
    if snapshot.code.vcs is None:
        return []
    return [top for root in roots(store, snapshot, outside) if (top := find_top(root)) is not None]


def top_of(root: str, there: Was) -> str:
    """Top of the code, from a root of the project."""
    return os.path.normpath(os.path.join(root, os.path.relpath(there.top, there.root)))


class Moved:
    """Rewrites absolute paths of one folder to another wherever they stand in a text."""

    def __init__(self, old: str, new: str) -> None:
        """Take both folders, absolute; of the file system's root nothing is rewritten."""
        self.old, self.new = old, new
        self._active = old not in ("/", new)

    def text(self, value: str) -> str:
        """Rewrite: `--out=/old/x:/old` becomes `--out=/new/x:/new`."""
        if not self._active or self.old not in value:
            return value
        parts = value.split(self.old)
        found = parts[0]
        for part in parts[1:]:
            before, after = found[-1:], part[:1]
            whole = not (before.isalnum() or before in _OF_NAMES) or not before
            ends = not after or not (after.isalnum() or after in _OF_NAMES)
            found += (self.new if whole and ends else self.old) + part
        return found
