"""Single values: text → number, flag or string, and whatever a parser gives → JSON. A leaf."""

from __future__ import annotations

from typing import Any

# Plain tests instead of patterns: compiling those would cost every run more than reading a few words.
_FLOAT_CHARACTERS = frozenset("+-.0123456789eE")
_WORDS = {"true": True, "false": False, "null": None, "~": None}
#: Integers beyond this are kept as digits: a signed 64-bit integer is what other readers of JSON have.
_INTEGERS = range(-(2**63), 2**63)
_DIGITS = 19


def scalar(text: str) -> Any:
    """Type the value of `KEY=VALUE` as YAML 1.2 types a plain scalar.

    Args:
        text: `3`, `-1e-3`, `true`, `null`, `"3"` (a string), `[64, 32]` (a JSON list of scalars);
            anything else is a string, `007`, `0x10`, `yes` and `nan` too.

    Returns:
        A JSON value.
    """
    digits = text[1:] if text[:1] in ("+", "-") else text
    if digits.isascii() and digits.isdigit() and (digits == "0" or digits[0] != "0"):
        return json_safe(int(text)) if len(digits) <= _DIGITS else text
    if text and _FLOAT_CHARACTERS.issuperset(text) and any(mark in text for mark in ".eE"):
        try:
            number = float(text)
        except ValueError:
            return text
        return number if number - number == 0.0 else text
    if text in ("true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL", "~"):
        return _WORDS[text.lower()]
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return json_safe(text[1:-1])
    if text.startswith("[") and text.endswith("]"):
        import msgspec

        try:
            items = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return json_safe(text)
        if not any(isinstance(item, (list, dict)) for item in items):
            return [json_safe(item) for item in items]
    return json_safe(text)


def json_safe(value: Any) -> Any:
    r"""Make one scalar fit for JSON and for readers with 64-bit integers.

    Returns:
        Booleans, null, integers within 64 bits and finite floats as they are; NaN and infinities as
        `nan`, `inf`, `-inf`; larger integers as digits; dates as ISO 8601; bytes in base64; characters
        that no UTF-8 has (PEP 383 surrogates) as `\udcff`.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value in _INTEGERS else _digits(value)
    if isinstance(value, float):
        finite = value - value == 0.0
        return value if finite else str(value)
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bytes):
        import binascii

        return binascii.b2a_base64(value, newline=False).decode()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return json_safe(str(value))


def _digits(value: int) -> str:
    # Python refuses to write more than 4,300 decimal digits (CVE-2020-10735).
    return str(value) if value.bit_length() < 10_000 else hex(value)
