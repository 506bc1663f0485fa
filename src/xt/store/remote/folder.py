"""A folder as a remote: on another disk, or shared over the network.

Whoever else may write to it is not trusted: no link in it is followed (`xt.inside`), and only regular files
are read.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

from xt import fsio
from xt.context import Outside
from xt.errors import NotWrittenError, RemoteError, WrongContentError
from xt.inside import Inside
from xt.store.remote import Entry
from xt.store.remote.address import Address

#: What `Inside` names files that are being written.
_PARTIAL = ".tmp"


def connect(address: Address, outside: Outside) -> Folder:
    """Open a folder.

    Args:
        address: of scheme `file`.
        outside: not needed.

    Raises:
        RemoteError: it is not there, or is no folder.
    """
    return Folder(address.path)


class Folder:
    """See `Remote`."""

    exclusive: bool | None = True

    def __init__(self, path: str) -> None:
        """Open it; it must exist: a share that is not mounted is not to be taken for an empty one."""
        self.url = path
        self._path = path
        try:
            self._inside = Inside(path)
            mode = os.stat(path).st_mode
        except OSError as error:
            hint = (
                f"mount it, or make it: `mkdir -p {path}`" if isinstance(error, FileNotFoundError) else None
            )
            raise RemoteError(f"the remote `{path}` cannot be used: {error.strerror}", hint) from error
        self._files = mode & 0o444
        self._folders = mode & 0o777

    def entries(self, prefix: str) -> Iterator[Entry]:
        """See `Remote`."""
        with self._said():
            top = prefix.rstrip("/")
            yield from self._walk(top)

    def _walk(self, below: str) -> Iterator[Entry]:
        try:
            info = self._inside.lookup(below)
            if info is None or not stat.S_ISDIR(info.st_mode):
                return
            members = sorted(os.scandir(f"{self._path}/{below}"), key=lambda member: member.name)
        except (FileNotFoundError, NotWrittenError):
            return
        for member in members:
            name = f"{below}/{member.name}"
            if member.is_dir(follow_symlinks=False):
                yield from self._walk(name)
            elif member.is_file(follow_symlinks=False) and not member.name.endswith(_PARTIAL):
                with contextlib.suppress(FileNotFoundError):
                    yield Entry(name, member.stat(follow_symlinks=False).st_size)

    def size(self, name: str) -> int | None:
        """See `Remote`."""
        with self._said():
            try:
                info = self._inside.lookup(name)
            except NotWrittenError:
                return None
            return info.st_size if info is not None and stat.S_ISREG(info.st_mode) else None

    def read(self, name: str, limit: int) -> bytes:
        """See `Remote`."""
        return b"".join(self._pieces(name, limit))

    def fetch(self, name: str, target: BinaryIO, limit: int) -> int:
        """See `Remote`."""
        count = 0
        for piece in self._pieces(name, limit):
            count += target.write(piece)
        return count

    def _pieces(self, name: str, limit: int) -> Iterator[bytes]:
        count = 0
        with self._said():
            try:
                for piece in self._inside.read(name):
                    count += len(piece)
                    if count > limit:
                        raise WrongContentError(f"`{name}` on `{self.url}` is larger than {limit} bytes")
                    yield piece
            except NotWrittenError as error:
                raise FileNotFoundError(error.message) from error

    def create(self, name: str, source: bytes | str) -> bool:
        """See `Remote`."""
        with self._said():
            try:
                if self._inside.lookup(name) is not None:
                    return False
                self._make_folders(name)
                pieces = [source] if isinstance(source, bytes) else fsio.read_pieces(source)
                self._inside.write(name, pieces, self._files, durable=True)
            except NotWrittenError as error:
                with contextlib.suppress(NotWrittenError):
                    if self._inside.lookup(name) is not None:
                        return False  # somebody else was quicker
                raise RemoteError(f"`{name}` cannot be written to `{self.url}`: {error.message}") from error
        return True

    def _make_folders(self, name: str) -> None:
        """Make the folders of a name as open to a group as the remote itself is."""
        above = os.path.dirname(name)
        if not above or self._inside.lookup(above) is not None:
            return
        self._make_folders(above)
        if self._inside.folder(above):
            fd = os.open(f"{self._path}/{above}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.fchmod(fd, stat.S_IMODE(os.fstat(fd).st_mode) & 0o7000 | self._folders)
            finally:
                os.close(fd)

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        """Say what the system says as what it is."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise RemoteError(
                f"the remote `{self.url}` failed: {error.strerror or error}", "what is there is kept"
            ) from error

    def close(self) -> None:
        """See `Remote`."""
        self._inside.close()
