"""Lines of CSV (RFC 4180: CRLF, quotes doubled) that are safe to open in a spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: What makes a spreadsheet take a cell for a formula (OWASP ASVS 1.2.10), full-width forms included.
_FORMULA = "=+-@\t\r\n\0＝＋－＠"
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|[-+]?inf|nan")
_QUOTED = re.compile('[",\r\n]')


def line(texts: Iterable[str]) -> str:
    """Write one line, with its end."""
    return ",".join(map(cell, texts)) + "\r\n"


def cell(text: str) -> str:
    """Write one cell; what would be taken for a formula gets a `'` in front unless it is a number."""
    if text and text[0] in _FORMULA and not _NUMBER.fullmatch(text):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text
