"""Types of stored numbers: what an item is, and how wide; no numbers are made here."""

from __future__ import annotations

from typing import Literal, NamedTuple

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
#: Types by name: family and bytes as numpy stores them. It has none of the narrow floats at the end, which
#: are stored as integers.
_NAMED: dict[str, tuple[Family, str]] = {
    "float64": ("float", "f8"),
    "float32": ("float", "f4"),
    "float16": ("float", "f2"),
    "int64": ("integer", "i8"),
    "int32": ("integer", "i4"),
    "int16": ("integer", "i2"),
    "int8": ("integer", "i1"),
    "uint64": ("integer", "u8"),
    "uint32": ("integer", "u4"),
    "uint16": ("integer", "u2"),
    "uint8": ("integer", "u1"),
    "bool": ("bool", "b1"),
    "complex64": ("complex", "c8"),
    "complex128": ("complex", "c16"),
    "bfloat16": ("float", "u2"),
    "float8_e4m3fn": ("float", "u1"),
    "float8_e5m2": ("float", "u1"),
}
#: Exponent bits, mantissa bits and whether the type has infinities.
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


def named(label: str, order: Literal["<", ">"] = "<") -> Kind:
    """Look a type up by its name, such as `float32` or `bfloat16`.

    Raises:
        KeyError: there is no such type.
    """
    family, stored = _NAMED[label]
    size = int(stored[1:])
    return Kind(label, family, size, (order if size > 1 else "|") + stored)


def described(text: object) -> Kind | None:
    """Look a type up as numpy writes it, such as `<f4`.

    Returns:
        None for anything but a plain number: numpy may know it.
    """
    return _DESCRIBED.get(text) if isinstance(text, str) else None


_DESCRIBED = {
    kind.stored: kind
    for label in _NAMED
    if label not in ("bfloat16", *_EIGHT_BITS)
    for kind in (named(label), named(label, ">"))
}


def eight_bits(label: str) -> list[float] | None:
    """Values of the 256 codes of an 8 bit float (Micikevicius et al. 2022, arXiv:2209.05433).

    Returns:
        None for a type that is none.
    """
    if label not in _EIGHT_BITS:
        return None
    exponent_bits, mantissa_bits, infinities = _EIGHT_BITS[label]
    bias = 2 ** (exponent_bits - 1) - 1
    values = []
    for code in range(256):
        exponent = (code & 127) >> mantissa_bits
        fraction = (code & (2**mantissa_bits - 1)) / 2**mantissa_bits
        value = (1 + fraction) * 2.0 ** (exponent - bias) if exponent else fraction * 2.0 ** (1 - bias)
        if infinities and exponent == 2**exponent_bits - 1:
            value = float("nan") if fraction else float("inf")
        elif not infinities and code & 127 == 127:
            value = float("nan")
        values.append(-value if code & 128 else value)
    return values
