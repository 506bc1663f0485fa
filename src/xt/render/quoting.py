"""Commands and values as somebody would type them."""

from __future__ import annotations

import re
from typing import Any

import msgspec

#: What a shell takes as it is; letters of every script count, as they do for the shell.
_PLAIN = re.compile(r"[\w@%+=:,./-]+")
#: Words of a value's text that would be taken for another type.
_OTHER = re.compile(r"(true|false|null|none|nan|inf|[-+]?[\d.][\d._eE+-]*)", re.IGNORECASE)


def shell(words: list[str]) -> str:
    """Write a command line for a POSIX shell."""
    return " ".join(quote(word) for word in words)


def quote(word: str) -> str:
    """Write one word for a POSIX shell."""
    return word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "'\"'\"'") + "'"


def value(thing: Any) -> str:
    """Write a param's value: text bare where it cannot be taken for something else, the rest as JSON."""
    if isinstance(thing, str) and _PLAIN.fullmatch(thing) and not _OTHER.fullmatch(thing):
        return thing
    return msgspec.json.encode(thing).decode()
