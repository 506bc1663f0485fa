"""A folder for one repeat at a time: `work/<n>/` in the store, locked, used again and always begun empty.

A place that is used again has the same path, so that what is remembered by path stays of use. What a killed
repeat left is removed by the next that takes the place.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from xt import fsio
from xt.collect import WORK
from xt.errors import StoreError
from xt.execute.mounts import mounts_below, unbind

#: ioctl_iflags(2).
_GETFLAGS, _SETFLAGS, _TOPDIR = 0x80086601, 0x40086602, 0x20000
#: Places that are tried.
MOST = 1000
#: Places of one machine, where several share the store.
_RANGE = 10 * MOST
#: Times and seconds between them that a folder is removed anew in which somebody still makes files.
_TIMES, _PAUSE = 5, 0.1
#: Mark of a place whose workspace the user wants to keep.
_KEPT = "kept"


class Workspace:
    """One place, held by this process."""

    def __init__(self, store: str, name: str, first: int = 0) -> None:
        """Take a free place.

        Args:
            store: path of `.xt`.
            name: of the folder the code will be in.
            first: number of the first place that may be taken; see `first_of`.

        Raises:
            OSError: the store cannot be written.
        """
        os.makedirs(f"{store}/{WORK}", fsio.PRIVATE_DIR, exist_ok=True)
        number = first
        while True:
            self.folder = f"{store}/{WORK}/{number}"
            self._lock = os.open(
                f"{self.folder}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, fsio.PRIVATE_FILE
            )
            if fsio.try_lock(self._lock) and not os.path.exists(f"{self.folder}/{_KEPT}"):
                try:
                    remove(self.folder)
                    break
                except (OSError, StoreError):
                    # What somebody left there cannot be removed: by root in a container, say.
                    if number >= first + MOST:
                        os.close(self._lock)
                        raise
            os.close(self._lock)
            number += 1
        self.top = f"{self.folder}/code/{name}"
        """Where the code is."""
        self.scratch = f"{self.folder}/scratch"
        """For what the repeat needs besides."""
        self.over: list[str] = []
        """Places elsewhere at which it is mounted."""
        try:
            os.makedirs(f"{self.folder}/code", fsio.PRIVATE_DIR)
            _make_elsewhere(f"{store}/{WORK}", f"{number}.", self.top)
            os.makedirs(self.scratch, fsio.PRIVATE_DIR)
        except BaseException:  # a signal may come before there is anybody to take it away
            self.close()
            raise

    def keep(self) -> None:
        """Leave it where it is when it is let go."""
        os.close(
            os.open(f"{self.folder}/{_KEPT}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, fsio.PRIVATE_FILE)
        )

    def close(self) -> str | None:
        """Remove it, unless it is to stay; then let go of the place.

        Returns:
            Why it could not be removed, None when it is gone or stays on purpose.
        """
        try:
            for target in reversed(self.over):
                unbind(target)
            if not os.path.exists(f"{self.folder}/{_KEPT}"):
                for last in range(_TIMES):
                    try:
                        remove(self.folder)
                        break
                    except OSError:
                        if last == _TIMES - 1:
                            raise
                        time.sleep(_PAUSE)
        except StoreError as error:
            return error.message
        except OSError as error:
            return f"{error.strerror}: {error.filename or self.folder}"
        finally:
            os.close(self._lock)
        return None


def _make_elsewhere(parent: str, prefix: str, target: str) -> None:
    """Make a folder whose files will be put in another part of the disk than those of the one before.

    For a minute ext4 looks, for each file that is made, past all that were removed in the same part: 10,000
    files then take seconds instead of 0.2 s. Folders below one with the attribute T (chattr(1)) are spread by
    their names over the disk, and stay where they are when they are renamed.
    """
    for name in os.listdir(parent):  # of one that was killed
        if name.startswith(prefix) and not name.endswith(".lock"):
            os.rmdir(f"{parent}/{name}")
    if sys.platform.startswith("linux"):
        fd = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            flags = struct.unpack("l", fcntl.ioctl(fd, _GETFLAGS, bytes(struct.calcsize("l"))))[0]
            fcntl.ioctl(fd, _SETFLAGS, struct.pack("l", flags | _TOPDIR))
        except OSError:
            pass  # of another file system
        finally:
            os.close(fd)
    made = f"{parent}/{prefix}{os.urandom(6).hex()}"
    try:
        os.mkdir(made, fsio.PRIVATE_DIR)
        os.rename(made, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(made)
        raise


def remove(folder: str) -> None:
    """Remove a folder with all that is in it, and nothing that is mounted into it.

    Raises:
        StoreError: something is mounted there that does not go away: what is below it is somebody else's.
        OSError: it cannot be removed.
    """
    if not os.path.lexists(folder):
        return
    for target in sorted(_mounted(folder), reverse=True):
        with contextlib.suppress(OSError):
            unbind(target)
    left = _mounted(folder)
    if left:
        raise StoreError(f"`{left[0]}` is mounted, so `{folder}` was not removed", f"umount {left[0]}")
    shutil.rmtree(folder, onerror=_make_writable)


def first_of(machine: str) -> int:
    """The first of the places that a machine takes for what an engine gives it.

    Others take others: a lock on a shared file system need not reach from one machine to the next.
    """
    return (1 + zlib.crc32(machine.encode("utf-8", "surrogateescape")) % 100_000) * _RANGE


class Left(NamedTuple):
    """A place of which a killed repeat left something, and that nobody holds."""

    store: str
    name: str
    """Relative to the store."""

    def remove(self) -> bool:
        """Remove it, unless somebody took it meanwhile.

        Raises:
            StoreError: something is mounted in it, and stays so.
            OSError: it cannot be removed.
        """
        folder = f"{self.store}/{self.name}"
        lock = os.open(f"{folder}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, fsio.PRIVATE_FILE)
        try:
            if not fsio.try_lock(lock):
                return False
            remove(folder)
            return True
        finally:
            os.close(lock)


def lefts(store: str, first: int = 0) -> Iterator[Left]:
    """What killed repeats left; places that are in use, or are to stay, are not among them.

    Args:
        store: path of `.xt`.
        first: number of the first place; those of another range are of other machines.

    Raises:
        OSError: it cannot be listed.
    """
    try:
        names = os.listdir(f"{store}/{WORK}")
    except FileNotFoundError:
        return
    for name in names:
        folder = f"{store}/{WORK}/{name}"
        ours = name.isdecimal() and first <= int(name) < first + _RANGE
        if ours and not os.path.exists(f"{folder}/{_KEPT}") and _is_free(folder):
            yield Left(store, f"{WORK}/{name}")


def _is_free(folder: str) -> bool:
    """Whether nobody holds a place."""
    try:
        lock = os.open(f"{folder}.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        return fsio.try_lock(lock)
    finally:
        os.close(lock)


def sweep(store: str, first: int = 0) -> None:
    """Remove what killed repeats left; see `lefts`."""
    with contextlib.suppress(OSError):
        for left in lefts(store, first):
            left.remove()


def _mounted(folder: str) -> list[str]:
    return mounts_below(folder) if sys.platform.startswith("linux") else []


def _make_writable(function: Callable[[str], object], path: str, reason: object) -> None:
    """A command may have made folders that nobody can write: ours they are all the same."""
    above = os.path.dirname(path)
    for place in (above, path):
        with contextlib.suppress(OSError):
            info = os.lstat(place)
            if stat.S_ISDIR(info.st_mode):
                os.chmod(place, info.st_mode | 0o700)
    if os.path.lexists(path):
        if function in (os.open, os.scandir, os.listdir):
            shutil.rmtree(path)
        else:
            function(path)
