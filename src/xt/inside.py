"""Write below a folder that must not be left, whatever the paths say and whoever changes it meanwhile.

A path is resolved part by part from an open descriptor of the folder (`openat` with `O_NOFOLLOW` and
`O_DIRECTORY`), so no `..`, absolute path or symbolic link leads out, not even one that is put in place
between a check and a use. A file gets its name when it is whole: it is written under another name in its
own folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from types import TracebackType

from xt import fsio
from xt.errors import NotWrittenError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Never waiting on a FIFO, never taking a terminal.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
#: Names that programs obey: what is in such a folder is configuration, hooks, or evidence.
_RESERVED = (".git", ".xt")
#: Code points that HFS+ passes over in a name, as git knows them (`next_hfs_char` in its utf8.c).
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
#: Bytes of a path (PATH_MAX): what lies deeper can be made step by step, and nobody could name it.
LONGEST = 4096
#: What `link` says where a file system has no hard links.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def parts(path: str) -> list[str]:
    """Split a path that can be written to.

    Args:
        path: relative, as `os.fsdecode` gives it.

    Raises:
        NotWrittenError: it is absolute or empty, or one of its parts is empty, `.`, `..`, holds a NUL,
            cannot be a name of this system, or is `.git` or `.xt` in upper or lower case.
    """
    if path.startswith("/"):
        raise NotWrittenError(f"`{path}` is an absolute path")
    found = path.split("/")
    for part in found:
        if part in ("", ".", "..") or "\0" in part:
            raise NotWrittenError(f"`{path}` is not a plain path inside a folder")
        if _IGNORED.sub("", part).casefold() in _RESERVED:
            raise NotWrittenError(f"`{path}` goes into a `{part}`, where xt writes nothing")
    try:
        size = len(os.fsencode(path))
    except UnicodeEncodeError:
        raise NotWrittenError(f"`{path}` cannot be a name here") from None
    if size >= LONGEST:
        raise NotWrittenError(f"`{path[:60]}…` is longer than a path can be")
    return found


class Inside:
    """A folder, and what is written below it. Use it in a `with` statement, or `close` it."""

    def __init__(self, root: str) -> None:
        """Open the folder.

        Args:
            root: exists; links on the way to it are followed, for it is the user who named it.

        Raises:
            OSError: it cannot be opened, or is no folder.
        """
        self.root = root
        self._fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._written: set[tuple[int, int]] = set()
        """Device and inode of what was put in place."""

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._fd)

    def __enter__(self) -> Inside:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the folder."""
        self.close()

    def lookup(self, path: str) -> os.stat_result | None:
        """Say what is at a path, a link not followed.

        Returns:
            None when nothing is.

        Raises:
            NotWrittenError: nothing can be written there: see `parts`; or a folder of it is a link or a file.
            OSError: it cannot be told.
        """
        try:
            with self._parent(path) as (folder, name):
                return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def target(self, path: str) -> str:
        """Read where a link points.

        Raises:
            NotWrittenError: as for `lookup`.
            OSError: it is no link.
        """
        with self._parent(path) as (folder, name):
            return os.readlink(name, dir_fd=folder)

    def read(self, path: str) -> Iterator[bytes]:
        """Read a regular file in pieces, never waiting on anything else.

        Raises:
            NotWrittenError: as for `lookup`.
            OSError: it cannot be read, or is no regular file.
        """
        with self._parent(path) as (folder, name):
            fd = os.open(name, _READ, dir_fd=folder)
        try:
            _check_regular(fd, path)
            while piece := os.read(fd, fsio.CHUNK):
                yield piece
        finally:
            os.close(fd)

    def write(
        self, path: str, pieces: Iterable[bytes], mode: int, *, replace: bool = False, durable: bool = False
    ) -> None:
        """Put a file in place when all of it is written; missing folders are made.

        It is not flushed to the disk, unless asked for: mostly it can be had again from where it came.

        Args:
            path: relative; see `parts`.
            pieces: the content; when it raises, nothing is put in place and nothing else stays behind.
            mode: permission bits, whatever the umask; set-user-id, set-group-id and sticky bits are dropped.
            replace: put it in the place of a file, link, FIFO, socket or device that is there. Without it,
                what exists is never overwritten, not even what appears while this writes.
            durable: flush it before it gets its name, and its folder after.

        Raises:
            NotWrittenError: something is there already; or as for `lookup`.
            OSError: it could not be written.
        """
        with self._parent(path, make=True) as (folder, name):
            # A name of its own, and not the final one with a suffix, which may be too long.
            temporary = _temporary()
            try:
                # In here: Ctrl-C may come right after the file is there.
                fd = os.open(temporary, _NEW, fsio.PRIVATE_FILE, dir_fd=folder)
                try:
                    for piece in pieces:
                        fsio.write_all(fd, piece)
                    os.fchmod(fd, mode & 0o777)
                    if durable:
                        os.fsync(fd)
                    info = os.fstat(fd)
                finally:
                    os.close(fd)
                self._publish(folder, temporary, name, path, replace=replace)
                if durable:
                    fsio.fsync_open(folder)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)
            self._written.add((info.st_dev, info.st_ino))

    def link(self, path: str, target: str, *, replace: bool = False) -> None:
        """Make a symbolic link; where it points is not judged, for nothing is ever written through it.

        Args:
            path: as for `write`.
            target: where it points.
            replace: as for `write`.

        Raises:
            NotWrittenError, OSError: as `write` does.
        """
        with self._parent(path, make=True) as (folder, name):
            temporary = _temporary() if replace else name
            try:
                os.symlink(target, temporary, dir_fd=folder)
            except FileExistsError:
                raise self._there(path) from None
            info = os.stat(temporary, dir_fd=folder, follow_symlinks=False)
            if replace:
                try:
                    self._publish(folder, temporary, name, path, replace=True)
                finally:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(temporary, dir_fd=folder)
            self._written.add((info.st_dev, info.st_ino))

    def folder(self, path: str, mode: int | None = None) -> bool:
        """Make a folder, and those above it, unless it is there.

        Args:
            path: as for `write`.
            mode: permission bits it is given, also when it is there; by default as the umask wants a new one.
                What does not let its owner write belongs here after the files in it.

        Returns:
            Whether it was made.

        Raises:
            NotWrittenError: something that is no folder is there; or as for `lookup`.
            OSError: it could not be made.
        """
        with self._parent(path, make=True) as (folder, name):
            made = _make(folder, name)
            fd = self._enter(folder, name, path)
            try:
                if mode is not None:
                    os.fchmod(fd, mode & 0o777)
            finally:
                os.close(fd)
            return made

    def chmod(self, path: str, mode: int) -> None:
        """Give a regular file that is there its permission bits.

        Args:
            path: as for `write`.
            mode: as for `write`.

        Raises:
            NotWrittenError: as for `lookup`.
            OSError: it is no regular file, or not ours.
        """
        with self._parent(path) as (folder, name):
            fd = os.open(name, _READ, dir_fd=folder)
        try:
            _check_regular(fd, path)
            os.fchmod(fd, mode & 0o777)
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def _parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Open the folder a path is in, for as long as it is needed; give it and the last part."""
        *above, name = parts(path)
        fd = os.dup(self._fd)
        try:
            for index, part in enumerate(above):
                if make:
                    _make(fd, part)
                below = self._enter(fd, part, "/".join(above[: index + 1]))
                os.close(fd)
                fd = below
            yield fd, name
        finally:
            os.close(fd)

    def _enter(self, folder: int, name: str, path: str) -> int:
        """Open a folder in a folder.

        Raises:
            NotWrittenError: it is a link or no folder.
        """
        try:
            return os.open(name, _FOLDER, dir_fd=folder)
        except OSError as error:
            # A link is ELOOP or ENOTDIR, as the system likes.
            if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                raise
            raise NotWrittenError(f"`{path}` is a {self._kind(folder, name)} and not a folder") from None

    def _kind(self, folder: int, name: str) -> str:
        try:
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return "thing that went away"
        return kind_of(mode)

    def _publish(self, folder: int, temporary: str, name: str, path: str, *, replace: bool) -> None:
        if replace:
            self._check_own(folder, name, path)
            try:
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except (IsADirectoryError, FileExistsError, NotADirectoryError):
                raise NotWrittenError(f"`{path}` is a folder, which is not replaced by a file") from None
            return
        # `rename` would take the place of what is there; `link` never does.
        try:
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            raise self._there(path) from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # Where there are no hard links the name is claimed first: only what we made is replaced.
            try:
                os.close(os.open(name, _NEW, fsio.PRIVATE_FILE, dir_fd=folder))
            except FileExistsError:
                raise self._there(path) from None
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)

    def _check_own(self, folder: int, name: str, path: str) -> None:
        """Refuse to replace what was written a moment ago: two names are one on this file system."""
        try:
            info = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        if (info.st_dev, info.st_ino) in self._written:
            raise NotWrittenError(f"`{path}` has the name of another file here, but for upper and lower case")

    def _there(self, path: str) -> NotWrittenError:
        return NotWrittenError(f"`{path}` is there already")


def kind_of(mode: int) -> str:
    """Name what an `st_mode` is of: `file`, `link`, `folder`, `FIFO`, `socket` or `device`."""
    for test, name in (
        (stat.S_ISREG, "file"),
        (stat.S_ISLNK, "link"),
        (stat.S_ISDIR, "folder"),
        (stat.S_ISFIFO, "FIFO"),
        (stat.S_ISSOCK, "socket"),
    ):
        if test(mode):
            return name
    return "device"


def _check_regular(fd: int, path: str) -> None:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)


def _temporary() -> str:
    return f".xt-{os.getpid()}.{os.urandom(6).hex()}.tmp"


def _make(folder: int, name: str) -> bool:
    """Make a folder unless something is there; say whether it was made."""
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        return False
    return True
