"""Values of many runs in columns of one kind, for tables of every sort."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from xt.model.result import Number

Kind = Literal["text", "time", "integer", "number", "truth", "list"]
_INTEGERS = range(-(2**63), 2**63)


class Column(NamedTuple):
    """Values of one kind, None where a run has none."""

    kind: Kind
    values: list[Any]


def narrowest(values: list[Any]) -> Column:
    """The narrowest kind that holds them all; of different kinds, and of lists, the text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return Column("truth", values)
    if kinds == {int} and all(value in _INTEGERS for value in values if value is not None):
        return Column("integer", values)
    if kinds and kinds <= {int, float}:
        return Column("number", [None if value is None else float(value) for value in values])
    return Column("text", [None if value is None else written(value) for value in values])


def written(value: Any) -> str:
    """A value that is no number as it is searched for: texts as they are, all else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Number):
        return value.special
    if isinstance(value, float):
        return repr(value)
    return msgspec.json.encode(value).decode()


def figure(value: float | int | Number) -> int | float:
    """A value as Python has it, NaN and infinities too."""
    return float(value.special) if isinstance(value, Number) else value
