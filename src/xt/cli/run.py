"""`xt run`: from words to a request, to the verb, to a line on standard error."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable

from msgspec.structs import replace

from xt import config, join
from xt.cli.fast import Words
from xt.context import Outside, end_by_sigint, in_ci
from xt.errors import ConfigError, NotStartedError, XtError, reason
from xt.model.request import RunRequest
from xt.ops.evidence import Missing
from xt.ops.run import Hooks, NotRecordedError, Report, run, run_unrecorded, started
from xt.render import runline
from xt.render.quantities import seconds_since
from xt.render.terminal import colour, folded
from xt.render.terminal import width as terminal_width
from xt.render.visible import visible
from xt.store import find_root, locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.cli.doing import Amount, Doing
    from xt.launch import Place
    from xt.ops.reuse import Hit, Miss

#: What tells that a launcher may have started several of us (`xt.launch`).
_RANKS = ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_RANK", "MPI_LOCALNRANKS", "WORLD_SIZE")


def execute(words: Words) -> int:
    """Run what was typed; return the status to end with."""
    if words.asked.ci is not None:
        from xt.ops.ci.places import check

        check(words.asked.ci)
    strict = words.directory is not None or words.asked.strict or words.asked.docker or not words.command
    try:
        outside = _outside(words.directory)
    except NotStartedError as error:
        if strict:
            raise
        return _instead(words.command, error.message)  # where no file can be named, some commands do well
    try:
        return _execute(words, outside)
    except Exception as error:
        if strict or started() or (isinstance(error, XtError) and not _withheld(error)):
            raise
        # Whatever is wrong with us, the command runs.
        return _instead(words.command, reason(error))


def _withheld(error: XtError) -> bool:
    """Whether settings are kept from us by the system, where there may be none: no mistake in them."""
    cause = error.__cause__
    known = (errno.EFBIG, errno.EINVAL, errno.ELOOP, errno.EISDIR)
    return isinstance(error, ConfigError) and isinstance(cause, OSError) and cause.errno not in known


def _execute(words: Words, outside: Outside) -> int:
    began = outside.monotonic()
    root = find_root(outside.cwd)
    settings = config.load(root, outside.cwd)
    request = join.join(words.asked, settings, outside.cwd, words.command)
    store = locate(outside.cwd, outside.environ)
    sealed = None
    if request.sign is not None:
        from xt.cli.sealing import prepared

        sealed = prepared(request.sign, outside, must=request.must_sign)
    if settings.ignored:
        say([f"xt: warning: [tool.xt] of {settings.ignored} is not read: there is an xt.toml"])
    launch: Place | None = None
    ranks = any(name in outside.environ for name in _RANKS)
    if ranks and not request.per_rank:
        from xt.cli.rank import lead

        led = lead(request, outside, settings.settings, store, root)
        if isinstance(led, int):
            return led
        launch = led
        if launch is not None:
            request = replace(request, launch=(launch.key, launch.size))
    waiting = _Waiting(quiet=request.quiet)
    hooks = Hooks(_warn, _missed(quiet=request.quiet), launch=launch, sealed=sealed, waiting=waiting)
    try:
        if request.docker is not None:
            from xt.cli.contained import execute as within

            report = within(request, outside, root, settings.settings, store, hooks)
        else:
            report = run(request, outside, root, settings.settings, store, hooks)
    except NotRecordedError as error:
        waiting("")  # before xt becomes the command, which would get the timer
        return unrecorded(request, error)
    finally:
        waiting("")
    if isinstance(report, int):
        return report
    if not isinstance(report, Report):
        from xt.cli.reused import tell

        _dropped(words)
        status = tell(report, store, outside, began, quiet=request.quiet)
        _to_job(words, report, store, outside, quiet=request.quiet)
        return status
    try:
        after(report, outside, quiet=request.quiet)
    except Exception as error:
        # As below: what is only said must not cost it.
        say([visible(f"xt: warning: what became of this run could not be told: {reason(error)}")])
    _to_job(words, report, store, outside, quiet=request.quiet)
    return end(report)


def _to_job(words: Words, done: Report | Hit, store: str, outside: Outside, *, quiet: bool) -> None:
    """Report to a job of continuous integration; nothing is loaded for it outside one."""
    if not (words.asked.ci or outside.environ.get("XT_CI") or done.record.snapshot.context.ci):
        return
    try:
        from xt.cli.ci_run import report

        report(words.asked, done, store, outside, quiet=quiet)
    except Exception as error:
        # The command has run: its exit code is passed on, whatever is wrong with us.
        say([visible(f"xt: warning: nothing was reported to CI: {reason(error)}")])


def _outside(directory: str | None) -> Outside:
    try:
        if directory is not None:
            os.chdir(directory)
        return Outside.real()
    except OSError as error:
        where = directory if directory is not None else "the working directory"
        raise NotStartedError(
            f"cannot run in `{where}`: {error.strerror}", "`-C DIR` names another folder"
        ) from error


def _warn(lacking: list[Missing]) -> None:
    fields = ", no ".join(item.field for item in lacking)
    hints = " · ".join(dict.fromkeys(item.hint for item in lacking))
    say([visible(f"xt: warning: not evidence: no {fields} ({hints})")])


def _missed(*, quiet: bool) -> Callable[[Miss], None]:
    def tell(miss: Miss) -> None:
        if not miss.expected:
            say([visible(f"xt: warning: not reused, but run: {miss.reason}")])
        elif not quiet:
            say([visible(f"xt: nothing to reuse: {miss.reason}")])

    return tell


class _Waiting:
    """Says on a terminal what keeps the command from starting, or xt from ending; see `Doing`."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._line: Doing | None = None

    def __call__(self, doing: str, amount: Amount | None = None) -> None:
        try:
            if self._line is None:
                if not doing or self._quiet or not os.isatty(2):
                    return
                from xt.cli.doing import Doing

                self._line = Doing(os.environ, quiet=False)
            self._line.tell(doing, amount)
        except Exception:
            return  # as when xt is being upgraded: that it is said must not cost what is said


def _dropped(words: Words) -> None:
    """Say what the event of a reuse, other than a record, has no place for."""
    given = [noun for noun, said in (("name", words.asked.name), ("tags", words.asked.tags)) if said]
    if given:
        are = "is" if given == ["name"] else "are"
        say([f"xt: warning: no run was made: the {' and '.join(given)} given {are} not recorded"])


def after(report: Report, outside: Outside, *, quiet: bool) -> None:
    """Write the line after a run, and what went wrong with its record."""
    if report.trouble:
        # What else went wrong has the same reason, and there is no record to look it up in.
        say([visible(f"xt: warning: this run is not recorded: {report.trouble}")])
        return
    problems = [*report.record.snapshot.problems, *report.record.result.problems]
    failed = report.record.result.status in ("failed", "interrupted", "not-started")
    lines = runline.problem_lines(problems, failed=failed)
    if report.undelivered and not failed:
        fields = ", no ".join(item.field for item in report.undelivered)
        reasons = "; ".join(dict.fromkeys(item.hint for item in report.undelivered))
        lines.append(visible(f"xt: warning: not evidence after all: no {fields} ({reasons})"))
    if report.weak:
        lines.append(visible(f"xt: warning: the record: {report.weak}"))
    if report.unsigned:
        lines.append(
            visible(f"xt: warning: this run is not signed: {report.unsigned} (xt sign signs it later)")
        )
    if report.doubt:
        lines.append(visible(f"xt: warning: it could not be held against the baseline: {report.doubt}"))
    if not quiet:
        repeats = None
        if report.repeats is not None and report.repeats_at is not None:
            repeats = (report.repeats, seconds_since(report.repeats_at, outside.now()))
        ends = colour(sys.stderr, outside.environ)
        width = terminal_width(sys.stderr, outside.environ) if sys.stderr.isatty() else None
        lines.append(
            runline.line(report.record, report.shown, repeats, report.beside, colour=ends, width=width)
        )
    say(lines)


def say(lines: list[str]) -> None:
    """Write to standard error; when that is gone there is nobody to tell."""
    if not lines:
        return
    if not in_ci(os.environ) and os.isatty(2):
        columns = terminal_width(sys.stderr, os.environ)
        # What has colours or lines is laid out already.
        lines = [line if "\x1b" in line or "\n" in line else folded(line, columns) for line in lines]
    text = "\n".join(lines) + "\n"
    if "##" in text and in_ci(os.environ):
        from xt.render.ci_github import harmless

        text = harmless(text)
    data = text.encode("utf-8", "backslashreplace")
    try:
        os.write(2, data)
    except OSError:
        return


def end(report: Report) -> int:
    """End as the command ended."""
    result = report.record.result
    if result.signal == signal.SIGINT and signal.SIGINT in result.received:
        end_by_sigint()
    return result.xt_exit


def unrecorded(
    request: RunRequest, error: NotRecordedError, wrap: Callable[[], list[str]] | None = None
) -> int:
    """Become the command: what cannot be recorded must run all the same.

    Args:
        request: what was to be recorded.
        error: why it cannot.
        wrap: gives what is started instead of the command.

    Raises:
        NotRecordedError: it is not to run without a record.
    """
    if request.strict:
        raise NotRecordedError(f"the run cannot be recorded: {error.message}", error.hint) from error
    return _instead(wrap() if wrap is not None else request.command, error.message)


def _instead(command: list[str], why: str) -> int:
    say([visible(f"xt: warning: this run is not recorded: {why}")])
    reason, status = run_unrecorded(command)
    say([visible(f"xt: error: {reason}")])
    return status
