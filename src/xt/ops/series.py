"""The points of a metric over steps, as they were recorded; and fewer of them that look the same."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from xt.errors import DamagedError
from xt.model.result import Number
from xt.store import Store


class _Point(msgspec.Struct):
    """One line of a series."""

    value: float | int | Number
    step: float | int | None = None


def number(value: float | int | Number) -> float:
    """A metric's value as a float, NaN and infinities too; what no float holds is an infinity."""
    try:
        return float(value.special) if isinstance(value, Number) else float(value)
    except OverflowError:
        return math.copysign(math.inf, value)  # type: ignore[arg-type]


def read(store: Store, digest: str, limit: int | None = None) -> Iterator[tuple[float | int | None, float]]:
    """Read the points of a series, step and value, in the order they were written.

    Args:
        store: that has it.
        digest: of the series.
        limit: bytes after which to stop.

    Raises:
        NotRecordedError: it is not in this store.
        DamagedError: it is not what its digest says (raised after the last point), or no series.
    """
    decoder = msgspec.json.Decoder(_Point)
    rest = b""
    total = 0
    for piece in store.objects.stream(digest):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            try:
                point = decoder.decode(line)
            except msgspec.DecodeError as error:
                raise DamagedError(f"a point of the series cannot be read: {error}") from error
            yield point.step, number(point.value)
        total += len(piece)
        if limit is not None and total >= limit:
            return


def thin(xs: Sequence[float], ys: Sequence[float], columns: int) -> list[int]:
    """Choose points that draw the same picture in so many columns.

    Args:
        xs: ascending, finite.
        ys: as many; NaN and infinities are gaps.
        columns: equal ranges of x; of each the first, the last, the lowest and the highest point stay, and
            of one in which nothing is finite its first.

    Returns:
        Their indices, ascending; all when they are few enough.
    """
    if len(xs) <= 4 * columns:
        return list(range(len(xs)))
    # Halves, since the width itself may be more than a float holds.
    low, width = xs[0] / 2, xs[-1] / 2 - xs[0] / 2
    kept: set[int] = set()
    column = -1
    members: list[int] = []
    for at, x in enumerate(xs):
        own = min(columns - 1, int((x / 2 - low) / width * columns)) if width > 0 else 0
        if own != column:
            kept |= _telling(members, ys)
            column, members = own, []
        members.append(at)
    kept |= _telling(members, ys)
    return sorted(kept)


def _telling(members: list[int], ys: Sequence[float]) -> set[int]:
    finite = [at for at in members if math.isfinite(ys[at])]
    if not finite:
        return set(members[:1])
    ends = {finite[0], finite[-1]}
    return ends | {min(finite, key=ys.__getitem__), max(finite, key=ys.__getitem__)}
