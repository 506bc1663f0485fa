"""Files that xt draws: put in place whole, over what xt drew before, and never over anything else."""

from __future__ import annotations

import os
import stat

from xt import fsio
from xt.context import Outside
from xt.errors import NotWrittenError, UsageError

#: What files that xt draws have among their first bytes: SVG, HTML, PNG.
MARKS = (b"<!-- drawn by xt -->", b'<meta name="generator" content="xt">', b"Software\0xt")
#: Bytes looked at for it.
_HEAD = 2_000


def put(path: str, data: bytes, store: str, outside: Outside, *, force: bool) -> str:
    """Write a file, and leave one of others alone.

    Args:
        path: absolute.
        data: its content, with one of the marks among its first bytes.
        store: path of the store, in which nothing is written.
        outside: for the permissions of a new file.
        force: replace any file.

    Returns:
        The path as the user may want to read it: relative to the working directory if it is below.

    Raises:
        UsageError: it is in the store.
        NotWrittenError: another file is there, or the folder takes none.
    """
    shown = fsio.relative_to(os.path.normpath(path), outside.cwd)
    folder = os.path.realpath(os.path.dirname(path))
    if fsio.is_inside(folder, os.path.realpath(store)):
        raise UsageError(f"`{shown}` is in the store itself", "any other folder will do")
    try:
        found = os.stat(path)
    except FileNotFoundError:
        found = None
    except OSError as error:
        raise _refused(shown, error) from error
    try:
        if found is not None and not stat.S_ISREG(found.st_mode):
            if stat.S_ISDIR(found.st_mode):
                raise NotWrittenError(f"`{shown}` is a folder", "name a file in it")
            _pour(path, data)  # a pipe or a terminal, say
            return shown
        if found is not None and not force and not _is_ours(path, found.st_size):
            raise NotWrittenError(
                f"`{shown}` is there already, and xt did not draw it", "`--force` replaces it"
            )
        mode = 0o666 & ~outside.umask if found is None else stat.S_IMODE(found.st_mode)
        # Behind a link the file it points to is the one that is meant.
        fsio.write_atomic(os.path.realpath(path), data, mode=mode, durable=False)
    except OSError as error:
        raise _refused(shown, error) from error
    return shown


def _is_ours(path: str, size: int) -> bool:
    if size == 0:
        return True
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    return any(mark in head for mark in MARKS)


def _pour(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        fsio.write_all(fd, data)
    finally:
        os.close(fd)


def _refused(shown: str, error: OSError) -> NotWrittenError:
    return NotWrittenError(f"`{shown}` cannot be written: {error.strerror}")
