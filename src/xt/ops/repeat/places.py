"""Where a recorded project was, where it is now, and where its repeat runs."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from xt import fsio
from xt.collect.gitdir import find_top
from xt.context import Outside
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.store import Store, find_root

#: Characters of a name that may follow a path which is then another path: `/proj` is not in `/proj-old`.
_OF_NAMES = frozenset("_-.@+~")
#: An absolute path in a word, and what ends one.
_PATH = re.compile(r"(?<![\w./@~+-])/[^\s:=,;'\"`|&<>()]+")
_ENDS = re.compile(r"[\s:=,;'\"`|&<>()]")


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
        """Rewrite: `--out=/old/x:/old` becomes `--out=/new/x:/new`; `/old/../x`, which leaves it, stays."""
        if not self._active or self.old not in value:
            return value
        parts = value.split(self.old)
        found = parts[0]
        for part in parts[1:]:
            before, after = found[-1:], part[:1]
            whole = not (before.isalnum() or before in _OF_NAMES) or not before
            ends = not after or not (after.isalnum() or after in _OF_NAMES)
            found += (self.new if whole and ends and not _leaves(part) else self.old) + part
        return found

    def word(self, value: str) -> str:
        """Rewrite a word of a command: paths that lead into the folder through links, too."""
        value = self.text(value)
        if not self._active or "/" not in value or not os.path.isdir(self.old):
            return value

        def through(match: re.Match[str]) -> str:
            path = match[0]
            if fsio.is_inside(path, self.old) or fsio.is_inside(path, self.new):
                return path
            real = os.path.realpath(path)
            return self.new + real[len(self.old) :] if fsio.is_inside(real, self.old) else path

        return _PATH.sub(through, value)


def _leaves(rest: str) -> bool:
    """Whether what follows a folder in a text goes out of it again."""
    path = _ENDS.split(rest, maxsplit=1)[0]
    depth = 0
    for part in path.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return True
    return False
