"""What `xt push` and `xt pull` have in common: progress, and saying what was done, also when interrupted."""

from __future__ import annotations

import sys
from typing import Protocol

from xt.context import Outside
from xt.model.sync import Synced


class Verb(Protocol):
    """A push or a pull."""

    def run(self) -> Synced:
        """Do it."""

    def report(self) -> Synced:
        """Say how far it came."""


class Bar:
    """The progress of what follows one another: each its own bar."""

    def __init__(self, outside: Outside) -> None:
        """Draw nothing yet."""
        from xt.render.progress import Progress

        self._progress = Progress(sys.stderr, outside.environ, "")
        self._outside = outside

    def step(self, doing: str, done: int, total: int) -> None:
        """Say how far it is; see `ops.sync.pool`."""
        from xt.render.progress import Progress

        if doing != self._progress.label:
            self._progress.close()
            self._progress = Progress(sys.stderr, self._outside.environ, doing)
        self._progress.step(done, total)

    def close(self) -> None:
        """Take it away."""
        self._progress.close()


def carry_out(verb: Verb, bar: Bar, outside: Outside, shown: int, *, as_json: bool) -> int:
    """Do it, and write what came of it.

    Args:
        verb: to do.
        bar: that it tells how far it is.
        outside: for the terminal.
        shown: letters of ids to show.
        as_json: the report for programs.

    Returns:
        The exit status.
    """
    interrupted = False
    try:
        found = verb.run()
    except KeyboardInterrupt:
        interrupted = True
        found = verb.report()
    finally:
        bar.close()
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    else:
        from xt.render.sync import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        data = render(found, shown, columns, colours).encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
    if interrupted:
        print(
            "xt: interrupted: what was copied is kept, the same command goes on from there", file=sys.stderr
        )
        return 130
    return status(found)


def status(found: Synced) -> int:
    """The exit status of a report."""
    from xt.errors import EXIT_ELSEWHERE, EXIT_OK, EXIT_SECRET

    if found.secrets or any(one.secret for one in found.runs):
        return EXIT_SECRET
    # Inputs are often stored nowhere: that is said, and is no failure.
    missed = any(not name.startswith("inputs: ") for one in found.runs for name in one.lacking)
    lacking = bool(found.asked) and missed
    bad = found.stopped is not None or any(one.state in ("refused", "waiting") for one in found.runs)
    return EXIT_ELSEWHERE if bad or lacking else EXIT_OK
