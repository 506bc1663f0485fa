"""JSON, YAML and TOML, path by path; notebooks by their cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from xt import toml_text
from xt.compare import Content, Rule, UnreadableError
from xt.compare.content import read_all
from xt.compare.jsonable import text
from xt.compare.walk import Walker, bounded
from xt.model.delta import Delta

#: Bytes of one document. YAML and TOML are read at a megabyte a second or less.
LIMIT = 64_000_000
YAML_LIMIT = 4_000_000
TOML_LIMIT = 1_000_000
#: Bytes of memory that both documents may take when they are parsed, by an estimate.
MEMORY = 140_000_000
#: Bytes a value takes beside its digits or letters, by the character that every value of its kind has once.
#: Measured with CPython 3.11, rounded up.
_WEIGHTS = ((b"{", 250), (b"[", 130), (b",", 40), (b":", 30), (b'"', 25))

#: A parsed document and what is to be said of it.
Parsed = tuple[Any, list[str]]


def compare_json(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare JSON (RFC 8259, and the tokens `NaN`, `Infinity`, `-Infinity`), or two notebooks.

    Raises:
        UnreadableError: one is not JSON, names a key twice, is too deep, or too large.
    """
    _affordable(left, right)
    if left.name.lower().endswith(".ipynb"):
        from xt.compare.notebooks import comparable

        notes = ["execution counts and ids of cells are not compared"]
        return _compare(left, right, rule, path, lambda content: (comparable(_json(content)[0]), notes))
    return _compare(left, right, rule, path, _json)


def compare_yaml(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare YAML 1.1 as PyYAML's safe loader reads it; of several documents, each by its number.

    Raises:
        UnreadableError: one is not YAML, too deep, too large, or grows by its aliases.
    """
    from xt.compare.yamls import parse

    return _compare(left, right, rule, path, lambda content: (parse(read_all(content, YAML_LIMIT)), []))


def compare_toml(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare TOML 1.0.

    Raises:
        UnreadableError: one is not TOML, too deep, or too large.
    """
    return _compare(left, right, rule, path, _toml)


def _compare(
    left: Content, right: Content, rule: Rule, path: str, parse: Callable[[Content], Parsed]
) -> Delta:
    (ours, notes), (theirs, more) = parse(left), parse(right)
    bounded(ours)
    bounded(theirs)
    walker = Walker(rule, path)
    walker.walk(ours, theirs)
    return walker.whole(list(dict.fromkeys([*notes, *more])))


def _affordable(left: Content, right: Content) -> None:
    """Refuse documents whose values would not fit into memory, before they are parsed."""
    cost = 0
    for content in (left, right):
        data = read_all(content, LIMIT)
        cost += len(data) + sum(data.count(sign) * weight for sign, weight in _WEIGHTS)
        if cost > MEMORY:
            raise UnreadableError("it is too large to compare by its parts")


def _json(content: Content) -> Parsed:
    data = read_all(content, LIMIT)
    try:
        value = json.loads(data, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        what = error.msg[:1].lower() + error.msg[1:]
        raise UnreadableError(f"it is not JSON: {what} (line {error.lineno})") from error
    except UnicodeDecodeError as error:
        raise UnreadableError("it is not JSON: it is not UTF-8 text") from error
    except ValueError as error:
        raise UnreadableError("it holds a number of too many digits") from error
    except RecursionError as error:
        raise UnreadableError("it is nested too deeply") from error
    return value, []


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs; readers differ in which value of a repeated key counts (RFC 8259, 4)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise UnreadableError(f"it names a key twice: `{text(key)}`")
            seen.add(key)
    return found


def _toml(content: Content) -> Parsed:
    data = read_all(content, TOML_LIMIT)
    try:
        return toml_text.loads(data.decode("utf-8-sig")), []
    except UnicodeDecodeError as error:
        raise UnreadableError("it is not TOML: it is not UTF-8 text") from error
    except RecursionError as error:
        raise UnreadableError("it is nested too deeply") from error
    except ValueError as error:
        what = str(error)
        raise UnreadableError(f"it is not TOML: {what[:1].lower() + what[1:]}") from error
