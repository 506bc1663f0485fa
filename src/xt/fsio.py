"""Files: atomic and durable writing, locks, safe opening, paths that cannot escape.

Durability follows the write-temporary, fsync, rename, fsync-the-folder protocol; each step's reason is
in `docs/design.md`, "Writing". Only plain `os` calls: this module is on the path of every command.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

#: Files of the store belong to their owner alone unless the project chooses a shared mode.
PRIVATE_FILE = 0o600
PRIVATE_DIR = 0o700
#: What says that nothing has that name; any other error says nothing of what is there.
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
#: Seconds to wait before each further try at a file of which a server says that it was replaced.
STALE = (0.0, 0.02, 0.1)
#: Bytes moved at a time when streaming.
CHUNK = 1 << 20
#: Bytes of a file system that we leave free, and of a small one its share (one of so many parts): a disk
#: that xt fills to the last byte fails the command, and its neighbours, at their next write.
SPARED, SPARED_SHARE = 1 << 30, 20
#: Bytes that are written between two looks at what is free, and before the first.
LOOK = 1 << 20


class NotFlushedError(OSError):
    """What was written is in place, and a power failure may take it away: its folder could not be flushed."""

    def __init__(self, error: OSError, path: str) -> None:
        """Keep why, and what it is about."""
        why = error.strerror or str(error)
        super().__init__(error.errno, f"written, but a power failure may take it away: {why}", path)


class ChangedError(OSError):
    """A file of ours is not what we wrote into it."""

    def __init__(self, path: str) -> None:
        """Say it of the file at `path`."""
        super().__init__(errno.EBUSY, "somebody else wrote to it", path)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write every byte, however the kernel splits it.

    Raises:
        OSError: as `os.write` does; some bytes may then have been written.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def leave_room(fd: int, count: int) -> None:
    """Make sure that others find room after we have written so much; where nothing is known, they do.

    Args:
        fd: a file of the file system.
        count: bytes that are to be written.

    Raises:
        OSError: `errno.ENOSPC`, before the disk says so.
    """
    try:
        info = os.fstatvfs(fd)
    except OSError:
        return
    spared = min(SPARED, info.f_blocks * info.f_frsize // SPARED_SHARE)
    # None free at all is also what file systems say that do not count: the write itself will tell.
    if info.f_bfree and info.f_bavail * info.f_frsize - count < spared:
        raise OSError(errno.ENOSPC, f"No space left to spare: {max(spared >> 20, 1)} MB stay free for others")


def fsync_dir(path: str) -> None:
    """Make names created in a folder durable; a file system that cannot is left alone (EINVAL).

    Raises:
        NotFlushedError: it could not.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fsync_open(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise NotFlushedError(error, path) from error


def fsync_open(folder: int) -> None:
    """Do the same for a folder that is open."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def write_atomic(path: str, data: bytes, *, mode: int = PRIVATE_FILE, durable: bool = True) -> None:
    """Put a file in place so that a reader sees all of it or nothing.

    Args:
        path: the final name; its folder exists.
        data: the whole content.
        mode: permission bits, whatever the umask.
        durable: fsync the file and its folder; False for what can be derived again.

    Raises:
        NotFlushedError: it is in place, and may not survive a power failure.
        OSError: nothing was put in place, and no temporary file stays behind.
    """
    try:
        _put(path, data, mode, durable)
    except OSError as error:
        if error.errno != errno.EIO or isinstance(error, NotFlushedError):
            raise
        # What a disk refused once, the kernel counts as written: it is never flushed again, but written anew.
        _put(path, data, mode, durable)


def _put(path: str, data: bytes, mode: int, durable: bool) -> None:
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        try:
            write_all(fd, data)
            os.fchmod(fd, mode)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, path)
    except BaseException:
        # After a successful rename the name is gone, and its random part makes it nobody else's.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    if durable:
        fsync_dir(os.path.dirname(path) or ".")


def open_regular(path: str) -> int:
    """Open a regular file for reading, never waiting on a FIFO or device, never through a final link.

    Returns:
        A descriptor, closed on exec.

    Raises:
        OSError: with `errno.EINVAL` when it is not a regular file; otherwise as `os.open`.
    """
    return patiently(lambda: _open_regular(path))


def patiently(work: Callable[[], T]) -> T:
    """Open or read a file by its path, and once more where another host replaced it just then (ESTALE).

    Raises:
        OSError: it went wrong, also the last time.
    """
    for pause in STALE:
        try:
            return work()
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
        time.sleep(pause)
    return work()


def _open_regular(path: str) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        with about(path):
            regular = stat.S_ISREG(os.fstat(fd).st_mode)
        if not regular:
            raise OSError(errno.EINVAL, "not a regular file", path)
    except OSError:
        os.close(fd)
        raise
    return fd


class about:  # noqa: N801 - it is used like `contextlib.suppress`
    """Name the file in errors of calls that know a descriptor only."""

    def __init__(self, path: str) -> None:
        """Of the file at `path`."""
        self._path = path

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Say which file it was, where nothing else says so."""
        if isinstance(error, OSError) and error.filename is None:
            error.filename = self._path


@contextlib.contextmanager
def absent() -> Iterator[None]:
    """Take a folder that is not there, or is a file or a link in a circle, for an empty one."""
    try:
        yield
    except OSError as error:
        if error.errno not in _ABSENT:
            raise


def is_there(path: str, *, follow: bool = False) -> bool:
    """Whether something has that name. What a disk or a server cannot tell is not taken for a no.

    Args:
        path: of it.
        follow: a link that leads nowhere is not there.

    Raises:
        OSError: it cannot be told.
    """
    try:
        os.stat(path, follow_symlinks=follow)
    except OSError as error:
        if error.errno in _ABSENT:
            return False
        raise
    return True


def walk(top: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk as `os.walk` does; a folder that is gone is empty.

    Raises:
        OSError: one cannot be listed, so that what is in it is not known.
    """

    def refuse(error: OSError) -> None:
        if error.errno not in _ABSENT:
            raise error

    return os.walk(top, onerror=refuse)


def read_file(path: str, limit: int | None = None) -> bytes:
    """Read a regular file whole.

    Args:
        path: not followed when it is a symbolic link.
        limit: bytes; a longer file raises OSError(EFBIG) before it is read, one that grows meanwhile later.

    Raises:
        OSError: it cannot be read.
    """
    return patiently(lambda: _read_file(path, limit))


def _read_file(path: str, limit: int | None) -> bytes:
    fd = _open_regular(path)
    try:
        with about(path):
            size = os.fstat(fd).st_size
            if limit is not None and size > limit:
                raise OSError(errno.EFBIG, f"larger than {limit} bytes", path)
            parts = []
            read = 0
            while part := os.read(fd, max(size + 1, 65536)):
                parts.append(part)
                read += len(part)
                if limit is not None and read > limit:
                    raise OSError(errno.EFBIG, f"larger than {limit} bytes", path)
            return b"".join(parts)
    finally:
        os.close(fd)


def read_pieces(path: str) -> Iterator[bytes]:
    """Read a regular file piece by piece; nothing is opened before the first is asked for.

    Raises:
        OSError: it cannot be read.
    """
    fd = open_regular(path)
    try:
        while True:
            with about(path):
                piece = os.read(fd, CHUNK)
            if not piece:
                return
            yield piece
    finally:
        os.close(fd)


def freshen(path: str) -> bool:
    """Give a file the time of now, which keeps it from being swept; False when it is not there.

    A sweep moves a file away first and looks at its time then: so one of the two always sees the other.
    """
    try:
        os.utime(path, follow_symlinks=False)
    except OSError:
        # Of somebody else, or in a store that is only read: there it is all the same, or it is not.
        return os.path.exists(path)
    return True


def try_lock(fd: int, *, shared: bool = False) -> bool:
    """Take an flock without waiting; it is held until the descriptor is closed or the process dies.

    `flock`, not POSIX record locks: those are lost when any other descriptor of the file is closed.
    """
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def find_program(name: str, path: str) -> str | None:
    """Find the file a command name stands for, as `execvp` does.

    Args:
        name: looked up only when it has no slash.
        path: the variable PATH.

    Returns:
        None when no executable file has that name.
    """
    places = [name] if "/" in name else [os.path.join(folder or ".", name) for folder in path.split(":")]
    for place in places:
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    return None


def is_inside(path: str, folder: str) -> bool:
    """Whether an absolute, normalised path is the folder or below it."""
    return path == folder or path.startswith(folder if folder.endswith("/") else folder + "/")


def relative_to(path: str, folder: str) -> str:
    """Write a path relative to a folder that holds it, or leave it absolute.

    Args:
        path: absolute and normalised.
        folder: absolute and normalised.
    """
    if path == folder:
        return "."
    return path[len(folder.rstrip("/")) + 1 :] if is_inside(path, folder) else path
