"""What a user can meet: one class per thing, with its code, exit status, and what to do about it.

The docstring of each class is the reference text of `docs/reference/errors.md`, beside its `advice` and an
`example` that a test runs. This module imports nothing of xt, so every layer can raise from it; `cli` alone
turns an error into a line and a status.
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
    """Stable: what programs tell errors apart by. Each class has its own."""
    exit_status = 1
    advice = ""
    """What helps where an error has no hint of its own; `COMMAND` stands for the command's name."""
    example = ""
    """A command line that ends so, in an empty folder; empty where it takes more than that."""
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


def reason(error: Exception) -> str:
    """What went wrong, as part of a sentence: `Read-only file system: PATH`; `a bug in xt: …`."""
    if isinstance(error, XtError):
        return error.message
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}"
    if isinstance(error, ImportError):
        return f"this installation of xt is not whole: {error}"
    return f"a bug in xt: {type(error).__name__}: {error}"


def is_unread(error: XtError) -> bool:
    """Whether the system failed to read, so that nothing is known of what is there: it may be whole."""
    cause = error.__cause__
    return isinstance(cause, OSError) and is_passing(cause)


def is_passing(error: OSError) -> bool:
    """Whether an error says nothing of what has that name, but of the disk, the server, or our rights."""
    import errno

    of_the_file = ("ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "EINVAL", "EFBIG", "ENXIO", "ENAMETOOLONG")
    return error.errno not in [getattr(errno, name) for name in of_the_file]


class UsageError(XtError):
    """The arguments of a command make no sense together, or name something that cannot be named."""

    code = "usage"
    exit_status = EXIT_USAGE
    advice = "`xt COMMAND --help` lists what can be given"
    example = "xt show --nothing"


class ConfigError(XtError):
    """`xt.toml` (or `[tool.xt]` in `pyproject.toml`) has an unknown key, a wrong type or bad syntax.

    The message begins with the file and the line. Nothing is started until it is mended.
    """

    code = "config"
    exit_status = EXIT_NOT_STARTED
    advice = "mend that place; docs/reference/config.md has every key and what it takes"
    example = "echo 'outptus = 1' > xt.toml; xt run -- true"


class NotStartedError(XtError):
    """xt could not start the command, so it did not run: a declared input is missing, say."""

    code = "not-started"
    exit_status = EXIT_NOT_STARTED
    advice = "nothing was started and nothing recorded: mend what is named, then run it again"
    example = "xt run -i gone.csv -- true"


class StoreError(XtError):
    """The store `.xt` cannot be read or written, or belongs to somebody else."""

    code = "store"
    exit_status = 1
    advice = "`XT_STORE=PATH` names another store; a store is a folder of yours that can be read and written"
    example = "mkdir .xt; echo other > .xt/format; xt ls"


class NewerStoreError(StoreError):
    """The store was made by a newer xt; this one may read it and does not write to it."""

    code = "store-newer"
    advice = "`pip install --upgrade xt` gets a newer xt"
    example = "mkdir .xt; echo 'xt-store 99' > .xt/format; xt ls"


class DamagedError(StoreError):
    """A record or an object is not what its name says: truncated, altered, or not JSON at all."""

    code = "damaged"
    advice = "`xt fsck` finds what else is damaged, and `xt fsck --repair` mends what can be mended"


class NoSuchRunError(XtError):
    """No run has that id, name, tag or position; or an id prefix fits more than one."""

    code = "no-such-run"
    exit_status = 1
    advice = "`xt ls --all` lists every run"
    example = "xt run -q -- true; xt show nothing"


class NoSuchBundleError(XtError):
    """No version of prompts or of a policy is meant by that; or more than one could be."""

    code = "no-such-bundle"
    exit_status = 1
    advice = "`xt bundle ls` lists the versions"
    example = "xt run -q -- true; xt bundle show prompts@0000000"


class UnreadableError(XtError):
    """A file or folder that was named cannot be read."""

    code = "unreadable"
    advice = "it must be yours to read, and a file or a folder"


class NotRecordedError(XtError):
    """The run exists and does not hold what was asked of it, such as a file of its code or a log."""

    code = "not-recorded"
    exit_status = 1
    advice = "`xt show RUN` says what was recorded of a run, and why the rest was not"
    example = "xt run -q -- true; xt show @ --code train.py"


class UnsupportedError(XtError):
    """This platform, or this installation, cannot do it: the message says what is missing."""

    code = "unsupported"
    exit_status = 1
    advice = "docs/reference/limits.md says what works where"


class NotWrittenError(XtError):
    """A file of the project was not written: it is there already, or its folder takes none."""

    code = "not-written"
    exit_status = 1
    advice = "name another place, or move away what is there"
    example = "xt run -q -- true; echo > run.json; xt export @ --to json -o run.json"


class UnverifiableError(XtError):
    """A precondition of repeating the run is missing, so it was not repeated.

    An input that is not there any more and was not stored, a package that cannot be installed, an
    environment that is not as recorded under `--env strict`: the message names it.
    """

    code = "unverifiable"
    exit_status = EXIT_UNVERIFIABLE
    advice = "`xt show RUN` says what it ran with: bring that back, then repeat it"


class NotDeployedError(XtError):
    """Nothing was deployed: no run made the content, or what speaks against it was not forced."""

    code = "not-deployed"
    exit_status = 1
    advice = "`xt deploy --force -m WHY` records it in spite of that, where a run is known"
    example = "echo > model.bin; xt run -q -- true; xt deploy model.bin --to prod"


class HookError(XtError):
    """The hook of `[deploy]` could not be started or failed, so that nothing was recorded."""

    code = "hook"
    exit_status = 1
    advice = "mend the `hook` of `[deploy.ENV]` in xt.toml and deploy again; its own words are above"


class RemoteError(XtError):
    """A remote store does not answer, refuses, breaks off, or gives something else than was asked for.

    What had arrived until then is kept, and the same command goes on from there. Nothing is ever overwritten.
    """

    code = "remote"
    exit_status = EXIT_ELSEWHERE
    advice = "the same command goes on from there; `xt remote probe NAME` tries the place out"
    example = "xt run -q -- true; xt push -r ./gone"


class WrongContentError(RemoteError):
    """What a remote gives under a name is not what the name says; nothing of it is taken over."""

    code = "wrong-content"
    advice = "nothing of it was taken over; `xt push` from a store that has it puts the right one there"


class EngineError(XtError):
    """An engine (Slurm, Dask) is not there, does not answer, or refuses what it was given.

    What was submitted until then was cancelled; repeats that had ended are recorded and kept.
    """

    code = "engine"
    exit_status = EXIT_ELSEWHERE
    advice = "what had ended is kept: give the same command again when the engine answers"


class KeyFaultError(XtError):
    """A key that is to sign, or that signatures are to be checked with, cannot be used.

    It cannot be read, is encrypted, is of another kind than ed25519, or the ssh-agent does not hold it. Where
    `--sign` named it, `xt run` does not start the command and ends with 125.
    """

    code = "key"
    exit_status = 1
    advice = "`ssh-keygen -t ed25519 -N '' -f KEY` makes one that can be used"
    example = "xt run -q -- true; xt sign @ --key gone"


class NoMemoryError(XtError):
    """There is not enough memory for what was asked; nothing was changed."""

    code = "memory"
    advice = "ask for less at once, or where there is more memory"


class BugError(XtError):
    """A mistake in xt itself. A command that was running goes on, and its exit status is kept."""

    code = "bug"
    exit_status = EXIT_BUG
    advice = "XT_DEBUG=1 shows where; a report of it helps"
