"""The parts of a PyTorch checkpoint, by path: its tensors, and every other value there is.

A checkpoint is a zip file (torch.serialization, since 1.6): `NAME/data.pkl` is a pickle whose persistent ids
name storages, and `NAME/data/KEY` are their bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

from xt.compare import UnreadableError
from xt.compare.arrays import Array
from xt.compare.kinds import Kind, named
from xt.compare.numpy_alone import load
from xt.compare.pickled import Call, Name, Pairs, Several, Stored

#: Values a checkpoint may hold, counting a shared one each time; and how deep they may lie.
MOST_PARTS = 200_000
DEEPEST = 64
#: Bytes of a tensor that is put into order in memory, as slices and repeated rows are.
_LARGEST_GATHERED = 16_000_000

_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "uint8",
}
_TENSORS = {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"}
_PARAMETERS = {"_rebuild_parameter", "_rebuild_parameter_with_state"}


class Storage(NamedTuple):
    """The bytes of a storage."""

    open: Callable[[], BinaryIO]
    start: int
    size: int
    direct: bool


class Parts:
    """What a checkpoint holds."""

    def __init__(self, storages: dict[str, Storage], order: str) -> None:
        """Begin with none.

        Args:
            storages: by key.
            order: `<` or `>`, of the bytes in them.
        """
        self.tensors: dict[str, Array] = {}
        self.values: dict[str, Any] = {}
        """Numbers, text, bytes, None, names; and what a container or object is, by its path."""
        self.used: set[str] = set()
        """Keys of the storages that were met."""
        self._storages = storages
        self._order = order
        self._count = 0

    def add(self, path: str, value: Any, depth: int = 0) -> None:
        """Take in a value and everything in it.

        Raises:
            UnreadableError: it is too deep or too much, or a tensor reaches beyond its storage.
        """
        self._count += 1
        if self._count > MOST_PARTS or depth > DEEPEST:
            raise UnreadableError(
                f"it has more than {MOST_PARTS} values, or they lie more than {DEEPEST} deep"
            )
        if isinstance(value, Pairs):
            self._kind(path, "dict", value.items)
            self._pairs(path, value.items, depth)
        elif isinstance(value, Several):
            self._kind(path, value.kind, value.items)
            for number, item in enumerate(value.items):
                self.add(f"{path}/{number}", item, depth + 1)
        elif isinstance(value, Stored):
            storage, kind = self._storage(value.id)
            self.tensors[path] = self._flat(storage, kind)
        elif isinstance(value, Call):
            self._call(path, value, depth)
        else:
            self._put(path, str(value) if isinstance(value, Name) else value)

    def _put(self, path: str, value: Any) -> None:
        # Two keys that are written alike (1 and "1") must not hide each other.
        while path in self.values or path in self.tensors:
            path += "'"
        self.values[path] = value

    def _kind(self, path: str, kind: str, items: list[Any]) -> None:
        self._put(f"{path}/", kind if items else f"empty {kind}")

    def _pairs(self, path: str, pairs: list[tuple[Any, Any]], depth: int) -> None:
        # Later items replace earlier ones with the same key, as they do in a dictionary.
        for key, item in pairs:
            if isinstance(key, str | int | float | bool | bytes | None):
                self.add(f"{path}/{_key(key)}", item, depth + 1)
            else:
                self.add(f"{path}/<key>", key, depth + 1)
                self.add(f"{path}/<value>", item, depth + 1)

    def _call(self, path: str, call: Call, depth: int) -> None:
        name = call.function
        if isinstance(name, Name) and name.module == "torch._utils" and isinstance(call.arguments, Several):
            if name.name in _PARAMETERS and call.arguments.items:
                self._put(f"{path}/", "parameter")
                self._rest(path, call, depth, skip=1)
                self.add(path, call.arguments.items[0], depth + 1)
                return
            if name.name in _TENSORS:
                self._tensor(path, call.arguments.items, name.name)
                self._rest(path, call, depth, skip=4)
                return
        plain = name == Name("collections", "OrderedDict") and not call.options
        if plain and isinstance(call.arguments, Several) and not call.arguments.items:
            self._kind(path, "OrderedDict", call.pairs)
        else:
            what = str(name) if isinstance(name, Name) else "something made by a call"
            self._put(f"{path}/", f"object of {what}")
            if not isinstance(name, Name):
                self.add(f"{path}/<class>", name, depth + 1)
            self.add(f"{path}/<arguments>", call.arguments, depth + 1)
            if call.options is not None:
                self.add(f"{path}/<options>", call.options, depth + 1)
        self._rest(path, call, depth)

    def _rest(self, path: str, call: Call, depth: int, skip: int | None = None) -> None:
        """Take in what a call is given besides, and what would be done to its result."""
        if skip is not None:
            for number, item in enumerate(call.arguments.items[skip:], skip):
                self.add(f"{path}/<argument {number}>", item, depth + 1)
        for number, item in enumerate(call.items):
            self.add(f"{path}/{number}", item, depth + 1)
        self._pairs(path, call.pairs, depth)
        for number, state in enumerate(call.states):
            self.add(f"{path}/<state>" + ("" if number == 0 else str(number)), state, depth + 1)

    def _storage(self, identity: Any) -> tuple[Storage, Kind]:
        """Find a storage by its persistent id: `("storage", type, key, location, count)`."""
        items = identity.items if isinstance(identity, Several) else []
        if len(items) < 5 or items[0] != "storage" or not isinstance(items[1], Name):
            raise UnreadableError("it refers to something that is no storage")
        storage = self._storages.get(str(items[2]))
        label = _STORAGES.get(items[1].name)
        if storage is None or label is None:
            raise UnreadableError(
                f"it refers to a storage that is not in it: {items[1]} {str(items[2])[:40]}"
            )
        self.used.add(str(items[2]))
        return storage, self._type(label)

    def _type(self, label: str) -> Kind:
        try:
            return named(label, ">" if self._order == ">" else "<")
        except KeyError:
            raise UnreadableError(f"it has tensors of the unknown type `{label[:40]}`") from None

    def _flat(self, storage: Storage, kind: Kind) -> Array:
        """All of a storage."""
        count = storage.size // kind.itemsize
        return Array(kind, (count,), (0,), storage.open, storage.start, storage.direct)

    def _tensor(self, path: str, items: list[Any], function: str) -> None:
        """A tensor: storage, offset, size and stride, all in items."""
        if len(items) < 4 or not isinstance(items[0], Stored):
            raise UnreadableError("it has a tensor without a storage")
        storage, kind = self._storage(items[0].id)
        if function.endswith("v3"):
            if len(items) < 7 or not isinstance(items[6], Name):
                raise UnreadableError("it has a tensor without a type")
            kind = self._type(items[6].name)
        offset, shape, strides = items[1], _whole(items[2]), _whole(items[3])
        if type(offset) is not int or offset < 0 or len(shape) != len(strides):
            raise UnreadableError("it has a tensor without a sound place")
        empty = 0 in shape
        extent = 0 if empty else 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        if (offset + extent) * kind.itemsize > storage.size and not empty:
            raise UnreadableError(f"`{path[:80]}` reaches beyond its storage")
        start = storage.start + (0 if empty else offset * kind.itemsize)
        axes = tuple(sorted(range(len(shape)), key=lambda axis: (-strides[axis], axis)))
        array = Array(kind, shape, axes, storage.open, start, storage.direct)
        if not empty and not _dense(shape, strides, axes):
            array = self._gathered(path, array, strides, extent)
        while path in self.tensors:
            path += "'"
        self.tensors[path] = array

    def _gathered(self, path: str, array: Array, strides: tuple[int, ...], extent: int) -> Array:
        """A tensor with gaps or repetitions in memory: put in order, or all that it spans."""
        straight = tuple(range(len(array.shape)))
        if max(array.size, extent * array.kind.itemsize) > _LARGEST_GATHERED:
            self._put(f"{path}/<layout>", f"{list(array.shape)} strided {list(strides)}")
            return array._replace(shape=(extent,), axes=(0,))
        width = array.kind.itemsize

        def gather() -> BinaryIO:
            load()
            import numpy as np

            with array.open() as file:
                file.seek(array.start)
                data = file.read(extent * width)
            if len(data) < extent * width:
                raise UnreadableError("it ends before its values do")
            steps = tuple(step * width for step in strides)
            # Inside `data`: the last item of the last axis is item `extent - 1`.
            items = np.ndarray(array.shape, f"V{width}", data, 0, steps)
            return io.BytesIO(np.ascontiguousarray(items).tobytes())

        return array._replace(axes=straight, open=gather, start=0, direct=True)


def _dense(shape: tuple[int, ...], strides: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    """Whether the items lie one after the other in some order of the axes."""
    expected = 1
    for axis in reversed(axes):
        if shape[axis] != 1:
            if strides[axis] != expected:
                return False
            expected *= shape[axis]
    return True


def _whole(value: Any) -> tuple[int, ...]:
    """A size or stride: a tuple of counts, or `torch.Size` of one."""
    if isinstance(value, Call) and value.function == Name("torch", "Size"):
        value = value.arguments
        if isinstance(value, Several) and len(value.items) == 1:
            value = value.items[0]
    items: list[Any] = value.items if isinstance(value, Several) else [None]
    if len(items) > 64 or not all(type(item) is int and 0 <= item < 2**62 for item in items):
        raise UnreadableError("it has a tensor without a sound shape")
    return tuple(items)


def _key(key: Any) -> str:
    text = key if isinstance(key, str) else repr(key) if not isinstance(key, int) else _digits(key)
    return text[:300]


def _digits(value: int) -> str:
    return str(value) if value.bit_length() <= 64 else f"integer of {value.bit_length()} bits"
