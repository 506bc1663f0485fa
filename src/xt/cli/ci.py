"""Reports to a job of continuous integration. Whatever goes wrong with one is a warning and nothing more."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable

from xt import fsio
from xt.context import Outside
from xt.errors import NotWrittenError, XtError, reason
from xt.model.ci import Account
from xt.ops.ci.around import Around, of_error
from xt.ops.ci.places import Place, check, chosen
from xt.ops.ci.putting import annotate, append, length, put
from xt.render.ci_github import commands, harmless, outputs
from xt.render.visible import visible
from xt.store import find_root

#: Bytes of a summary: GitHub drops one of more than 1 MiB whole, and counts what was there before.
SUMMARY = 900_000
#: The same of one annotation of Buildkite, which holds those of other commands too.
ANNOTATION = 200_000
#: Bytes below which a summary would say nothing.
LEAST = 4_000
#: Letters of an id in names of files.
_LETTERS = 8


class Job:
    """One command in a job."""

    def __init__(self, command: str, place: Place, outside: Outside) -> None:
        """Begin.

        Args:
            command: its name.
            place: where its report goes.
            outside: the world.
        """
        self.command = command
        self.place = place
        self.outside = outside
        self.around = Around(place, outside, find_root(outside.cwd))

    def page(self, data: bytes, style: str, head: str) -> bytes:
        """Make a report fit for the log of a job, on standard output.

        Args:
            data: the report.
            style: how it is written, of `--format`.
            head: the line to fold a page for people under.
        """
        if style == "terminal":
            return self.folded(self.harmless(data), f"xt {self.command}: {head}")
        return self.harmless(data, style)

    def harmless(self, text: bytes, style: str = "") -> bytes:
        """Make a report for standard output one that no runner reads as commands."""
        return harmless(text.decode("utf-8", "surrogateescape"), style).encode("utf-8", "surrogateescape")

    def folded(self, page: bytes, head: str) -> bytes:
        """Fold a page away where the log has sections."""
        if self.place.provider != "gitlab":
            return page
        from xt.render.ci_section import section

        token = self.outside.random_bytes(4).hex()
        name = f"xt_{self.command}_{token}"
        text = section(name, head, page.decode("utf-8", "surrogateescape"), self.outside.now().timestamp())
        return text.encode("utf-8", "surrogateescape")

    def tell(
        self,
        account: Callable[[], Account],
        markdown: Callable[[Account, int], str],
        junit: Callable[[Account], bytes],
    ) -> None:
        """Report.

        Args:
            account: what there is to tell.
            markdown: writes it in so many bytes.
            junit: writes it as tests.
        """
        try:
            told = account()
        except Exception as error:
            _warn(error)
            return
        provider, environ = self.place.provider, self.outside.environ
        steps: list[Callable[[], None]] = []
        if provider == "github":
            steps += [
                lambda: _write("".join(f"{line}\n" for line in commands(told))),
                lambda: self._summary(environ.get("GITHUB_STEP_SUMMARY"), told, markdown),
                lambda: self._outputs(environ.get("GITHUB_OUTPUT"), told),
            ]
        if provider == "buildkite":
            steps.append(lambda: annotate(environ, markdown(told, ANNOTATION), bad=told.passed is not True))
        if self.place.folder is not None:
            steps.append(lambda: self._files(told, markdown, junit))
        for step in steps:
            # One that fails keeps no other from being tried.
            try:
                step()
            except Exception as error:
                _warn(error)

    def _summary(self, path: str | None, told: Account, markdown: Callable[[Account, int], str]) -> None:
        if not path:
            return
        room = SUMMARY - (length(path) or 0)
        if room < LEAST:
            raise NotWrittenError("the summary of this step is full")
        append(path, markdown(told, room) + "\n")

    def _outputs(self, path: str | None, told: Account) -> None:
        if path:
            append(path, outputs(told, self.outside.random_bytes(16).hex()))

    def _files(
        self,
        told: Account,
        markdown: Callable[[Account, int], str],
        junit: Callable[[Account], bytes],
    ) -> None:
        from xt.render.ci_files import joined

        files = {
            ".xml": junit(told),
            ".md": markdown(told, SUMMARY).encode("utf-8", "backslashreplace"),
        }
        stem = f"{told.command}-{(told.run or 'none')[:_LETTERS]}"
        for doubt in put(self.place, told, stem, files, joined, self.outside):
            _say(f"the report of this job lacks something: {doubt}")


def opened(command: str, option: str | None, folder: str | None, outside: Outside) -> Job | None:
    """Find the job to report to; None when there is none, or none is wanted.

    Args:
        command: that reports.
        option: of `--ci`.
        folder: of `--ci-dir`.
        outside: the world.

    Raises:
        UsageError: the option names nothing there is.
    """
    check(option)
    try:
        place = chosen(option, folder, outside)
    except Exception as error:
        _warn(error)
        return None
    if isinstance(place, str):
        _say(f"nothing is reported to CI: {place}")
        return None
    return Job(command, place, outside) if place is not None else None


def nothing(arguments: list[str], error: XtError) -> None:
    """Tell a job that a command came to nothing.

    Args:
        arguments: of the command line, which may be the very thing that is wrong.
        error: why.
    """
    from xt.render.ci_run import account_junit, account_markdown

    try:
        outside = Outside.real()
        job = opened(arguments[0], _value(arguments, "--ci"), _value(arguments, "--ci-dir"), outside)
    except (XtError, OSError):
        return  # it has been said
    if job is not None:
        job.tell(lambda: of_error(job.command, error, job.around), account_markdown, account_junit)


def _value(arguments: list[str], option: str) -> str | None:
    """The value of an option, before words of a command begin."""
    for at, word in enumerate(arguments):
        if word == "--":
            break
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
        if word == option and at + 1 < len(arguments):
            return arguments[at + 1]
    return None


def flush() -> None:
    """Have what is on standard output stand before what is told."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()


def _warn(error: Exception) -> None:
    if isinstance(error, XtError):
        _say(f"nothing was reported to CI: {error.message}" + (f" ({error.hint})" if error.hint else ""))
    elif isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        _say(f"nothing was reported to CI: {error.strerror or error}{where}")
    else:
        _say(f"nothing was reported to CI: {reason(error)}")


def _say(text: str) -> None:
    _write(harmless(visible(f"xt: warning: {text}")) + "\n")


def _write(text: str) -> None:
    """Write to standard error; when that is gone there is nobody to tell."""
    with contextlib.suppress(OSError):
        fsio.write_all(2, text.encode("utf-8", "backslashreplace"))
