"""Numpy's array files, value by value (format: NEP 1, and `numpy.lib.format` for versions 2 and 3).

The header is a Python literal of bounded length; nothing is imported or unpickled because of it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

from xt.compare import Content, Rule, UnreadableError
from xt.compare.arrays import Array, compare_arrays
from xt.compare.kinds import Kind, described
from xt.compare.named_parts import join, measure_first
from xt.compare.numpy_alone import load
from xt.model.delta import Delta

_MAGIC = b"\x93NUMPY"
#: Bytes of a header that is read; numpy's own default limit is 10 000.
LONGEST_HEADER = 16_384
_CHUNK = 1 << 20


class Pickled(NamedTuple):
    """An array of Python objects: pickled, so only its bytes can be compared."""

    shape: tuple[int, ...]
    digest: bytes
    """Of everything after the header."""

    @property
    def label(self) -> str:
        """As shown: `object [3], pickled`."""
        return f"object {list(self.shape)}, pickled"


def compare(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare two `.npy` files.

    Raises:
        UnreadableError: a side is not one, or is shorter or longer than its header says.
    """
    sides = []
    for content in (left, right):
        with content.open() as file:
            sides.append(read_array(file, content.size, content.open))
    parts: list[dict[str, Array | Pickled]] = [{"": side} for side in sides]
    deltas, identical = compare_parts(parts[0], parts[1], rule, path)
    if not deltas:
        return join(path, (parts[0], parts[1]), [], identical, rule, "array")
    only = deltas[0]
    return Delta(
        *(path, only.relation, only.left, only.right, "changed"),
        measures=measure_first(deltas),
        note=only.note,
        children=only.children,
    )


def compare_parts(
    left: dict[str, Array | Pickled], right: dict[str, Array | Pickled], rule: Rule, path: str
) -> tuple[list[Delta], int]:
    """Compare what both sides name: arrays by value, pickled ones by their bytes.

    Returns:
        What differs, and how many are identical.
    """
    deltas, identical = compare_arrays(_by_value(left, right), _by_value(right, left), rule, path)
    for name, a in left.items():
        b = right.get(name)
        if b is None or (isinstance(a, Array) and isinstance(b, Array)):
            continue
        if a == b:
            identical += 1
            continue
        note = "pickled objects are never unpickled: their bytes differ"
        if isinstance(a, Array) or isinstance(b, Array):
            note = "the type changed: pickled objects are never unpickled"
        where = f"{path}:{name}" if name else path
        deltas.append(Delta(where, "changed", a.label, b.label, "changed", note=note))
    return deltas, identical


def _by_value(own: dict[str, Array | Pickled], other: dict[str, Array | Pickled]) -> dict[str, Array]:
    return {
        name: part
        for name, part in own.items()
        if isinstance(part, Array) and isinstance(other.get(name), Array)
    }


def read_array(
    file: BinaryIO, size: int, reopen: Callable[[], BinaryIO], *, direct: bool = True
) -> Array | Pickled:
    """Read the header of a `.npy` file and find its values.

    Args:
        file: at its start.
        size: bytes of the whole file.
        reopen: opens it again, to read values.
        direct: whether going to a place in that is cheap.

    Raises:
        UnreadableError: it is no `.npy` file, or not as long as its header says.
    """
    header, start = _header(file)
    shape = tuple(header["shape"])
    kind = described(header["descr"]) or _asked(header["descr"])
    if kind is None:
        import hashlib

        digest = hashlib.blake2b()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        return Pickled(shape, digest.digest())
    axes = tuple(range(len(shape)))
    array = Array(
        *(kind, shape, axes[::-1] if header["fortran_order"] else axes),
        *(reopen, start, direct),
    )
    if start + array.size != size:
        raise UnreadableError(f"it has {size - start} bytes of values where its header says {array.size}")
    return array


def _asked(description: Any) -> Kind | None:
    """Ask numpy for a type; None for one that holds Python objects.

    Raises:
        UnreadableError: it has no such type.
    """
    load()
    import numpy as np

    from xt.compare.blocks import of_dtype

    try:
        dtype = np.dtype(description)
        if dtype.subdtype is not None:
            raise UnreadableError("its type is an array of its own")
    except (TypeError, ValueError, SyntaxError, OverflowError, RecursionError, KeyError) as error:
        raise UnreadableError(f"its type `{str(description)[:80]}` is not one of numpy's") from error
    return None if dtype.hasobject else of_dtype(dtype)


def _header(file: BinaryIO) -> tuple[dict[str, Any], int]:
    """Read and check the header.

    Returns:
        Its entries, and the bytes before the values.
    """
    start = file.read(8)
    if len(start) < 8 or start[:6] != _MAGIC:
        raise UnreadableError("it is not a numpy array file: it does not begin with `\\x93NUMPY`")
    if start[6] not in (1, 2, 3):
        raise UnreadableError(f"it is of version {start[6]} of numpy's format, known are 1 to 3")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(file.read(width), "little")
    if length > LONGEST_HEADER:
        raise UnreadableError(f"its header is longer than {LONGEST_HEADER} bytes")
    data = file.read(length)
    try:
        text = data.decode("utf-8" if start[6] == 3 else "latin-1")
        # An escape in a literal can make the parser warn; numpy writes none for names that print.
        header = ast.literal_eval(text.strip()) if "\\" not in text else None
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise UnreadableError("its header is not a Python literal") from error
    if (
        len(data) < length
        or not isinstance(header, dict)
        or header.keys() != {"descr", "fortran_order", "shape"}
        or not isinstance(header["fortran_order"], bool)
        or not isinstance(header["shape"], tuple)
        or len(header["shape"]) > 64
        or not all(type(axis) is int and 0 <= axis < 2**63 for axis in header["shape"])
    ):
        raise UnreadableError("its header is not that of a numpy array file")
    return header, 8 + width + length
