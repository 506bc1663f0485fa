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

from xt.redact_shapes import HEADER, ISSUED, Shape

#: What stands in the log instead.
MASK = b"***"

#: Longest token, and longest line of a header.
LONGEST = 8192
#: Longest authority of a URL.
_URL_LONGEST = 512
#: Bytes looked at whatever the time, and how many more every second: some milliseconds of work for each.
BURST, RATE = 8 << 20, 2 << 20
#: What a byte of a long word costs, in bytes of other text.
_DEAR = 3
#: Bytes before what is looked at that tell whether a word begins there: the longest code of a terminal.
_BEFORE = 72
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
#: What ends a token, and is not of a code.
_OVER = rb"[^0-9A-Za-z_.+/=~\x1b\[;:?(-]"
_LINE_OVER = rb"[\r\n]"
_URL_OVER = rb"[\s\"'<>,]"
#: What does not end one, at the end.
_LAST = rb"[0-9A-Za-z_.+/=~\x1b\[;:?(-]*\Z"
#: The password, as long as it is no version: `docker://python:3.11@sha256:…`.
_URL = r"://[^\s/@:\"'<>]{0,200}:(?P<s>[^\s/\"'<>,]{3,300})@(?=[\w\[])(?!(?:sha|md)\d)"
_PASSWORD = "a password in a URL"  # noqa: S105
#: How private keys begin; and headers, without their first letter, each with a byte that is rare.
KEYS = (b"-----BEGIN ", b"PuTTY-User-Key-File-")
_HEADERS = ((b"z", b"uthorization"), (b"Z", b"UTHORIZATION"), (b"r", b"earer "))


class Found(NamedTuple):
    """A secret in a text."""

    start: int
    stop: int
    what: str


class Open:
    """More has to be seen."""


OPEN = Open()
#: What looks at a place: the text, where, whether it ends with it. None: there is nothing.
Look = Callable[[bytes, int, bool], Found | Open | None]


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
        for head in shape.begins:
            shapes.setdefault(head.encode(), []).append(shape)
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
    every: list[bytes] = [*shapes, *(head for _, head in _HEADERS), *KEYS, b"://"]
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
        if not self._may_look(len(data)):
            self.passed += len(data)
            self._before = b"".join((self._before, self._held, data[-_BEFORE:]))[-_BEFORE:]
            held, self._held = self._held, b""
            return held + data if held else data
        whole = b"".join((self._before, self._held, data))
        at = start = len(self._before)
        cut = len(whole)
        parts = []
        for place, look in self._places(whole, start):
            if place < at:
                continue
            found = look(whole, place, final)
            if isinstance(found, Open):
                cut = place
                break
            if found is not None:
                parts += [whole[at : found.start], MASK, *_codes(whole[found.start : found.stop])]
                at = found.stop
                kind = found.what.partition(" ")[2]
                self.found[kind] = self.found.get(kind, 0) + 1
        if not final:
            cut = min(cut, _begun(whole, at))
        self._held = whole[cut:]
        self._before = whole[max(cut - _BEFORE, 0) : cut]
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
                        places += [(place, partial(_token, head, shape)) for shape in known.shapes[head]]
                anchor = anchors.search(whole, at + 1, end)
            run = _RUN.search(classes, end)
        # Measured: of what is not there, `rfind` takes two thirds of the time of `in`.
        for head in known.others:
            if whole.rfind(head) >= 0:
                for shape in known.shapes[head]:
                    places += [(at, partial(_token, head, shape)) for at in _all(whole, head, start)]
        for rare, head in _HEADERS:
            if rare in whole and whole.rfind(head) >= 0:
                places += [(at, _header) for at in _all(whole, head, start)]
        if b"@" in whole:
            places += [(at, _url) for at in _all(whole, b"://", start)]
        if b"Y" in whole and (whole.rfind(b"PRIVATE KEY") >= 0 or whole.rfind(b"PuTTY-User-Key") >= 0):
            from xt.execute.key_blocks import block

            places += [(at, block) for head in KEYS for at in _all(whole, head, start)]
        places.sort(key=lambda place: place[0])
        return places


def _all(whole: bytes, head: bytes, start: int) -> Iterator[int]:
    at = whole.find(head, start)
    while at >= 0:
        yield at
        at = whole.find(head, at + 1)


def _end(whole: bytes, over: bytes, at: int, longest: int, final: bool) -> int | None:
    """Where a stretch ends, with the byte that ends it; None when that is not known yet."""
    found = re.compile(over).search(whole, at, at + longest)
    if found:
        return found.end()
    return min(at + longest, len(whole)) if final or at + longest <= len(whole) else None


def _token(head: bytes, shape: Shape, whole: bytes, at: int, final: bool) -> Found | Open | None:
    at += head.rfind(b"/") + 1  # up to there it only stands before it
    end = _end(whole, _OVER, at, LONGEST, final)
    if end is None:
        return OPEN
    pattern = re.compile(shape.pattern.encode())
    before, flat = _flat(whole, at, end)
    found = pattern.match(before + flat, len(before))
    return _found(whole, at, end, 0, found.end() - len(before), shape.what) if found else None


def _header(whole: bytes, at: int, final: bool) -> Found | Open | None:
    at -= 1  # its first letter
    end = _end(whole, _LINE_OVER, at, LONGEST, final)
    if end is None:
        return OPEN
    before, flat = _flat(whole, at, end)
    found = HEADER.compiled().match((before + flat).decode("latin-1"), len(before))
    if found is None or at < 0:
        return None
    from xt.redact_scan import is_header, is_value

    value = found["s"].rstrip("\\)]}>.:")
    if not is_value(value) or not is_header(found) or (len(value) < 12 and not _has_scheme(found)):
        return None
    start = found.start("s") - len(before)
    return _found(whole, at, end, start, start + len(value), HEADER.what)


def _has_scheme(found: re.Match[str]) -> bool:
    return found[0][: found.start("s") - found.start()].rstrip()[-1:].isalpha()


def _url(whole: bytes, at: int, final: bool) -> Found | Open | None:
    end = _end(whole, _URL_OVER, at, _URL_LONGEST, final)
    if end is None:
        return OPEN
    _, flat = _flat(whole, at, end)
    found = re.compile(_URL).match(flat.decode("latin-1"))
    if found is None:
        return None
    from xt.redact_scan import is_value

    return _found(whole, at, end, *found.span("s"), _PASSWORD) if is_value(found["s"]) else None


def _codes(stretch: bytes) -> Iterator[bytes]:
    if b"\x1b" in stretch:
        from xt.execute.apart import CODE

        yield from CODE.findall(stretch)


def _flat(whole: bytes, at: int, end: int) -> tuple[bytes, bytes]:
    """The byte before a stretch, none when a code is there; and the stretch without codes."""
    if b"\x1b" not in whole:
        return whole[max(at - 1, 0) : max(at, 0)], whole[max(at, 0) : end]
    from xt.execute.apart import CODE

    code = whole.rfind(b"\x1b", max(at - _BEFORE, 0), at)
    found = CODE.match(whole, code, at) if code >= 0 else None
    before = b"" if found and found.end() == at else whole[max(at - 1, 0) : max(at, 0)]
    return before, CODE.sub(b"", whole[max(at, 0) : end])


def _found(whole: bytes, at: int, end: int, start: int, stop: int, what: str) -> Found:
    """Say where it is, with the codes inside of it."""
    if b"\x1b" not in whole:
        return Found(at + start, at + stop, what)
    from xt.execute.apart import CODE

    passed = 0
    first, last = start, stop
    for code in CODE.finditer(whole[at:end]):
        place = code.start() - passed
        size = code.end() - code.start()
        first += size if place <= start else 0
        last += size if place < stop else 0
        passed += size
    return Found(at + first, at + last, what)


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
    if last and last.start() < size - 2:
        places = (whole.find(head, last.start()) for head in known.shapes)
        cut = min(cut, *(place if place >= 0 else size for place in places))
    url = whole.rfind(b"://", max(at, size - _URL_LONGEST))
    if url >= 0 and not re.compile(_URL_OVER).search(whole, url):
        cut = min(cut, url)
    key = whole.rfind(b"-----BEGIN ", max(at, size - _END))
    if key >= 0:
        from xt.execute.key_blocks import block

        cut = key if block(whole, key, False) is OPEN and key < cut else cut
    return cut
