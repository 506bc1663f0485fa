"""How an error is told: a line what happened, a line what to do, and for programs one of JSON."""

from __future__ import annotations

import errno
import os
import sys

from xt import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: What helps, by the number of an error of the operating system.
_ADVICE = {
    errno.EACCES: "it must be yours to read and write",
    errno.EPERM: "it must be yours to read and write",
    errno.ENOENT: "what the path names must be there; `xt run` makes again what is missing of a store",
    errno.EROFS: "the store must be writable",
    errno.ENOSPC: "free some space and try again",
    errno.EDQUOT: "your quota is used up: free some space and try again",
    errno.EIO: "the disk or the server behind it fails: `dmesg` may say more",
    errno.ESTALE: "the server took it away: mount it again",
    errno.EMFILE: "`ulimit -n` says how many files may be open",
    errno.ENFILE: "this machine has too many files open",
    errno.ENOTDIR: "there is a file where a folder should be",
    errno.EISDIR: "there is a folder where a file should be",
    errno.ELOOP: "symbolic links lead in a circle",
    errno.ENAMETOOLONG: "shorter names, or a place nearer to the root",
    errno.ENOLCK: "the file system of the store must have locks: `XT_STORE` names another place",
}
#: What a line may have; nobody reads more, and a terminal is full of it.
_LONGEST = 2000


def ours(error: Exception) -> errors.XtError:
    """Give the error of ours that another one is, with that as its cause."""
    if isinstance(error, errors.XtError):
        return error
    known: errors.XtError
    if isinstance(error, OSError):
        # Of a store or a stream that cannot be read or written, never of the command.
        known = errors.StoreError(of_system(error), _ADVICE.get(error.errno or 0))
    elif type(error).__module__ == "sqlite3":  # not loaded for this: whoever raises its errors has
        known = errors.StoreError(f"the index cannot be read: {error}", "`.xt/cache` can be deleted")
    elif isinstance(error, MemoryError):
        known = errors.NoMemoryError("there is not enough memory")
    elif isinstance(error, ImportError):
        known = errors.UnsupportedError(errors.reason(error), "`pip install --force-reinstall xt` mends it")
    else:
        known = errors.BugError(errors.reason(error))
    known.__cause__ = error
    return known


def _without_secrets() -> Callable[[str], str]:
    from xt.ops.scrub import Scrubber
    from xt.redact import clean, secret_values

    scrubber = Scrubber(secret_values(os.environ, []))
    return lambda text: scrubber.clean(clean(text))


def discreet(error: errors.XtError) -> None:
    """Take out of an error what is secret: it may quote what was typed, and jobs of CI keep and show it."""
    safe = _without_secrets()
    error.message, error.hint = safe(error.message), safe(error.hint) if error.hint else error.hint
    error.args = (error.message, *error.args[1:])
    error.__notes__ = [safe(note) for note in getattr(error, "__notes__", [])]
    if error.excerpt is not None and safe(error.excerpt[0]) != error.excerpt[0]:
        error.excerpt = None


def of_system(error: OSError) -> str:
    """One line of an error of the operating system; with the path, where it has one."""
    why = error.strerror or str(error) or type(error).__name__
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    return f"{why}: {' → '.join(names)}" if names else f"reading or writing failed: {why}"


def advice(error: errors.XtError, command: str = "") -> str:
    """What to do about it: its own hint, else that of its kind.

    Args:
        error: what happened.
        command: whose `--help` may be meant.
    """
    return error.hint or error.advice.replace("xt COMMAND ", f"xt {command} " if command else "xt ")


def tell(error: errors.XtError, arguments: list[str] | None = None, status: int | None = None) -> None:
    """Write an error: one line what happened, one line what to do.

    Args:
        error: what happened.
        arguments: of the command line; where they ask for JSON a last line is for programs.
        status: what the process will end with; the error's own by default.
    """
    from xt.render.pointing import pointed

    arguments = arguments or []
    debug = bool(os.environ.get("XT_DEBUG"))
    if debug:
        import traceback

        from xt.render.visible import visible_lines

        # Of what caused it nobody has taken anything out.
        shown = _without_secrets()("".join(traceback.format_exception(error)))
        print(visible_lines(shown), end="", file=sys.stderr)
    message = harmless(error.message)
    hint = harmless(advice(error, "".join(word for word in arguments[:1] if word.isalpha())))
    fold = _folding(arguments)
    print(fold(f"xt: error: {message}"), file=sys.stderr)
    for line in pointed(*error.excerpt) if error.excerpt is not None else ():
        print(line, file=sys.stderr)
    if hint:
        print(fold(f"xt: hint: {hint}"), file=sys.stderr)
    if debug:
        print(f"xt: code: {error.code}", file=sys.stderr)
    if _for_programs(arguments):
        from xt import codec
        from xt.model.fault import Fault

        fault = Fault(error.code, message, hint or None, error.exit_status if status is None else status)
        print(codec.encode(fault).decode().rstrip(), file=sys.stderr)


def _folding(arguments: list[str]) -> Callable[[str], str]:
    """What breaks a line for a terminal; for anybody else it stays one."""
    from xt.context import in_ci

    if in_ci(os.environ) or _for_programs(arguments) or sys.stderr is None or not sys.stderr.isatty():
        return lambda line: line
    from xt.render.terminal import folded, width

    columns = width(sys.stderr, os.environ)
    return lambda line: folded(line, columns)


def _for_programs(arguments: list[str]) -> bool:
    """Whether a program reads standard error: it says so, or asked for an answer in JSON."""
    if os.environ.get("XT_ERRORS") == "json":
        return True
    if arguments[:1] == ["run"]:
        return False  # `--json` would be the command's own
    if "--" in arguments:
        arguments = arguments[: arguments.index("--")]
    asked = "--format" in arguments and arguments[arguments.index("--format") + 1 :][:1] == ["json"]
    return asked or "--json" in arguments or "--format=json" in arguments


def harmless(text: str) -> str:
    """One line that neither a terminal nor, in a job, a runner takes for more than text."""
    from xt.context import in_ci
    from xt.render.visible import visible

    text = visible(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
    if "##" in text and in_ci(os.environ):
        from xt.render.ci_github import harmless as without_commands

        text = without_commands(text)
    return text
