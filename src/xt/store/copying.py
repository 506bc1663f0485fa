"""Copy a file and hash it once, on two cores: the kernel copies while BLAKE3 reads what has arrived."""

from __future__ import annotations

import errno
import fcntl
import os
import threading

from blake3 import blake3

from xt import fsio

#: `ioctl` that shares blocks between two files (btrfs, XFS, APFS through another call); linux/fs.h.
FICLONE = 0x40049409
#: Bytes copied before the hash may follow.
STEP = 16 << 20
#: Errors of `copy_file_range` that mean `copy it yourself`.
NOT_IN_KERNEL = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)


def copy_hashed(source: int, target: int) -> tuple[str, int]:
    """Copy from one descriptor to another; hash what was written, not what was meant to be.

    Args:
        source: a regular file, at any position.
        target: an empty regular file opened for reading and writing.

    Returns:
        Hex digest (BLAKE3) and size of the copy in bytes.

    Raises:
        OSError: the copy is incomplete and must be thrown away.
    """
    if _clone(source, target):
        return _hash_growing(target, _Progress(done=True, size=os.fstat(target).st_size))
    progress = _Progress()
    worker = threading.Thread(target=_copy, args=(source, target, progress), name="xt-copy")
    worker.start()
    try:
        return _hash_growing(target, progress)
    finally:
        worker.join()


class _Progress:
    """How far the copy is; guarded by its condition."""

    def __init__(self, *, done: bool = False, size: int = 0) -> None:
        self.changed = threading.Condition()
        self.size = size
        self.done = done
        self.error: OSError | None = None

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
    try:
        offset = 0
        in_kernel = hasattr(os, "copy_file_range")
        while True:
            if in_kernel:
                try:
                    count = os.copy_file_range(source, target, STEP, offset, offset)
                except OSError as error:
                    if error.errno not in (
                        errno.EXDEV,
                        errno.EINVAL,
                        errno.ENOSYS,
                        errno.EOPNOTSUPP,
                        errno.EPERM,
                    ):
                        raise
                    in_kernel = False
                    continue
            else:
                data = os.pread(source, fsio.CHUNK, offset)
                count, view = len(data), memoryview(data)
                at = offset
                while view:
                    written = os.pwrite(target, view, at)
                    view, at = view[written:], at + written
            if count == 0:
                break
            offset += count
            progress.advance(count)
        progress.finish(None)
    except OSError as error:
        progress.finish(error)


def _hash_growing(target: int, progress: _Progress) -> tuple[str, int]:
    hasher = blake3()
    offset = 0
    while True:
        with progress.changed:
            while not progress.done and progress.size - offset < fsio.CHUNK:
                progress.changed.wait()
            available, done, error = progress.size, progress.done, progress.error
        if error is not None:
            raise error
        while offset < available:
            data = os.pread(target, min(fsio.CHUNK, available - offset), offset)
            if not data:
                raise OSError(errno.EIO, "the copy is shorter than what was written")
            hasher.update(data)
            offset += len(data)
        if done and offset >= available:
            return hasher.hexdigest(), offset
