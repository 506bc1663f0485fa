"""Cells of cases: values short for people and whole for programs, columns that fit."""

from __future__ import annotations

from typing import Any

import msgspec

from xt.render.layout import GAP, clipped, pad
from xt.render.quantities import number
from xt.render.styled import Line, Span, measure, say

#: Cells of a column that others follow.
_COLUMN = 24
#: Characters of a value that are looked at.
LONGEST = 400


def outcome(case_outcome: bool | None) -> Line:
    """Pass or fail in a word."""
    if case_outcome is None:
        return [say("?", "bold")]
    return [say("pass", "good")] if case_outcome else [say("fail", "bad")]


def figure(value: float | None) -> str:
    """A score."""
    return number(value)


def shown(value: Any) -> str:
    """A cell in one line, its beginning."""
    if value is None:
        return ""
    if isinstance(value, str):
        return " ".join(value[:LONGEST].split()) if value[:LONGEST].strip() else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, dict) and value.keys() == {"special"}:
        return str(value["special"])
    return msgspec.json.encode(value).decode()[:LONGEST]


def plain(value: Any) -> str:
    """A value whole, for a program."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict) and value.keys() == {"special"}:
        return str(value["special"])
    return msgspec.json.encode(value).decode()


def aligned(rows: list[list[Line]], width: int, right: frozenset[int], *, least: int = 4) -> list[Line]:
    """Rows in columns; what does not fit is cut, and columns there is no room for are left out."""
    natural = [max(measure(cell) for cell in column) for column in zip(*rows, strict=True)]
    taken: list[int] = []
    used = 0
    for own in natural:
        room = width - used - (GAP if taken else 0)
        if room < min(own, least):
            break
        is_last = len(taken) == len(natural) - 1
        taken.append(min(own, room if is_last else max(_COLUMN, least), room))
        used += taken[-1] + (GAP if len(taken) > 1 else 0)
    # What is left over goes to the columns that were cut, from the last one on.
    for at in range(len(taken) - 1, -1, -1):
        more = min(natural[at] - taken[at], width - used)
        taken[at] += more
        used += more
    lines = []
    for row in rows:
        line: Line = []
        for at, own in enumerate(taken):
            line += [
                *([Span(" " * GAP, "")] if line else []),
                *pad(clipped(row[at], own), own, right=at in right),
            ]
        lines.append(line)
    return lines
