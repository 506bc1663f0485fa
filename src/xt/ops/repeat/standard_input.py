"""The standard input of a repeat: what was recorded of it, or the honest statement that it is not known."""

from __future__ import annotations

import fcntl
import os

from xt import fsio
from xt.context import sort_of
from xt.errors import DamagedError, NotRecordedError, UnverifiableError
from xt.model.snapshot import Command
from xt.store import Store

#: Bytes that fit into any pipe (pipe(7)).
_PIPE = 65_536


def connect(store: Store, command: Command, scratch: str) -> list[str]:
    """Make descriptor 0 of this process what the command had.

    Args:
        store: that has the content.
        command: as recorded.
        scratch: folder for a file.

    Returns:
        What is not as it was, in sentences.

    Raises:
        UnverifiableError: the content is not to be had any more.
        OSError: it cannot be put in place.
    """
    if command.stdin_digest is not None:
        try:
            data = store.objects.read(command.stdin_digest)
        except (NotRecordedError, DamagedError) as error:
            message = f"standard input is not to be had any more: {error.message}"
            raise UnverifiableError(message, "`xt run` it again with the same standard input") from error
        _replace(_pipe(data) if command.stdin == "pipe" else _file(data, f"{scratch}/stdin"))
        return []
    here = sort_of(0)
    if command.stdin == here and here in ("terminal", "null", "closed"):
        return []
    if command.stdin == "closed":
        _replace(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC), inheritable=False)
        return []
    if command.stdin == "null":
        _replace(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        return []
    if command.stdin == "terminal":
        _replace(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        return ["standard input was a terminal and is empty now"]
    why = f": {command.stdin_reason}" if command.stdin_reason else ""
    if here in ("terminal", "closed"):
        _replace(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        return [f"what standard input held is not recorded{why}; it is empty now"]
    return [f"what standard input held is not recorded{why}; it is the caller's now"]


def _pipe(data: bytes) -> int:
    read, write = os.pipe()
    try:
        if len(data) > _PIPE and hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, len(data))
        os.set_blocking(write, False)  # what does not fit fails instead of waiting for ever
        fsio.write_all(write, data)
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)
    return read


def _file(data: bytes, path: str) -> int:
    fsio.write_atomic(path, data, durable=False)
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _replace(fd: int, *, inheritable: bool = True) -> None:
    os.dup2(fd, 0, inheritable=inheritable)
    os.close(fd)
