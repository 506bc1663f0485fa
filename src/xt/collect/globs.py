"""Glob patterns → listings, with the shell's rules and no surprises.

`*`, `?` and `[…]` stay within one part of a path and do not match a leading dot; `**` is any number of
folders, hidden ones not among them. Links are matched and not followed. A matched folder is taken whole.
A pattern names no path below `.git` or `.xt`.
"""

from __future__ import annotations

import os
import re
import stat
from functools import lru_cache

from xt.collect.tree import Folder, Listing, join, scan, walk


def has_magic(path: str) -> bool:
    """Whether a declared path is a pattern, unless a file is really called that."""
    return any(sign in path for sign in "*?[")


def split(pattern: str) -> tuple[str, str]:
    """Part a pattern into the folder that it starts from and the rest.

    Returns:
        The parts before the first with a wildcard (empty if none), and the others.
    """
    parts = pattern.split("/")
    first = next(index for index, part in enumerate(parts) if has_magic(part))
    return "/".join(parts[:first]) or ("/" if pattern.startswith("/") else ""), "/".join(parts[first:])


def match(top: str, pattern: str) -> Listing:
    """List the paths that a pattern matches.

    Args:
        top: absolute folder.
        pattern: relative to it.
    """
    listing = Listing(top)
    search = _Search(listing)
    search.expand(b"", [part for part in pattern.split("/") if part not in ("", ".")])
    search.finish()
    return listing


def covers(pattern: list[str], path: list[str]) -> bool:
    """Whether a pattern takes a file, by itself or in a folder that it takes whole.

    Args:
        pattern: its parts.
        path: parts of the file's path, from the folder that the pattern starts from.
    """
    if not pattern:
        return True
    if not path:
        return False
    part, rest = pattern[0], pattern[1:]
    hidden = path[0].startswith(".")
    if part == "**":
        if not rest:
            return not any(name.startswith(".") for name in path)
        return covers(rest, path) or (not hidden and covers(pattern, path[1:]))
    if hidden and not part.startswith("."):
        return False
    return _part(part).match(path[0]) is not None and covers(rest, path[1:])


class _Search:
    """One match of one pattern; every folder is read once."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.seen: dict[bytes, Folder] = {}
        self.taken: dict[bytes, set[bytes]] = {}
        self.whole: set[bytes] = set()
        self.visited: set[tuple[bytes, int]] = set()

    def expand(self, path: bytes, parts: list[str]) -> None:
        """Match what is left of the pattern below one folder."""
        waiting = [(path, 0)]
        accepts = [_part(part) for part in parts]
        while waiting:
            here, index = waiting.pop()
            if (here, index) in self.visited or index >= len(parts):
                continue
            self.visited.add((here, index))
            part, last = parts[index], index == len(parts) - 1
            if part == "**":
                if not last:
                    waiting.append((here, index + 1))
                waiting.extend(self._below(here, index, take=last))
            else:
                waiting.extend(
                    self._matching(here, index, accepts[index], hidden=part.startswith("."), take=last)
                )

    def finish(self) -> None:
        """Put what was taken into the listing, each path once."""
        tops = [path for path in self.whole if not self._in_whole(path)]
        for path in sorted(tops):
            walk(self.listing, path)
        for path in sorted(self.taken):
            if path in self.whole or self._in_whole(path):
                continue
            folder, names = self.seen[path], self.taken[path]
            keep = [index for index, name in enumerate(folder.names) if name in names]
            self.listing.folders.append(
                Folder(
                    path,
                    [folder.names[index] for index in keep],
                    [folder.stamps[index] for index in keep],
                    [folder.contents[index] for index in keep],
                )
            )

    def _below(self, here: bytes, index: int, *, take: bool) -> list[tuple[bytes, int]]:
        found = []
        folder = self._folder(here)
        for name, info in zip(folder.names, folder.stamps, strict=True):
            if name.startswith(b"."):
                continue
            if stat.S_ISDIR(info[4]):
                found.append((join(here, name), index))
            elif take:
                self.taken.setdefault(here, set()).add(name)
        return found

    def _matching(
        self, here: bytes, index: int, accept: re.Pattern[str], *, hidden: bool, take: bool
    ) -> list[tuple[bytes, int]]:
        found = []
        folder = self._folder(here)
        for name, info in zip(folder.names, folder.stamps, strict=True):
            if (name.startswith(b".") and not hidden) or not accept.match(os.fsdecode(name)):
                continue
            is_folder = stat.S_ISDIR(info[4])
            if take:
                self.taken.setdefault(here, set()).add(name)
                if is_folder:
                    self.whole.add(join(here, name))
            elif is_folder:
                found.append((join(here, name), index + 1))
        return found

    def _folder(self, path: bytes) -> Folder:
        folder = self.seen.get(path)
        if folder is None:
            folder = self.seen[path] = scan(self.listing, path)
        return folder

    def _in_whole(self, path: bytes) -> bool:
        """Whether a folder above this one is taken whole."""
        while path:
            path = path.rpartition(b"/")[0]
            if path in self.whole:
                return True
        return False


@lru_cache
def _part(part: str) -> re.Pattern[str]:
    from fnmatch import translate

    return re.compile(translate(part))
