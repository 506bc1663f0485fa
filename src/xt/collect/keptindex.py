"""The index of the last snapshot of a working tree: what did not change is not read and hashed again.

Git's own rule about time stamps stays in force (racy-git, in git's technical documentation) because the
index gets back the modification time it had when git wrote it: a file changed at or after that moment is
compared by content. A copy with a new time would hide a rewrite of the same size.
"""

from __future__ import annotations

import contextlib
import os

import msgspec

from xt import codec, fsio


class Kept(msgspec.Struct, array_like=True):
    """One index, and what it stands for."""

    base: str
    """The tree it was read from."""
    modes: bool
    paths: bytes
    """Every path that may differ from the base in it, each followed by NUL."""
    tree: str
    """What was written from it."""
    differing: dict[bytes, str]
    """Path → git's letter (A, M, D, T), against the base."""
    objects: list[str]
    """Ids of all that the tree has and the base has not."""
    mtime: int
    """Of the index, nanoseconds."""
    index: bytes

    def restore(self, name: str) -> None:
        """Put the index in place, with its time; an empty one is none."""
        if not self.index:
            return
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, fsio.PRIVATE_FILE)
        try:
            fsio.write_all(fd, self.index)
        finally:
            os.close(fd)
        os.utime(name, ns=(self.mtime, self.mtime))


def load(name: str) -> Kept | None:
    """Read what was saved; None when nothing was, or it is damaged (it is never made durable)."""
    try:
        data = fsio.read_file(name)
    except OSError:
        return None
    seal, _, body = data.partition(b"\n")
    if codec.digest(body).encode() != seal:
        return None
    try:
        return msgspec.msgpack.decode(body, type=Kept)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None  # of another version of xt


def save(name: str, kept: Kept) -> None:
    """Keep it for the next time; where that cannot be, the next time does the work again."""
    body = msgspec.msgpack.encode(kept)
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(name), fsio.PRIVATE_DIR, exist_ok=True)
        fsio.write_atomic(name, codec.digest(body).encode() + b"\n" + body, durable=False)
