"""Where a path of a run belongs below a target, and what is there now. Nothing is written."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from blake3 import blake3

from xt import fsio
from xt.collect.paths import why
from xt.errors import NotWrittenError
from xt.inside import Inside, kind_of, parts
from xt.model.restored import State
from xt.ops.holdings import Held

#: Folder of the target for what was outside the project.
OUTSIDE = "outside"


class Seen(NamedTuple):
    """What became known of one path."""

    state: State
    """`pending` (nothing is there), `unchanged`, `conflict` or `refused`."""
    reason: str | None = None
    other_mode: bool = False
    """Whether it is unchanged but for its mode."""


class Placing:
    """One target; `close` it."""

    def __init__(self, target: str, store: str, project: str, *, elsewhere: bool) -> None:
        """Look at nothing yet.

        Args:
            target: absolute; need not exist.
            store: path of `.xt`.
            project: the project's root when the run was recorded.
            elsewhere: whether the target is another folder than the project's root, so that what was outside
                the project can be put into a folder of it.

        Raises:
            OSError: the target is there and is no folder that can be used.
        """
        self.target = target
        self._store = os.path.realpath(store)
        self._real = os.path.realpath(target)
        self._project = os.path.join("/", project)
        self._elsewhere = elsewhere
        self.inside: Inside | None = None
        """The target, opened; None while it does not exist."""
        if os.path.lexists(target):
            self.inside = Inside(target)

    def open(self) -> Inside:
        """Open the target, making it if need be.

        Raises:
            OSError: it cannot be made.
        """
        if self.inside is None:
            os.makedirs(self.target, exist_ok=True)
            self.inside = Inside(self.target)
        return self.inside

    def close(self) -> None:
        """Let go of the target."""
        if self.inside is not None:
            self.inside.close()

    def place(self, path: str) -> str:
        """Find where a path belongs, relative to the target.

        Args:
            path: as recorded: relative to the project's root, or absolute.

        Raises:
            NotWrittenError: nowhere, by its name.
        """
        if "\0" in path or not path:
            raise NotWrittenError("its name is no path")
        whole = os.path.normpath(os.path.join(self._project, path))
        place = fsio.relative_to("/" + whole.lstrip("/"), self._project)
        if place.startswith("/"):
            if not self._elsewhere:
                raise NotWrittenError("outside the project; `--to DIR` puts it into DIR")
            place = OUTSIDE + place
        parts(place)
        if fsio.is_inside(os.path.join(self._real, place), self._store):
            raise NotWrittenError("it would be in the store")
        return place

    def look(self, held: Held, place: str) -> Seen:
        """Compare what is at a place with what belongs there.

        Args:
            held: what belongs there.
            place: as `place` gave it.
        """
        if self.inside is None:
            return Seen("pending")
        try:
            info = self.inside.lookup(place)
            if info is None:
                return Seen("pending")
            return self._compare(self.inside, held, place, info)
        except NotWrittenError as error:
            same = self.is_there(held, os.path.join(self.target, place))
            return Seen("unchanged", error.message) if same else Seen("refused", error.message)
        except OSError as error:
            return Seen("refused", why(error))

    def is_there(self, held: Held, path: str) -> bool:
        """Whether a file is at a path as it was recorded, links followed; only reads.

        Args:
            held: what was recorded.
            path: absolute.
        """
        if held.form != "file" or held.digest is None:
            return False
        try:
            real = os.path.realpath(path)
            size = os.stat(real).st_size
            if held.size not in (None, size):
                return False
            return digest_like(held.digest, size, fsio.read_pieces(real)) == held.digest
        except (OSError, ValueError):
            return False

    def _compare(self, inside: Inside, held: Held, place: str, info: os.stat_result) -> Seen:
        kind = kind_of(info.st_mode)
        if kind != held.form:
            # A declared input that is a link stands for the file behind it.
            if kind == "link" and held.source == "inputs" and self.is_there(held, f"{self.target}/{place}"):
                return Seen("unchanged", "a link to it is there")
            if kind == "link" and held.form == "folder" and os.path.isdir(f"{self.target}/{place}"):
                # Nothing is written through it; what is recorded below is refused, or there as it was.
                return Seen("unchanged", "a link to a folder is there")
            return Seen("conflict", f"a {kind} is there")
        if held.form == "link":
            same = inside.target(place) == held.target
            return Seen("unchanged") if same else Seen("conflict", "the link there points elsewhere")
        if held.form == "file":
            size = info.st_size
            if held.size not in (None, size) or held.digest is None:
                return Seen("conflict", "the file there differs")
            if digest_like(held.digest, size, inside.read(place)) != held.digest:
                return Seen("conflict", "the file there differs")
        bits = stat.S_IMODE(info.st_mode)
        # Git knows of a mode only whether it can be executed.
        mask = 0o100 if (held.digest or "").startswith("git:") else 0o777
        if held.mode is None or held.source == "inputs" or (bits ^ held.mode) & mask == 0:
            return Seen("unchanged")
        return Seen(
            "unchanged", f"its mode is {bits:o}, recorded is {held.mode & 0o777:o}", held.form == "file"
        )


def digest_like(digest: str, size: int, pieces: Iterable[bytes]) -> str:
    """Digest of a content in the way another digest was made.

    Args:
        digest: `blake3:<hex>` or `git:<hex>`.
        size: of the content in bytes, which git's ids depend on.
        pieces: the content.
    """
    kind, _, name = digest.partition(":")
    if kind == "blake3":
        content = blake3()
        for piece in pieces:
            content.update(piece)
        return f"{kind}:{content.hexdigest()}"
    blob = hashlib.new("sha1" if len(name) == 40 else "sha256", b"blob %d\0" % size, usedforsecurity=False)
    for piece in pieces:
        blob.update(piece)
    return f"{kind}:{blob.hexdigest()}"
