"""Masking of secrets in a byte stream, however it is cut into chunks.

Bytes, not lines: a secret may hold a newline, and a chunk may end anywhere. What may still become a secret
is held back until it is decided; overlapping secrets become one mask. A seat belt, not a boundary: a
secret that is transformed (reversed, compressed, printed a character a line) is not recognised.
"""

from __future__ import annotations

from binascii import b2a_base64

import msgspec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: What stands in the log instead.
MASK = b"***"
#: Shortest form that is looked for; shorter ones would garble the log.
LEAST = 6
#: Shortest line of a value with several lines, after GitHub's `add-mask`.
LEAST_LINE = 8
#: Longest value that is looked for in lines of base64, of which there would be too many.
_WRAPPED = 8000
#: Most forms looked for: each costs time on every chunk. The values themselves are, however many there are.
MOST = 1000

#: From rare to common in logs. A form is searched only in chunks that hold its rarest byte.
_COMMON_LAST = (
    b"QXZJYKVWUHGOBPqzjNLMFRDIATSCEx~^`@#$&!?;\\|'%*+<>{}[]()\""
    b"Wv_kwy/-=,:bfgpmhucdlnrioa79865432ste.10 \n\t\r"
)


def forms(value: str) -> list[bytes]:
    """List the ways a secret may be written, itself first.

    Lines of a value with several; JSON, `repr` and shell escapes; percent-encoding; and base64 at its three
    alignments, cut to the characters that do not depend on what stands before and after.
    """
    raw = value.encode("utf-8", "surrogateescape")
    found = [raw]
    if b"\n" in raw:
        found += [raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")]
        found += [line.strip() for line in raw.split(b"\n") if len(line.strip()) >= LEAST_LINE]
    found += _escapes(value, raw)
    found += _base64(raw)
    found += _percent(raw)
    found += _wrapped(raw)
    return [form for form in dict.fromkeys(found) if len(form) >= LEAST]


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
    return [*found, found[0].replace(b"%20", b"+"), twice]


class Mask:
    """Replaces secrets in one stream. Not to be shared between streams: it remembers what it held back."""

    def __init__(self, values: dict[str, str]) -> None:
        """Prepare the forms to look for.

        Args:
            values: secrets by the name of their variable, as `xt.redact.secret_values` gives them.
        """
        needles: dict[bytes, None] = {}
        self.left_out: list[str] = []
        """Names of values that are masked as they are, and not in all their forms: there are too many."""
        written = {name: forms(value) for name, value in values.items()}
        for all_forms in written.values():
            needles.update(dict.fromkeys(all_forms[:1]))
        for name, all_forms in written.items():
            more = [form for form in all_forms if form not in needles]
            room = max(MOST - len(needles), 0)
            if len(more) > room:
                self.left_out.append(name)
            needles.update(dict.fromkeys(more[:room]))
        self.active = bool(needles)
        """Whether there is anything to look for; if not, bytes pass as they are."""
        self.count = 0
        """Masks written so far."""
        self._groups: dict[bytes, dict[bytes, list[bytes]]] = {}
        for needle in needles:
            at = needle.index(min(sorted(set(needle[:-3])), key=_COMMON_LAST.find))
            byte = needle[at : at + 1]
            group = self._groups.setdefault(byte, {})
            group.setdefault(needle[at + 1 :].partition(byte)[0][:3], []).append(needle)
        self._longest = max(map(len, needles), default=0)
        self._needles = list(needles)
        # A chunk that ends in none of these bytes cannot end inside a secret.
        self._inner = frozenset[int]().union(*(needle[:-1] for needle in needles))
        self._held = b""
        self._covered = 0  # bytes at the start of `_held` that a mask already stands for

    def feed(self, data: bytes, final: bool = False) -> bytes:
        """Take the next chunk.

        Args:
            data: any bytes, also none.
            final: whether the stream ends here, so that nothing is held back.

        Returns:
            What can be written now: chunks put together are the same however the stream is cut.
        """
        if not self.active:
            return data
        whole = self._held + data if self._held else data
        size = len(whole)
        found = [
            needle
            for byte in self._groups
            if byte in whole
            for needle in self._candidates(byte, whole)
            if needle in whole
        ]
        cut = size if final or not size or whole[-1] not in self._inner else size - self._open(whole)
        if not found and not self._covered:
            self._held = whole[cut:]
            return whole[:cut] if cut < size else whole
        return self._replace(whole, found, cut)

    def _candidates(self, byte: bytes, whole: bytes) -> list[bytes]:
        """List the secrets with that rarest byte that may be there, by the cheaper way to tell."""
        group = self._groups[byte]
        if len(group) <= 6:  # measured: six searches cost about as much as one split and a set
            return [needle for needles in group.values() for needle in needles]
        after = {piece[:3] for piece in whole.split(byte)}
        return [needle for key in after & group.keys() for needle in group[key]]

    def _open(self, whole: bytes) -> int:
        """Length of the longest end of the bytes that a secret begins with."""
        tail = whole[1 - self._longest :] if self._longest > 1 else b""
        size = len(tail)
        longest = 0
        for needle in self._needles:
            at = tail.find(needle[:1], max(size - len(needle) + 1, 0), size - longest)
            while at >= 0:
                if needle.startswith(tail[at:]):
                    longest = size - at
                    break
                at = tail.find(needle[:1], at + 1, size - longest)
        return longest

    def _replace(self, whole: bytes, found: list[bytes], cut: int) -> bytes:
        """Write masks for what begins before `cut`, and hold the rest.

        Every secret that begins before `cut` is complete: an incomplete one would have moved `cut` before it.
        """
        spans = []
        for needle in found:
            at = whole.find(needle)
            while 0 <= at < cut:
                spans.append((at, at + len(needle)))
                at = whole.find(needle, at + 1)
        spans.sort()
        parts = []
        end = self._covered
        for start, stop in spans:
            if start >= end:
                parts += [whole[end:start], MASK]
                self.count += 1
            end = max(end, stop)
        parts.append(whole[end:cut])
        self._held = whole[cut:]
        self._covered = max(end - cut, 0)
        return b"".join(parts)
