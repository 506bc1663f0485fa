"""Text of others made harmless for a terminal: what moves the cursor, lies or rings is shown, not done."""

from __future__ import annotations

import re

#: C0 and C1 controls, DEL, bidirectional controls, zero-width and annotation characters, line separators,
#: broken UTF-8, invisible tags and selectors.
_CONTROL = (
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
#: The one sequence that is kept in logs: SGR, which colours (ECMA-48 8.3.117).
_SGR = "\x1b\\[[0-9;:]*m"


def visible(text: str) -> str:
    r"""One line of harmless text: `\n` and every other control character as an escape."""
    # The quick test is the rule nearly always, and spares a start the 0.7 ms the pattern takes to compile.
    return text if text.isprintable() else re.sub(_CONTROL, _escape, text)


def visible_log(text: str, *, colour: bool) -> str:
    """A log, line by line as it is, every other control character as an escape.

    Args:
        text: what a command wrote.
        colour: keep colours (SGR sequences); they are dropped otherwise.
    """
    parts = []
    position = 0
    for match in re.finditer(_SGR, text):
        parts.append(_plain(text[position : match.start()]))
        if colour:
            parts.append(match.group())
        position = match.end()
    parts.append(_plain(text[position:]))
    return "".join(parts)


def visible_lines(text: str) -> str:
    """Text of many lines: line ends and tabs as they are, every other control character as an escape."""
    return _plain(text)


def visible_json(data: bytes) -> bytes:
    r"""JSON that says the same and is harmless: what JSON itself lets through of the above, as `\u009b`."""

    def escape(match: re.Match[str]) -> str:
        units = match.group().encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))

    # Outside strings JSON has only these two of them.
    return re.sub(f"(?![\\n\\t]){_CONTROL}", escape, data.decode()).encode()


def _plain(text: str) -> str:
    return re.sub(_CONTROL, lambda match: match.group() if match.group() in "\n\t" else _escape(match), text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    named = {9: "\\t", 10: "\\n", 13: "\\r", 27: "\\e"}.get(code)
    if named:
        return named
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
