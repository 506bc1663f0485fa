"""Rows joined by their key in bounded memory: in passing while the order agrees, then through a file.

What is left when the order no longer agrees is divided by a hash of the key and written to a file without
a name, and each part is joined by itself (GRACE hash join: Kitsuregawa et al., 1983).
"""

from __future__ import annotations

import io
import marshal
from array import array
from collections.abc import Callable, Iterator
from typing import Any

from xt.compare import UnreadableError
from xt.compare.columns import Seen
from xt.compare.content import Spooled

Row = list[Any]

#: Parts the keys are divided into, a power of two.
PARTS = 256
#: Bytes held back before they are written; bytes of one part, and of one side.
HELD = 16 << 20
PART = 16 << 20
SIDE = 2_000_000_000
#: Keys remembered (8 bytes each) to find one that comes twice.
KEYS = 8_000_000


class Join:
    """Joins two tables once."""

    def __init__(self, seen: Seen, key_of: Callable[[Row], tuple[Any, ...]], names: list[str]) -> None:
        """Prepare.

        Args:
            seen: takes in what is found.
            key_of: the cells of a row that identify it.
            names: of these columns.
        """
        self.seen = seen
        self.key_of = key_of
        self.names = names
        self.reordered = False
        """Whether rows are known to be in another order, besides those added and removed."""
        self.twice = 0
        """Keys that come more than once on a side."""
        self.twice_at: str | None = None
        self.unsure = False
        """Whether there were too many keys to look for all that come twice."""

    def label(self, key: tuple[Any, ...]) -> str:
        """`row id=7`."""
        return "row " + " ".join(f"{name}={_cut(cell)}" for name, cell in zip(self.names, key, strict=True))

    def run(self, left: Iterator[Row], right: Iterator[Row], project: Callable[[Row, int], Row]) -> None:
        """Join all rows.

        Args:
            left: rows of one side.
            right: of the other.
            project: gives the cells to compare of a row of side 0 or 1.

        Raises:
            UnreadableError: too many rows have to be joined through a file.
        """
        known = [array("q") for _ in range(PARTS)]
        count = 0
        while True:
            ours, theirs = next(left, None), next(right, None)
            if ours is None or theirs is None:
                break
            key, other = self.key_of(ours), self.key_of(theirs)
            if key != other:
                break
            digest = _digest(key)
            if count < KEYS:
                known[digest % PARTS].append(digest)
            count += 1
            self.seen.pair(project(ours, 0), project(theirs, 1), lambda key=key: self.label(key))  # type: ignore[misc]
        self.unsure = count > KEYS
        if ours is None and theirs is None:
            sides = None
        else:
            sides = _Divided(ours, left, self.key_of), _Divided(theirs, right, self.key_of)
        for part in range(PARTS):
            before = set(known[part])
            self.twice += len(known[part]) - len(before)
            if sides is not None:
                self._part(sides, part, before, project)
        if sides is not None and not self.seen.added and not self.seen.removed:
            self.reordered = True

    def _part(
        self,
        sides: tuple[_Divided, _Divided],
        part: int,
        before: set[int],
        project: Callable[[Row, int], Row],
    ) -> None:
        held: dict[tuple[Any, ...], list[tuple[int, Row]]] = {}
        for number, row in enumerate(sides[0].rows(part)):
            held.setdefault(self.key_of(row), []).append((number, row))
        last = -1
        twice = {key for key, rows in held.items() if len(rows) > 1 or _digest(key) in before}
        counted: set[tuple[Any, ...]] = set()
        for row in sides[1].rows(part):
            key = self.key_of(row)
            if key in counted or _digest(key) in before:
                twice.add(key)
            counted.add(key)
            mine = held.get(key)
            where = lambda key=key: self.label(key)  # noqa: E731
            if mine:
                number, one = mine.pop(0)
                # Rows of a part keep their order on each side.
                self.reordered = self.reordered or number < last
                last = number
                self.seen.pair(project(one, 0), project(row, 1), where)
            else:
                self.seen.add(where)
        for key, rows in held.items():
            for _ in rows:
                self.seen.remove(lambda key=key: self.label(key))  # type: ignore[misc]
        self.twice += len(twice)
        if twice and self.twice_at is None:
            self.twice_at = self.label(min(twice, key=repr))


def _digest(key: tuple[Any, ...]) -> int:
    """Hash a key by the keyed hash of texts; that of numbers is not one to one."""
    return hash(key if all(type(cell) is str for cell in key) else repr(key))


def _cut(cell: Any) -> str:
    shown = str(cell)
    return shown if len(shown) <= 60 else shown[:59] + "…"


class _Divided:
    """The rows of one side, divided by the hash of their key, in a file without a name."""

    def __init__(
        self, first: Row | None, rest: Iterator[Row], key_of: Callable[[Row], tuple[Any, ...]]
    ) -> None:
        self._places: list[list[tuple[int, int]]] = [[] for _ in range(PARTS)]
        self._offset = 0
        self._file = Spooled("", self._written(first, rest, key_of))

    def _written(
        self, first: Row | None, rest: Iterator[Row], key_of: Callable[[Row], tuple[Any, ...]]
    ) -> Iterator[bytes]:
        held = [bytearray() for _ in range(PARTS)]
        size = 0
        row = first
        while row is not None:
            # Plain values, written and read by this object alone.
            data = marshal.dumps(row)
            held[_digest(key_of(row)) % PARTS] += data
            size += len(data)
            if size > HELD:
                yield from self._flushed(held)
                size = 0
            if self._offset > SIDE:
                raise UnreadableError(f"more than {SIDE // 1_000_000} MB of rows are in another order")
            row = next(rest, None)
        yield from self._flushed(held)

    def _flushed(self, held: list[bytearray]) -> Iterator[bytes]:
        for places, data in zip(self._places, held, strict=True):
            if data:
                places.append((self._offset, len(data)))
                self._offset += len(data)
                yield bytes(data)
                data.clear()

    def rows(self, part: int) -> Iterator[Row]:
        """Read one part back."""
        places = self._places[part]
        if sum(size for _, size in places) > PART:
            raise UnreadableError("too many rows are in another order, or share a key")
        for offset, size in places:
            stream = io.BytesIO(self._file.read_at(offset, size))
            while stream.tell() < size:
                yield marshal.load(stream)  # noqa: S302
