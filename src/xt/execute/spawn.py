"""Start a process exactly as a shell would have: same group, terminal, masks, limits and descriptors."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Iterable

from xt import errors

#: Python ignores these at start-up; a command must not inherit that (`yes | head` relies on SIGPIPE).
#: Whether our own caller ignored them cannot be told any more.
IGNORED_BY_PYTHON = [
    number for name in ("SIGPIPE", "SIGXFSZ") if (number := getattr(signal, name, None)) is not None
]


class FailedError(Exception):
    """The command could not be started."""

    def __init__(self, status: int, reason: str) -> None:
        """Keep the exit status (125, 126 or 127) and the reason."""
        super().__init__(reason)
        self.status = status
        self.reason = reason


def start(argv: list[str], environ: dict[str, str], streams: dict[int, int], mask: Iterable[int]) -> int:
    """Start a command.

    Args:
        argv: looked up along PATH when the first word has no slash; no shell is ever tried.
        environ: all of its variables.
        streams: descriptor of the command → descriptor of ours to become it; others are inherited.
        mask: signals it starts with blocked: those that xt was started with.

    Returns:
        Its pid.

    Raises:
        FailedError: 127 not found, 126 found but not executable, 125 the system could not.
    """
    actions = [(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in streams.items()]
    try:
        return os.posix_spawnp(
            argv[0], argv, environ, file_actions=actions, setsigmask=mask, setsigdef=IGNORED_BY_PYTHON
        )
    except OSError as error:
        raise _explained(argv[0], error) from error
    except ValueError as error:
        raise FailedError(errors.EXIT_NOT_STARTED, f"the command cannot be started: {error}") from error


def replace(argv: list[str]) -> tuple[str, int]:
    """Become the command, without any capture; return only when that fails: the reason and the status."""
    for number in IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        failed = _explained(argv[0], error)
        return failed.reason, failed.status
    except ValueError as error:
        return f"the command cannot be started: {error}", errors.EXIT_NOT_STARTED


def _explained(name: str, error: OSError) -> FailedError:
    if error.errno in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE):
        return FailedError(errors.EXIT_NOT_STARTED, f"no process could be made: {os.strerror(error.errno)}")
    if error.errno == errno.ENOENT:
        found = name if "/" in name and os.path.exists(name) else shutil.which(name)
        if found:
            return FailedError(
                errors.EXIT_NOT_EXECUTABLE,
                f"`{name}` names an interpreter that is not there",
            )
        return FailedError(errors.EXIT_NOT_FOUND, f"`{name}`: command not found")
    if error.errno == errno.ENOTDIR:
        return FailedError(errors.EXIT_NOT_FOUND, f"`{name}`: command not found")
    if os.path.isdir(name):
        return FailedError(errors.EXIT_NOT_EXECUTABLE, f"`{name}` is a folder")
    if error.errno == errno.ENOEXEC:
        return FailedError(
            errors.EXIT_NOT_EXECUTABLE, f"`{name}` is neither a program nor a script with a `#!` line"
        )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return FailedError(errors.EXIT_NOT_EXECUTABLE, f"`{name}` cannot be executed: {reason}")
