"""What counts as a metric's value. A leaf of the metric collector."""

from __future__ import annotations

from typing import Any

from xt.model.result import Number

#: A value as a record holds it.
Value = float | int | Number

_INTEGERS = range(-(2**63), 2**63)
_NAN = Number("nan")
_INFINITY = Number("inf")
_MINUS_INFINITY = Number("-inf")


def number(value: Any) -> Value | None:
    """Take a parsed value for a number, or not.

    Args:
        value: of a parser; booleans and strings are no numbers.

    Returns:
        Integers beyond 64 bits as floats, NaN and infinities as `Number`, None for anything else.
    """
    # The common cases first: millions of points pass through here.
    if type(value) is float and value - value == 0.0:
        return value
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        if value in _INTEGERS:
            return value
        try:
            return float(value)
        except OverflowError:
            return None
    if isinstance(value, float):
        if value - value == 0.0:
            return float(value)
        if value > 0:
            return _INFINITY
        return _MINUS_INFINITY if value < 0 else _NAN
    return value if isinstance(value, Number) else None


def number_in(text: str) -> Value | None:
    """Read the number a text is, as CSV cells, logs and quoted JSON hold it.

    Args:
        text: `12`, ` 0.5`, `1e-3`, `NaN`, `-Infinity`; no digit separators, no units.
    """
    text = text.strip()
    # `float` and `int` take `1_000` and the digits of other scripts, which no peer would read.
    if not text.isascii() or "_" in text:
        return None
    try:
        return number(int(text)) if len(text) < 4_000 else None
    except ValueError:
        pass
    try:
        return number(float(text))
    except ValueError:
        return None
