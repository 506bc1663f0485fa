"""What JSON holds only with care: strings of the operating system, which are bytes in truth, and integers."""

from __future__ import annotations

import binascii
from typing import Annotated

import msgspec


class Raw(msgspec.Struct, frozen=True):
    """A string of the operating system that is not valid UTF-8, kept byte for byte."""

    b64: str
    """The bytes in base64."""


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
