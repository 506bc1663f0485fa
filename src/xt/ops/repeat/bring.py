"""Bring a file or folder into a workspace, without copying where that can be had, never to write through.

In this order: a reflink (FICLONE, ioctl_ficlonerange(2): copy on write, of btrfs, XFS and others), a copy
when it is small, a mount (of a folder one that takes what is written elsewhere, else read-only), a copy. A
hard link is no choice: who writes through it writes to the user's file.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat

from xt import fsio
from xt.execute import mounts

#: ioctl_ficlone(2) on Linux.
FICLONE = 0x40049409
#: Errors of copy_file_range(2) where it cannot be had.
_NOT_WITHIN = (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
#: Bytes of one input that are copied without a thought where no reflink can be had.
SMALL = 64_000_000


class Bringing:
    """The ways there are from here to one workspace."""

    def __init__(self, scratch: str, *, may_mount: bool, guarded: bool = False) -> None:
        """Begin.

        Args:
            scratch: folder for what is written to mounted ones, beside the workspace.
            may_mount: whether this process has a mount namespace of its own.
            guarded: whether what stays where it is will be read-only for the repeat by other means.
        """
        self._guarded = guarded
        self.elsewhere: list[str] = []
        """What stays where it is."""
        self.read_only: list[str] = []
        """What is mounted and cannot be written to, absolute."""
        self._may_mount = may_mount
        self._scratch = scratch
        self._overlays = 0
        self._reflinks = True
        self.copied = 0
        """Bytes."""

    def tree(self, source: str, target: str, size: int) -> bool:
        """Bring a folder whose content is known to be right.

        Args:
            source: absolute.
            target: absolute; it does not exist.
            size: bytes of all its files.

        Returns:
            Whether it is mounted: then its stat is that of the source.

        Raises:
            OSError: it cannot be read or written.
        """
        if size > SMALL and not self._clones(source, target) and self._mounted(source, target, folder=True):
            return True
        os.makedirs(target, exist_ok=True)
        for folder, folders, names in os.walk(source):
            below = os.path.relpath(folder, source)
            here = os.path.normpath(os.path.join(target, below))
            folders[:] = [name for name in folders if name not in (".git", ".xt")]
            for name in [*names, *(name for name in folders if os.path.islink(os.path.join(folder, name)))]:
                self._one(os.path.join(folder, name), os.path.join(here, name))
            for name in folders:
                if not os.path.islink(os.path.join(folder, name)):
                    os.makedirs(os.path.join(here, name), exist_ok=True)
        return False

    def file(self, source: str, target: str, size: int) -> bool:
        """Bring a file whose content is known to be right; as `tree`."""
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if size > SMALL and not self._clones(source, target) and self._mounted(source, target, folder=False):
            return True
        self._one(source, target)
        return False

    def guard(self, path: str) -> bool:
        """Make what stays where it is read-only for the repeat; return whether that is so."""
        self.elsewhere.append(path)
        if self._guarded:
            return True
        if not self._may_mount:
            return False
        try:
            mounts.bind(path, path, read_only=True)
        except OSError:
            return False
        return True

    def _one(self, source: str, target: str) -> None:
        info = os.lstat(source)
        if stat.S_ISLNK(info.st_mode):
            os.symlink(os.readlink(source), target)
            return
        if not stat.S_ISREG(info.st_mode):
            return  # FIFOs and the like are in no manifest by content
        self._clone_or_copy(source, target, info)
        os.chmod(target, info.st_mode & 0o777)
        os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns))

    def _clone_or_copy(self, source: str, target: str, info: os.stat_result) -> None:
        ours = fsio.open_regular(source)
        try:
            theirs = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                if self._reflinks:
                    try:
                        fcntl.ioctl(theirs, FICLONE, ours)
                        return
                    except OSError:
                        self._reflinks = False
                self.copied += _copy(ours, theirs, info.st_size)
            finally:
                os.close(theirs)
        finally:
            os.close(ours)

    def _clones(self, source: str, target: str) -> bool:
        """Whether a reflink from there to here can be made, found by making one."""
        if not self._reflinks:
            return False
        path = source
        if os.path.isdir(source):
            files = (os.path.join(folder, name) for folder, _, names in os.walk(source) for name in names)
            path = next((name for name in files if os.path.isfile(name) and os.path.getsize(name)), "")
        above = target
        while not os.path.isdir(above):
            above = os.path.dirname(above)
        trial = os.path.join(above, f".{os.getpid()}.{os.urandom(4).hex()}")
        try:
            ours = fsio.open_regular(path)
        except OSError:
            return False
        try:
            theirs = os.open(trial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                fcntl.ioctl(theirs, FICLONE, ours)
            except OSError:
                self._reflinks = False
            finally:
                os.close(theirs)
                os.unlink(trial)
        finally:
            os.close(ours)
        return self._reflinks

    def _mounted(self, source: str, target: str, *, folder: bool) -> bool:
        if not self._may_mount:
            return False
        if folder:
            os.makedirs(target, exist_ok=True)
        else:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        if folder and self._overlaid(source, target):
            return True
        try:
            mounts.bind(source, target, read_only=True)
        except OSError:
            with contextlib.suppress(OSError):
                os.rmdir(target) if folder else os.unlink(target)
            return False
        self.read_only.append(target)
        return True

    def _overlaid(self, source: str, target: str) -> bool:
        """Mount a folder so that the command can write to it as it could, and the user's stays as it is."""
        if mounts.mounts_below(source)[:1] not in ([], [source]) or mounts.mounts_below(source)[1:]:
            return False  # what is mounted in it would not be seen
        self._overlays += 1
        try:
            mounts.overlay(source, target, f"{self._scratch}/overlay{self._overlays}")
        except OSError:
            return False
        return True


def _copy(source: int, target: int, size: int) -> int:
    """Copy what is no hole, within the kernel where it can (copy_file_range(2)); return how many bytes."""
    done = at = 0
    while at < size:
        try:
            begin = os.lseek(source, at, os.SEEK_DATA)
            end = os.lseek(source, begin, os.SEEK_HOLE)
        except (OSError, AttributeError) as error:
            if isinstance(error, OSError) and error.errno == errno.ENXIO:
                break  # a hole up to the end
            begin, end = at, size
        copied = _copy_part(source, target, begin, end)
        done += copied
        at = end
        if copied < end - begin:
            break  # it became shorter meanwhile
    os.ftruncate(target, size)
    return done


def _copy_part(source: int, target: int, at: int, end: int) -> int:
    begin, quick = at, hasattr(os, "copy_file_range")
    while at < end:
        try:
            if quick:
                count = os.copy_file_range(source, target, end - at, at, at)
            else:
                count = os.pwrite(target, os.pread(source, min(end - at, fsio.CHUNK), at), at)
        except OSError as error:
            if not quick or error.errno not in _NOT_WITHIN:
                raise
            quick = False
            continue
        if count == 0:
            break
        at += count
    return at - begin
