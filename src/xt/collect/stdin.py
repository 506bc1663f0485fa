"""What standard input holds before the command starts, without taking a byte of it.

The command inherits it, and so may what comes after xt: in `while read f; do xt run -- …; done < list` the
next turn of the loop reads on where the last one stopped. A file is read beside its position. A pipe is
duplicated by tee(2), and only when nobody can write to it any more: what is still to come nobody knows.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import sys
import termios
from typing import NamedTuple

from xt import fsio

#: Bytes; more of it is not read.
LARGEST = 8_000_000
CHANGED = "changed while it was read"
OPEN = "still being written when the command started"


class Held(NamedTuple):
    """What it held, or why that is not known."""

    data: bytes | None
    size: int | None
    """Bytes; None when not even that is known."""
    reason: str | None = None


def look(sort: str, fd: int = 0) -> Held:
    """Read what a descriptor would give, and leave it there.

    Args:
        sort: what it is connected to, as `xt.context.sort_of` says.
        fd: the descriptor.
    """
    try:
        if sort == "file":
            return _file(fd)
        if sort == "pipe":
            return _pipe(fd)
    except OSError as error:
        return Held(None, None, f"not read: {error.strerror}")
    return Held(None, None, "a socket, whose end nobody knows" if sort == "socket" else "not a file or pipe")


def _file(fd: int) -> Held:
    if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
        return Held(None, None, "not open for reading")
    before = os.fstat(fd)
    at = os.lseek(fd, 0, os.SEEK_CUR)
    size = max(0, before.st_size - at)
    if size > LARGEST:
        return Held(None, size, f"larger than {LARGEST} bytes: not read")
    parts: list[bytes] = []
    while at < before.st_size + 1 and (part := os.pread(fd, min(fsio.CHUNK, before.st_size + 1 - at), at)):
        parts.append(part)
        at += len(part)
    data = b"".join(parts)
    after = os.fstat(fd)
    if len(data) > size and before.st_size == 0:
        return Held(None, None, "made by the system as it is read: not read")
    if len(data) != size or (before.st_mtime_ns, before.st_ctime_ns) != (
        after.st_mtime_ns,
        after.st_ctime_ns,
    ):
        return Held(None, None, CHANGED)
    return Held(data, size)


def _pipe(fd: int) -> Held:
    if not _complete(fd):
        return Held(None, None, OPEN)
    size = _waiting(fd)
    if size == 0:
        return Held(b"", 0)
    if size > LARGEST:
        return Held(None, size, f"larger than {LARGEST} bytes: not read")
    if sys.platform != "linux":
        return Held(None, size, "a pipe cannot be read here without emptying it")
    data = _duplicated(fd, size)
    if len(data) != size or _waiting(fd) != size:
        return Held(None, None, "another process reads from it too")
    return Held(data, size)


def _complete(fd: int) -> bool:
    """Whether no process has the writing end of a pipe open any more."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return any(events & select.POLLHUP for _, events in poll.poll(0))


def _waiting(fd: int) -> int:
    """Bytes in a pipe."""
    count: int = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0]
    return count


def _duplicated(fd: int, size: int) -> bytes:
    """Read the beginning of a pipe and leave it there: tee(2).

    Raises:
        OSError: it cannot be duplicated.
    """
    import ctypes

    ours, theirs = os.pipe()
    try:
        try:
            # Buffers are duplicated and not bytes: with as many of them all that is there fits.
            fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ))
            call = ctypes.CDLL(None, use_errno=True).tee
            call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint)
            call.restype = ctypes.c_ssize_t
            if call(fd, theirs, size, os.SPLICE_F_NONBLOCK) < 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        finally:
            os.close(theirs)
        parts = []
        while part := os.read(ours, fsio.CHUNK):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(ours)
