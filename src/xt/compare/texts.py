"""What makes two texts differ without a word being different: encoding, byte order mark, line ends."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import NamedTuple

from xt.compare import Content
from xt.compare.content import CHUNK, Spooled, read_up_to

#: Bytes by which it is decided whether a content is text.
HEAD = 1 << 16
#: Longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
#: Control characters that text has: tab, line ends, form feed, backspace, bell, escape.
_TEXTUAL_CONTROLS = frozenset(b"\t\n\r\f\b\a\v\x1b")
_CONTROLS = bytes(code for code in range(32) if code not in _TEXTUAL_CONTROLS) + b"\x7f"


class Looks(NamedTuple):
    """How a text is written down."""

    codec: str
    """As Python names it."""
    encoding: str
    """As people name it."""
    mark: int
    """Bytes of the byte order mark."""
    lines: int
    """Line feeds."""
    crlf: int
    """Line feeds that follow a carriage return."""
    final: bool
    """Whether the last line is ended, or there is none."""

    @property
    def ends(self) -> str:
        """The line ends it has."""
        if not self.lines:
            return "none"
        return "LF" if not self.crlf else "CRLF" if self.crlf == self.lines else "CRLF and LF"


def textual(content: Content) -> bool:
    """Whether the first 64 KB look like text: valid UTF-8, marked UTF-16 or UTF-32, or much like Latin-1."""
    with content.open() as stream:
        head = read_up_to(stream, HEAD)
    codec, _, mark = _marked(head)
    if codec not in ("", "utf-8"):
        return _decodes(head[mark:], codec)
    if b"\0" in head:
        return False
    if _decodes(head, "utf-8"):
        return True
    controls = len(head) - len(head.translate(None, _CONTROLS))
    high = len(head) - len(head.translate(None, bytes(range(128, 256))))
    return not controls and high <= 0.3 * len(head)


def look(content: Content) -> Looks:
    """Read a text once to learn how it is written down; memory does not grow with it."""
    with content.open() as stream:
        head = read_up_to(stream, CHUNK)
        codec, encoding, mark = _marked(head)
        if codec not in ("", "utf-8"):
            return _counted(pieces(content, codec, mark), codec, encoding, mark)
        stream.seek(mark)
        valid = codecs.getincrementaldecoder("utf-8")()
        ours = True
        lines = crlf = 0
        last = b""
        while data := read_up_to(stream, CHUNK):
            if ours:
                try:
                    valid.decode(data)
                except UnicodeDecodeError:
                    ours = False
            lines += data.count(b"\n")
            crlf += data.count(b"\r\n") + (last == b"\r" and data[:1] == b"\n")
            last = data[-1:]
        if ours:
            try:
                valid.decode(b"", True)
            except UnicodeDecodeError:
                ours = False
    if not ours:
        codec, encoding, mark = "latin-1", "Latin-1", 0
    return Looks(codec or "utf-8", encoding or "UTF-8", mark, lines, crlf, last in (b"", b"\n"))


def _counted(chunks: Iterator[bytes], codec: str, encoding: str, mark: int) -> Looks:
    lines = crlf = 0
    last = b""
    for data in chunks:
        lines += data.count(b"\n")
        crlf += data.count(b"\r\n") + (last == b"\r" and data[:1] == b"\n")
        last = data[-1:] or last
    return Looks(codec, encoding, mark, lines, crlf, last in (b"", b"\n"))


def _marked(head: bytes) -> tuple[str, str, int]:
    for mark, codec, encoding in _MARKS:
        if head.startswith(mark):
            return codec, encoding, len(mark)
    return "", "", 0


def _decodes(head: bytes, codec: str) -> bool:
    """Whether bytes can be the beginning of a text; a character may be cut off at the end."""
    try:
        codecs.getincrementaldecoder(codec)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def pieces(content: Content, codec: str, mark: int) -> Iterator[bytes]:
    """Read a text as UTF-8 without its mark; what cannot be decoded becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder(codec)(errors="replace")
    with content.open() as stream:
        stream.seek(mark)
        while data := read_up_to(stream, CHUNK):
            # A lone surrogate cannot come out of a decoder that replaces.
            yield decoder.decode(data).encode()
    yield decoder.decode(b"", True).encode()


def plain(content: Content, looks: Looks) -> Content:
    """The text in UTF-8, with line feeds and without a mark: itself when that is how it is written."""
    if looks.codec == "utf-8" and not looks.mark and not looks.crlf:
        return content
    return Spooled(content.name, _line_fed(pieces(content, looks.codec, looks.mark)))


def _line_fed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        data = held + chunk
        held = b"\r" if data.endswith(b"\r") else b""
        yield data[: len(data) - len(held)].replace(b"\r\n", b"\n")
    yield held


def packaging(left: Looks, right: Looks) -> list[str]:
    """Name what differs between the looks of two texts, as `the line ends differ: LF → CRLF` has it."""
    found = []
    if left.encoding != right.encoding:
        found.append(f"the encoding: {left.encoding} → {right.encoding}")
    elif bool(left.mark) != bool(right.mark):
        found.append(f"the byte order mark: {'added' if right.mark else 'removed'}")
    elif left.codec != right.codec:
        found.append(f"the byte order: {left.codec} → {right.codec}")
    if left.ends != right.ends and "none" not in (left.ends, right.ends):
        found.append(f"the line ends: {left.ends} → {right.ends}")
    empty = any(not each.lines and each.final for each in (left, right))
    if left.final != right.final and not empty:
        found.append(f"the newline at the end: {'added' if right.final else 'removed'}")
    return found
