"""Folders that other machines may share: whether one is, and what time it is there."""

from __future__ import annotations

import contextlib
import os
import re
import time

from xt import fsio

#: File systems behind which other machines may be; those of FUSE besides, of which most are.
NETWORK = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "ceph", "lustre", "gpfs", "beegfs"),
        *("afs", "glusterfs", "ocfs2", "gfs2", "orangefs", "pvfs2", "wekafs", "panfs", "vboxsf", "prl_fs"),
    )
)


def is_shared(path: str) -> bool:
    """Whether a folder is on a file system that other machines may write to, too.

    Args:
        path: absolute; links in it are followed.
    """
    kind = file_system(path)
    return kind in NETWORK or (kind.startswith("fuse") and kind != "fuseblk")


def file_system(path: str) -> str:
    """Name of the file system of a path; empty where that cannot be told (proc_pid_mountinfo(5))."""
    real = os.fsencode(os.path.realpath(path))
    found, longest = b"", -1
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return ""
    for line in lines:
        before, _, after = line.partition(b" - ")
        place = re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), before.split(b" ")[4])
        inside = place in (b"/", real) or real.startswith(place + b"/")
        if inside and len(place) >= longest:  # of several in one place the last covers the others
            found, longest = after.split(b" ")[0], len(place)
    return found.decode("ascii", "replace")


def now(folder: str) -> int:
    """The time by the clock that stamps files in a folder, or by ours if that is earlier.

    Args:
        folder: may be written to; if it cannot be, our clock has to do.

    Returns:
        Nanoseconds since 1970.
    """
    ours = time.time_ns()
    name = f"{folder}/clock.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, fsio.PRIVATE_FILE)
    except OSError:
        return ours
    try:
        return min(ours, os.fstat(fd).st_mtime_ns)
    finally:
        os.close(fd)
        with contextlib.suppress(OSError):
            os.unlink(name)


def of_this_host(path: str) -> str:
    """Make a name of a file that is this host's own, where a folder is shared.

    Args:
        path: as it is where it is not; with a suffix.
    """
    if not is_shared(os.path.dirname(path)):
        return path
    stem, suffix = os.path.splitext(path)
    return f"{stem}.{re.sub('[^A-Za-z0-9-]', '_', os.uname().nodename)}{suffix}"
