"""Arrays of two contents, compared value by value in bounded memory and joined into the tree."""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain
from typing import BinaryIO, NamedTuple

from xt.compare import Rule, UnreadableError
from xt.compare.kinds import Kind, same_type
from xt.compare.looking import Look
from xt.compare.measured import delta_of_values
from xt.compare.numpy_alone import load
from xt.compare.spread import Spread
from xt.model.delta import Delta

#: Bytes looked at in one step: both sides and what is computed of them fit into a second level cache.
_STEP = 1 << 18
#: Bytes one thread takes on at a time.
_SHARE = 1 << 25
#: Numpy releases the interpreter's lock, so two threads halve the time; more would fight over memory.
_THREADS = 2
#: Bytes of an array that is held whole, because its order in memory is not that of its counterpart.
LARGEST_HELD = 64_000_000


class Array(NamedTuple):
    """One array of a content: where its items are."""

    kind: Kind
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    """Axes from the slowest to the fastest in memory: `(0, 1)` for C order, `(1, 0)` for Fortran's."""
    open: Callable[[], BinaryIO]
    """Open what holds it; the caller closes it."""
    start: int
    """Bytes from the start of that to the first item."""
    direct: bool = True
    """Whether going to a place in it is cheap; a deflated member is read from its start."""

    @property
    def items(self) -> int:
        """Items."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.items * self.kind.itemsize

    @property
    def label(self) -> str:
        """As shown: `float32 [640, 10]`."""
        return f"{self.kind.label} {list(self.shape)}"


class _Task(NamedTuple):
    """A run of bytes of one pair of arrays."""

    number: int
    left: Array
    right: Array
    start: int
    stop: int


Spreads = dict[str, Spread]


def compare_arrays(
    left: Mapping[str, Array], right: Mapping[str, Array], rule: Rule, path: str
) -> tuple[list[Delta], int]:
    """Compare the arrays that both sides have, by name.

    Args:
        left: arrays by name.
        right: arrays by name.
        rule: the bounds.
        path: of what holds them; an array's path is `path:name`, or `path` for the name "".

    Returns:
        What differs (same names on both sides only), and the count of arrays that are identical.

    Raises:
        UnreadableError: a side ends before its arrays do, or cannot be decompressed.
    """
    names = [name for name in left if name in right]
    pairs = [(left[name], right[name]) for name in names]
    found = _measure([_alike(a, b) for a, b in pairs], rule)
    deltas, identical = [], 0
    for name, (a, b), spreads in zip(names, pairs, found, strict=True):
        delta = delta_of_values(f"{path}:{name}" if name else path, a, b, spreads, rule)
        identical += delta is None
        deltas += [] if delta is None else [delta]
    return deltas, identical


def _alike(left: Array, right: Array) -> tuple[Array, Array] | None:
    """A pair that lies in the same order in memory; None when its values have no counterparts."""
    if left.shape != right.shape:
        return None
    numbers = {"float", "integer", "bool", "complex"}
    if not same_type(left.kind, right.kind) and not (
        {left.kind.family, right.kind.family} <= numbers and left.kind.parts == right.kind.parts
    ):
        return None
    if left.axes == right.axes or left.items == max(left.shape, default=1):
        return left, right
    return _in_c_order(left), _in_c_order(right)


def _in_c_order(array: Array) -> Array:
    """The same values with the last axis fastest.

    Raises:
        UnreadableError: it is too large to be held.
    """
    straight = tuple(range(len(array.shape)))
    if array.axes == straight:
        return array
    if array.size > LARGEST_HELD:
        raise UnreadableError(
            f"too large to compare across orders in memory: {array.label}, more than {LARGEST_HELD} bytes"
        )
    with array.open() as file:
        file.seek(array.start)
        data = file.read(array.size)
    if len(data) != array.size:
        raise UnreadableError("it ends before its values do")
    load()
    import numpy as np

    items = np.frombuffer(data, f"V{array.kind.itemsize}").reshape([array.shape[axis] for axis in array.axes])
    turned = np.ascontiguousarray(items.transpose(np.argsort(array.axes))).tobytes()
    return array._replace(axes=straight, open=lambda: io.BytesIO(turned), start=0)


def _measure(pairs: list[tuple[Array, Array] | None], rule: Rule) -> list[Spreads | None]:
    """Compare the values of all pairs, on two threads."""
    tasks = _Tasks(_tasks(pairs))
    workers = 1
    if sum(pair[0].size for pair in pairs if pair) > _SHARE:
        workers = _THREADS
    if workers == 1:
        results = [_work(tasks, rule)]
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(workers) as pool:
            results = list(pool.map(lambda _: _work(tasks, rule), range(workers)))
    found: list[Spreads | None] = [None if pair is None else {} for pair in pairs]
    for number, spreads in chain.from_iterable(results):
        known = found[number]
        assert known is not None
        for name, spread in spreads.items():
            if name in known:
                known[name].join(spread)
            else:
                known[name] = spread
    return found


def _tasks(pairs: list[tuple[Array, Array] | None]) -> Iterator[_Task]:
    """Cut the work into pieces; an array that cannot be entered anywhere is one piece."""
    for number, pair in enumerate(pairs):
        if pair is None:
            continue
        left, right = pair
        count, width = left.items, max(left.kind.itemsize, right.kind.itemsize, 1)
        share = max(1, _SHARE // width) if left.direct and right.direct else count
        for start in range(0, max(count, 1), max(share, 1)):
            yield _Task(number, left, right, start, min(start + share, count))


class _Tasks:
    """Pieces of work that threads take turns at."""

    def __init__(self, tasks: Iterator[_Task]) -> None:
        self._tasks = tasks
        self._lock = threading.Lock()

    def __iter__(self) -> _Tasks:
        return self

    def __next__(self) -> _Task:
        with self._lock:
            return next(self._tasks)


def _work(tasks: _Tasks, rule: Rule) -> list[tuple[int, Spreads]]:
    """Do pieces of work until none is left; what is opened is kept while the next piece is in it too."""
    done: list[tuple[int, Spreads]] = []
    look = Look()
    with _Opened() as left, _Opened() as right:
        for task in tasks:
            readers = left.at(task.left, task.start), right.at(task.right, task.start)
            if done and done[-1][0] == task.number:
                spreads = done[-1][1]
            else:
                spreads = {}
                done.append((task.number, spreads))
            _compare_run(task, readers, spreads, rule, look)
    return done


class _Opened:
    """The file a thread reads one side from."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._open: Callable[[], BinaryIO] | None = None
        self._file: BinaryIO | None = None

    def __enter__(self) -> _Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def at(self, array: Array, item: int) -> BinaryIO:
        """Go to an item."""
        if self._file is None or self._open != array.open:
            self._stack.close()
            self._file = self._stack.enter_context(array.open())
            self._open = array.open
        self._file.seek(array.start + item * array.kind.itemsize)
        return self._file


def _compare_run(
    task: _Task, files: tuple[BinaryIO, BinaryIO], spreads: Spreads, rule: Rule, look: Look
) -> None:
    """Compare the items of a task, a cache-sized step at a time."""
    kinds = task.left.kind, task.right.kind
    one_kind = kinds[0] == kinds[1]
    step = max(1, _STEP // max(kinds[0].itemsize, kinds[1].itemsize, 1))
    _spreads_of(kinds, spreads, rule)
    for first in range(task.start, task.stop, step):
        count = min(step, task.stop - first)
        buffers = look.buffers([count * kind.itemsize for kind in kinds])
        for side in (0, 1):
            _fill(files[side], buffers[side])
        if one_kind and buffers[0] == buffers[1]:
            for spread, field in _spreads_of(kinds, spreads, rule):
                spread.skip(count * field)
        else:
            look.at(kinds, buffers, spreads, first)


def _fill(file: BinaryIO, buffer: bytearray) -> None:
    """Read exactly as many bytes as there is room for.

    Raises:
        UnreadableError: there are not so many.
    """
    view = memoryview(buffer)
    while view:
        count = file.readinto(view)  # type: ignore[attr-defined]  # every binary file has it, the type does not
        if not count:
            raise UnreadableError("it ends before its values do")
        view = view[count:]


def _spreads_of(kinds: tuple[Kind, Kind], spreads: Spreads, rule: Rule) -> list[tuple[Spread, int]]:
    """The results to add to, one for each field of a record, each with its values per item."""
    kind = kinds[0]
    if kind.family != "record":
        return [(spreads.setdefault("", Spread(rule)), kind.parts)]
    return [
        (spreads.setdefault(field.name, Spread(rule)), field.repeat * field.kind.parts)
        for field in kind.fields
    ]
