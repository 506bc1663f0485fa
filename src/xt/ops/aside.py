"""Collect without recording: what collectors want kept stays in memory, beside a store that is only read."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

from blake3 import blake3

from xt.collect import Capture
from xt.collect.hashing import CHANGED, hash_file
from xt.config import Settings
from xt.context import Outside
from xt.model.request import RunRequest
from xt.store import Store
from xt.store.objects import Objects


class Aside(Objects):
    """Objects of a store, and some that are in memory alone."""

    def __init__(self, root: str) -> None:
        """Begin with those of the store at `root`."""
        super().__init__(root)
        self._held: dict[str, bytes] = {}

    def has(self, digest: str) -> bool:
        """See `Objects.has`."""
        return digest in self._held or super().has(digest)

    def hold(self, digest: str) -> bool:
        """See `Objects.hold`; a store that is only read is not touched."""
        return self.has(digest)

    def put_bytes(self, data: bytes) -> str:
        """Hold bytes in memory; return their digest."""
        digest = "blake3:" + blake3(data).hexdigest()
        self._held.setdefault(digest, data)
        return digest

    def put_file(self, path: str, told: Callable[[int], object] | None = None) -> tuple[str, int, bool]:
        """Hash a file; its content stays where it is."""
        content = hash_file(path, told)
        return "blake3:" + content.digest.hex(), content.stamp[1], content.note == CHANGED

    def stream(self, digest: str) -> Iterator[bytes]:
        """See `Objects.stream`."""
        if digest in self._held:
            return iter((self._held[digest],))
        return super().stream(digest)

    def open(self, digest: str) -> BinaryIO:
        """See `Objects.open`."""
        if digest in self._held:
            return io.BytesIO(self._held[digest])
        return super().open(digest)


def beside(store: Store) -> Store:
    """The same store, which nothing is put into: what is, stays in memory until the process ends."""
    found = Store(store.path)
    found.objects = Aside(store.path)
    return found


def capture(store: Store, request: RunRequest, outside: Outside, root: str, settings: Settings) -> Capture:
    """Look at causes as `xt run` would.

    Args:
        store: from `beside`.
        request: what is declared.
        outside: the world.
        root: absolute path of the project's root.
        settings: of the project.

    Raises:
        StoreError: the store has no key that this user may read.
    """
    return Capture(request, outside, root, store.path, settings, store.objects, store.key())


def exists(path: str, cwd: str) -> bool:
    """Whether a path that somebody typed names something on disk."""
    try:
        return os.path.lexists(os.path.join(cwd, path))
    except ValueError:
        return False  # a NUL character
