"""Lines of keys: the scanner agrees with how a document was put together."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.toml_lines import key_lines, nearest_line

KEYS = st.one_of(
    st.text("abcdefgh_-XYZ019", min_size=1, max_size=6),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6),
)


def quote(key: str, style: int) -> str:
    """Write a key bare, basic or literal, whichever the style asks for and the key allows."""
    bare = bool(key) and all(c.isascii() and (c.isalnum() or c in "-_") for c in key)
    if style == 0 and bare:
        return key
    if style == 1 and "'" not in key:
        return f"'{key}'"
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


SCALARS = st.sampled_from(
    [
        "1",
        "-2.5e3",
        "true",
        "inf",
        "1979-05-27 07:32:00Z",
        "07:32:00",
        '"plain"',
        r'"a \" # ] } [x] = \\"',
        r"'C:\ # = ] '",
        '"""one"""',
        '"""\n[not.a.table]\nkey = 1\n# no comment ""\\" \\\n  """',
        '"""ends in quotes"""""',
        "'''\n[[nor.this]]\n'quoted' = [\n'''",
        "'''x'''''",
        "[]",
        "{}",
    ]
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[tuple[str | int, ...], int]]:
    """A document built line by line, with where each key went."""
    text = ""
    where: dict[tuple[str | int, ...], int] = {}

    def here() -> int:
        return text.count("\n") + 1

    def filler() -> None:
        nonlocal text
        text += draw(st.sampled_from(["", "\n", "\r\n\n", "# [a comment] = 1\n", "  \t\n"]))

    def value(path: tuple[str | int, ...], depth: int) -> None:
        nonlocal text
        kind = draw(st.integers(0, 5 if depth else 3))
        if kind <= 3:
            text += draw(SCALARS)
        elif kind == 4:
            text += "["
            for index in range(draw(st.integers(0, 3))):
                text += draw(st.sampled_from(["", "\n  ", " # ] }\n"]))
                where[(*path, index)] = here()
                value((*path, index), depth - 1)
                text += draw(st.sampled_from([",", " ,", "\n,"]))
            text += "]"
        else:
            names = draw(st.lists(KEYS, max_size=3, unique=True))
            text += "{"
            for index, name in enumerate(names):
                text += ", " if index else " "
                where[(*path, name)] = here()
                text += quote(name, draw(st.integers(0, 2))) + " = "
                value((*path, name), depth - 1)
            text += " }"

    def pairs(table: tuple[str | int, ...], unavailable: set[str]) -> None:
        nonlocal text
        for name in draw(st.lists(KEYS, max_size=4, unique=True)):
            if name in unavailable:
                continue
            filler()
            where[(*table, name)] = here()
            text += draw(st.sampled_from(["", "  "])) + quote(name, draw(st.integers(0, 2)))
            path: tuple[str | int, ...] = (*table, name)
            if draw(st.booleans()):
                inner = draw(KEYS)
                path = (*path, inner)
                where[path] = here()
                text += draw(st.sampled_from([".", " . "])) + quote(inner, draw(st.integers(0, 2)))
            text += " = "
            value(path, 2)
            text += draw(st.sampled_from(["\n", " # = 1\n", "\r\n"]))

    tables = draw(st.lists(KEYS, max_size=4, unique=True))
    pairs((), set(tables))
    for name in tables:
        if draw(st.booleans()):
            filler()
            inner = draw(KEYS)
            where[(name,)] = here()
            where[(name, inner)] = here()
            text += f"[ {quote(name, 1)} . {quote(inner, 0)} ]  # [x]\n"
            pairs((name, inner), set())
        else:
            for index in range(draw(st.integers(1, 3))):
                filler()
                where.setdefault((name,), here())
                where[(name, index)] = here()
                text += f"[[{quote(name, 2)}]]\n"
                pairs((name, index), {"sub"})
                if draw(st.booleans()):
                    where[(name, index, "sub")] = here()
                    text += f"[{quote(name, 2)}.sub]\n"
                    pairs((name, index, "sub"), set())
    return text, where


@given(documents())
def test_every_key_is_found_on_the_line_it_was_written_on(made):
    text, where = made
    tomllib.loads(text)
    assert key_lines(text) == where


def flatten(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flatten(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from flatten(inner, (*path, index))


@given(documents())
def test_the_paths_are_exactly_those_of_the_parsed_document(made):
    text, _ = made
    assert set(key_lines(text)) == set(flatten(tomllib.loads(text))) - {()}


def test_a_path_that_is_not_there_has_the_line_of_what_is_around_it():
    lines = key_lines("\n[a]\nb = 1\n")
    assert nearest_line(lines, ("a", "b", "c")) == 3
    assert nearest_line(lines, ("a", "x")) == 2
    assert nearest_line(lines, ("z",)) == 1


def test_a_document_that_is_not_toml_is_refused():
    with pytest.raises(ValueError, match="line 2"):
        key_lines("a = 1\n[b\n")
