"""Masking of secrets that xt was never told, where their shape says what they are.

The shapes are those of `xt.redact_shapes` that begin with something telling: a log is evidence, and nothing
is guessed. However a stream is cut into chunks, the result is the same: whether something is masked depends
on what stands in the `LONGEST` bytes from where it begins, and what may still become one is held back.

Most output has none, and is to be passed on quickly: of nearly every token some byte of its head is in
`ANCHORS`, and many characters of words follow. That is sought in a copy where bytes are replaced by what they
are, and only there it is looked for heads. What is written faster than it can be looked at is passed on as it
is, and counted.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

from xt.execute.looks import (
    BEFORE,
    HEADERS,
    KEYS,
    LONGEST,
    URL_LONGEST,
    Look,
    Open,
    codes_in,
    header,
    password,
    token,
)
from xt.redact import MASK
from xt.redact_shapes import ISSUED, Shape

#: What stands in the log instead.
_MASK = MASK.encode()

#: Bytes looked at whatever the time, and how many more every second: of 500 MB 15 to 40 ms of a processor.
BURST, RATE = 4 << 20, 2 << 20
#: What a byte of a long word costs, in bytes of other text.
_DEAR = 6
#: What a place costs at which something may begin.
_PLACE = 1000
#: Seconds after which a chunk is given up, looked at after so many places: `eyJ-eyJ-eyJ-…` is nobody's token.
_LONG, _MANY = 1.0, 256
#: Bytes at the end in which something short may begin.
_END = 96
#: Each token has one of these in its head, the last of them with so many characters behind it.
ANCHORS = b"_-ASJGv"
_FOLLOW = 16
_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
#: Also those of codes, which may stand inside.
_WORD = _LETTERS + _LETTERS.upper() + b"0123456789.+/=~\x1b[;"
_CLASSES = bytes(
    ord("_") if byte in ANCHORS else ord("w") if byte in _WORD else ord(" ") for byte in range(256)
)
_RUN = re.compile(b"_[^ ]{%d}" % _FOLLOW)
#: What does not end one, at the end.
_LAST = rb"[0-9A-Za-z_.+/=~\x1b\[;:?(-]*\Z"


class Heads(NamedTuple):
    """How tokens begin."""

    shapes: dict[bytes, list[Shape]]
    behind: dict[bytes, list[tuple[bytes, int]]]
    """The last anchor of a head and the two bytes before it → heads, and where it is in them."""
    before: dict[bytes, list[tuple[bytes, int]]]
    """Of an anchor that is too near to the beginning: it and the byte behind it."""
    others: list[bytes]
    """Heads without an anchor."""
    parts: list[set[bytes]]
    """How all that is looked for begins, by the number of bytes."""
    inner: frozenset[int]
    """Bytes that such a part may end with."""


@cache
def heads() -> Heads:
    """Sort what the shapes begin with; made when the first output comes."""
    shapes: dict[bytes, list[Shape]] = {}
    for shape in ISSUED:
        for begin in shape.begins:
            shapes.setdefault(begin.encode(), []).append(shape)
    behind: dict[bytes, list[tuple[bytes, int]]] = {}
    before: dict[bytes, list[tuple[bytes, int]]] = {}
    others = []
    for head in shapes:
        at = max(head.rfind(byte) for byte in ANCHORS)  # a byte is sought by its number
        if at >= 2:
            behind.setdefault(head[at - 2 : at + 1], []).append((head, at))
        elif at >= 0:
            before.setdefault(head[at : at + 2], []).append((head, at))
        else:
            others.append(head)
    every: list[bytes] = [*shapes, *(head for _, head in HEADERS), *KEYS, b"://"]
    longest = max(map(len, every))
    parts = [{head[:count] for head in every if len(head) > count} for count in range(longest)]
    inner = frozenset(part[-1] for some in parts[1:] for part in some)
    return Heads(shapes, behind, before, others, parts, inner)


@cache
def _anchors() -> re.Pattern[bytes]:
    """What finds the anchors of `Heads` in long words: most of these have others."""
    known = heads()
    some: dict[bytes, dict[bytes, bytes]] = {}
    for key in known.behind:
        before = some.setdefault(key[2:], {})
        before[key[1:2]] = before.get(key[1:2], b"") + re.escape(key[:1])
    alternatives = [re.escape(key) for key in known.before]
    for anchor, before in some.items():
        pairs = b"|".join(b"[%b]%b" % (first, re.escape(second)) for second, first in before.items())
        alternatives.append(b"%b(?<=(?:%b)%b)" % (re.escape(anchor), pairs, re.escape(anchor)))
    return re.compile(b"|".join(alternatives))


class Tokens:
    """Replaces what looks like a secret in one stream, and remembers what it held back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin.

        Args:
            clock: seconds; how much is looked at depends on them where very much is written.
        """
        self.found: dict[str, int] = {}
        """Masks written so far, by what they stand for."""
        self.passed = 0
        """Bytes that came too fast to be looked at."""
        self._clock = clock
        self._left = float(BURST)
        self._since = clock()
        self._held = b""
        self._before = b""

    def feed(self, data: bytes | memoryview, final: bool = False) -> bytes | memoryview:
        """Take the next chunk.

        Args:
            data: any bytes, also none; they are not kept.
            final: whether the stream ends here, so that nothing is held back.

        Returns:
            What can be written now.
        """
        if self._may_look(len(data)):
            return self._look(data, final)
        self.passed += len(data)
        begun = self._look(data[:LONGEST], True) if self._held else b""
        self._before = b"".join((self._before, data[-BEFORE:]))[-BEFORE:]
        return b"".join((begun, data[LONGEST:])) if begun else data

    def stop(self) -> bytes:
        """Look at nothing more; return what was held back."""
        self._left = float("-inf")
        held, self._held = self._held, b""
        return held

    def _look(self, data: bytes | memoryview, final: bool) -> bytes:
        whole = b"".join((self._before, self._held, data))
        at = start = len(self._before)
        cut = len(whole)
        parts = []
        began = self._clock()
        for number, (place, look) in enumerate(self._places(whole, start), 1):
            if place < at:
                continue
            if number % _MANY == 0 and self._clock() - began > _LONG:
                self.passed += len(whole) - place
                self._left = -BURST
                break
            found = look(whole, place, final)
            self._left -= _PLACE
            if isinstance(found, Open):
                cut = place
                break
            if found is not None:
                parts += [whole[at : found.start], _MASK, *codes_in(whole[found.start : found.stop])]
                at = found.stop
                kind = found.what.partition(" ")[2]
                self.found[kind] = self.found.get(kind, 0) + 1
        if not final:
            cut = min(cut, _begun(whole, at))
        self._held = whole[cut:]
        self._before = whole[max(cut - BEFORE, 0) : cut]
        if not parts:
            return whole[start:cut]
        return b"".join((*parts, whole[at:cut]))

    def _may_look(self, size: int) -> bool:
        now = self._clock()
        self._left = min(self._left + (now - self._since) * RATE, BURST)
        self._since = now
        if self._left < size:
            return False
        self._left -= size
        return True

    def _places(self, whole: bytes, start: int) -> list[tuple[int, Look]]:
        """Find where something may begin, in order."""
        known = heads()
        places: list[tuple[int, Look]] = []
        classes = whole.translate(_CLASSES)
        size = len(whole)
        anchors = None
        run = _RUN.search(classes, start)
        while run:
            end = classes.find(b" ", run.end())
            end = end if end >= 0 else size
            self._left -= _DEAR * (end - run.start())
            anchors = anchors or _anchors()
            anchor = anchors.search(whole, run.start(), end)
            while anchor:
                at = anchor.start()
                some = known.behind.get(whole[at - 2 : at + 1]) or known.before.get(whole[at : at + 2])
                for head, offset in some or ():
                    place = at - offset
                    if place >= start and whole.startswith(head, place):
                        places += [(place, partial(token, head, shape)) for shape in known.shapes[head]]
                anchor = anchors.search(whole, at + 1, end)
            run = _RUN.search(classes, end)
        # Measured: of what is not there, `rfind` takes two thirds of the time of `in`.
        for head in known.others:
            if whole.rfind(head) >= 0:
                for shape in known.shapes[head]:
                    places += [(at, partial(token, head, shape)) for at in _all(whole, head, start)]
        for rare, head in HEADERS:
            if rare in whole and whole.rfind(head) >= 0:
                places += [(at, header) for at in _all(whole, head, start)]
        # Of what needs more to be one, only what may still get it.
        low = start if b"@" in whole else max(start, size - URL_LONGEST)
        places += [(at, password) for at in _all(whole, b"://", low)]
        keys = b"Y" in whole and (whole.rfind(b"PRIVATE KEY") >= 0 or whole.rfind(b"PuTTY-User-Key") >= 0)
        low = start if keys else max(start, size - _END)
        if whole.find(b"----BEGIN ", low) >= 0 or keys:
            from xt.execute.key_blocks import block

            places += [(at, block) for head in KEYS for at in _all(whole, head, low)]
        places.sort(key=lambda place: place[0])
        return places


def _all(whole: bytes, head: bytes, start: int) -> Iterator[int]:
    at = whole.find(head, start)
    while at >= 0:
        yield at
        at = whole.find(head, at + 1)


def _begun(whole: bytes, at: int) -> int:
    """Where something begins that is not all there, at or behind a place; or the end."""
    size = cut = len(whole)
    if at == size or whole.endswith(b"\n"):
        return size
    known = heads()
    if whole[-1] in known.inner:
        counts = range(min(len(known.parts) - 1, size - at), 0, -1)
        cut = next((size - count for count in counts if whole[-count:] in known.parts[count]), size)
    last = re.compile(_LAST).search(whole, max(at, size - _END))
    if last and last[0]:
        places = (whole.find(head, last.start()) for head in known.shapes)
        cut = min(cut, *(place if place >= 0 else size for place in places))
    return cut
