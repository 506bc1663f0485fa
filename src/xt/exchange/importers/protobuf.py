"""Protocol Buffers without a schema: the fields of a message, in order.

https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

from collections.abc import Iterator

from xt.exchange.importers import MalformedError

#: How a field is written: a number of variable length, 8 bytes, bytes with their length before them, 4 bytes.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Read a message.

    Yields:
        Number of the field, how it is written, and the number or the bytes of it.

    Raises:
        MalformedError: it is cut off, or no such message.
    """
    at, end = 0, len(data)
    while at < end:
        # Nearly all keys and lengths are of one byte, and there are millions of them.
        key, at = (data[at], at + 1) if data[at] < 0x80 else varint(data, at)
        kind = key & 7
        if kind == VARINT:
            number, at = varint(data, at)
            yield key >> 3, kind, number
            continue
        if kind == BYTES:
            is_short = at < end and data[at] < 0x80
            length, at = (data[at], at + 1) if is_short else varint(data, at)
        elif kind == FIXED64:
            length = 8
        elif kind == FIXED32:
            length = 4
        else:
            raise MalformedError("a field of an unknown kind")
        if length > end - at:
            raise MalformedError("a field is cut off")
        yield key >> 3, kind, data[at : at + length]
        at += length


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of variable length.

    Args:
        data: the message.
        at: where the number begins.

    Returns:
        The number, of 64 bits at most, and where it ends.

    Raises:
        MalformedError: it is cut off, or longer.
    """
    found = 0
    for index, byte in enumerate(data[at : at + 10]):
        found |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return found & 0xFFFF_FFFF_FFFF_FFFF, at + index + 1
    raise MalformedError("a number is cut off or too long")


def signed(number: int) -> int:
    """Read a number of 64 bits as one with a sign, in two's complement."""
    return number - (1 << 64) if number >= 1 << 63 else number


def text(value: int | bytes) -> str:
    """Read a field as text; what is no UTF-8 is replaced."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
