"""`--on` and what goes with it, in `xt verify` and `xt rerun`; without `--through` in `xt stale --run`."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Annotated, NamedTuple

import typer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.context import Outside
    from xt.ops.away.fan import Fan
    from xt.store import Store

#: Repeats at a time at most.
MOST_JOBS = 256

On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="slurm|dask://HOST:PORT|local:JOBS",
        help="Repeat on an engine that is there, whose machines see the store.",
    ),
]
OnOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--on-opt", metavar="OPTION", help="For sbatch, as one word: --time=10:00; may be repeated."
    ),
]
Through = Annotated[
    str | None,
    typer.Option(
        "--through",
        metavar="REMOTE",
        help="With --on: by way of a remote, for machines that do not see the store.",
    ),
]
Retries = Annotated[
    int | None,
    typer.Option(
        "--retries", metavar="N", min=0, max=100, help="Attempts after a repeat is lost on an engine."
    ),
]


class Elsewhere(NamedTuple):
    """Where repeats are made."""

    fan: Fan | None
    """None: here."""
    jobs: int
    """At a time."""


def elsewhere(
    store: Store,
    outside: Outside,
    on: str | None,
    options: list[str] | None,
    retries: int | None,
    jobs: int | None,
    wanted: int,
    through: str | None = None,
) -> Elsewhere:
    """Read where repeats are to be made; nothing is reached yet.

    Args:
        store: that has the runs.
        outside: of the caller.
        on: as written.
        options: for the engine.
        retries: as written.
        jobs: at a time, as written.
        wanted: repeats that there will be; an engine gets all at once, where nobody says how many.
        through: a remote, as written.

    Raises:
        UsageError: it makes no sense.
        UnsupportedError: a package is missing.
    """
    from xt.errors import UsageError

    if on is None:
        for name, value in (("--on-opt", options), ("--through", through), ("--retries", retries)):
            if value is not None and value != []:
                raise UsageError(f"{name} is for repeats on an engine", "--on slurm, --on dask://HOST:PORT")
        return Elsewhere(None, jobs or 1)
    from xt.ops.away.place import fan, jobs_here, where
    from xt.ops.find import project_settings

    place = where(on)
    if place.kind == "local":
        if options or through is not None or retries is not None:
            word = "--on-opt" if options else "--through" if through is not None else "--retries"
            raise UsageError(f"{word} is for an engine, and {on} is this machine")
        here = jobs_here(place)
        if jobs is not None and jobs != here:
            raise UsageError(f"-j {jobs} and --on {on} say two numbers", "leave one of them out")
        return Elsewhere(None, here)
    jobs = jobs or min(max(wanted, 1), MOST_JOBS)
    settings = project_settings(outside).engine
    return Elsewhere(fan(store, place, options or [], settings, outside, jobs, retries, through), jobs)


def one_at_a_time(
    store: Store,
    outside: Outside,
    on: str | None,
    options: list[str] | None,
    retries: int | None,
    through: str | None = None,
) -> Fan | None:
    """As `elsewhere`, for what makes one repeat after the other.

    Returns:
        None when it is made here.

    Raises:
        UsageError, UnsupportedError: as `elsewhere`.
    """
    # So many at a time at most: `local:4` makes its one repeat as `local` does.
    return elsewhere(store, outside, on, options, retries, None, 1, through).fan


class EndedError(BaseException):
    """A signal ended it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def ending() -> Iterator[None]:
    """Within it, SIGTERM and SIGHUP end what goes on in good order, as Ctrl-C does."""

    def end(number: int, frame: object) -> None:
        raise EndedError(number)

    before = {}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def closing(fan: Fan | None) -> Iterator[None]:
    """Let go of the engine at the end, however it comes; what it leaves is said."""
    try:
        yield
    finally:
        if fan is not None:
            fan.close()
            if fan.notes:
                from xt.cli.run import say
                from xt.render.visible import visible

                say([visible(f"xt: warning: {note}") for note in fan.take_notes()])


def interrupted(ended: EndedError | KeyboardInterrupt, fan: Fan | None) -> int:
    """Say that it was ended, and what was kept of it; return the status to end with."""
    from xt.cli.run import say

    say([f"xt: interrupted{f': {fan.kept()}' if fan is not None and fan.reached else ''}"])
    return 128 + (ended.number if isinstance(ended, EndedError) else signal.SIGINT)
