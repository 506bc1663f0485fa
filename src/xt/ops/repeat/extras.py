"""What a run had on disk and its snapshot does not hold: files that were left out, and content of Git LFS.

Of a file that was left out (too large, named like a secret) size and time are all that is known: it is taken
for the same where both are, as a recipe does. Content of Git LFS is known by its SHA-256.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from xt.collect import gitdir
from xt.collect.git import Git, GitError
from xt.collect.lfs import pointer, sha256
from xt.inside import Inside
from xt.model.code import Code
from xt.model.text import from_text, to_shown
from xt.ops.recipe import INPUT, OUTPUT
from xt.ops.repeat.bring import SMALL, Bringing

#: Bytes a pointer of Git LFS has at least (the fixed words and a digest), and at most by its specification.
_POINTER = range(100, 1025)
#: Names that are told one by one.
_TOLD = 4


class Found(NamedTuple):
    """A file to bring."""

    source: str
    """Absolute."""
    below: str
    """Relative to the top of the code."""
    size: int
    mode: int | None
    """Permissions it gets; None for those of the source."""


class Extras:
    """What is to be had of it."""

    def __init__(self, code: Code, tops: list[str], environ: Mapping[str, str]) -> None:
        """Prepare.

        Args:
            code: the snapshot.
            tops: folders in which the tree of the code may lie now.
            environ: for git.
        """
        self._code, self._tops, self._environ = code, tops, environ
        self._found: list[Found] = []
        self._lacking: list[str] = []
        self._pointers: list[str] = []

    def look(self, top: str) -> bool:
        """Look for it.

        Args:
            top: of the workspace, which holds the code.

        Returns:
            Whether something is large enough that mounting it is better than copying it.
        """
        for entry in self._code.left_out:
            if entry.reason not in (OUTPUT, INPUT):
                self._left_out(from_text(entry.path), entry.size, entry.mtime_ns)
        if self._code.lfs_pointers:
            self._lfs(top, "")
        for inner in self._code.repositories:
            if inner.tree is not None and os.path.isfile(f"{top}/{from_text(inner.path)}/.gitattributes"):
                self._lfs(top, from_text(inner.path) + "/")
        return any(found.size > SMALL for found in self._found)

    def bring(self, top: str, bringing: Bringing) -> list[str]:
        """Put it into the workspace, where nothing else is by now.

        Returns:
            What is lacking, in sentences.

        Raises:
            NotWrittenError: a path leads out of the workspace.
            OSError: it cannot be read or written.
        """
        for found in self._found:
            target = os.path.join(top, found.below)
            if found.mode is not None:
                os.unlink(target)
            elif os.path.lexists(target):
                continue  # an input too
            if above := os.path.dirname(found.below):
                with Inside(top) as inside:
                    inside.folder(above)  # and no link on the way leads out
            mounted = bringing.file(found.source, target, found.size)
            if found.mode is not None and not mounted:
                os.chmod(target, found.mode)
        said = []
        if self._lacking:
            more = self._code.left_out_total - len(self._code.left_out)
            said.append(f"left out of the snapshot, and not here as then: {_some(self._lacking, more)}")
        if self._pointers:
            said.append(f"pointers of Git LFS, whose content is not here: {_some(self._pointers, 0)}")
        return said

    def _left_out(self, below: str, size: int | None, mtime_ns: int | None) -> None:
        for place in self._tops:
            path = os.path.join(place, below)
            with contextlib.suppress(OSError):
                info = os.lstat(path)
                if size is not None and (info.st_size, info.st_mtime_ns) == (size, mtime_ns):
                    self._found.append(Found(path, below, size, None))
                    return
        self._lacking.append(below)

    def _lfs(self, top: str, inner: str) -> None:
        """Find content for the pointers of one repository.

        Args:
            top: of the workspace.
            inner: path of the repository in it, with a slash at the end; empty for the outer one.
        """
        folder = os.path.join(top, inner)
        texts = dict(_texts(folder))
        tracked = self._tracked(folder, list(texts))
        objects = []
        for place in self._tops:
            with contextlib.suppress(GitError, OSError):
                objects.append(f"{gitdir.find(os.path.join(place, inner)).common}/lfs/objects")
        for name in sorted(tracked):
            digest, size = texts[name]
            places = [f"{folder}/{digest[:2]}/{digest[2:4]}/{digest}" for folder in objects]
            places += [os.path.join(place, inner + name) for place in self._tops]
            source = next((path for path in places if _has(path, digest, size)), None)
            if source is None:
                self._pointers.append(inner + name)
            else:
                mode = os.lstat(os.path.join(folder, name)).st_mode & 0o777
                self._found.append(Found(source, inner + name, size, mode))

    def _tracked(self, folder: str, names: list[str]) -> list[str]:
        """Which of them are files of Git LFS by the attributes they have."""
        if not names:
            return []
        data = b"".join(os.fsencode(name) + b"\0" for name in names)
        words = (
            Git(folder, self._environ).run("check-attr", "-z", "--stdin", "filter", data=data).split(b"\0")
        )
        return [
            os.fsdecode(name)
            for name, value in zip(words[0::3], words[2::3], strict=False)
            if value == b"lfs"
        ]


def _texts(top: str) -> Iterator[tuple[str, tuple[str, int]]]:
    """Files that hold a pointer: path relative to the top → SHA-256 and size."""
    for folder, folders, names in os.walk(top):
        folders[:] = [
            name
            for name in folders
            if name != ".git" and not os.path.lexists(os.path.join(folder, name, ".git"))
        ]
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or os.lstat(path).st_size not in _POINTER:
                continue
            with open(path, "rb") as file:
                found = pointer(file.read())
            if found is not None:
                yield os.path.relpath(path, top), found


def _has(path: str, digest: str, size: int) -> bool:
    return os.path.isfile(path) and os.path.getsize(path) == size and sha256(path) == digest


def _some(names: list[str], more: int) -> str:
    shown = ", ".join(f"`{to_shown(name)}`" for name in names[:_TOLD])
    rest = len(names[_TOLD:]) + more
    return f"{shown} and {rest} more" if rest else shown
