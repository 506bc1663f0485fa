"""Tar files of strangers, read by their headers alone (POSIX.1-2017 pax and ustar, GNU long names).

The standard library's reader follows sizes and counts that a hostile file chooses; here every header is
a bounded read and every member a window on the file.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from xt.compare import Content, UnreadableError
from xt.compare.spooled import Spool
from xt.compare.zipped import check_unpacked

_BLOCK = 512
_PIECE = 1 << 18
#: Bytes of a long name or of the extended headers of one member.
_LONGEST_EXTRA = 65_536
#: Members of one archive.
MOST_MEMBERS = 50_000
#: Bytes the xz decoder may use.
_XZ_MEMORY = 100_000_000


class TarEntry(NamedTuple):
    """One member, as its headers describe it."""

    name: str
    type: str
    """The type flag: `0` file, `1` hard link, `2` symbolic link, `3` to `6` devices, folders and pipes."""
    mode: int
    size: int
    mtime: float
    target: str
    start: int
    """Bytes from the start of the unpacked archive to its content."""


@contextmanager
def unpacked(content: Content) -> Iterator[tuple[Callable[[], BinaryIO], int]]:
    """Give the plain tar inside a content: as it is, or unpacked into an unnamed file.

    Yields:
        What opens it, and its bytes.

    Raises:
        UnreadableError: it is damaged, or is too large unpacked.
    """
    with content.open() as file:
        head = file.read(6)
        make = next((make for magic, make in _PACKERS if head.startswith(magic)), None)
        if make is None:
            yield content.open, content.size
            return
        with Spool(content.name) as spool:
            file.seek(0)
            try:
                spool.fill(_bounded(_inflate(file, make), content.size))
            except (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError) as error:
                raise UnreadableError(f"it cannot be unpacked: {error}") from error
            yield spool.open, spool.size


def _bounded(pieces: Iterator[bytes], packed: int) -> Iterator[bytes]:
    """Stop when there are too many bytes for what they were packed in."""
    size = 0
    for piece in pieces:
        size += len(piece)
        check_unpacked(size, packed, count=len(piece))
        yield piece


class _Gzip:
    """A decompressor of gzip members with the face of those of bz2 and lzma."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, most: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, most)

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


_PACKERS: tuple[tuple[bytes, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _XZ_MEMORY)),
)


def _inflate(file: BinaryIO, make: Callable[[], Any]) -> Iterator[bytes]:
    """Unpack in pieces of bounded size; several packed streams in a row are one."""
    inner, data = make(), b""
    while True:
        if inner.eof:
            data = (inner.unused_data or file.read(_PIECE)).lstrip(b"\0")
            if not data:
                return
            inner = make()
        elif inner.needs_input:
            data = file.read(_PIECE)
            if not data:
                raise EOFError("it ends early")
        else:
            data = b""
        if piece := inner.decompress(data, _PIECE):
            yield piece


def entries(file: BinaryIO, size: int) -> Iterator[TarEntry]:
    """List the members of a plain tar.

    Args:
        file: seekable.
        size: its bytes.

    Raises:
        UnreadableError: it is no tar, a header is damaged or too long, a member reaches beyond the end,
            is sparse, or there are more than 50 000.
    """
    at, found = 0, 0
    shared: dict[str, str] = {}
    extra: dict[str, str] = {}
    while True:
        file.seek(at)
        header = file.read(_BLOCK)
        if len(header) < _BLOCK or header == bytes(_BLOCK):
            if at == 0 or (header and len(header) < _BLOCK):
                raise UnreadableError("it is not a tar file, or it ends early")
            return
        _check_sum(header)
        kind = chr(header[156] or ord("0"))
        start = at + _BLOCK
        length = _size(header, kind, extra)
        if start + length > size:
            raise UnreadableError("it ends before its last member does")
        at = start + -(-length // _BLOCK) * _BLOCK
        found += 1
        if found > 3 * MOST_MEMBERS:
            raise UnreadableError(f"it has more than {MOST_MEMBERS} members")
        if kind in "xgLK":
            if length > _LONGEST_EXTRA:
                raise UnreadableError(f"it has an extended header longer than {_LONGEST_EXTRA} bytes")
            data = file.read(length)
            if kind in "LK":
                extra["path" if kind == "L" else "linkpath"] = _text(data.partition(b"\0")[0])
            else:
                (shared if kind == "g" else extra).update(_pax(data))
            continue
        fields = shared | extra
        extra = {}
        if kind == "S" or any(key.startswith("GNU.sparse") for key in fields):
            raise UnreadableError("it has sparse members, which are not read")
        yield _entry(header, kind, length, start, fields)


def _size(header: bytes, kind: str, extra: dict[str, str]) -> int:
    """Bytes of content that follow a header."""
    if kind in "123456":
        return 0
    said = extra.get("size") if kind not in "xgLK" else None
    if said is None:
        return _number(header, 124, 12)
    return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else _damaged()


def _entry(header: bytes, kind: str, size: int, start: int, fields: dict[str, str]) -> TarEntry:
    name = _text(header[:100].partition(b"\0")[0])
    prefix = _text(header[345:500].partition(b"\0")[0])
    if prefix and header[257:263] == b"ustar\0":
        name = f"{prefix}/{name}"
    name = fields.get("path", name)
    target = fields.get("linkpath", _text(header[157:257].partition(b"\0")[0]))
    if kind in "07" and name.endswith("/"):
        kind = "5"
    try:
        mtime = float(fields["mtime"]) if "mtime" in fields else float(_number(header, 136, 12))
    except ValueError:
        raise UnreadableError("a time in it is not a number") from None
    mode = _number(header, 100, 8) & 0o7777
    return TarEntry(name.rstrip("/"), "0" if kind == "7" else kind, mode, size, mtime, target, start)


def _check_sum(header: bytes) -> None:
    """Compare a header with its own sum, in which the field itself counts as spaces."""
    if sum(header) - sum(header[148:156]) + 8 * 32 != _number(header, 148, 8):
        raise UnreadableError("it is not a tar file, or a header in it is damaged")


def _number(header: bytes, start: int, width: int) -> int:
    """Read a number: octal digits, or 256-based after a set first bit (GNU)."""
    field = header[start : start + width]
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.replace(b"\0", b" ").strip()
    try:
        # `int` takes signs and underscores too.
        return int(digits or b"0", 8) if digits.isdigit() or not digits else _damaged()
    except ValueError:
        return _damaged()


def _damaged() -> int:
    raise UnreadableError("it is not a tar file, or a number in it is damaged")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _pax(data: bytes) -> Iterator[tuple[str, str]]:
    """Read extended headers: lines of `LENGTH KEY=VALUE`, the length counting all of the line."""
    at = 0
    while at < len(data) and data[at]:
        digits = data[at : at + 8].partition(b" ")[0]
        if not digits.isdigit() or not 0 < int(digits) <= len(data) - at:
            raise UnreadableError("an extended header in it is damaged")
        key, _, value = data[at + len(digits) + 1 : at + int(digits) - 1].partition(b"=")
        yield _text(key), _text(value)
        at += int(digits)
