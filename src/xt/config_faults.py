"""What is wrong with settings, in a user's words. Loaded when something is.

The types of `xt.config` say what is right; `msgspec` says only that something is not, in its own
words and without the names of tables, so the document is walked once more here.
"""

from __future__ import annotations

from datetime import date, time
from typing import Any, NamedTuple

import msgspec.inspect as types

from xt.suggest import suggest
from xt.toml_lines import Path


class Fault(NamedTuple):
    """The first thing that is wrong."""

    path: Path
    message: str
    hint: str | None


def find(value: Any, kind: Any, above: tuple[str, ...]) -> Fault | None:
    """Find the first thing of a document that does not fit a type.

    Args:
        value: the document as `tomllib` gives it.
        kind: a Struct, such as `xt.config.Settings`.
        above: tables the document stands in, such as `tool`, `xt`, to name them in messages.
    """
    return _walk(value, types.type_info(kind), (), above)


def table_name(path: Path, above: tuple[str, ...] = ()) -> str:
    """Write a table as its header: `[metrics."val/acc"]`."""
    return "[" + ".".join(_quoted(str(part)) for part in (*above, *path)) + "]"


def _quoted(key: str) -> str:
    bare = key.replace("-", "").replace("_", "")
    if key and key.isascii() and (bare.isalnum() or not bare):
        return key
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _walk(value: Any, kind: types.Type, path: Path, above: tuple[str, ...]) -> Fault | None:
    if isinstance(kind, types.UnionType) and isinstance(value, dict):
        # Where a table is one of the things it can be, a table is meant for that.
        kind = next((one for one in kind.types if isinstance(one, types.StructType)), kind)
    if isinstance(kind, types.StructType) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in kind.fields}
        for key, inner in value.items():
            if key not in fields:
                return _unknown(key, inner, fields, path, above)
            if fault := _walk(inner, fields[key], (*path, key), above):
                return fault
        return None
    if isinstance(kind, types.DictType) and isinstance(value, dict):
        for key, inner in value.items():
            if fault := _walk(inner, kind.value_type, (*path, key), above):
                return fault
        return None
    if isinstance(kind, types.ListType) and isinstance(value, list):
        for index, inner in enumerate(value):
            if not _fits(inner, kind.item_type):
                message = f"expected {_expected(kind)}, found {_found(inner, kind.item_type)} in it"
                return Fault((*path, index), f"{_place(path, above)}: {message}", None)
        return None
    if _fits(value, kind):
        return None
    return Fault(
        path,
        f"{_place(path, above)}: expected {_expected(kind)}, found {_found(value, kind)}",
        _hint(value, kind),
    )


def _unknown(
    key: str, value: Any, fields: dict[str, types.Type], path: Path, above: tuple[str, ...]
) -> Fault:
    if path:
        message, noun = f"unknown key `{key}` in {table_name(path, above)}", "keys"
    elif isinstance(value, (dict, list)):
        message, noun = f"unknown table `{table_name((key,), above)}`", "tables"
    else:
        message, noun = f"unknown key `{key}` outside any table", "tables"
    return Fault((*path, key), message, suggest(key, fields, noun))


def _place(path: Path, above: tuple[str, ...]) -> str:
    inside = f" in {table_name(path[:-1], above)}" if len(path) > 1 else ""
    return f"`{path[-1]}`{inside}" if path else table_name((), above)


def _fits(value: Any, kind: types.Type) -> bool:
    if isinstance(kind, types.UnionType):
        return any(_fits(value, one) for one in kind.types)
    if isinstance(kind, types.LiteralType):
        return isinstance(value, str) and value in kind.values
    if isinstance(kind, types.BoolType):
        return isinstance(value, bool)
    if isinstance(kind, (types.IntType, types.FloatType)):
        allowed = (int,) if isinstance(kind, types.IntType) else (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed):
            return False
        # Written so that NaN is out of every range.
        return (kind.ge is None or value >= kind.ge) and (kind.le is None or value <= kind.le)
    return isinstance(kind, types.StrType) and isinstance(value, str)


def _expected(kind: types.Type) -> str:
    if isinstance(kind, types.UnionType):
        return _either([_expected(one) for one in kind.types if not isinstance(one, types.NoneType)])
    if isinstance(kind, types.LiteralType):
        return _either([f"`{value}`" for value in kind.values])
    if isinstance(kind, types.BoolType):
        return "true or false"
    if isinstance(kind, (types.IntType, types.FloatType)):
        words = "a whole number" if isinstance(kind, types.IntType) else "a number"
        if kind.ge is not None and kind.le is not None:
            return f"{words} from {kind.ge} to {kind.le}"
        return words if kind.ge is None else f"{words} of at least {kind.ge}"
    if isinstance(kind, types.ListType):
        return "a list of strings"
    return "a string" if isinstance(kind, types.StrType) else "a table"


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _found(value: Any, kind: types.Type) -> str:
    options = kind.types if isinstance(kind, types.UnionType) else (kind,)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        wanted = any(isinstance(one, (types.IntType, types.FloatType)) for one in options)
        return f"{value}" if wanted else "a number"
    if isinstance(value, str):
        return f"`{value}`" if any(isinstance(one, types.LiteralType) for one in options) else "a string"
    if isinstance(value, (date, time)):
        return "a date or time"
    return "a list" if isinstance(value, list) else "a table"


def _hint(value: Any, kind: types.Type) -> str | None:
    options = kind.types if isinstance(kind, types.UnionType) else (kind,)
    words = [word for one in options if isinstance(one, types.LiteralType) for word in one.values]
    if words and isinstance(value, str):
        return suggest(value, map(str, words), "values")
    if isinstance(kind, types.ListType) and isinstance(value, str):
        return f'write it in brackets: ["{value}"]'
    return None
