"""The entry point: errors become a line and a status here, and nowhere else."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from xt import __version__, errors

#: Commands that end as the command does that they run.
RUNNING = (["run"], ["rerun"])
#: Commands that go without Typer, a third of what they take, when they are given no options.
PLAIN = (["ls"], ["show"], ["logs"], ["diff"])
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
        try:
            fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            # In a folder that was made the root, without `/dev`.
            fd = os.memfd_create("null", os.MFD_CLOEXEC)
        if fd > 2:
            os.close(fd)
            return


def guarded(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    try:
        return dispatch(arguments)
    except KeyboardInterrupt:
        print("xt: interrupted", file=sys.stderr)
        if arguments[:1] == ["run"]:
            from xt.context import end_by_sigint

            end_by_sigint()
        return 130
    except BrokenPipeError:
        # The reader of our output left; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except Exception as error:
        return _failed(arguments, error)


def _failed(arguments: list[str], error: Exception) -> int:
    """Tell an error; a function of its own, so that nothing on its traceback holds on to it."""
    try:
        from xt.cli import fault
    except (OSError, ImportError, MemoryError):
        # No file can be opened any more, say.
        print(f"xt: error: {type(error).__name__}: {str(error)!a}", file=sys.stderr)
        return _status(arguments, errors.StoreError(""))
    known = fault.ours(error)
    # Whatever is wrong there, the error is told.
    with contextlib.suppress(Exception):
        fault.discreet(known)
    status = _status(arguments, known)
    fault.tell(known, arguments, status)
    if known is error:
        _to_job(arguments, known)
    return status


def _status(arguments: list[str], error: errors.XtError) -> int:
    """What an error ends the process with."""
    status = error.exit_status
    # Here the codes are the command's: what xt says about itself is 125, and 1 elsewhere.
    if arguments[:1] in RUNNING:
        return errors.EXIT_NOT_STARTED if status == 1 else status
    return _trouble(arguments) if status in (1, errors.EXIT_NOT_STARTED) else status


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
    if arguments[:1] == ["run"]:
        return _run(arguments)
    load_msgspec_lean()
    if arguments[:1] == ["complete"] and len(arguments) == 3:
        from xt.cli.complete import complete

        return complete(arguments[1:])
    if arguments[:1] in PLAIN and not any(word[:1] in ("", "-") for word in arguments[1:]):
        from xt.cli import plain

        if plain.fits(arguments):
            return plain.answer(arguments)
    from xt.cli.app import invoke

    return invoke(arguments)


def _run(arguments: list[str]) -> int:
    """Run a command, be it without a record: xt may be half upgraded, or its files not to be read."""
    try:
        load_msgspec_lean()
        from xt.cli import fast

        words = fast.parse(arguments[1:])
        if words is None:
            from xt.cli.app import invoke
        else:
            from xt.cli.run import execute
    except BaseException as error:  # a library written in Rust has panics of its own
        command = _command(arguments[1:])
        if not command or isinstance(error, KeyboardInterrupt):
            raise
        return become(command, f"xt cannot be loaded: {error}")
    return invoke(arguments) if words is None else execute(words)


def _command(arguments: list[str]) -> list[str]:
    """What is to run, found with nothing loaded; none where that takes more, or it needs a record."""
    if arguments and not arguments[0].startswith("-"):
        return arguments
    at = arguments.index("--") if "--" in arguments else len(arguments)
    if any(word in ("-C", "--strict") or word.startswith("--docker") for word in arguments[:at]):
        return []
    return arguments[at + 1 :]


def become(command: list[str], why: str) -> int:
    """Become a command that cannot be recorded; return the status to end with when that fails.

    Nothing that may not be loaded is needed for it.
    """
    import signal

    print(f"xt: warning: this run is not recorded: {ascii(why)[1:-1]}", file=sys.stderr, flush=True)
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except (OSError, ValueError) as error:
        print(f"xt: error: {command[0]!a} cannot be started: {error}", file=sys.stderr)
        return errors.EXIT_NOT_FOUND if isinstance(error, FileNotFoundError) else errors.EXIT_NOT_EXECUTABLE


def load_msgspec_lean() -> None:
    """Import msgspec without typing_extensions, which it can do without: 9 ms of every start.

    And without `platform`, 2 ms: `uuid`, which comes with it, only asks that for the system's name.
    """
    if "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    asked = "platform" not in sys.modules and "uuid" not in sys.modules
    if asked:
        stand_in = type(sys)("platform")
        stand_in.system = lambda: os.uname().sysname  # type: ignore[attr-defined]
        sys.modules["platform"] = stand_in
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]
        if asked:
            del sys.modules["platform"]
