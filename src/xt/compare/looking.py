"""Who looks at values that differ: plain Python while they are few, then numpy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from xt.compare.kinds import Kind
from xt.compare.numpy_alone import load
from xt.compare.spread import Spread
from xt.compare.spread_plain import compare_step, knows

#: Values that are looked at one by one, because that takes less time than to load numpy.
FEW = 30_000


class Look:
    """How a thread looks at values that differ somewhere: one by one while they are few, then with numpy."""

    #: Values that may still be looked at one by one; of the process, which loads numpy once.
    few = FEW

    def __init__(self) -> None:
        """Start without numpy."""
        self._with_numpy: (
            Callable[[tuple[Kind, Kind], list[bytearray], dict[str, Spread], int], None] | None
        ) = None
        self._made: Callable[[int], bytearray] = bytearray
        self._buffers: list[bytearray] = []

    def buffers(self, sizes: list[int]) -> list[bytearray]:
        """Buffers of so many bytes, whatever is in them."""
        if [*map(len, self._buffers)] != sizes:
            self._buffers = [self._made(size) for size in sizes]
        return self._buffers

    def at(
        self, kinds: tuple[Kind, Kind], data: list[bytearray], spreads: dict[str, Spread], first: int
    ) -> None:
        """Compare two runs of items; see `spread` for what comes out either way."""
        if self._with_numpy is None:
            count = len(data[0]) // max(kinds[0].itemsize, 1) * kinds[0].parts
            if count <= Look.few and all(map(knows, kinds)):
                Look.few -= count
                compare_step(kinds, data, spreads, first)
                return
            load()
            from xt.compare import blocks, spread_arrays

            self._with_numpy = partial(spread_arrays.compare_step, room=blocks.Room())
            self._made, self._buffers = blocks.aligned, []
        self._with_numpy(kinds, data, spreads, first)
