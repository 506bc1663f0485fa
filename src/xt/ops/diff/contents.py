"""Where the content of a recorded file can still be had: in the store, or in the project's folder."""

from __future__ import annotations

import os
from typing import BinaryIO

from xt import codec, fsio
from xt.compare.content import Held
from xt.store import Store

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
