"""Where the content of a recorded file can still be had: the store, the project's folder, the code."""

from __future__ import annotations

import os
from typing import BinaryIO, NamedTuple

from xt import codec, fsio
from xt.compare.content import Held
from xt.context import Outside
from xt.model.snapshot import Snapshot
from xt.ops.diff.code import blobs
from xt.ops.diff.sides import project_root
from xt.store import Store


class Recorded(NamedTuple):
    """A file that was recorded by its content."""

    name: str
    """Relative to the project's root, or absolute."""
    digest: str
    size: int


#: Bytes of a file on disk that is hashed to see whether it is still the one that was recorded.
ON_DISK = 8_000_000


class Stored:
    """An object of the store, as comparators read it."""

    def __init__(self, store: Store, name: str, digest: str, size: int) -> None:
        """Name an object.

        Args:
            store: that has it.
            name: the path it was recorded under.
            digest: of its content.
            size: of its content in bytes.
        """
        self._store = store
        self._digest = digest
        self.name = name
        self.size = size

    def open(self) -> BinaryIO:
        """Open it; see `Objects.open`."""
        return self._store.objects.open(self._digest)


def find(store: Store, name: str, digest: str, size: int, folder: str) -> Stored | Held | None:
    """Find the content of a file that was recorded by its digest.

    Args:
        store: to look in first.
        name: its path, relative to `folder` or absolute.
        digest: `blake3:<hex>`.
        size: in bytes.
        folder: absolute; where a relative path lies now.

    Returns:
        None when it is nowhere any more: the file was changed since, or is gone.
    """
    if store.objects.has(digest):
        return Stored(store, name, digest, size)
    if size > ON_DISK:
        return None
    try:
        data = fsio.read_file(os.path.join(folder, name), limit=ON_DISK)
    except OSError:
        return None
    return Held(name, data) if len(data) == size and codec.digest(data) == digest else None


def find_all(
    store: Store, wanted: list[Recorded], snapshot: Snapshot | None, outside: Outside
) -> list[Stored | Held | None]:
    """Find the contents of files of one run, in the code that ran too.

    Args:
        store: to look in first.
        wanted: files.
        snapshot: causes of the run; None where no run read them.
        outside: for git, which may have the content of tracked files.

    Returns:
        One for each; None for what is nowhere any more.
    """
    folder = project_root(store)
    found = [find(store, one.name, one.digest, one.size, folder) for one in wanted]
    lacking = [one.name for one, content in zip(wanted, found, strict=True) if content is None]
    tracked = blobs(store, snapshot, lacking, outside) if snapshot is not None else {}
    for at, one in enumerate(wanted):
        data = tracked.get(one.name)
        # A filter (line ends, LFS) may have made other bytes of it than those that were read.
        if found[at] is None and data is not None and codec.digest(data) == one.digest:
            found[at] = Held(one.name, data)
    return found
