"""Pieces of SQL: a text that may be a pattern, words, rows of conditions."""

from __future__ import annotations

import re

Value = str | int | float | bytes
#: SQL, and what is bound in it.
Condition = tuple[str, list[Value]]

#: Conditions that stand beside each other.
AT_ONCE = 200
_MAGIC = re.compile(r"[*?\[]")


def is_glob(text: str) -> bool:
    """Whether a text is a pattern of several."""
    return _MAGIC.search(text) is not None


def joined(parts: list[str], joint: str) -> str:
    """Conditions as one, in groups: SQLite makes a tree that is as deep as a row of them is long."""
    while len(parts) > AT_ONCE:
        parts = [joined(parts[at : at + AT_ONCE], joint) for at in range(0, len(parts), AT_ONCE)]
    return f"({joint.join(parts)})"


def match(column: str, value: str, *, exact: bool) -> Condition:
    """The condition that a column has a value, which may be a pattern unless `exact`."""
    if not exact and _MAGIC.search(value):
        return f"{column} GLOB ?", [value]
    return f"{column} = ?", [value]


def literal(text: str) -> str:
    """A text as a pattern that fits it alone."""
    return _MAGIC.sub(lambda found: f"[{found[0]}]", text)


def among(select: Condition) -> Condition:
    """The condition that a run is one of those selected."""
    return f"n IN ({select[0]})", select[1]


def literally(text: str, phrase: bool) -> str:
    """Words as FTS5 takes them."""
    literal = '"' + text.replace('"', '""').replace("\0", " ") + '"'
    # The last word may go on, as a reader of a growing list expects; a phrase in quotes may not.
    return literal if phrase else literal + "*"
