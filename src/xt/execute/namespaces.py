"""Namespaces of Linux for this process and what it starts: unshare(2), setns(2), and what they need."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

# sched.h
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    *(0x00020000, 0x04000000, 0x10000000, 0x20000000, 0x40000000),
)
# netdevice(7)
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def unshare(flags: int) -> None:
    """Leave namespaces for new ones.

    Raises:
        OSError: it is not permitted, or not on Linux.
    """
    if _libc().unshare(flags) != 0:
        raise _failed()


def become_owner() -> None:
    """Make a user namespace with this user alone, in which further namespaces are permitted without root.

    Nobody else's files can be given away in it, and their owners show as `nobody`. Only a process with a
    single thread may do it.

    Raises:
        OSError: it is not permitted.
    """
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER)
    # user_namespaces(7): a group can be mapped by somebody without rights once no others can be taken on.
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def loopback_up() -> None:
    """Switch on the loopback of a new network namespace.

    Raises:
        OSError: it is not permitted.
    """
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        request = fcntl.ioctl(channel, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack_from("16sH", request)[1]
        fcntl.ioctl(channel, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


@contextlib.contextmanager
def own_pids() -> Iterator[None]:
    """Within it, the next process that is started is process 1 of a pid namespace of its own.

    This thread can start no thread meanwhile, and no second process once that one has ended: leave at once.

    Raises:
        OSError: it is not permitted: it takes root's rights over the namespace there is.
    """
    libc = _libc()
    before = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        unshare(CLONE_NEWPID)
        try:
            yield
        finally:
            if libc.setns(before, CLONE_NEWPID) != 0:
                raise _failed()
    finally:
        os.close(before)


def _libc() -> ctypes.CDLL:
    if not sys.platform.startswith("linux"):
        raise OSError("namespaces are only on Linux")
    return ctypes.CDLL(None, use_errno=True)


def _failed() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
