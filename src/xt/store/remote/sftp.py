"""SFTP spoken through `ssh`, one request after the other, with what OpenSSH adds to it."""

from __future__ import annotations

import contextlib
import os
import stat
import struct

from paramiko import SFTPClient, SFTPFile, SSHException
from paramiko.sftp import CMD_EXTENDED

from xt.context import Outside
from xt.store.remote.address import Address
from xt.store.remote.patience import patience
from xt.store.remote.pipe import Pipe

#: What shows that a connection is no more.
GONE = (EOFError, SSHException, TimeoutError, ConnectionError)

#: Bits of the mode of a folder that others may write to, or whose group is that of what is in it.
SHARED = stat.S_IWGRP | stat.S_IWOTH | stat.S_ISGID


class Connection:
    """One `ssh` with SFTP spoken through it; used by one thread at a time."""

    def __init__(self, address: Address, outside: Outside) -> None:
        self.pipe = Pipe(address, outside.environ, patience(outside.environ))
        try:
            self.sftp = SFTPClient(self.pipe)  # it is all that is needed of a channel
        except BaseException as error:
            try:
                raise self.pipe.failure(error) from error
            finally:
                self.pipe.close()

    def link(self, existing: str, name: str) -> None:
        """Give a file a second name that is not taken."""
        self.sftp._request(CMD_EXTENDED, "hardlink@openssh.com", existing, name)

    def flush(self, file: SFTPFile) -> None:
        """Make a file durable, where the server can."""
        with contextlib.suppress(OSError):
            self.sftp._request(CMD_EXTENDED, "fsync@openssh.com", file.handle)

    def is_full(self, folder: str) -> bool:
        """Whether there is no space left, as far as the server says."""
        try:
            _, message = self.sftp._request(CMD_EXTENDED, "statvfs@openssh.com", folder)
            _, _, _, _, available, files, _, inodes = struct.unpack(">8Q", message.get_bytes(64))
        except (OSError, struct.error):
            return False
        return bool(available == 0 or (files and inodes == 0))


def listing(to: Connection, folder: str) -> list[tuple[str, int, int]]:
    """Name, mode and size of what a folder has."""
    try:
        found = [(one.filename, one.st_mode or 0, one.st_size or 0) for one in to.sftp.listdir_iter(folder)]
    except FileNotFoundError:
        return []
    return [one for one in found if one[0] not in ("", ".", "..") and "/" not in one[0]]


def size_of(to: Connection, path: str) -> int | None:
    """Size of what is there; None when nothing is."""
    try:
        found = to.sftp.stat(path)
    except FileNotFoundError:
        return None
    return found.st_size or 0


def make_folder(to: Connection, folder: str, top: str) -> None:
    """Make a folder and those above it; somebody else may be doing the same.

    Args:
        to: the host.
        folder: to make.
        top: of the remote: what is below it is as open to a group as it is itself.
    """
    above = [folder]
    while os.path.dirname(above[-1]) not in ("", above[-1]):
        above.append(os.path.dirname(above[-1]))
    missing = [above[0]]
    for path in above[1:]:
        if size_of(to, path) is not None:
            break
        missing.append(path)
    for path in reversed(missing):
        try:
            to.sftp.mkdir(path)
            if path.startswith(f"{top}/"):
                mode = stat.S_IMODE(to.sftp.stat(top).st_mode or 0)
                if mode & SHARED:
                    to.sftp.chmod(path, mode)
        except FileNotFoundError:
            # What is above it is there, so that is no folder.
            raise OSError(f"`{os.path.dirname(path)}` is no folder") from None
        except OSError:
            if size_of(to, path) is None:
                raise


def answers(error: BaseException | None) -> bool:
    """Whether something can still be asked through a connection after an error."""
    return not isinstance(error, (*GONE, KeyboardInterrupt))
