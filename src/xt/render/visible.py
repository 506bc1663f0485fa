"""Text of others made harmless for a terminal: what moves the cursor, lies or rings is shown, not done."""

from __future__ import annotations

import re

#: C0 and C1 controls, DEL, bidirectional overrides, zero-width characters, line separators, broken UTF-8.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
#: The one sequence that is kept in logs: SGR, which colours (ECMA-48 8.3.117).
_SGR = re.compile("\x1b\\[[0-9;:]*m")


def visible(text: str) -> str:
    r"""One line of harmless text: `\n` and every other control character as an escape."""
    return _CONTROL.sub(_escape, text)


def visible_log(text: str, *, colour: bool) -> str:
    """A log, line by line as it is, every other control character as an escape.

    Args:
        text: what a command wrote.
        colour: keep colours (SGR sequences); they are dropped otherwise.
    """
    parts = []
    position = 0
    for match in _SGR.finditer(text):
        parts.append(_plain(text[position : match.start()]))
        if colour:
            parts.append(match.group())
        position = match.end()
    parts.append(_plain(text[position:]))
    return "".join(parts)


def _plain(text: str) -> str:
    return _CONTROL.sub(lambda match: match.group() if match.group() in "\n\t" else _escape(match), text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    named = {9: "\\t", 10: "\\n", 13: "\\r", 27: "\\e"}.get(code)
    if named:
        return named
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
