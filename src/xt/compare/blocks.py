"""Stored bytes as arrays of numpy: ready for arithmetic, and what numpy says of a type."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xt.compare import UnreadableError
from xt.compare.kinds import Family, Field, Kind, eight_bits

#: Bytes of a line of the cache, and of the widest register.
_LINE = 64


class Block(NamedTuple):
    """A run of items ready for arithmetic, all 1-D and in native byte order."""

    values: NDArray[Any]
    """Floats (float32 for the narrower types), integers, booleans as uint8, or rows of opaque bytes."""
    codes: NDArray[Any] | None
    """Of floats: the stored bits as signed integers of the stored width (IEEE 754 sign and magnitude)."""
    digits: int = 0
    """Binary digits of the significand of these, at most."""


class Room:
    """Arrays to compute in, kept from block to block: new memory costs more than the arithmetic."""

    def __init__(self) -> None:
        """Start with none."""
        self._held: dict[str, bytearray] = {}
        self._views: dict[tuple[str, Any, int], NDArray[Any]] = {}
        self.thorough = False
        """Whether a quick look at the block before was not enough, so that it is left out for this one."""

    def of(self, what: str, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        """Give an array whose content is of no account.

        Args:
            what: name of its use; what it gave for that before is overwritten, whatever its type.
            dtype: type of the items.
            count: items.
        """
        view = self._views.get((what, dtype, count))
        if view is None:
            size = count * dtype.itemsize
            if len(self._held.get(what, b"")) < size:
                self._held[what] = aligned(size)
                self._views = {key: held for key, held in self._views.items() if key[0] != what}
            view = self._views[what, dtype, count] = np.frombuffer(self._held[what], dtype, count)
        return view


def aligned(size: int) -> bytearray:
    """Make a buffer that begins with a line of the processor's cache; arithmetic on it is twice as fast."""
    data = bytearray(size + _LINE)
    # What is deleted in front is passed over: nothing is moved.
    del data[: -np.frombuffer(data, np.uint8).ctypes.data % _LINE]
    del data[size:]
    return data


def of_dtype(dtype: np.dtype[Any]) -> Kind:
    """Describe a numpy dtype that holds no Python objects.

    Raises:
        UnreadableError: it nests records more than 8 deep.
    """
    stored = dtype.str
    if dtype.names is not None:
        fields = tuple(_fields(dtype, "", 0, 0))
        label = "record of " + ", ".join(f"{field.name} {field.kind.label}" for field in fields[:8])
        label += ", …" if len(fields) > 8 else ""
        return Kind(label, "record", dtype.itemsize, f"|V{dtype.itemsize}", fields)
    if dtype.kind in "SUV":
        width = dtype.itemsize // 4 if dtype.kind == "U" else dtype.itemsize
        label = {"S": "bytes", "U": "text", "V": "raw bytes"}[dtype.kind] + f" of {width}"
        # Two byte orders of text are two types: the letters are not decoded.
        label += " big-endian" if dtype.kind == "U" and stored[0] == ">" else ""
        return Kind(label, "opaque", dtype.itemsize, f"|V{dtype.itemsize}")
    if dtype.kind in "mM":
        return Kind(dtype.name, "integer", 8, stored[0] + "i8")
    family: dict[str, Family] = {"f": "float", "i": "integer", "u": "integer", "b": "bool", "c": "complex"}
    return Kind(dtype.name, family[dtype.kind], dtype.itemsize, stored)


def _fields(dtype: np.dtype[Any], prefix: str, offset: int, depth: int) -> Iterator[Field]:
    """List the fields of a record, those of records inside it by their path."""
    if depth > 8:
        raise UnreadableError("its records are nested more than 8 deep")
    for name in dtype.names or ():
        assert dtype.fields is not None
        inner, start = dtype.fields[name][:2]
        count = 1
        while inner.subdtype is not None:
            inner, shape = inner.subdtype
            for length in shape:
                count *= length
        if inner.names is None:
            yield Field(prefix + name, of_dtype(inner), offset + start, count)
        elif count == 1:
            yield from _fields(inner, f"{prefix}{name}.", offset + start, depth + 1)
        else:
            size = inner.itemsize
            opaque = Kind(f"raw bytes of {size}", "opaque", size, f"|V{size}")
            yield Field(prefix + name, opaque, offset + start, count)


def block(
    kind: Kind,
    data: bytearray | memoryview | bytes | NDArray[np.uint8],
    room: Room | None = None,
    side: str = "",
) -> Block:
    """Make stored bytes into numbers, without copying where the stored type can be computed with.

    Args:
        kind: of the items; not a record.
        data: a whole number of items.
        room: where converted values are put.
        side: whose they are: what was converted for the other side stays.
    """
    if kind.family == "opaque":
        rows = np.frombuffer(data, np.uint8).reshape(-1, kind.itemsize)
        return Block(rows, None)
    stored = np.frombuffer(data, np.dtype(kind.stored))
    if stored.dtype.byteorder not in "=|":
        stored = stored.astype(stored.dtype.newbyteorder("="))
    if kind.family == "bool":
        return Block((stored.view(np.uint8) != 0).view(np.uint8), None)
    if kind.family == "integer":
        return Block(stored, None)
    if kind.family == "complex":
        stored = stored.view(np.dtype(f"f{kind.itemsize // 2}"))
    room = Room() if room is None else room
    if kind.label == "bfloat16":
        # The upper half of a float32.
        wide = room.of(f"values {side}", np.dtype(np.uint32), len(stored))
        np.copyto(wide, stored)
        wide <<= 16
        return Block(wide.view(np.float32), stored.view(np.int16), 8)
    width = stored.dtype.itemsize
    if kind.family == "float" and width == 1:
        return Block(_table(kind.label)[stored], stored.view(np.int8), 4)
    if width > 8:
        return Block(stored, None)
    codes = stored.view(np.dtype(f"i{width}"))
    if width > 2:
        return Block(stored, codes, 24 if width == 4 else 53)
    values = room.of(f"values {side}", np.dtype(np.float32), len(stored))
    # A signalling NaN would warn.
    with np.errstate(invalid="ignore"):
        np.copyto(values, stored)
    return Block(values, codes, 11)


@cache
def _table(label: str) -> NDArray[np.float32]:
    """Values of all codes of an 8 bit float."""
    return np.array(eight_bits(label), np.float32)
