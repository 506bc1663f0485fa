"""TensorBoard event files: TFRecords of `Event` messages, scalars as numbers and as tensors of one number.

A record is: length (8 bytes), CRC of these, the data, CRC of it; little endian, CRC-32C, masked.
https://www.tensorflow.org/tutorials/load_data/tfrecord and the .proto files of TensorBoard.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from xt import fsio
from xt.exchange.importers import MalformedError, Sink
from xt.exchange.importers.protobuf import BYTES, FIXED32, FIXED64, fields, signed, text, varint

#: Bytes of a record that is looked at; scalars are some dozen, and images and histograms are none.
MAX_RECORD = 1 << 20
#: Tags of a file whose plugin is remembered.
MAX_TAGS = 10_000

_HEAD = struct.Struct("<QI")
_CRC = struct.Struct("<I")

#: `DataType` → how one number of it is packed in `tensor_content`.
_PACKED = {
    1: "<f", 2: "<d", 3: "<i", 4: "<B", 5: "<h", 6: "<b", 9: "<q", 17: "<H", 19: "<e", 22: "<I", 23: "<Q",
}  # fmt: skip
_SINGLE, _BFLOAT16, _HALF, _BOOL = 1, 14, 19, 10


def read(path: str, sink: Sink) -> None:
    """Read one event file; see `xt.exchange.importers`.

    Raises:
        MalformedError: it is no event file.
        OSError: it cannot be read.
    """
    plugins: dict[str, str] = {}
    with os.fdopen(fsio.open_regular(os.path.realpath(path)), "rb", buffering=fsio.CHUNK) as file:
        for number, data in enumerate(_records(file, sink)):
            try:
                _event(data, plugins, sink)
            except (MalformedError, struct.error) as error:
                if number == 0:
                    raise MalformedError(f"it is no event file: {error}") from error
                sink.doubt(f"record {number + 1} cannot be understood and is left out: {error}")


def masked_crc(data: bytes) -> int:
    """CRC-32C, rotated and moved, as TFRecords have it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _table() -> list[int]:
    found = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        found.append(crc)
    return found


_TABLE = _table()


def _records(file: BinaryIO, sink: Sink) -> Iterator[bytes]:
    """Read records as far as their lengths can be trusted; those too long or damaged are left out."""
    size = os.fstat(file.fileno()).st_size
    number = long = 0
    while head := file.read(12):
        number += 1
        if len(head) < 12:
            sink.doubt("its last record is cut off")
            break
        length, crc = _HEAD.unpack(head)
        if masked_crc(head[:8]) != crc:
            if number == 1:
                raise MalformedError("it is no event file: the checksum of its first record is wrong")
            sink.doubt(f"the checksum of record {number} is wrong; what follows is not read")
            break
        if length + 4 > size - file.tell():
            sink.doubt("its last record is cut off")
            break
        if length > MAX_RECORD:
            long += 1
            file.seek(length + 4, os.SEEK_CUR)
            continue
        data = file.read(length)
        if masked_crc(data) != int.from_bytes(file.read(4), "little"):
            sink.doubt(f"the checksum of record {number} is wrong; it is left out")
            continue
        yield data
    if long:
        sink.doubt(f"{long} records of more than {MAX_RECORD >> 20} MB are left out")


def _event(data: bytes, plugins: dict[str, str], sink: Sink) -> None:
    step, values = 0, []
    for number, kind, value in fields(data):
        if number == 2 and isinstance(value, int):
            step = signed(value)
        elif number == 5 and kind == BYTES and isinstance(value, bytes):
            values += [part for at, _, part in fields(value) if at == 1 and isinstance(part, bytes)]
    for value in values:
        _value(value, step, plugins, sink)


def _value(data: bytes, step: int, plugins: dict[str, str], sink: Sink) -> None:
    tag, plugin, content = "", None, b""
    simple: float | None = None
    tensor: bytes | None = None
    for number, kind, value in fields(data):
        if number == 1:
            tag = text(value)
        elif number == 2 and kind == FIXED32 and isinstance(value, bytes):
            (simple,) = struct.unpack("<f", value)
        elif number == 8 and isinstance(value, bytes):
            tensor = value
        elif number == 9 and isinstance(value, bytes):
            plugin, content = _plugin(value)
    if plugin is not None and len(plugins) < MAX_TAGS:
        plugins[tag] = plugin
    if plugin == "hparams":
        _settings(content, sink)
    elif not tag:
        return
    elif simple is not None:
        sink.point(tag, simple, step, single=True)
    elif tensor is not None and plugins.get(tag, "scalars") == "scalars":
        found, single = _number(tensor)
        if found is not None:
            sink.point(tag, found, step, single=single)


def _plugin(data: bytes) -> tuple[str | None, bytes]:
    """Read the name and the content of the plugin in a `SummaryMetadata`."""
    name, content = None, b""
    for number, _, value in fields(data):
        if number == 1 and isinstance(value, bytes):
            for inner, _, said in fields(value):
                if inner == 1:
                    name = text(said)
                elif inner == 2 and isinstance(said, bytes):
                    content = said
    return name, content


def _number(data: bytes) -> tuple[float | int | None, bool]:
    """Read the number of a `TensorProto`, and whether it was in single precision; None where it has more."""
    dtype, content, listed = 0, b"", []
    for number, kind, value in fields(data):
        if number == 1 and isinstance(value, int):
            dtype = value
        elif number == 2 and isinstance(value, bytes) and _count(value) != 1:
            return None, False
        elif number == 4 and isinstance(value, bytes):
            content = value
        elif number in (5, 6, 7, 10, 11, 13, 16, 17):
            listed += _listed(number, kind, value)
    single = dtype in (_SINGLE, _HALF, _BFLOAT16)
    if dtype == _BFLOAT16 and len(content) == 2:
        return struct.unpack("<f", b"\0\0" + content)[0], single
    if dtype in _PACKED and len(content) == struct.calcsize(_PACKED[dtype]):
        return struct.unpack(_PACKED[dtype], content)[0], single
    if len(listed) != 1 or content or dtype == _BOOL:
        return None, False
    (found,) = listed
    if dtype == _HALF:
        return struct.unpack("<e", struct.pack("<H", found & 0xFFFF))[0], single
    if dtype == _BFLOAT16:
        return struct.unpack("<f", struct.pack("<I", (found & 0xFFFF) << 16))[0], single
    return found, single


def _count(shape: bytes) -> int:
    """Numbers in a tensor of a shape."""
    count = 1
    for number, _, dim in fields(shape):
        if number == 2 and isinstance(dim, bytes):
            count *= next((size for at, _, size in fields(dim) if at == 1 and isinstance(size, int)), 0)
        elif number == 3:
            return 0
    return count


def _listed(number: int, kind: int, value: int | bytes) -> list[Any]:
    """Read the numbers of a repeated field, packed or not; two are enough to tell that there is not one."""
    width = {5: "<f", 6: "<d"}.get(number)
    if isinstance(value, int):
        return [value if number in (16, 17) else signed(value)]
    if width is not None:
        if kind in (FIXED32, FIXED64) or len(value) == struct.calcsize(width):
            return [struct.unpack(width, value)[0]]
        return [0.0, 0.0] if value else []
    found: list[int] = []
    at = 0
    while at < len(value) and len(found) < 2:
        one, at = varint(value, at)
        found.append(one if number in (16, 17) else signed(one))
    return found


def _settings(content: bytes, sink: Sink) -> None:
    """Read the settings in an `HParamsPluginData` that begins a session."""
    for number, _, started in fields(content):
        if number != 3 or not isinstance(started, bytes):
            continue
        for inner, _, entry in fields(started):
            if inner == 1 and isinstance(entry, bytes):
                pair = {at: value for at, _, value in fields(entry)}
                value = pair.get(2)
                if isinstance(value, bytes):
                    sink.setting(text(pair.get(1, b"")), _plain(value))


def _plain(data: bytes) -> Any:
    """Read a `google.protobuf.Value` that is a number, text or flag."""
    for number, _, value in fields(data):
        if number == 2 and isinstance(value, bytes):
            return struct.unpack("<d", value)[0]
        if number == 3:
            return text(value)
        if number == 4:
            return bool(value)
    return None
