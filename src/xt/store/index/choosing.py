"""Which runs fulfil a query, as sets of their numbers.

What is kept apart from the rows of runs (metrics, params, files, tags, words, times) is asked for by itself,
and the sets are joined here: a hundred thousand rows are not looked at to find what a few hundred have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from xt.model.query import Both, Not, Query, Term, Words
from xt.store.index.conditions import Compiler
from xt.store.index.pieces import Condition

#: Gives the numbers that a question selects.
Ask = Callable[[Condition], Iterable[int]]
#: Numbers that are asked for when they are needed.
Later = Callable[[], Iterable[int]]


def chosen(query: Query, compiler: Compiler, ask: Ask) -> set[int]:
    """Numbers of the runs that fulfil a query, whether they were put away or made by `xt verify`, or not.

    Args:
        query: what is asked.
        compiler: of that query.
        ask: the tables.

    Raises:
        QueryError, UnsupportedError: as `Compiler.condition`.
    """
    made = _Sets(compiler, ask).of(query)
    if made is not None:
        return set(made())
    sql, values = compiler.condition(query)
    return set(ask((f"SELECT n FROM runs WHERE {sql}", values)))


class _Sets:
    """One query on its way to a set: first all of it is read, then it is asked."""

    def __init__(self, compiler: Compiler, ask: Ask) -> None:
        self._compiler, self._ask = compiler, ask

    def of(self, query: Query) -> Later | None:
        """The set of a query; None when the rows of runs have to be looked at."""
        if isinstance(query, Words):
            return self._selected(self._compiler.words([query]))
        if isinstance(query, Term):
            select = self._compiler.numbers(query)
            return None if select is None else self._selected(select)
        if isinstance(query, Not):
            inner = self.of(query.of)
            return None if inner is None else lambda: self._every().difference(inner())
        if isinstance(query, Both):
            return self._all_of(query.of)
        some = [self.of(part) for part in query.of]
        known = [one for one in some if one is not None]
        if not known or len(known) < len(some):
            return None
        return lambda: set().union(*(one() for one in known))

    def _all_of(self, parts: list[Query]) -> Later | None:
        words = [part for part in parts if isinstance(part, Words) and _has_a_token(part)]
        found: list[Later] = [self._selected(self._compiler.words(words))] if words else []
        for part in parts:
            if part not in words:
                one = self.of(part)
                if one is None:
                    return None
                found.append(one)
        return lambda: _joined(found) if found else self._every()

    def _selected(self, select: Condition) -> Later:
        return lambda: self._ask(select)

    def _every(self) -> set[int]:
        return set(self._ask(("SELECT n FROM runs", [])))


def _joined(parts: list[Later]) -> set[int]:
    found = set(parts[0]())
    for part in parts[1:]:
        if not found:
            break
        found.intersection_update(part())
    return found


def _has_a_token(words: Words) -> bool:
    """Whether full text surely finds a word in it: only such ones are asked for together."""
    return any(character.isascii() and character.isalnum() for character in words.text)
