"""The ways in which a secret may be written: what is looked for in a log."""

from __future__ import annotations

from binascii import b2a_base64

import msgspec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Shortest form that is looked for; shorter ones would garble the log.
LEAST = 6
#: Shortest line of a value with several lines, after GitHub's `add-mask`.
LEAST_LINE = 8
#: Longest value that is looked for in lines of base64, of which there would be too many.
_WRAPPED = 8000
#: Longest value that is looked for in hex and UTF-16.
_HEX = 1000
#: Characters of a secret in front of a line end or a colour from which on the rest is waited for.
HEAD = 3


def forms(value: str) -> list[bytes]:
    """List the ways a secret may be written, itself first.

    What it is without its first characters; lines of a value with several; JSON, HTML, SQL, `repr` and shell
    escapes; percent-encoding; hex; UTF-16; and base64 at its three alignments, cut to the characters that do
    not depend on what stands before and after.
    """
    value = value.strip()
    raw = value.encode("utf-8", "surrogateescape")
    found = [*plain(value)]
    if b"\n" in raw:
        found += [raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")]
    found += _escapes(value, raw)
    found += _base64(raw)
    found += _percent(raw)
    found += _wrapped(raw)
    if len(raw) <= _HEX:
        wide = value.encode("utf-16-le", "surrogatepass")
        code = raw.hex().encode()
        found += [code, code.upper()]
        found += [line for at in range(0, len(code), 60) if 16 <= len(line := code[at : at + 60]) < len(code)]
        # In both orders of bytes, where half of them are zero.
        found += [wide[:-1]] if raw.isascii() else [wide, value.encode("utf-16-be", "surrogatepass")]
    return [form for form in dict.fromkeys(found) if len(form) >= LEAST]


def plain(value: str) -> list[bytes]:
    """List what of a secret may be printed as it is: itself, its lines, what remains where a line begins.

    A line that ends behind the first characters tells too little to wait for the next one.
    """
    value = value.strip()
    raw = value.encode("utf-8", "surrogateescape")
    found = [raw]
    if len(raw) >= LEAST_LINE + HEAD and b"\n" not in raw:
        found.append(raw[HEAD - 1 :])
    if b"\n" in raw:
        # Those that every private key begins and ends with are no secret, and show where another one is.
        found += [line for line in map(bytes.strip, raw.split(b"\n")) if _is_own(line)]
    return [form for form in dict.fromkeys(found) if len(form) >= LEAST]


def _is_own(line: bytes) -> bool:
    return len(line) >= LEAST_LINE and not (line.startswith(b"-----") and line.endswith(b"-----"))


_HTML = {b"&": b"&amp;", b"<": b"&lt;", b">": b"&gt;"}
_JSON = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r", b"\t": b"\\t"}
#: HTML and XML, as Python, Go and others write them; JSON that may stand in HTML, as of Go, Flask, .NET.
_NAMED = (
    _HTML,
    {**_HTML, b'"': b"&quot;", b"'": b"&#x27;"},
    {**_HTML, b'"': b"&quot;", b"'": b"&#39;"},
    {**_HTML, b'"': b"&#34;", b"'": b"&#39;"},
    {**_HTML, b'"': b"&quot;", b"'": b"&apos;"},
    {**_JSON, b'"': b'\\"', b"&": rb"\u0026", b"<": rb"\u003c", b">": rb"\u003e"},
    {**_JSON, b'"': b'\\"', b"&": rb"\u0026", b"<": rb"\u003c", b">": rb"\u003e", b"'": rb"\u0027"},
    {**_JSON, **{bytes((code,)): b"\\u%04X" % code for code in b"\"&<>'+`"}},
)


def _escapes(value: str, raw: bytes) -> list[bytes]:
    if raw.isalnum() and raw.isascii():
        return []
    shown = value.encode("utf-8", "replace").decode()
    found = [
        msgspec.json.encode(shown)[1:-1],
        shown.translate({ord(char): _ascii(char) for char in set(shown)}).encode(),
        repr(value)[1:-1].encode("utf-8", "surrogateescape"),
        raw.replace(b"'", b"'\\''"),
        raw.replace(b"'", b"'\"'\"'"),
        raw.replace(b"\\", b"\\\\").replace(b"'", b"\\'").replace(b"\n", b"\\n"),
        _each(raw, lambda byte: b"\\" + byte if byte in b'"$`\\' else byte),
        _each(raw, lambda byte: byte if byte.isalnum() or byte in b"_-./:=@%+," else b"\\" + byte),
    ]
    # As a shell, SQL, CSV and templates double them; Python's bytes.
    found += [raw.replace(mark, mark * 2) for mark in (b"'", b'"', b"$", b"%") if mark in raw]
    found.append(repr(raw)[2:-1].encode())
    found += [
        _each(raw, lambda byte: names.get(byte, byte))  # noqa: B023
        for names in _NAMED
        if not names.keys().isdisjoint(raw[at : at + 1] for at in range(len(raw)))
    ]
    # JSON in a string of JSON, as logs of requests have it.
    twice = [msgspec.json.encode(once.decode())[1:-1] for once in found[:2]]
    return [*found, found[0].replace(b"/", b"\\/"), *twice]


def _each(raw: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Put something in the place of each byte; each is asked for once, however long they are."""
    table = {byte: change(bytes((byte,))).decode("latin-1") for byte in set(raw)}
    return raw.decode("latin-1").translate(table).encode("latin-1")


def _ascii(char: str) -> str:
    """Escape as JSON writers that keep to ASCII do (RFC 8259, 7)."""
    if " " <= char <= "~":
        return "\\" + char if char in '"\\' else char
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}.get(char)
    if short:
        return short
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _base64(raw: bytes) -> list[bytes]:
    found = []
    for shift in range(3):
        code = b2a_base64(b"\0" * shift + raw, newline=False)
        # 6 bits a character: the first ones hold bits of what stands before, the last ones of what follows.
        code = code[(0, 2, 3)[shift] : (shift + len(raw)) * 8 // 6]
        found += [code, code.replace(b"+", b"-").replace(b"/", b"_")]
    return found


def _wrapped(raw: bytes) -> list[bytes]:
    """Encode as `base64` and `openssl base64` do, in lines of 76 and 64 characters."""
    if not 48 < len(raw) <= _WRAPPED:
        return []
    code = b2a_base64(raw, newline=False)[: len(raw) * 8 // 6]
    lines = [code[at : at + width] for width in (76, 64) for at in range(0, len(code), width)]
    return [line for line in lines if len(line) >= LEAST_LINE]


def _percent(raw: bytes) -> list[bytes]:
    """Percent-encode (RFC 3986, 2.1), as strict and as lax writers do, in either case."""
    found = []
    for safe in (b"-._~", b"-._~/", b"-._~!*'()", b"-._~:/?#[]@!$&'()*+,;="):
        for form in ("%{:02X}", "%{:02x}"):
            found.append(
                _each(raw, lambda b: b if b.isalnum() or b in safe else form.format(b[0]).encode())  # noqa: B023
            )
    twice = found[0].replace(b"%", b"%25")  # a URL in a URL
    # Forms of the web and of Java.
    web = _each(raw, lambda b: b if b.isalnum() or b in b"-._*" else b"+" if b == b" " else b"%%%02X" % b[0])
    return [*found, found[0].replace(b"%20", b"+"), web, twice]
