"""Finding numbers in parsed documents: JSON Pointer (RFC 6901), dotted paths, or all of them. A leaf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xt.collect.numbers import Value, number

#: Nesting, and values visited: YAML aliases can make a document refer to itself.
MAX_DEPTH = 100
MAX_VISITED = 1_000_000

#: Keys and indices.
Steps = list[str | int]


class SelectorError(Exception):
    """Nothing is there."""


def select(document: Any, selector: str) -> Any:
    """Take one value out of a document.

    Args:
        document: what a parser gave.
        selector: `/val/acc` is a JSON Pointer; anything else is a key at the top, or a dotted path
            such as `val.acc` or `history[-1].loss` (`$.` in front is allowed), or keys joined with `/`.

    Raises:
        SelectorError: there is no such value.
    """
    for steps in _readings(selector):
        try:
            return _follow(document, steps)
        except SelectorError:
            continue
    raise SelectorError(selector)


def numbers(document: Any) -> Iterator[tuple[str, str, Value]]:
    """Find every number of a document.

    Args:
        document: what a parser gave; no strings are taken for numbers here.

    Yields:
        The JSON Pointer, the name (keys and indices joined with `/`, `` for the document itself), the number.

    Raises:
        SelectorError: it is nested too deeply, refers to itself, or expands without end.
    """
    visited = 0
    waiting: list[tuple[Any, str, str, int]] = [(document, "", "", 0)]
    while waiting:
        value, pointer, name, depth = waiting.pop()
        visited += 1
        if depth > MAX_DEPTH or visited > MAX_VISITED:
            raise SelectorError("it is nested too deeply, refers to itself, or expands without end")
        if isinstance(value, dict):
            pairs = [(str(key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            pairs = [(str(index), inner) for index, inner in enumerate(value)]
        else:
            found = number(value)
            if found is not None:
                yield pointer, name, found
            continue
        for key, inner in reversed(pairs):
            if isinstance(inner, (dict, list)) or number(inner) is not None:
                waiting.append(
                    (inner, f"{pointer}/{escape(key)}", f"{name}/{key}" if name else key, depth + 1)
                )


def escape(key: str) -> str:
    """Write a key as a step of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def unescape(step: str) -> str:
    """Read a step of a JSON Pointer."""
    return step.replace("~1", "/").replace("~0", "~")


def split_row(selector: str) -> tuple[str, int | None]:
    """Split the row off a selector of a table: `loss[-1]` is the last row of `loss`."""
    name, bracket, index = selector.rpartition("[")
    digits = index.removesuffix("]").removeprefix("-")
    if bracket and index.endswith("]") and digits.isascii() and digits.isdigit() and len(digits) <= 18:
        return name, int(index[:-1])
    return selector, None


def _readings(selector: str) -> Iterator[Steps]:
    if selector == "":
        yield []
    elif selector.startswith("/"):
        yield [unescape(step) for step in selector[1:].split("/")]
    else:
        yield [selector]
        dotted: Steps = []
        for part in selector.removeprefix("$").removeprefix(".").split("."):
            name, rows = part, []
            while (inner := split_row(name))[1] is not None:
                name, row = inner
                rows.append(row)
            dotted += [*([name] if name else []), *(row for row in reversed(rows) if row is not None)]
        yield dotted
        if "/" in selector:
            yield list(selector.split("/"))


def _follow(value: Any, steps: Steps) -> Any:
    for step in steps:
        if isinstance(value, dict):
            if step in value:
                value = value[step]
                continue
            # YAML keys need not be strings.
            matching = [inner for key, inner in value.items() if str(key) == str(step)]
            if not matching:
                raise SelectorError(str(step))
            value = matching[0]
        elif isinstance(value, list):
            text = str(step)
            if isinstance(step, str) and not (text.isascii() and text.isdigit() and len(text) <= 18):
                raise SelectorError(text)
            index = int(step)
            if not -len(value) <= index < len(value):
                raise SelectorError(text)
            value = value[index]
        else:
            raise SelectorError(str(step))
    return value
