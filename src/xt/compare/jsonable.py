"""Values of any parser, as a `Delta` may hold them: JSON, short, and never a value JSON cannot write."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from xt.model.delta import Delta
from xt.model.result import Number
from xt.model.text import to_shown

#: Characters of a text, or of a list or object written as JSON, that are shown.
LONGEST = 200
#: Levels of lists and objects that are written whole.
_DEEPEST = 32
#: What JSON readers take for an integer (msgspec writes no other).
_INTEGERS = range(-(2**63), 2**64)


def number(value: float) -> float | int | Number:
    """Make a number one that JSON can hold.

    Args:
        value: any float or integer; one beyond 64 bits becomes a float, and infinity beyond that range.
    """
    if isinstance(value, int):
        if value in _INTEGERS:
            return value
        try:
            return float(value)
        except OverflowError:
            return Number("inf" if value > 0 else "-inf")
    if math.isfinite(value):
        return value
    return Number("nan" if math.isnan(value) else "inf" if value > 0 else "-inf")


def text(value: str) -> str:
    """Shorten a text, and write what no UTF-8 can hold as escapes."""
    return written(value if len(value) <= LONGEST else value[: LONGEST - 1] + "…")


def written(value: str) -> str:
    """Write what no UTF-8 can hold as escapes: lone surrogates of JSON, stray bytes of names."""
    try:
        value.encode()
    except UnicodeEncodeError:
        value = to_shown(value) if _is_escaped(value) else value.encode("utf-8", "backslashreplace").decode()
    return value


def encodable(delta: Delta) -> Delta:
    """Write what no UTF-8 can hold as escapes, in every text of a comparison.

    Args:
        delta: as a parser's names, keys and messages made it.
    """
    try:
        msgspec.json.encode(delta)
    except UnicodeEncodeError:
        return msgspec.convert(_written(msgspec.to_builtins(delta)), Delta)
    return delta


def _written(value: Any) -> Any:
    if isinstance(value, str):
        return written(value)
    if isinstance(value, dict):
        return {_written(key): _written(child) for key, child in value.items()}
    return [_written(child) for child in value] if isinstance(value, list) else value


def fit(value: Any) -> Any:
    """Make a parsed value one that a `Delta` can hold.

    Args:
        value: of JSON, YAML, TOML, or a cell of a table.

    Returns:
        A scalar; a small list or object as it is; of a large one, what it is and its size.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value in _INTEGERS else text(_digits(value))
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return _small(value) or f"object of {len(value)} {'key' if len(value) == 1 else 'keys'}"
    if isinstance(value, (list, tuple, set)):
        return _small(value) or f"list of {len(value)} {'item' if len(value) == 1 else 'items'}"
    isoformat = getattr(value, "isoformat", None)
    return text(isoformat() if isoformat is not None else repr(value))


def plain(value: Any, depth: int = 0) -> Any:
    """Make a parsed value one that JSON can hold, whole.

    Args:
        value: of JSON, YAML, TOML, or a cell of a table.
        depth: of what it is in; beyond 32 a list or object is named, not written.
    """
    if isinstance(value, str):
        return written(value)
    if isinstance(value, dict) and depth < _DEEPEST:
        return {written(str(key)): plain(child, depth + 1) for key, child in value.items()}
    if isinstance(value, (list, tuple)) and depth < _DEEPEST:
        return [plain(child, depth + 1) for child in value]
    return fit(value)


def _small(value: Any) -> Any:
    """A small container of plain values as it is, otherwise nothing."""
    if not value or len(value) > 20:
        return value if isinstance(value, (dict, list)) and not value else None
    try:
        written = json.dumps(value, allow_nan=False)
        if len(written) <= LONGEST and all(
            type(each) is str or not isinstance(value, dict) for each in value
        ):
            written.encode().decode("unicode_escape").encode()
            json.loads(written, parse_int=_checked)
            return value if isinstance(value, dict) else list(value)
    except (TypeError, ValueError, RecursionError):
        pass
    return None


def _checked(digits: str) -> int:
    found = int(digits)
    if found not in _INTEGERS:
        raise ValueError
    return found


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:
        return f"an integer of {value.bit_length()} bits"


def _is_escaped(value: str) -> bool:
    """Whether every surrogate stands for an undecodable byte (PEP 383)."""
    return all(not "\ud800" <= letter <= "\udfff" or "\udc80" <= letter <= "\udcff" for letter in value)
