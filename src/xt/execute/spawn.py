"""Start a process exactly as a shell would have: same group, terminal, masks, limits and descriptors."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterable

from xt import errors, fsio

#: Python ignores these at start-up; a command must not inherit that (`yes | head` relies on SIGPIPE).
#: Whether our own caller ignored them cannot be told any more.
IGNORED_BY_PYTHON = [
    number for name in ("SIGPIPE", "SIGXFSZ") if (number := getattr(signal, name, None)) is not None
]
#: Errors of a system that has no room for another process, rather than of the command.
NO_ROOM = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}


#: Whether this process has started a command: what fails from then on is no reason to start it once more.
started = False


class FailedError(Exception):
    """The command could not be started."""

    def __init__(self, status: int, reason: str, *, no_room: bool = False) -> None:
        """Keep the exit status (125, 126 or 127), the reason, and whether another process was too many."""
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.no_room = no_room


def start(
    argv: list[str],
    environ: dict[str, str],
    streams: dict[int, int],
    mask: Iterable[int],
    own_pids: bool = False,
) -> int:
    """Start a command.

    Args:
        argv: looked up along its PATH when the first word has no slash; no shell is ever tried.
        environ: all of its variables; one without a name, which no program can ask for, is left out.
        streams: descriptor of the command → descriptor of ours to become it; others are inherited.
        mask: signals it starts with blocked: those that xt was started with.
        own_pids: whether it is process 1 of a pid namespace of its own.

    Returns:
        Its pid, as seen from here.

    Raises:
        FailedError: 127 not found, 126 found but not executable, 125 the system could not.
    """
    if not argv[0]:
        raise FailedError(errors.EXIT_NOT_FOUND, "``: command not found")
    if own_pids:
        from xt.execute.namespaces import own_pids as within

        try:
            # Another thread that starts one meanwhile is not hindered: only this one's children are meant.
            with within():
                return start(argv, environ, streams, mask)
        except OSError as error:
            raise FailedError(
                errors.EXIT_NOT_STARTED, f"a pid namespace is not permitted here: {error.strerror or error}"
            ) from error
    actions = [(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in streams.items()]
    global started
    try:
        pid = os.posix_spawnp(
            _program(argv[0], environ),
            argv,
            {name: value for name, value in environ.items() if name} if "" in environ else environ,
            file_actions=actions,
            setsigmask=mask,
            setsigdef=IGNORED_BY_PYTHON,
        )
    except OSError as error:
        raise _explained(argv[0], error, environ) from error
    except ValueError as error:
        raise FailedError(errors.EXIT_NOT_STARTED, f"the command cannot be started: {error}") from error
    started = True
    return pid


def _program(name: str, environ: dict[str, str]) -> str:
    """Find the command along its own PATH where that is not ours, which the system would take.

    Raises:
        FailedError: it is not there.
    """
    if "/" in name or os.get_exec_path(environ) == os.get_exec_path():
        return name
    found = fsio.find_program(name, environ.get("PATH", os.defpath))
    if found is None:
        raise FailedError(errors.EXIT_NOT_FOUND, f"`{name}`: command not found")
    return found


def replace(argv: list[str]) -> tuple[str, int]:
    """Become the command, without any capture; return only when that fails: the reason and the status."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in IGNORED_BY_PYTHON}
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        failed = _explained(argv[0], error)
        return failed.reason, failed.status
    except ValueError as error:
        return f"the command cannot be started: {error}", errors.EXIT_NOT_STARTED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _explained(name: str, error: OSError, environ: dict[str, str] | None = None) -> FailedError:
    """Say what is wrong, with the status that bash and env would end with.

    Except that both run a script without a `#!` line in a shell of their choice, which xt does not guess.
    """
    number = error.errno or 0
    if number in NO_ROOM:
        return FailedError(
            errors.EXIT_NOT_STARTED, f"no process could be made: {os.strerror(number)}", no_room=True
        )
    found = _find(name, environ)
    # A folder of PATH that may not be searched gives EACCES for a command that is in none of them.
    if found is None and ("/" not in name or number == errno.ENOENT):
        return FailedError(errors.EXIT_NOT_FOUND, f"`{name}`: command not found")
    if number == errno.ENOENT:
        return FailedError(errors.EXIT_NOT_FOUND, f"`{name}` names an interpreter that is not there")
    if os.path.isdir(found or name):
        return FailedError(errors.EXIT_NOT_EXECUTABLE, f"`{name}` is a folder")
    if number == errno.ENOEXEC:
        return FailedError(
            errors.EXIT_NOT_EXECUTABLE, f"`{name}` is neither a program nor a script with a `#!` line"
        )
    return FailedError(
        errors.EXIT_NOT_EXECUTABLE, f"`{name}` cannot be executed: {os.strerror(number) if number else error}"
    )


def _find(name: str, environ: dict[str, str] | None) -> str | None:
    """Where a command's name leads, executable or not."""
    if "/" in name:
        return name if os.path.lexists(name) else None
    places = (os.path.join(folder, name) for folder in os.get_exec_path(environ))
    return next((place for place in places if os.path.lexists(place)), None)
