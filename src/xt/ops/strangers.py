"""Names in a question that no run knows: a slip of the pen otherwise looks like an answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from xt.errors import DamagedError
from xt.model.query import Both, Either, Not, Query, Term
from xt.ops.search import Searching, Wanted, property_of
from xt.query import parse
from xt.store.events import pinned
from xt.store.index.pieces import is_glob
from xt.suggest import suggest

_NOUNS = {"metric": "metric", "param": "param", "fact": "fact", "env": "package or part of the environment"}


class Stranger(NamedTuple):
    """One such name."""

    message: str
    hint: str | None


def strangers(search: Searching, wanted: Wanted, total: int) -> list[Stranger]:
    """Find the names of metrics, params, facts, packages and tags that no run has.

    Args:
        search: of the store.
        wanted: the question; one that was answered.
        total: runs that fulfil it; when there are any, only what they are sorted by is looked at.
    """
    asked: list[tuple[str, str]] = []
    tags: list[str] = []
    if total == 0:
        terms = list(_terms(parse(wanted.query)))
        asked += [(term.field, term.key) for term in terms if term.key is not None]
        tags += [term.value for term in terms if term.field == "tag" and term.operator != "!="]
    if wanted.sort is not None:
        by = property_of(wanted.sort)
        asked += [(by.field, by.key)] if by.key is not None else []
    found: list[Stranger] = []
    for field, key in dict.fromkeys(asked):
        if field not in _NOUNS or (field != "env" and is_glob(key)):
            continue
        names = {
            name
            for index in search.indexes
            for name in (index.parts() if field == "env" else index.keys(field))
        }
        if key not in names:
            hint = suggest(key, sorted(names), f"{field}s" if field != "env" else "parts")
            found.append(Stranger(f"no run has a {_NOUNS[field]} `{key}`", hint))
    known = {tag for index in search.indexes for tag in index.words()[1]}
    if tags:
        # A pinned name is a tag too, found if its run fulfils the rest. Of damaged pins the list tells.
        with contextlib.suppress(DamagedError):
            known |= pinned(search.store.path).keys()
    found += [_tag(search, tag, known) for tag in dict.fromkeys(tags) if not (tag in known or is_glob(tag))]
    return found


def _tag(search: Searching, tag: str, known: set[str]) -> Stranger:
    if any(tag in index.words()[0] for index in search.indexes):
        hint: str | None = f"a run is named so: `name:{tag}` finds it"
    else:
        hint = suggest(tag, sorted(known), "tags")
    return Stranger(f"no run has the tag `{tag}`", hint)


def _terms(query: Query) -> Iterator[Term]:
    if isinstance(query, Term):
        yield query
    elif isinstance(query, Not):
        yield from _terms(query.of)
    elif isinstance(query, Both | Either):
        for part in query.of:
            yield from _terms(part)
