"""Content → BLAKE3 digest: streamed, on all cores where that pays, and sure to notice a writer.

Files are read through one small buffer, on one thread: for small ones more threads are slower. Huge
ones go to all cores by way of `mapped`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from blake3 import blake3

from xt import fsio
from xt.collect.mapped import WORTH, hash_mapped

#: Inode, size, mtime_ns, ctime_ns, mode: what tells one state of a file from the next.
Stamp = tuple[int, int, int, int, int]

#: Note of a file that was written to during each attempt to read it.
CHANGED = "changed while it was read"
#: Times a file is read before it counts as changing.
ATTEMPTS = 3
#: Bytes; up to here a file is read by one call.
SMALL = 1 << 18
#: Bytes of holes in a sparse file above which reading zeros would take longer than anyone waits.
HOLES = 16 << 30
#: Bytes that a file may give beyond its stated size (files of /proc state none) before it counts as endless.
BEYOND = 64 << 20


class Content(NamedTuple):
    """What was read."""

    digest: bytes
    """32 bytes."""
    stamp: Stamp
    """Of the file as it was read."""
    note: str | None
    """CHANGED when the digest is that of a mixture."""


class NotReadError(Exception):
    """A regular file that is not worth or not possible to read to its end; the text says why."""


def stamp(info: os.stat_result) -> Stamp:
    """Condense a stat result."""
    return (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_mode)


def hash_file(path: str, told: Callable[[int], object] | None = None) -> Content:
    """Hash a regular file; one that changes meanwhile is tried again, three times in all.

    Args:
        path: not followed when it is a symbolic link.
        told: gets bytes as they are done with, of a huge file one by one.

    Raises:
        OSError: it cannot be opened or read; EINVAL when it is no regular file.
        NotReadError: it is sparse beyond reason, or endless.
    """
    for _ in range(ATTEMPTS):
        before, digest, after = fsio.patiently(lambda: _read_once(path, told))
        if before == after:
            return Content(digest, after, None)
    return Content(digest, after, CHANGED)


def _read_once(path: str, told: Callable[[int], object] | None) -> tuple[Stamp, bytes, Stamp]:
    fd = fsio.open_regular(path)
    try:
        before = stamp(os.fstat(fd))
        digest = hash_fd(fd, before[1], told)
        return before, digest, stamp(os.fstat(fd))
    finally:
        os.close(fd)


def hash_fd(fd: int, size: int, told: Callable[[int], object] | None = None) -> bytes:
    """Hash what a descriptor gives from its start.

    Args:
        fd: of a regular file, at offset 0.
        size: bytes, as its stat says; decides how it is read.
        told: see `hash_file`.

    Raises:
        OSError: it cannot be read.
        NotReadError: it is sparse beyond reason, or endless.
    """
    if 0 < size <= SMALL:
        data = os.read(fd, size + 1)
        if len(data) == size:
            return blake3(data).digest()
        hasher = blake3(data)
        done = len(data)
    else:
        if size > HOLES:
            _refuse_holes(fd, size)
        if size >= WORTH and (digest := hash_mapped(fd, size, told)) is not None:
            return digest
        hasher = blake3()
        done = 0
    buffer = bytearray(SMALL)
    view = memoryview(buffer)
    while count := os.readv(fd, [buffer]):
        hasher.update(view[:count])
        done += count
        if done > size + BEYOND:
            raise NotReadError(f"not read to its end: it gives more than its {size} bytes")
    return hasher.digest()


def _refuse_holes(fd: int, size: int) -> None:
    """Raise NotReadError when nearly all of a huge file are holes."""
    if os.fstat(fd).st_blocks * 512 > size - HOLES:
        return
    holes = _hole_bytes(fd, size)
    if holes > HOLES:
        raise NotReadError(f"not read: {holes} of its {size} bytes are holes of a sparse file")


def _hole_bytes(fd: int, size: int) -> int:
    """Count the bytes of holes; few blocks alone can also mean a compressing file system."""
    if os.fstat(fd).st_blocks == 0:
        return size
    holes = at = 0
    try:
        while at < size and holes <= HOLES:
            hole = os.lseek(fd, at, os.SEEK_HOLE)
            try:
                at = os.lseek(fd, hole, os.SEEK_DATA)
            except OSError:  # ENXIO: no data behind this hole
                at = size
            holes += at - hole
    finally:
        os.lseek(fd, 0, os.SEEK_SET)
    return holes
