"""What a user can meet: one class per thing, with its code, exit status, and what to do about it.

The docstring of each class is the reference text of `docs/reference/errors.md`. This module imports
nothing of xt, so every layer can raise from it; `cli` alone turns an error into a line and a status.
"""

from __future__ import annotations

#: The command was recorded, or a question was answered.
EXIT_OK = 0
#: The arguments make no sense; nothing was done.
EXIT_USAGE = 2
#: A precondition of repeating a run is missing, so it was not repeated.
EXIT_UNVERIFIABLE = 3
#: Another place (a remote store, an engine) did not do what was asked; what was done is kept.
EXIT_ELSEWHERE = 4
#: Something that looks like a secret would have left, and was kept back.
EXIT_SECRET = 5
#: A bug in xt.
EXIT_BUG = 70
#: xt could not start the command; it did not run.
EXIT_NOT_STARTED = 125
#: The command was found and cannot be executed.
EXIT_NOT_EXECUTABLE = 126
#: The command was not found.
EXIT_NOT_FOUND = 127


class XtError(Exception):
    """Something a user can meet."""

    code = "error"
    exit_status = 1
    #: A text that was given, and the place in it that is wrong (a column, from 0).
    excerpt: tuple[str, int] | None = None

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep what happened and what to do.

        Args:
            message: one line, without a full stop, literals in backticks.
            hint: one line naming what would help, or None when nothing is known to.
        """
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            # Where a program that uses xt shows a traceback, it ends with this line.
            self.add_note(f"hint: {hint}")


class UsageError(XtError):
    """The arguments of a command make no sense together, or name something that cannot be named."""

    code = "usage"
    exit_status = EXIT_USAGE


class ConfigError(XtError):
    """`xt.toml` (or `[tool.xt]` in `pyproject.toml`) has an unknown key, a wrong type or bad syntax.

    The message begins with the file and the line. Nothing is started until it is mended.
    """

    code = "config"
    exit_status = EXIT_NOT_STARTED


class NotStartedError(XtError):
    """xt could not start the command, so it did not run: a declared input is missing, say."""

    code = "not-started"
    exit_status = EXIT_NOT_STARTED


class StoreError(XtError):
    """The store `.xt` cannot be read or written, or belongs to somebody else."""

    code = "store"
    exit_status = 1


class NewerStoreError(StoreError):
    """The store was made by a newer xt; this one may read it and does not write to it."""

    code = "store-newer"


class DamagedError(StoreError):
    """A record or an object is not what its name says: truncated, altered, or not JSON at all."""

    code = "damaged"


class NoSuchRunError(XtError):
    """No run has that id, name, tag or position; or an id prefix fits more than one."""

    code = "no-such-run"
    exit_status = 1


class NoSuchBundleError(XtError):
    """No version of prompts or of a policy is meant by that; or more than one could be."""

    code = "no-such-bundle"
    exit_status = 1


class NotRecordedError(XtError):
    """The run exists and does not hold what was asked of it, such as a file of its code or a log."""

    code = "not-recorded"
    exit_status = 1


class UnsupportedError(XtError):
    """This platform, or this installation, cannot do it: the message says what is missing."""

    code = "unsupported"
    exit_status = 1


class NotWrittenError(XtError):
    """A file of the project was not written: it is there already, or its folder takes none."""

    code = "not-written"
    exit_status = 1


class UnverifiableError(XtError):
    """A precondition of repeating the run is missing, so it was not repeated.

    An input that is not there any more and was not stored, a package that cannot be installed, an
    environment that is not as recorded under `--env strict`: the message names it.
    """

    code = "unverifiable"
    exit_status = EXIT_UNVERIFIABLE


class NotDeployedError(XtError):
    """Nothing was deployed: no run made the content, or what speaks against it was not forced."""

    code = "not-deployed"
    exit_status = 1


class HookError(XtError):
    """The hook of `[deploy]` could not be started or failed, so that nothing was recorded."""

    code = "hook"
    exit_status = 1


class RemoteError(XtError):
    """A remote store does not answer, refuses, breaks off, or gives something else than was asked for.

    What had arrived until then is kept, and the same command goes on from there. Nothing is ever overwritten.
    """

    code = "remote"
    exit_status = EXIT_ELSEWHERE


class WrongContentError(RemoteError):
    """What a remote gives under a name is not what the name says; nothing of it is taken over."""

    code = "wrong-content"


class EngineError(XtError):
    """An engine (Slurm, Dask) is not there, does not answer, or refuses what it was given.

    What was submitted until then was cancelled; repeats that had ended are recorded and kept.
    """

    code = "engine"
    exit_status = EXIT_ELSEWHERE


class KeyFaultError(XtError):
    """A key that is to sign, or that signatures are to be checked with, cannot be used.

    It cannot be read, is encrypted, is of another kind than ed25519, or the ssh-agent does not hold it. Where
    `--sign` named it, `xt run` does not start the command and ends with 125.
    """

    code = "key"
    exit_status = 1
