"""The entry point: errors become a line and a status here, and nowhere else."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from xt import __version__, errors

#: Commands that end as the command does that they run.
RUNNING = (["run"], ["rerun"])
#: Commands that report to a job of continuous integration.
REPORTING = (["run"], ["verify"], ["diff"], ["audit"])


def main() -> None:
    """Run the command line and end the process with its status."""
    # A process of this length makes no garbage worth looking for: 4 ms of every start.
    gc.disable()
    plug_closed()
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.dup(number), "w"))
    status = guarded(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    # Taking the interpreter apart would cost 5 ms and give nothing back that the kernel does not.
    os._exit(status)


def plug_closed() -> None:
    """Keep files of ours off descriptors 0 to 2 when the caller closed them.

    What is put there is closed again when the command starts, which so finds them closed too.
    """
    while True:
        fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        if fd > 2:
            os.close(fd)
            return


def guarded(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    try:
        return dispatch(arguments)
    except errors.XtError as error:
        tell(error)
        _to_job(arguments, error)
        status = error.exit_status
        # Here the codes are the command's: what xt says about itself is 125, and 1 elsewhere.
        if arguments[:1] in RUNNING:
            return errors.EXIT_NOT_STARTED if status == 1 else status
        return _trouble(arguments) if status in (1, errors.EXIT_NOT_STARTED) else status
    except KeyboardInterrupt:
        print("xt: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output left; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except OSError as error:
        # Of a store or a stream that cannot be read or written, never of the command.
        where = f": {error.filename}" if error.filename else ""
        tell(errors.StoreError(f"{error.strerror or error}{where}", _access(error)))
        return errors.EXIT_NOT_STARTED if arguments[:1] in RUNNING else _trouble(arguments)
    except Exception as error:
        if os.environ.get("XT_DEBUG"):
            raise
        if type(error).__module__ == "sqlite3":  # which is loaded by whoever raises its errors, and not here
            tell(errors.StoreError(f"the index cannot be read: {error}", "`.xt/cache` can be deleted"))
            return _trouble(arguments)
        print(f"xt: error: a bug in xt: {type(error).__name__}: {error}", file=sys.stderr)
        print("xt: hint: XT_DEBUG=1 shows where; a report of it helps", file=sys.stderr)
        return errors.EXIT_BUG


def _trouble(arguments: list[str]) -> int:
    """Status when something is in the way; where 1 is a verdict it is another."""
    gate = arguments[:1] == ["diff"] and any(word.partition("=")[0] == "--fail-on" for word in arguments)
    return errors.EXIT_UNVERIFIABLE if gate or arguments[:1] in (["verify"], ["stale"]) else 1


def _to_job(arguments: list[str], error: errors.XtError) -> None:
    """Tell a job of continuous integration that a command came to nothing."""
    if arguments[:1] not in REPORTING:
        return
    from xt.context import in_ci

    if in_ci(os.environ) or "XT_CI" in os.environ or any(word.startswith("--ci") for word in arguments):
        from xt.cli.ci import nothing

        nothing(arguments, error)


def dispatch(arguments: list[str]) -> int:
    """Take the short way for the everyday forms, Typer for all others."""
    if sys.platform == "win32":
        raise errors.UnsupportedError("xt runs on Linux and macOS", "WSL is Linux")
    if arguments == ["--version"]:
        print(f"xt {__version__}")
        return 0
    load_msgspec_lean()
    if arguments[:1] == ["complete"] and len(arguments) == 3:
        from xt.cli.complete import complete

        return complete(arguments[1:])
    if arguments[:1] == ["run"]:
        from xt.cli import fast

        words = fast.parse(arguments[1:])
        if words is not None:
            from xt.cli.run import execute

            return execute(words)
    from xt.cli.app import invoke

    return invoke(arguments)


def _access(error: OSError) -> str | None:
    import errno

    hints = {
        errno.EACCES: "it must be yours to read and write",
        errno.ENOENT: "`xt run` makes again what is missing of a store",
        errno.EROFS: "the store must be writable",
        errno.ENOSPC: "free some space and try again",
    }
    return hints.get(error.errno or 0)


def load_msgspec_lean() -> None:
    """Import msgspec without typing_extensions, which it can do without: 9 ms of every start."""
    if "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]


def tell(error: errors.XtError) -> None:
    """Write an error: one line what happened, one line what to do."""
    from xt.render.pointing import pointed

    if os.environ.get("XT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    print(f"xt: error: {harmless(error.message)}", file=sys.stderr)
    for line in pointed(*error.excerpt) if error.excerpt is not None else ():
        print(line, file=sys.stderr)
    if error.hint:
        print(f"xt: hint: {harmless(error.hint)}", file=sys.stderr)


def harmless(text: str) -> str:
    """One line that neither a terminal nor, in a job, a runner takes for more than text."""
    from xt.context import in_ci
    from xt.render.visible import visible

    text = visible(text)
    if "##" in text and in_ci(os.environ):
        from xt.render.ci_github import harmless as without_commands

        text = without_commands(text)
    return text
