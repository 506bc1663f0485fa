"""A folder on a host, by SFTP through the user's own `ssh`; the host needs nothing but sshd.

A name is created by writing a temporary file and linking it, which fails for all but the first of many. Each
thread uses a connection of its own, of a few that are opened when they are needed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import stat
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, TypeVar

from paramiko import SFTPError, SSHException

from xt.context import Outside
from xt.errors import RemoteError, WrongContentError
from xt.store.remote import Entry
from xt.store.remote.address import Address
from xt.store.remote.sftp import GONE, Connection, answers, listing, make_folder, size_of

#: Connections at most: sshd allows ten that have not said who they are, so they are opened one by one.
CONNECTIONS = 6
#: Bytes asked for at a time, in requests of 32 KiB that are all on their way at once.
WINDOW = 8 << 20
#: Folders below each other that are looked into; a store has three.
DEEPEST = 8
TEMPORARY = "tmp"

T = TypeVar("T")


class SshPlace:
    """A folder on a host."""

    #: A link is refused when the name is taken; on what cannot link, see `_name`.
    exclusive: bool | None = True

    def __init__(self, address: Address, outside: Outside) -> None:
        """Say where it is; nothing is connected yet."""
        self.url = address.shown
        self._address, self._outside = address, outside
        self._root = address.path.rstrip("/") or "."
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        self._allowed = threading.Semaphore(CONNECTIONS)
        self._opening = threading.Lock()
        self._folders: set[str] = set()

    def entries(self, prefix: str) -> Iterator[Entry]:
        """See `Remote`."""
        waiting = [prefix.rstrip("/")]
        while waiting:
            folder = waiting.pop()
            path = self._path(folder)
            for name, mode, size in self._do(partial(listing, folder=path), folder):
                below = f"{folder}/{name}" if folder else name
                if stat.S_ISDIR(mode) and below.count("/") < DEEPEST:
                    waiting.append(below)
                elif stat.S_ISREG(mode):
                    yield Entry(below, size)

    def size(self, name: str) -> int | None:
        """See `Remote`."""
        return self._do(lambda to: size_of(to, self._path(name)), name)

    def read(self, name: str, limit: int) -> bytes:
        """See `Remote`."""

        def read(to: Connection) -> bytes:
            with to.sftp.open(self._path(name), "rb") as file:
                self._allow(name, file.stat().st_size or 0, limit)
                data: bytes = file.read(limit + 1)
            self._allow(name, len(data), limit)
            return data

        return self._do(read, name)

    def fetch(self, name: str, target: BinaryIO, limit: int) -> int:
        """See `Remote`."""

        def fetch(to: Connection) -> int:
            with to.sftp.open(self._path(name), "rb") as file:
                size = file.stat().st_size or 0
                self._allow(name, size, limit)
                done = 0
                while done < size:
                    file.seek(done)
                    file.prefetch(end := min(done + WINDOW, size))
                    while done < end and (piece := file.read(min(end - done, 1 << 20))):
                        target.write(piece)
                        done += len(piece)
                    if done < end:
                        raise RemoteError(f"`{self.url}`: `{name}` became shorter while it was read")
            return done

        return self._do(fetch, name)

    def create(self, name: str, source: bytes | str) -> bool:
        """See `Remote`."""
        final = self._path(name)
        temporary = f"{self._path(TEMPORARY)}/{os.path.basename(name)[:100]}.{os.urandom(8).hex()}"

        def create(to: Connection) -> bool:
            if isinstance(source, str) and size_of(to, final) is not None:
                return False  # before all of it is sent
            try:
                self._upload(to, temporary, source)
                return self._name(to, temporary, final)
            except OSError as error:
                if error.errno is None and answers(error) and to.is_full(self._root):
                    raise RemoteError(f"`{self.url}`: there is no space left on the host") from error
                raise
            finally:
                if answers(sys.exc_info()[1]):
                    with contextlib.suppress(OSError, EOFError, SSHException):
                        to.sftp.remove(temporary)

        return self._do(create, name)

    def _upload(self, to: Connection, path: str, source: bytes | str) -> None:
        with self._in_folder(to, path, lambda: to.sftp.open(path, "wbx")) as file:
            file.set_pipelined(True)
            size = 0
            for piece in _pieces(source):
                file.write(piece)
                size += len(piece)
            # What was refused of a write on its way is only seen by what is missing in the end.
            if file.stat().st_size != size:
                raise OSError("the file is shorter than what was sent")
            to.flush(file)

    def _name(self, to: Connection, temporary: str, final: str) -> bool:
        """Give a whole file its name."""
        try:
            self._in_folder(to, final, lambda: to.link(temporary, final))
        except OSError as error:
            if size_of(to, final) is not None:  # `exists` is a failure without a reason
                return False
            if error.errno is not None and error.errno != errno.ENOENT:
                raise
            # It cannot link, or its file system cannot. The protocol has a rename fail where the name is
            # taken; servers that replace it are found out by `xt remote probe`.
            to.sftp.rename(temporary, final)
        return True

    def _in_folder(self, to: Connection, path: str, act: Callable[[], T]) -> T:
        """Do something to a file, whose folder is made when it is missing."""
        folder = os.path.dirname(path)
        if folder not in self._folders:
            try:
                result = act()
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise
                make_folder(to, folder, self._root)
            else:
                self._folders.add(folder)
                return result
            self._folders.add(folder)
        return act()

    def close(self) -> None:
        """See `Remote`."""
        while True:
            try:
                self._idle.get_nowait().pipe.close()
            except queue.Empty:
                return

    def _path(self, name: str) -> str:
        if name.startswith("/") or not {"", ".", ".."}.isdisjoint(name.split("/")) or "\0" in name:
            if name:
                raise RemoteError(f"`{name}` is no name in a remote")
            return self._root
        return f"{self._root}/{name}"

    def _allow(self, name: str, size: int, limit: int) -> None:
        if size > limit:
            raise WrongContentError(
                f"`{self.url}`: `{name}` has {size} bytes, more than the {limit} it may have"
            )

    def _do(self, act: Callable[[Connection], T], name: str) -> T:
        """Do something through a connection, and say what went wrong in words of ours."""
        with self._allowed:
            to = self._connection()
            broken = True
            try:
                result = act(to)
                broken = False
                return result
            except (RemoteError, FileNotFoundError):
                broken = False
                raise
            except GONE as error:
                raise to.pipe.failure(error) from error
            except OSError as error:
                if error.errno not in (None, errno.EACCES):
                    raise  # of a file here
                broken = False
                why = "permission denied" if error.errno == errno.EACCES else error.strerror or str(error)
                raise RemoteError(f"`{self.url}`: `{name}`: {why.lower()}") from error
            except (SFTPError, UnicodeDecodeError, struct.error, ValueError) as error:
                raise RemoteError(
                    f"what answers at `{self.url}` does not speak SFTP: {error}",
                    "a login script on the host that prints something is the usual cause",
                ) from error
            finally:
                if broken:
                    to.pipe.close()
                else:
                    self._idle.put(to)

    def _connection(self) -> Connection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            with self._opening:
                return Connection(self._address, self._outside)


def _pieces(source: bytes | str) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with open(source, "rb") as file:
        while piece := file.read(1 << 20):
            yield piece


def connect(address: Address, outside: Outside) -> SshPlace:
    """Open a folder on a host; the first thing that is asked of it connects."""
    return SshPlace(address, outside)
