"""What JSON holds only with care: strings of the operating system, which are bytes in truth, and integers."""

from __future__ import annotations

import binascii
from datetime import datetime
from typing import Annotated

import msgspec


class Raw(msgspec.Struct, frozen=True):
    """A string of the operating system that is not valid UTF-8, kept byte for byte."""

    b64: str
    """The bytes in base64."""

    def __post_init__(self) -> None:
        """Refuse what is no base64, where it is read and not where it is used."""
        binascii.a2b_base64(self.b64)


_DIGEST, _HEX = 71, frozenset("0123456789abcdef")
#: An integer that every program can take; a record with a larger one is not of xt's making, and is damaged.
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
#: A path, argument or variable: a plain string when it is valid UTF-8, the bytes otherwise.
Text = str | Raw


def to_text(value: str) -> Text:
    """Make a string of Python's file-system encoding (PEP 383) fit for JSON.

    Args:
        value: as `os.fsdecode` gives it: surrogates stand for undecodable bytes.

    Returns:
        The same string, or its bytes as `Raw`. `from_text` is the exact inverse.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        data = value.encode("utf-8", "surrogateescape")
        return Raw(binascii.b2a_base64(data, newline=False).decode())
    return value


def from_text(value: Text) -> str:
    """Give back what `to_text` was given."""
    if isinstance(value, Raw):
        return binascii.a2b_base64(value.b64).decode("utf-8", "surrogateescape")
    return value


def to_shown(value: str) -> str:
    r"""Make a string of the operating system plain text where nobody reads it back: `\xff` for a stray byte.

    Args:
        value: as `os.fsdecode` gives it.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return value


def check_moment(text: str) -> None:
    """Make sure that a text is a time with its zone, as RFC 3339 has it.

    Raises:
        ValueError: it is none, which a reader of JSON says of the field.
    """
    found = datetime.fromisoformat(text)
    # Something between the years that calendars have, in any zone.
    if found.tzinfo is None or not 1 < found.year < 9999:
        raise ValueError("it is no time")


def check_digest(text: str | None) -> None:
    """Make sure that a text is the digest of a content, or None.

    Raises:
        ValueError: it is not.
    """
    if text is not None and not (len(text) == _DIGEST and text[:7] == "blake3:" and set(text[7:]) <= _HEX):
        raise ValueError("it is no digest")
