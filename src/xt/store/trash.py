"""What is taken out of a store on purpose: moved to `.xt/trash` first, looked at again there, then removed.

A writer that finds content in place gives it the time of now (`fsio.freshen`) before it names it anywhere. It
either does so before the move, and the second look sees it; or after, and finds nothing and writes it anew.
So nothing that somebody wants is ever lost, and no writer takes a lock for it. Whoever is killed in between
leaves a file here under its name, from where it can be put back.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from xt import fsio

FOLDER = "trash"
#: Stands for `/` in a name here: no name in a store has one.
_SLASH = "+"


def put(store: str, name: str) -> os.stat_result | None:
    """Move a file of the store into the trash.

    Args:
        store: path of `.xt`.
        name: relative to it, such as `objects/3f/3f9a…`.

    Returns:
        How it is now that nobody finds it any more; None when it was not there.

    Raises:
        OSError: it could not be moved.
        ValueError: it is a name that could not be put back.
    """
    if _SLASH in name:
        raise ValueError(name)
    target = path(store, name)
    try:
        os.rename(f"{store}/{name}", target)
    except FileNotFoundError:
        if not os.path.lexists(f"{store}/{name}"):
            return None
        os.makedirs(f"{store}/{FOLDER}", fsio.PRIVATE_DIR, exist_ok=True)
        os.rename(f"{store}/{name}", target)
    return os.lstat(target)


def put_back(store: str, name: str) -> bool:
    """Move a file back from the trash; one that is in its place by now stays, and this one goes.

    Returns:
        Whether it is in its place again because of this.

    Raises:
        FileNotFoundError: it is not in the trash.
        OSError: it could not be moved; it is still in the trash.
    """
    source, target = path(store, name), f"{store}/{name}"
    try:
        _link(source, target)
    except FileExistsError:
        os.unlink(source)
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        # A file system without hard links: what a writer puts there meanwhile is the same content.
        if os.path.lexists(target):
            os.unlink(source)
            return False
        os.rename(source, target)
        return True
    os.unlink(source)
    return True


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        os.lstat(source)
        os.makedirs(os.path.dirname(target), fsio.PRIVATE_DIR, exist_ok=True)
        os.link(source, target, follow_symlinks=False)


def drop(store: str, name: str) -> None:
    """Remove a file from the trash for good.

    Raises:
        OSError: it could not be removed.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path(store, name))


def sweep(store: str, name: str, before: int) -> bool:
    """Remove a file of the store that nobody names, unless somebody has come to want it.

    Args:
        store: path of `.xt`.
        name: relative to it.
        before: nanoseconds since 1970; what has that time or a later one stays.

    Returns:
        Whether it is gone because of this.

    Raises:
        OSError: it could not be moved or removed.
    """
    seen = put(store, name)
    if seen is None:
        return False
    if max(seen.st_mtime_ns, 0) >= before:
        put_back(store, name)
        return False
    drop(store, name)
    return True


def names(store: str) -> Iterator[str]:
    """Names of all that is in the trash, relative to the store, where it came from; in no order."""
    try:
        members = os.listdir(f"{store}/{FOLDER}")
    except (FileNotFoundError, NotADirectoryError):
        return
    for member in members:
        yield member.replace(_SLASH, "/")


def path(store: str, name: str) -> str:
    """Path that a file of the store has in the trash.

    Args:
        store: path of `.xt`.
        name: relative to it.
    """
    return f"{store}/{FOLDER}/{name.replace('/', _SLASH)}"
