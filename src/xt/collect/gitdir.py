"""Where a working tree's repository is, read from its files (gitrepository-layout(5)) without git."""

from __future__ import annotations

import os
from typing import NamedTuple

from xt import fsio
from xt.collect.git import GitError

#: Bytes of a `.git` file or `commondir`: a path and a few words.
_LINK = 65_536


class GitDir(NamedTuple):
    """The folders of one repository, absolute."""

    own: str
    """Holds HEAD and the index; of a linked worktree, its own."""
    common: str
    """Holds refs, objects and settings; shared by all linked worktrees."""

    @property
    def linked(self) -> bool:
        """Whether the working tree is a linked worktree of another checkout."""
        return os.path.realpath(self.own) != os.path.realpath(self.common)

    @property
    def objects(self) -> str:
        """The object database."""
        return os.path.realpath(f"{self.common}/objects")

    def head(self) -> bytes:
        """HEAD as it is written; empty when it is not readable."""
        try:
            return fsio.read_file(os.path.realpath(f"{self.own}/HEAD"), limit=_LINK)
        except OSError:
            return b""

    def state(self) -> tuple[object, ...]:
        """What changes whenever a commit, checkout, reset or `git add` happens."""
        head = self.head()
        ref = os.fsdecode(head.removeprefix(b"ref: ").rstrip(b"\n"))
        names = (f"{self.own}/index", f"{self.own}/logs/HEAD", f"{self.common}/{ref}")
        return head, *map(_signature, names)


def find_top(folder: str) -> str | None:
    """Find the working tree a folder is in: the nearest one upwards with a repository in `.git`.

    As git does, a folder `.git` that is no repository is passed over, and a file `.git` is believed.

    Args:
        folder: absolute.
    """
    while True:
        name = os.path.join(folder, ".git")
        if os.path.lexists(name) and (
            not os.path.isdir(name)
            or all(os.path.lexists(f"{name}/{part}") for part in ("HEAD", "objects", "refs"))
        ):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def find(top: str) -> GitDir:
    """Find the repository of a working tree.

    Args:
        top: absolute.

    Raises:
        GitError: `.git` is a file and names no repository.
        OSError: it cannot be read.
    """
    own = os.path.join(top, ".git")
    if not os.path.isdir(own):
        word, _, path = fsio.read_file(os.path.realpath(own), limit=_LINK).partition(b": ")
        if word != b"gitdir":
            raise GitError(f"`{own}` names no repository")
        own = os.path.join(top, os.fsdecode(path.rstrip(b"\r\n")))
    try:
        common = os.fsdecode(fsio.read_file(f"{own}/commondir", limit=_LINK).rstrip(b"\r\n"))
    except FileNotFoundError:
        common = ""
    return GitDir(own, os.path.normpath(os.path.join(own, common)))


def _signature(name: str) -> tuple[int, int, int] | None:
    try:
        info = os.stat(name)
    except OSError:
        return None
    return info.st_ino, info.st_size, info.st_mtime_ns
