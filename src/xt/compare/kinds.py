"""Types of stored numbers: how bytes become values and places on the scale of representable numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xt.compare import UnreadableError

Family = Literal["float", "integer", "bool", "complex", "opaque", "record"]

#: Dtype names of safetensors and their counterparts here.
SAFETENSORS = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
}
#: Narrow floats that numpy has no type for: the integer they are stored as.
_NARROW = {"bfloat16": "u2", "float8_e4m3fn": "u1", "float8_e5m2": "u1"}
#: Exponent bits, mantissa bits and whether the type has infinities, of the tabulated types.
_EIGHT_BITS = {"float8_e4m3fn": (4, 3, False), "float8_e5m2": (5, 2, True)}


class Field(NamedTuple):
    """One field of a record."""

    name: str
    kind: Kind
    offset: int
    """Bytes from the start of the record."""
    repeat: int
    """Items of a subarray, 1 otherwise."""


class Kind(NamedTuple):
    """How one item is stored."""

    label: str
    """As shown: `float32`, `bfloat16`, `bytes of 5`."""
    family: Family
    itemsize: int
    """Bytes."""
    stored: str
    """Numpy dtype of the bytes with their order: `<f4`, `>i8`; `<u2` of bfloat16."""
    fields: tuple[Field, ...] = ()

    @property
    def parts(self) -> int:
        """Numbers in an item: 2 of a complex one, its real and its imaginary part."""
        return 2 if self.family == "complex" else 1


def same_type(left: Kind, right: Kind) -> bool:
    """Whether two kinds hold the same values; the order of bytes and the places of fields may differ."""
    if left.label != right.label or len(left.fields) != len(right.fields):
        return False
    return all(
        a.name == b.name and a.repeat == b.repeat and same_type(a.kind, b.kind)
        for a, b in zip(left.fields, right.fields, strict=True)
    )


class Block(NamedTuple):
    """A run of items ready for arithmetic, all 1-D and in native byte order."""

    values: NDArray[Any]
    """Floats (float32 for the narrower types), integers, booleans as uint8, or rows of opaque bytes."""
    codes: NDArray[Any] | None
    """Of floats: the stored bits as signed integers of the stored width (IEEE 754 sign and magnitude)."""


def named(label: str, order: Literal["<", ">"] = "<") -> Kind:
    """Look a type up by its name, such as `float32` or `bfloat16`.

    Raises:
        KeyError: there is no such type.
    """
    if label in _NARROW:
        size = int(_NARROW[label][1])
        return Kind(label, "float", size, (order if size > 1 else "|") + _NARROW[label])
    try:
        return of_dtype(np.dtype(label).newbyteorder(order))
    except TypeError:
        raise KeyError(label) from None


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


def block(kind: Kind, data: bytearray | memoryview | bytes | NDArray[np.uint8]) -> Block:
    """Make stored bytes into numbers, without copying where the stored type can be computed with.

    Args:
        kind: of the items; not a record.
        data: a whole number of items.
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
    if kind.label == "bfloat16":
        # The upper half of a float32.
        return Block((stored.astype(np.uint32) << 16).view(np.float32), stored.view(np.int16))
    if kind.label in _EIGHT_BITS:
        return Block(_table(kind.label)[stored], stored.view(np.int8))
    width = stored.dtype.itemsize
    if width > 8:
        return Block(stored, None)
    codes = stored.view(np.dtype(f"i{width}"))
    if width > 2:
        return Block(stored, codes)
    # A signalling NaN would warn.
    with np.errstate(invalid="ignore"):
        return Block(stored.astype(np.float32), codes)


@cache
def _table(label: str) -> NDArray[np.float32]:
    """Values of the 256 codes of an 8 bit float (Micikevicius et al. 2022, arXiv:2209.05433)."""
    exponent_bits, mantissa_bits, infinities = _EIGHT_BITS[label]
    bias = 2 ** (exponent_bits - 1) - 1
    values = np.empty(256, np.float32)
    for code in range(256):
        exponent = (code & 127) >> mantissa_bits
        fraction = (code & (2**mantissa_bits - 1)) / 2**mantissa_bits
        value = (1 + fraction) * 2.0 ** (exponent - bias) if exponent else fraction * 2.0 ** (1 - bias)
        if infinities and exponent == 2**exponent_bits - 1:
            value = float("nan") if fraction else float("inf")
        elif not infinities and code & 127 == 127:
            value = float("nan")
        values[code] = -value if code & 128 else value
    return values
