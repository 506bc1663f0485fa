"""Secrets that a colour or the end of a line stands in the middle of.

What programs put there by themselves: codes of colours (`grep`, `rich`), and line ends with the indentation
or the frame around them, where a text is wrapped to a width. Everything else stays as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

#: Colours and other codes of terminals that show nothing by themselves.
CODE = re.compile(rb"\x1b(?:\[[0-9;:?]{0,64}[@-~]|\([0-9A-Z])")
_PAD = rb"[ \t|]|\xe2(?:\x94[\x82\x83]|\x95\x91)"
_CORE = rb"\x1b(?:\[[0-9;:?]{0,64}[@-~]|\([0-9A-Z])|\r{0,4}\n"
#: A run that holds a code or a line end; found once, whatever its length.
_RUN = re.compile(rb"(?<![ \t|\x82\x83\x91])(?:%b)*+(?:(?:%b)(?:%b)*+)++" % (_PAD, _CORE, _PAD))
_CUT_CODE = re.compile(rb"\x1b(?:\[[0-9;:?]{0,64}|\()?\Z")
_BOXES = (b"\xe2\x94\x82", b"\xe2\x94\x83", b"\xe2\x95\x91")
_CUT_BOXES = (b"\xe2", b"\xe2\x94", b"\xe2\x95")
_PADS = b" \t\r\n|"
#: Longest code.
_CODE = 67
#: Bytes in the middle of a secret, all together.
MOST = 2048
#: Bytes at the end that are looked at first.
_END = 96


class Piece(NamedTuple):
    """A part of a secret that has something in its middle."""

    start: int
    stop: int
    offset: int
    """In the secret."""


class Shade(NamedTuple):
    """A text without what may stand in the middle of a secret, and where each part of it is."""

    text: bytes
    offsets: list[int]
    """Of the parts, in the text."""
    starts: list[int]
    """Of the same parts, in what it was made of; negative for a space that stands for something there."""

    def at(self, offset: int) -> int:
        """Where a byte of the text stands."""
        part = bisect_right(self.offsets, offset) - 1
        return self.starts[part] + offset - self.offsets[part]

    def pieces(self, start: int, stop: int) -> list[Piece]:
        """Where a stretch of the text stands, piece by piece."""
        found = []
        began = start
        part = bisect_right(self.offsets, start) - 1
        while start < stop:
            end = min(stop, self.offsets[part + 1] if part + 1 < len(self.offsets) else stop)
            if self.starts[part] >= 0:
                at = self.starts[part] + start - self.offsets[part]
                found.append(Piece(at, at + end - start, start - began))
            start = end
            part += 1
        return found


def shade(data: bytes, *, spaced: bool = False, ending: bool = False) -> Shade:
    """Leave out what may stand in the middle of a secret.

    Args:
        data: from a place that is not inside of a code.
        spaced: a line end stands for a space, as where words are wrapped.
        ending: what may become such a thing at the end is left out, too.
    """
    end = len(data)
    if ending:
        end = _end_of(data)
    parts: list[bytes] = []
    offsets: list[int] = []
    starts: list[int] = []
    at = size = 0

    def keep(start: int, stop: int) -> None:
        nonlocal size
        if stop > start:
            parts.append(data[start:stop])
            offsets.append(size)
            starts.append(start)
            size += stop - start

    for run in _RUN.finditer(data, 0, end):
        if b"\n" in run[0]:
            keep(at, run.start())
            at = run.end()
            if spaced:
                parts.append(b" ")
                offsets.append(size)
                starts.append(-1)
                size += 1
        else:
            for code in CODE.finditer(data, run.start(), run.end()):
                keep(at, code.start())
                at = code.end()
    keep(at, end)
    return Shade(b"".join(parts), offsets, starts)


def _end_of(data: bytes) -> int:
    """Where what may go on as such a thing begins."""
    tail = data[-MOST:]
    end = len(tail)
    at = tail.rfind(b"\x1b", max(end - _CODE, 0))
    if at >= 0 and _CUT_CODE.match(tail, at):
        end = at
    elif tail.endswith(_CUT_BOXES):
        end -= 1 if tail.endswith(b"\xe2") else 2
    while end:
        before = end
        end = len(tail[:end].rstrip(_PADS))
        if tail.endswith(_BOXES, 0, end):
            end -= 3
        at = tail.rfind(b"\x1b", max(end - _CODE, 0), end)
        code = CODE.match(tail, at, end) if at >= 0 else None
        if code and code.end() == end:
            end = at
        if end == before:
            break
    return len(data) - len(tail) + end


def last_of(data: bytes, count: int) -> bytes | None:
    """The last bytes without what may stand in the middle of a secret; None when it is not easily told.

    Args:
        data: without codes.
        count: how many.
    """
    last = data[-1 - count : -1] if data[-1:] == b"\n" else data[-count:]
    if len(last) == count and last.isascii() and last.translate(None, _PADS) == last:
        return last
    last = shade(data[-_END:], ending=True).text[-count:]
    return last if len(last) == count else None
