"""Safetensors files, tensor by tensor (format: huggingface/safetensors, README, "Format").

Eight bytes with the length of the header (unsigned, little-endian), the header (JSON), then the bytes of
all tensors without holes. Only numpy is needed to read it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import msgspec

from xt.compare import Content, Rule, UnreadableError
from xt.compare.arrays import Array, compare_arrays
from xt.compare.kinds import SAFETENSORS, Kind, named
from xt.compare.named_parts import compare_mappings, join
from xt.model.delta import Delta

#: Bytes of a header that is read: about 100 000 tensors. The format's own limit is 100 MB.
LONGEST_HEADER = 10_000_000

Length = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tensor, as the header describes it."""

    dtype: str
    shape: Annotated[list[Length], msgspec.Meta(max_length=64)]
    data_offsets: tuple[Length, Length]


class Header(msgspec.Struct, frozen=True):
    """What a file says of itself."""

    metadata: dict[str, str]
    tensors: dict[str, Array]


def compare(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare two safetensors files.

    Raises:
        UnreadableError: a side is not one, or a tensor is not where its header says.
    """
    a, b = read_header(left), read_header(right)
    deltas, identical = compare_arrays(a.tensors, b.tensors, rule, path)
    metadata = compare_mappings(a.metadata, b.metadata, f"{path}:__metadata__")
    return join(path, (a.tensors, b.tensors), [*deltas, *metadata], identical, rule, "tensor")


def read_header(content: Content) -> Header:
    """Read and check the header of a safetensors file.

    Raises:
        UnreadableError: it is longer than 10 MB, is no JSON of the right form, or describes tensors that
            overlap, leave holes, or do not end where the file does.
    """
    with content.open() as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > content.size - 8:
            raise UnreadableError("it is not a safetensors file: its header would not fit into it")
        if length > LONGEST_HEADER:
            raise UnreadableError(f"its header is longer than {LONGEST_HEADER} bytes")
        data = file.read(length)
    try:
        parts = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        metadata = parts.pop("__metadata__", None)
        entries = {name: msgspec.json.decode(raw, type=_Entry) for name, raw in parts.items()}
        return Header(
            {} if metadata is None else msgspec.json.decode(metadata, type=dict[str, str]),
            dict(_arrays(entries, content, 8 + length)),
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(f"its header is not that of a safetensors file: {error}") from None


def _arrays(entries: dict[str, _Entry], content: Content, base: int) -> Iterator[tuple[str, Array]]:
    """Place every tensor, in the order of the file."""
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].data_offsets, item[0])):
        start, stop = entry.data_offsets
        if start != end or stop < start:
            raise UnreadableError(f"its tensors overlap or leave a hole before `{name}`")
        end = stop
        try:
            kind = named(SAFETENSORS[entry.dtype])
        except KeyError:
            # A type of a later version: its items are told apart by their bytes.
            kind = _unknown(entry, stop - start)
        count = math.prod(entry.shape)
        if count * kind.itemsize != stop - start:
            raise UnreadableError(f"`{name}` has {stop - start} bytes, which does not fit its shape")
        yield (
            name,
            Array(kind, tuple(entry.shape), tuple(range(len(entry.shape))), content.open, base + start),
        )
    if base + end != content.size:
        raise UnreadableError("its tensors do not end where the file does")


def _unknown(entry: _Entry, size: int) -> Kind:
    count = math.prod(entry.shape)
    if not 0 < count <= size or size % count:
        raise UnreadableError(f"it has a tensor of the unknown type `{entry.dtype}`")
    width = size // count
    return Kind(f"{entry.dtype} (compared by bytes)", "opaque", width, f"|V{width}")
