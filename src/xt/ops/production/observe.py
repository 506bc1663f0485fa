"""`xt observe`: measurements of production, each recorded once however often it is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from xt import codec, fsio
from xt.context import Outside, timestamp
from xt.errors import StoreError, UsageError
from xt.model.event import Observed, Point
from xt.model.production import Observing
from xt.model.standing import Standing
from xt.model.text import Text, to_shown, to_text
from xt.ops.production.artefact import check_name
from xt.ops.production.measurements import given, table, time_of
from xt.ops.statements import standing as everything
from xt.ops.statements import state
from xt.store import Store
from xt.store.events import LARGEST
from xt.suggest import suggest

#: Bytes of the points of one event; the rest of it is small.
_ROOM = LARGEST - 20_000
#: Bytes of a file of measurements; a million lines are less.
_FILE = 200_000_000


class Gathered(NamedTuple):
    """Measurements as they were told."""

    points: list[Point]
    source: Text | None
    """The file they were read from."""
    notes: list[str]
    """What is to be said of how they were read."""


def gather(
    words: list[str], at: str | None, source: str | None, stdin: BinaryIO, outside: Outside
) -> Gathered:
    """Read measurements from a command line, or from a file.

    Args:
        words: `NAME=VALUE` each.
        at: when, as a user writes it; now by default.
        source: a CSV file, `-` for standard input; then neither words nor a time.
        stdin: read only then.
        outside: for the time and the working directory.

    Raises:
        UsageError: something cannot be read, or cannot be meant.
    """
    if source is None:
        if not words:
            raise UsageError("nothing was measured", "NAME=VALUE, or --from FILE.csv")
        try:
            moment, zoneless = time_of("now" if at is None else at, outside.now())
        except ValueError as error:
            raise UsageError(f"--at `{at}` {error}") from None
        assumed = ["a time without a zone was taken for UTC"] if zoneless else []
        return Gathered(given(words, timestamp(moment)), None, assumed)
    if words or at is not None:
        raise UsageError(
            "--from FILE takes times and values from the file", "no NAME=VALUE and no --at beside it"
        )
    shown, file = "standard input", None
    try:
        if source == "-":
            data = stdin.read(_FILE + 1)
        else:
            shown, file = to_shown(source), os.path.join(outside.cwd, source)
            data = fsio.read_file(os.path.realpath(file), _FILE)
    except (OSError, ValueError) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(f"--from: `{shown}` cannot be read: {said}", "a file; `-` reads a pipe") from error
    if len(data) > _FILE:
        raise UsageError(f"--from: {shown} is larger than {_FILE} bytes", "in several parts it is as good")
    read = table(data, shown, outside.now())
    notes = ["times without a zone were taken for UTC"] if read.zoneless else []
    if read.empty:
        notes.append(f"{read.empty} empty {'cell' if read.empty == 1 else 'cells'} passed over")
    return Gathered(read.points, None if file is None else to_text(os.path.normpath(file)), notes)


def observe(store: Store, to: str, told: Gathered, outside: Outside) -> Observing:
    """Record measurements; those that are known already are not written again.

    Args:
        store: to write to.
        to: the environment.
        told: the measurements.
        outside: for the time and the user.

    Raises:
        UsageError: the environment cannot have that name.
        StoreError: not all were written; telling them again writes the rest.
    """
    check_name(to)
    standing = everything(store)
    place = standing.places.get(to)
    known = {(point.at, point.name): point.value for point in place.observed} if place is not None else {}
    new = [point for point in told.points if known.get((point.at, point.name)) != point.value]
    written: list[str] = []
    try:
        for chunk in _chunks(new):
            written.append(state(store, outside, Observed, to=to, points=chunk, source=told.source).id)
    except OSError as error:
        raise StoreError(
            f"not all measurements were recorded: {error.strerror}", "the same command records the rest"
        ) from error
    times = [point.at for point in told.points]
    return Observing(
        to=to,
        names=sorted({point.name for point in told.points}),
        new=len(new),
        known=len(told.points) - len(new),
        replaced=sum((point.at, point.name) in known for point in new),
        first=min(times, default=None),
        last=max(times, default=None),
        events=written,
        notes=[*told.notes, *_unknown(to, standing)],
    )


def _chunks(points: list[Point]) -> Iterator[list[Point]]:
    """Split so that no event is larger than a reader takes."""
    chunk: list[Point] = []
    size = 0
    for point in points:
        own = len(codec.encode(point))
        if chunk and size + own > _ROOM:
            yield chunk
            chunk, size = [], 0
        chunk.append(point)
        size += own
    if chunk:
        yield chunk


def _unknown(to: str, standing: Standing) -> list[str]:
    """A word of warning where the name may be mistyped: what is recorded stays."""
    deployed = [name for name, place in sorted(standing.places.items()) if place.deployments]
    if to in deployed or not deployed:
        return []
    return [f"nothing was ever deployed to `{to}`; {suggest(to, deployed, 'environments')}"]
