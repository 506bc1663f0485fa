"""Where the content of a recorded file can be had again: in the store, or in the run's code snapshot."""

from __future__ import annotations

import os
from collections.abc import Iterator

from blake3 import blake3

from xt import fsio
from xt.errors import DamagedError, NotRecordedError
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.ops.code_trees import CodeFile, CodeFiles
from xt.store import Store


class Contents:
    """The contents of one run."""

    def __init__(self, store: Store, snapshot: Snapshot, code: CodeFiles) -> None:
        """Read nothing yet.

        Args:
            store: that has the run.
            snapshot: its causes.
            code: the files of its code snapshot, which the caller closes.
        """
        self._store = store
        self._project = from_text(snapshot.context.project)
        self._top = os.path.normpath(os.path.join(self._project, from_text(snapshot.code.root or ".")))
        self.code = code

    def pieces(self, digest: str, path: str) -> Iterator[bytes] | None:
        """Read a file that was recorded by its content; the last step verifies it.

        Args:
            digest: `blake3:<hex>`.
            path: as recorded: relative to the project's root, or absolute.

        Returns:
            None when neither the store nor the code snapshot, at that path, has it.

        Raises:
            DamagedError: it is not what its digest says (raised after the last piece), or no digest.
        """
        if self._store.objects.has(digest):
            return self._store.objects.stream(digest)
        file = self.in_code(path)
        return None if file is None or self._digest(file) != digest else self.code.pieces(file)

    def in_code(self, path: str) -> CodeFile | None:
        """Find a recorded path in the code snapshot; None when it is not there or cannot be read."""
        place = os.path.normpath(os.path.join(self._project, path))
        if not fsio.is_inside(place, self._top):
            return None
        try:
            file = self.code.files().get(fsio.relative_to(place, self._top))
        except NotRecordedError:
            return None
        return None if file is None or file.is_link else file

    def recorded_path(self, path: str) -> str:
        """Write a path of the code snapshot as an input or output there is recorded.

        Args:
            path: relative to the snapshot's top.
        """
        return fsio.relative_to(os.path.normpath(os.path.join(self._top, path)), self._project)

    def _digest(self, file: CodeFile) -> str | None:
        hasher = blake3()
        try:
            for piece in self.code.pieces(file):
                hasher.update(piece)
        except (NotRecordedError, DamagedError):
            return None
        return "blake3:" + hasher.hexdigest()
