"""Private keys in a stream: from their first line to their last, and not further than what looks like one.

A block that is not closed ends with its last line of code; one that has none is no key, but somebody who
speaks of one.
"""

from __future__ import annotations

import re

from xt.execute.looks import KEYS, OPEN, Found, Open
from xt.redact_shapes import BLOCKS, KEY

#: Longest block: three keys of the longest sort.
MOST = 1 << 16
#: Longest first line of one.
_FIRST = 80
_BEGINS = [re.compile(begin.encode()) for _, begin, _ in BLOCKS]
_ENDS = [re.compile(end.encode()) for _, _, end in BLOCKS]
#: Also where it is written in a string.
_LINE_END = re.compile(rb"\r?\n|(?:\\{1,4}r)?\\{1,4}n|\r")
#: Whatever is before it: the time, a frame.
_CODE_LINE = re.compile(rb"(?<![0-9A-Za-z+/=])[0-9A-Za-z+/]{40,}={0,2}[^0-9A-Za-z+/=]{0,8}\Z")
_CODE = re.compile(rb"[0-9A-Za-z+/]{40}")
#: The last line, and a sum of all.
_SHORT = re.compile(
    rb"(?:.{0,64}[^0-9A-Za-z+/=])?=?[0-9A-Za-z+/]{1,40}={0,2}[^0-9A-Za-z+/=]{0,8}\Z", re.DOTALL
)
_FIELD = re.compile(
    rb"[^0-9A-Za-z]*(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|Encryption|(?:Public|Private)-Lines"
    rb"|Key-Derivation|Argon2-\w+):"
)
#: What is left of the first line.
_REST = re.compile(rb"(?:: [\w-]{1,40})?[^0-9A-Za-z]*\Z")


def block(whole: bytes, at: int, final: bool) -> Found | Open | None:
    """Look at a place where one of `KEYS` stands; see `looks.Look`."""
    kind = next(kind for kind, head in enumerate(KEYS) if whole.startswith(head, at))
    begin = _BEGINS[kind].match(whole, at, at + _FIRST)
    if begin is None:
        line = whole[at : at + _FIRST]
        more = not final and len(line) < _FIRST and b"\n" not in line and b"\r" not in line
        return OPEN if more and line.count(b"-----") < 2 else None
    limit = at + MOST
    size = min(limit, len(whole))
    place = begin.end()
    stop = 0  # of the last line of code
    short = 0
    first = True
    while True:
        line_end = _LINE_END.search(whole, place, size)
        if line_end is None and size < limit and not final:
            return OPEN
        line = whole[place : line_end.start() if line_end else size]
        end = _ENDS[kind].search(line)
        if end:
            known = stop or _CODE.search(line, 0, end.start())
            return Found(at, place + end.end(), KEY) if known else None
        if _CODE_LINE.search(line):
            stop, short = place + len(line), 0
        elif _FIELD.match(line):
            short = 0
        elif not _REST.match(line) if first else any(map(_is_letter, line)):
            short += 1
            if short > 2 or first or not _SHORT.match(line):
                break
        if line_end is None:
            break
        place, first = line_end.end(), False
    return Found(at, stop, KEY) if stop else None


def _is_letter(byte: int) -> bool:
    return 48 <= byte < 58 or 65 <= byte < 91 or 97 <= byte < 123
