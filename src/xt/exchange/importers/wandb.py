"""W&B's offline runs: `run-*.wandb`, a LevelDB log of `Record` messages whose values are JSON.

The file begins with `:W&B`, two bytes and a version. It is made of blocks of 32 KB, and these of fragments:
CRC-32 of kind and data (4 bytes), length (2), kind (1: whole, 2: first, 3: middle, 4: last), data.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from xt import fsio
from xt.exchange.importers import MalformedError, Sink
from xt.exchange.importers.protobuf import fields, signed, text

BLOCK = 32_768
HEAD = 7
MAGIC = b":W&B\xe1\xbe"
#: Bytes of a record; a longer one holds no metrics that anybody could want.
MAX_RECORD = 16 << 20
#: Keys of the summary and the settings.
MAX_KEYS = 20_000

_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_SPECIAL = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_Item = tuple[tuple[str, ...], Any]


def read(path: str, sink: Sink) -> None:
    """Read one offline run; see `xt.exchange.importers`.

    Raises:
        MalformedError: it is no such file.
        OSError: it cannot be read.
    """
    summary: dict[tuple[str, ...], Any] = {}
    settings: dict[tuple[str, ...], Any] = {}
    known: set[str] = set()
    about: dict[str, str] = {}
    bad = 0
    with os.fdopen(fsio.open_regular(os.path.realpath(path)), "rb", buffering=fsio.CHUNK) as file:
        for data in _records(file, sink):
            try:
                _record(data, summary, settings, known, about, sink)
            except MalformedError:
                bad += 1
    if bad:
        sink.doubt(f"{bad} {'record' if bad == 1 else 'records'} cannot be understood and are left out")
    media = {keys[:-1] for keys in summary if keys[-1] == "_type"}
    for keys, value in summary.items():
        name = "/".join(keys)
        if name not in known and not _is_own(keys) and keys[:-1] not in media:
            sink.point(name, value, labels=about or None)
    for keys, value in settings.items():
        if not _is_own(keys):
            sink.setting(".".join(keys), value)


def _records(file: BinaryIO, sink: Sink) -> Iterator[bytes]:
    """Put fragments together; what is damaged is left out up to the next block."""
    held: bytearray | None = None
    damaged = long = 0
    block = file.read(BLOCK)
    if block[:6] != MAGIC:
        raise MalformedError("it does not begin as the file of a W&B run")
    at = HEAD
    while block:
        while len(block) - at >= HEAD:
            length, kind = int.from_bytes(block[at + 4 : at + 6], "little"), block[at + 6]
            data = block[at + HEAD : at + HEAD + length]
            if length == kind == 0:
                break
            crc = int.from_bytes(block[at : at + 4], "little")
            if len(data) < length or zlib.crc32(data, zlib.crc32(bytes((kind,)))) != crc:
                damaged += len(block) == BLOCK or len(data) == length
                if len(block) < BLOCK and len(data) < length:
                    sink.doubt("its last record is cut off")
                held = None
                break
            at += HEAD + length
            if kind == _WHOLE:
                yield data
                held = None
            elif kind == _FIRST:
                held = bytearray(data)
            elif held is not None and kind in (_MIDDLE, _LAST):
                held += data
                if len(held) > MAX_RECORD:
                    long, held = long + 1, None
                elif kind == _LAST:
                    yield bytes(held)
                    held = None
        block, at = file.read(BLOCK), 0
    if held is not None:
        sink.doubt("its last record is cut off")
    if damaged:
        sink.doubt(f"{damaged} {'block is' if damaged == 1 else 'blocks are'} damaged, and left out in part")
    if long:
        sink.doubt(f"{long} records of more than {MAX_RECORD >> 20} MB are left out")


def _record(
    data: bytes,
    summary: dict[tuple[str, ...], Any],
    settings: dict[tuple[str, ...], Any],
    known: set[str],
    about: dict[str, str],
    sink: Sink,
) -> None:
    for number, _, value in fields(data):
        if not isinstance(value, bytes):
            continue
        if number == 2:
            _history(value, known, about or None, sink)
        elif number == 3:
            _update(value, summary)
        elif number == 5:
            _update(value, settings)
        elif number == 17:
            for inner, _, part in fields(value):
                if inner == 4 and isinstance(part, bytes):
                    _update(part, settings)
                elif sink.several and inner in (1, 8) and text(part):
                    about["run"] = text(part)


def _history(data: bytes, known: set[str], labels: dict[str, str] | None, sink: Sink) -> None:
    items, step = [], None
    for number, _, value in fields(data):
        if number == 1 and isinstance(value, bytes):
            items.append(_item(value))
        elif number == 2 and isinstance(value, bytes):
            step = next((signed(one) for at, _, one in fields(value) if at == 1 and isinstance(one, int)), 0)
    if step is None:
        step = next((value for keys, value in items if keys == ("_step",)), None)
    # A picture or a histogram is a group of keys, one of which says its type.
    media = {keys[:-1] for keys, _ in items if keys[-1:] == ("_type",)}
    for keys, value in items:
        if keys and not _is_own(keys) and keys[:-1] not in media:
            name = "/".join(keys)
            if sink.point(name, value, step, labels) and len(known) < MAX_KEYS:
                known.add(name)


def _update(data: bytes, found: dict[tuple[str, ...], Any]) -> None:
    for number, _, value in fields(data):
        if isinstance(value, bytes) and number in (1, 2):
            keys, said = _item(value)
            if number == 2:
                found.pop(keys, None)
            elif keys and (keys in found or len(found) < MAX_KEYS):
                found[keys] = said


def _item(data: bytes) -> _Item:
    """Read an item of a history, summary or configuration: its key, of several parts, and its value."""
    keys: list[str] = []
    value: Any = None
    for number, _, part in fields(data):
        if number in (1, 2):
            keys.append(text(part))
        elif number == 16:
            said = text(part)
            value = _SPECIAL[said] if said in _SPECIAL else _json(said)
    return tuple(keys), value


def _json(said: str) -> Any:
    try:
        return msgspec.json.decode(said)
    except (msgspec.DecodeError, RecursionError):
        return None


def _is_own(keys: tuple[str, ...]) -> bool:
    """Whether W&B wrote it for itself: `_step`, `_timestamp`, `_wandb`."""
    return keys[0].startswith("_")
