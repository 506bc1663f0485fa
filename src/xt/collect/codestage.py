"""Where git puts the objects of one snapshot until they are on the disk; then they get their names at once.

Git would flush each by itself and wait for it, one after the other, in every process that writes some.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from xt import flushing, fsio

_PACKS = "pack"


class Stage:
    """A folder of objects beside that of a repository, on the same file system."""

    def __init__(self, folder: str, objects: str) -> None:
        """Make it.

        Args:
            folder: absolute path; nothing is there.
            objects: folder of objects of the repository, where they will be.

        Raises:
            OSError: it cannot be made.
        """
        self.folder = folder
        self._objects = objects
        os.mkdir(folder, fsio.PRIVATE_DIR)

    def has(self, oid: str) -> bool:
        """Whether an object was written here, other than into a pack."""
        return os.path.exists(f"{self.folder}/{oid[:2]}/{oid[2:]}")

    def publish(self, order: Iterable[str]) -> None:
        """Flush all that was written, then give it its names.

        Args:
            order: ids of objects, in which they get them, after all others: so that what an object names
                is there before it.

        Raises:
            OSError: not all of them are there.
        """
        names = self._written()
        if not names:
            return
        flushing.flush([f"{self.folder}/{name}" for name in names], self.folder)
        rank = {f"{oid[:2]}/{oid[2:]}": number for number, oid in enumerate(order)}
        # Git takes a pack for one when it has its index.
        for name in sorted(names, key=lambda name: (rank.get(name, -1), name.endswith(".idx"))):
            try:
                os.rename(f"{self.folder}/{name}", f"{self._objects}/{name}")
            except FileNotFoundError:
                os.makedirs(os.path.dirname(f"{self._objects}/{name}"), fsio.PRIVATE_DIR, exist_ok=True)
                os.rename(f"{self.folder}/{name}", f"{self._objects}/{name}")

    def tidy(self) -> None:
        """Remove what a git that failed did not finish: on a full disk others may find room there."""
        for folder, _, files in os.walk(self.folder):
            for name in files:
                if name.startswith("tmp_"):
                    os.unlink(f"{folder}/{name}")

    def remove(self) -> None:
        """Remove it, and what is in it."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self.folder):  # nearly always empty by now
                os.rmdir(f"{self.folder}/{name}")
        for folder, folders, files in os.walk(self.folder, topdown=False):
            for name in files:
                os.unlink(f"{folder}/{name}")
            for name in folders:
                os.rmdir(f"{folder}/{name}")
        os.rmdir(self.folder)

    def _written(self) -> list[str]:
        """Objects and packs that git finished, by their names below a folder of objects."""
        return [
            f"{folder}/{name}"
            for folder in os.listdir(self.folder)
            if len(folder) == 2 or folder == _PACKS
            for name in os.listdir(f"{self.folder}/{folder}")
            if not name.startswith("tmp_")
        ]
