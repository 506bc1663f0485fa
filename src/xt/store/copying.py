"""Copy a file and hash it once, on two cores: the kernel copies while BLAKE3 reads what has arrived.

Meanwhile the disk writes it too, so that the flush that makes it durable finds little left to do: 1 GB is
durable after 0.44 s instead of 0.76 s, where `cp` without a flush takes 0.31 s.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Callable

from blake3 import blake3

from xt import fsio
from xt.context import deaf

#: `ioctl` that shares blocks between two files (btrfs, XFS, APFS through another call); linux/fs.h.
FICLONE = 0x40049409
#: `sync_file_range`: begin to write what is dirty, wait for nothing; linux/fs.h.
SYNC_FILE_RANGE_WRITE = 2
#: Bytes copied before the hash may follow and the disk is told.
STEP = 16 << 20
#: Bytes hashed at a time: what fits into a core's own cache is hashed a fifth faster.
PIECE = 256 << 10
#: Bytes; telling the disk earlier pays from here on for loading what it takes (`ctypes`, 2 ms).
WORTH = 64 << 20
#: Errors of `copy_file_range` that mean `copy it yourself`.
NOT_IN_KERNEL = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)


def changed(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether a file was written between two looks at it."""
    return (before.st_size, before.st_mtime_ns, before.st_ctime_ns, before.st_ino) != (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
        after.st_ino,
    )


def copy_hashed(source: int, target: int, told: Callable[[int], object] | None = None) -> tuple[str, int]:
    """Copy from one descriptor to another; hash what was written, not what was meant to be.

    Args:
        source: a regular file, at any position; copied up to the size it has now.
        target: an empty regular file opened for reading and writing.
        told: gets bytes as they are done with.

    Returns:
        Hex digest (BLAKE3) and size of the copy in bytes.

    Raises:
        OSError: the copy is incomplete and must be thrown away.
    """
    if _clone(source, target):
        return _hash_growing(target, _Progress(done=True, size=os.fstat(target).st_size), told)
    progress = _Progress()
    worker = threading.Thread(target=_copy, args=(source, target, progress), name="xt-copy")
    worker.start()
    try:
        return _hash_growing(target, progress, told)
    except BaseException:
        progress.abandoned = True  # nobody waits for the rest of a huge file
        raise
    finally:
        worker.join()


class _Progress:
    """How far the copy is; guarded by its condition."""

    def __init__(self, *, done: bool = False, size: int = 0) -> None:
        self.changed = threading.Condition()
        self.size = size
        self.done = done
        self.error: OSError | None = None
        self.abandoned = False

    def advance(self, count: int) -> None:
        with self.changed:
            self.size += count
            self.changed.notify()

    def finish(self, error: OSError | None) -> None:
        with self.changed:
            self.done, self.error = True, error
            self.changed.notify()


def _clone(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:
        return False
    return True


def _copy(source: int, target: int, progress: _Progress) -> None:
    deaf()
    try:
        # Not to the end of the file: one that somebody appends to for ever would have none.
        size = os.fstat(source).st_size
        tell_disk = _write_behind() if size >= WORTH else None
        offset = 0
        fsio.leave_room(target, size)
        in_kernel = hasattr(os, "copy_file_range")
        while offset < size and not progress.abandoned:
            step = min(STEP, size - offset)
            if offset:
                fsio.leave_room(target, step)
            if in_kernel:
                try:
                    count = os.copy_file_range(source, target, step, offset, offset)
                except OSError as error:
                    if error.errno not in NOT_IN_KERNEL:
                        raise
                    in_kernel = False
                    continue
            else:
                count = _copy_piece(source, target, offset, min(step, fsio.CHUNK))
            if count == 0:
                break
            progress.advance(count)
            if tell_disk is not None:
                tell_disk(target, offset, count, SYNC_FILE_RANGE_WRITE)
            offset += count
        progress.finish(None)
    except OSError as error:
        progress.finish(error)


def _copy_piece(source: int, target: int, offset: int, count: int) -> int:
    data = os.pread(source, count, offset)
    at, view = offset, memoryview(data)
    while view:
        written = os.pwrite(target, view, at)
        view, at = view[written:], at + written
    return len(data)


def _write_behind() -> Callable[[int, int, int, int], int] | None:
    """Find the call that has the disk begin with a part of a file; None where the platform has none.

    What it returns says nothing that the flush at the end would not.
    """
    import ctypes

    try:
        call = ctypes.CDLL(None).sync_file_range
    except (OSError, AttributeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return call


def _hash_growing(target: int, progress: _Progress, told: Callable[[int], object] | None) -> tuple[str, int]:
    hasher = blake3()
    buffer = bytearray(PIECE)
    view = memoryview(buffer)
    offset = 0
    while True:
        with progress.changed:
            while not progress.done and progress.size - offset < PIECE:
                progress.changed.wait()
            available, done, error = progress.size, progress.done, progress.error
        if error is not None:
            raise error
        while offset < available:
            count = min(os.preadv(target, [buffer], offset), available - offset)
            if count == 0:
                raise OSError(errno.EIO, "the copy is shorter than what was written")
            hasher.update(view[:count])
            offset += count
            if told is not None:
                told(count)
        if done and offset >= available:
            return hasher.hexdigest(), offset
