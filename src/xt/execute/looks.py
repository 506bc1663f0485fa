"""What begins at a place of a text: a token, a header, the password of a URL, as `xt.execute.tokens` asks.

Whether it is one depends on no more than so many bytes from there; where fewer are known, that is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from xt.redact_shapes import HEADER, Shape

#: Longest token, and longest line of a header.
LONGEST = 8192
#: Longest authority of a URL.
URL_LONGEST = 512
#: Bytes before what is looked at that tell whether a word begins there: the longest code of a terminal.
BEFORE = 72
#: What ends a token, and is not of a code.
_OVER = rb"[^0-9A-Za-z_.+/=~\x1b\[;:?(-]"
_LINE_OVER = rb"[\r\n]"
_URL_OVER = rb"[\s\"'<>,]"
#: The password, as long as it is no version: `docker://python:3.11@sha256:…`.
_URL = r"://[^\s/@:\"'<>]{0,200}:(?P<s>[^\s/\"'<>,]{3,300})@(?=[\w\[])(?!(?i:sha|md)\d)"
_PASSWORD = "a password in a URL"  # noqa: S105
#: How private keys begin; and headers, without their first letter, each with a byte that is rare.
KEYS = (b"-----BEGIN ", b"PuTTY-User-Key-File-")
HEADERS = ((b"z", b"uthorization"), (b"Z", b"UTHORIZATION"), (b"r", b"earer "))


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


def _end(whole: bytes, over: bytes, at: int, longest: int, final: bool) -> int | None:
    """Where a stretch ends, with the byte that ends it; None when that is not known yet."""
    found = re.compile(over).search(whole, at, at + longest)
    if found:
        return found.end()
    return min(at + longest, len(whole)) if final or at + longest <= len(whole) else None


def token(head: bytes, shape: Shape, whole: bytes, at: int, final: bool) -> Found | Open | None:
    """Look for a token of some shape, that begins with a head of it."""
    lead = head[: head.rfind(b"/") + 1]  # it only stands before it
    at += len(lead)
    end = _end(whole, _OVER, at, LONGEST, final)
    if end is None:
        return OPEN
    pattern = re.compile(shape.pattern.encode())
    before, flat = _flat(whole, at, end)
    before = lead or before
    found = pattern.match(before + flat, len(before))
    return _found(whole, at, end, 0, found.end() - len(before), shape.what) if found else None


def header(whole: bytes, at: int, final: bool) -> Found | Open | None:
    """Look for what a header authorises with."""
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


def password(whole: bytes, at: int, final: bool) -> Found | Open | None:
    """Look for a password in the address that follows a `://`."""
    end = _end(whole, _URL_OVER, at, URL_LONGEST, final)
    if end is None:
        return OPEN
    _, flat = _flat(whole, at, end)
    found = re.compile(_URL).match(flat.decode("latin-1"))
    if found is None:
        return None
    from xt.redact_scan import is_value

    return _found(whole, at, end, *found.span("s"), _PASSWORD) if is_value(found["s"]) else None


def codes_in(stretch: bytes) -> Iterator[bytes]:
    """List the codes of terminals in what a mask stands for: they stay."""
    if b"\x1b" in stretch:
        from xt.execute.apart import CODE

        yield from CODE.findall(stretch)


def _flat(whole: bytes, at: int, end: int) -> tuple[bytes, bytes]:
    """The byte before a stretch, none when a code is there; and the stretch without codes."""
    if b"\x1b" not in whole:
        return whole[max(at - 1, 0) : max(at, 0)], whole[max(at, 0) : end]
    from xt.execute.apart import CODE

    code = whole.rfind(b"\x1b", max(at - BEFORE, 0), at)
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
