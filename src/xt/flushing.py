"""Make many files durable, all at once rather than one after the other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from functools import partial

#: More files than this are flushed by `syncfs`, with whatever else is to be written, and not each.
FLUSHED_EACH = 256
#: Threads that flush files, and how many files one of them is for. What waits for the journal or for
#: the disk's cache together is served together: 40 files take 15 ms instead of 105 on a disk that others use.
FLUSHERS = 8
FLUSHED_BY_ONE = 4


def syncfs(folder: str) -> bool:
    """Flush the whole file system of a folder; False where the platform has no such call."""
    import ctypes

    try:
        libc = ctypes.CDLL(None, use_errno=True)
        call = libc.syncfs
    except (OSError, AttributeError):
        return False
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if call(fd) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), folder)
    finally:
        os.close(fd)
    return True


def begin_flush(paths: Iterable[str]) -> None:
    """Have the disk begin with what was written to files, and wait for nothing.

    It is the flush after it which says whether that went well. One after the other, each flush would wait for
    a disk that has nothing else to do: 40 small files take 35 ms so, and 9 ms when it began with all of them.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    for path in paths:
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                # Of pages that were not written yet Linux drops none, and begins to write them.
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(fd)


def flush(paths: list[str], folder: str) -> None:
    """Make the contents of files durable, all at once rather than one after the other.

    Args:
        paths: of them.
        folder: on the same file system.

    Raises:
        OSError: of one or more that is not sure.
    """
    if len(paths) > FLUSHED_EACH and syncfs(folder):
        return
    begin_flush(paths)
    errors: list[OSError] = []

    def work(part: list[str]) -> None:
        for path in part:
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)
            except OSError as error:
                errors.append(error)

    count = max(1, min(FLUSHERS, len(paths) // FLUSHED_BY_ONE))
    together([partial(work, paths[number::count]) for number in range(count)])
    if errors:
        raise errors[0]


def together(tasks: list[Callable[[], None]]) -> None:
    """Do what waits for the disk at once: the last here, the others in threads, where they can be had."""
    import threading

    from xt.context import deaf

    def aside(task: Callable[[], None]) -> None:
        deaf()
        task()

    workers = []
    for task in tasks[:-1]:
        worker = threading.Thread(target=aside, args=(task,), name="xt-flush")
        try:
            worker.start()
        except RuntimeError:
            task()
        else:
            workers.append(worker)
    tasks[-1]()
    for worker in workers:
        worker.join()
