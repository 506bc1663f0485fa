"""Bind mounts of this process's own mount namespace: one folder or file shown at another place.

Linux only. The caller has made a mount namespace of its own whose mounts are private (`vary.enter` does);
else what is mounted here would be seen by everybody.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys

# mount(2), umount(2), statvfs(3)
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 1 << 5, 1 << 12, 1 << 14, 1 << 18
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
#: What separates and escapes in the options of overlayfs.
_OPTION = frozenset(",:\\\n")
#: Flag of statvfs → flag of mount. Taking one away that a mount above has is not permitted in a user
#: namespace ("locked"), so that a remount must name them all.
KEPT = {1: MS_RDONLY, 2: 1 << 1, 4: 1 << 2, 8: 1 << 3, 1024: 1 << 10, 2048: 1 << 11, 4096: 1 << 21}


def bind(source: str, target: str, *, read_only: bool) -> None:
    """Show a folder or file, with all that is mounted below it, at another place.

    Args:
        source: what is shown.
        target: where; it exists, and is a folder if the source is one, else a file. No link: it would
            be followed.
        read_only: nothing can be written through the target, whoever tries; asked of the kernel afterwards
            and not taken for granted. The source itself stays as writable as it was.

    Raises:
        OSError: it cannot be done, with the path; then nothing is mounted at the target.
    """
    if os.path.islink(target):
        raise OSError(f"`{target}` is a link, nothing is mounted over it")
    _mount(source, target, MS_BIND | MS_REC)
    if not read_only:
        return
    try:
        for place in mounts_below(target):
            flags = sum(kept for flag, kept in KEPT.items() if os.statvfs(place).f_flag & flag)
            _mount(None, place, MS_REMOUNT | MS_BIND | MS_RDONLY | flags)
        for place in mounts_below(target) or [target]:
            if not os.statvfs(place).f_flag & os.ST_RDONLY:
                raise OSError(f"`{place}` stayed writable")
    except OSError:
        unbind(target)
        raise


def overlay(lower: str, target: str, scratch: str) -> None:
    """Show a folder at another place, where what is written goes into a folder of its own (overlayfs).

    Nothing is copied before it is changed, and the folder that is shown is never changed.

    Args:
        lower: what is shown; what is mounted below it is not.
        target: an existing folder.
        scratch: a folder for what is written; made when it is not there.

    Raises:
        OSError: the kernel or a file system has no part in it; then nothing is mounted at the target.
    """
    upper, work = f"{scratch}/upper", f"{scratch}/work"
    for path in (lower, upper, work):
        if not _OPTION.isdisjoint(path):
            raise OSError(f"`{path}` cannot be written in the options of a mount")
    if os.path.islink(target):
        raise OSError(f"`{target}` is a link, nothing is mounted over it")
    os.makedirs(upper, exist_ok=True)
    os.makedirs(work, exist_ok=True)
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    # In a user namespace the attributes overlayfs needs have another name (since Linux 5.11).
    for more in ("", ",userxattr"):
        try:
            _mount("overlay", target, 0, "overlay", options + more)
            return
        except OSError as error:
            failure = error
    raise failure


def unbind(target: str) -> None:
    """Take away what is mounted at a place, and below it.

    Raises:
        OSError: nothing is mounted there, or it is not permitted.
    """
    libc = _libc()
    if libc.umount2(os.fsencode(target), MNT_DETACH | UMOUNT_NOFOLLOW) != 0:
        raise _failed(target)


def make_private() -> None:
    """Keep what is mounted from now on in this mount namespace, and what others mount out of it.

    Raises:
        OSError: it is not permitted.
    """
    _mount(None, "/", MS_REC | MS_PRIVATE)


def mounts_below(path: str) -> list[str]:
    """Places where something is mounted, at a path or below it, in the order in which they were mounted.

    Args:
        path: of a folder or file; links in it are followed.

    Raises:
        OSError: there is no /proc.
    """
    path = os.path.realpath(path)
    inside = path.rstrip("/") + "/"
    with open("/proc/self/mountinfo", "rb") as file:  # proc_pid_mountinfo(5); the fifth field is the place
        places = [_unescaped(line.split(b" ")[4]) for line in file]
    return list(dict.fromkeys(place for place in places if place == path or place.startswith(inside)))


def _unescaped(field: bytes) -> str:
    r"""Read what the kernel writes as `\040` for a space, a tab, a line end or a backslash."""
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), field))


def _mount(
    source: str | None, target: str, flags: int, kind: str | None = None, options: str | None = None
) -> None:
    libc = _libc()
    name, system, data = (None if word is None else os.fsencode(word) for word in (source, kind, options))
    if libc.mount(name, os.fsencode(target), system, ctypes.c_ulong(flags), data) != 0:
        raise _failed(target)


def _libc() -> ctypes.CDLL:
    if not sys.platform.startswith("linux"):
        raise OSError("bind mounts are only on Linux")
    return ctypes.CDLL(None, use_errno=True)


def _failed(target: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), target)
