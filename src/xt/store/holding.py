"""Locks between who sweeps a store and who could be in the way. No `xt run` waits for the long one."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from xt import fsio
from xt.errors import StoreError
from xt.store.live import NO_LOCKS

#: Held for milliseconds: alone while runs are dropped, shared while something is said of one.
EVENTS = "events.lock"
#: Held alone for as long as a sweep lasts, shared by whoever brings contents long before a record names them.
SWEEP = "gc.lock"


@contextlib.contextmanager
def statement(store: str) -> Iterator[None]:
    """Make sure that no run is dropped between the look whether it is there and what is said of it.

    Raises:
        OSError: the store cannot be written.
    """
    with _held(f"{store}/{EVENTS}", fcntl.LOCK_SH, needed=False):
        yield


@contextlib.contextmanager
def dropping(store: str) -> Iterator[None]:
    """Keep everybody from saying anything of a run.

    Raises:
        OSError: the store cannot be written.
    """
    with _held(f"{store}/{EVENTS}", fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def bringing(store: str) -> Iterator[None]:
    """Wait for a sweep to end, and let none begin.

    Raises:
        OSError: the store cannot be written.
    """
    with _held(f"{store}/{SWEEP}", fcntl.LOCK_SH, needed=False):
        yield


@contextlib.contextmanager
def sweeping(store: str) -> Iterator[int]:
    """Be the only one that sweeps, while nobody brings anything.

    Returns:
        The time of now, as the file system of the store stamps it: nanoseconds since 1970.

    Raises:
        OSError: the store cannot be written.
        StoreError: somebody else sweeps, or brings something; or nobody can lock anything there.
    """
    with _held(f"{store}/{SWEEP}", fcntl.LOCK_EX | fcntl.LOCK_NB) as fd:
        os.utime(fd)
        yield os.fstat(fd).st_mtime_ns


@contextlib.contextmanager
def _held(path: str, how: int, *, needed: bool = True) -> Iterator[int]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, fsio.PRIVATE_FILE)
    try:
        try:
            fcntl.flock(fd, how)
        except BlockingIOError:
            raise StoreError(
                "another `xt gc`, `xt fsck --repair` or `xt pull` is at work in this store",
                "try again when it has ended",
            ) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            # Where there are no locks nothing is ever swept, so that others need none.
            if needed:
                raise StoreError(
                    f"the file system of `{os.path.dirname(path)}` has no locks, so sweeping is not safe",
                    "on a disk of its own, a copy of the store can be swept",
                ) from None
        yield fd
    finally:
        os.close(fd)
