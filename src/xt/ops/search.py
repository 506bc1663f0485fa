"""Search runs: which fulfil a query, in which order, with which columns; and how groups of them compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from xt.collect.context import user
from xt.collect.scalars import json_safe
from xt.compare.tolerances import settings_of
from xt.config import Settings
from xt.context import Outside
from xt.errors import NoSuchRunError, UsageError
from xt.model.query import Query
from xt.model.summary import Summary
from xt.ops.evidence import marked, required
from xt.ops.find import in_flight, project_settings, resolve
from xt.query import FIELDS, QueryError, parse
from xt.store import Store, events
from xt.store.index import COLUMNS, By, Cell, Index, InFlight
from xt.store.index.conditions import Asking, Compiler
from xt.suggest import suggest

#: Name of a field in a query or a column → column of the index.
OF_INDEX = {
    "time": "wall",
    "commit": "head",
    "when": "started",
    "run": "id",
    "tags": "tag",
    "group": "grouped",
}
#: What can be sorted, grouped and shown by, besides fields with a key.
PLAIN: tuple[str, ...] = (
    *("run", "when", "status", "name", "task", "user", "host", "ticket", "branch", "commit", "recipe"),
    *("time", "exit", "level", "tags", "group"),
)
_KEYED = tuple(field.name for field in FIELDS.values() if field.keyed)


class Property(NamedTuple):
    """Something of a run that can be shown, sorted or grouped by."""

    text: str
    """As it was asked for."""
    field: str
    """Of the index."""
    key: str | None = None


class Listing(NamedTuple):
    """Rows of `xt ls`."""

    rows: list[Summary]
    shown: dict[str, int]
    """Letters of each id that tell it from all others."""
    total: int
    """Runs that fulfil the query."""
    trials: int = 0
    """Runs made by `xt verify` that are left out, when nothing was asked for."""
    cells: Mapping[str, list[list[Cell]]] = MappingProxyType({})
    """Values of asked properties: by text, for each row."""
    away: int = 0
    """Runs that were put away, when there is nothing else."""


class Wanted(NamedTuple):
    """What to list."""

    query: str = ""
    limit: int | None = None
    """Rows at most, None for all."""
    trials: bool = False
    """With the repeats that `xt verify` made."""
    sort: str | None = None
    """A property; the newest first by default."""
    reverse: bool = False
    columns: tuple[str, ...] = ()
    """Properties to look up for each row."""


class Searching:
    """A store that is asked one question."""

    def __init__(self, store: Store, outside: Outside, settings: Settings | None = None) -> None:
        """Open the index.

        Args:
            store: to search.
            outside: for the time, the user and the project's settings.
            settings: of the project; read from it by default.
        """
        self.store = store
        self.outside = outside
        self.settings = project_settings(outside) if settings is None else settings
        self.unread: list[str] = []
        """Runs that the disk, or the server behind it, failed to read, and what is said of runs."""
        flying = in_flight(store, outside, self.unread)
        self._sealed = Index(store)
        self.unread += self._sealed.unread
        # After that: a run that ended in between is among both, and none is in neither.
        self._live = InFlight(row for row in flying if not self._sealed.has(row[0].id))
        self._pins: Mapping[str, str] | None = None

    def __enter__(self) -> Searching:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index."""
        self._live.close()
        self._sealed.close()

    @property
    def indexes(self) -> tuple[Index, Index]:
        """Runs in flight, and all others."""
        return self._live, self._sealed

    @property
    def doubts(self) -> list[str]:
        """Events that cannot be read, so that what they say is missing here."""
        return self._sealed.doubts

    def matching(self, query: str, *, trials: bool) -> list[tuple[Index, list[int]]]:
        """Numbers of the runs that fulfil a query, the newest first, for each index.

        Raises:
            QueryError: it cannot be read, or a value makes no sense.
        """
        return [(index, index.in_order(found)) for index, found in self.fulfilling(query, trials=trials)]

    def fulfilling(self, query: str, *, trials: bool) -> list[tuple[Index, set[int]]]:
        """The same in no order.

        Raises:
            QueryError: as `matching`.
        """
        parsed = parse(query)
        return [(index, self._fulfilling(index, query, parsed, trials)) for index in self.indexes]

    def shown(self, run_ids: list[str]) -> dict[str, int]:
        """How many letters of ids to show, of runs that are here."""
        return self._sealed.shown(run_ids, self.store.live_ids())

    def _fulfilling(self, index: Index, text: str, query: Query, trials: bool) -> set[int]:
        asking = Asking(
            now=self.outside.now(),
            user=user(self.outside.environ),
            required=lambda task: required(self.settings, task),
            tasks=[name for name, task in self.settings.task.items() if task.required],
            pinned=self._pinned,
            versions=index.versions,
            can_search_words=index.can_search_words,
        )
        return index.fulfilling(query, Compiler(text, asking), trials=trials)

    def _pinned(self) -> Mapping[str, str]:
        if self._pins is None:
            self._pins = events.pinned(self.store.path)
        return self._pins

    def listing(self, wanted: Wanted) -> Listing:
        """List runs.

        Raises:
            QueryError, UsageError: the query, or the name of a property, cannot be read.
        """
        by = self._by(wanted)
        first: list[tuple[Index, list[int]]] = []
        total = 0
        asked = bool(wanted.query.strip())
        found: list[tuple[Index, set[int] | None]] = [(index, None) for index in self.indexes]
        if asked or wanted.reverse or (by is not None and wanted.trials):
            found = [*self.fulfilling(wanted.query, trials=wanted.trials)]
        for index, numbers in found:
            # Only the first of each can be among the first of all.
            if by is not None:
                first.append((index, index.best(numbers, by, wanted.limit)))
            elif numbers is None:
                # The everyday list, for which not every run is looked at.
                first.append((index, index.newest_numbers(wanted.limit, trials=wanted.trials)))
            elif wanted.reverse:
                first.append((index, index.in_order(numbers)[::-1][: wanted.limit]))
            else:
                first.append((index, index.in_order(numbers, wanted.limit)))
            total += index.counts(trials=wanted.trials)[0] if numbers is None else len(numbers)
        entries = [(index, n) for index, numbers in first for n in numbers]
        places = {(index, n): row for index, n in entries for row in index.rows([n])}
        entries = [entry for entry in entries if entry in places]  # a run may be gone since
        entries.sort(key=lambda entry: places[entry].started_at or "", reverse=True)
        if by is not None:
            key = self._key(by, entries)
            entries.sort(key=key)
        if wanted.reverse:
            entries.reverse()
        entries = entries[: wanted.limit]
        rows = marked(self._with_places([places[entry] for entry in entries]), self.settings)
        trials = 0 if asked else sum(index.counts(trials=wanted.trials)[1] for index in self.indexes)
        columns = [property_of(text) for text in wanted.columns]
        cells = {one.text: self._cells(one.field, one.key, entries) for one in columns}
        away = 0
        if not (total or asked):
            away = sum(len(index.matching(("1", []), trials=True, gone=True)) for index in self.indexes)
        return Listing(rows, self.shown([row.id for row in rows]), total, trials, cells, away)

    def _by(self, wanted: Wanted) -> By | None:
        """Order by a property: the best first where that is known, else the largest; without it, last."""
        if wanted.sort is None:
            return None
        by = property_of(wanted.sort)
        return By(by.field, by.key, not self._least_is_best(by), wanted.reverse)

    def _key(self, by: By, entries: list[tuple[Index, int]]) -> Callable[[tuple[Index, int]], Order]:
        """The same of runs of both indexes."""
        values = dict(zip(entries, self._cells(by.field, by.key, entries), strict=True))

        def key(entry: tuple[Index, int]) -> Order:
            own = values[entry]
            texts = [value for value in own if isinstance(value, str)]
            if texts:
                return (1, 0.0, max(texts))
            figures = [value for value in own if not isinstance(value, str)]
            if not figures:
                # Last in either direction.
                return (-1 if by.reverse else 2, 0.0, "")
            return (0, -max(figures) if by.largest else max(figures), "")

        return key

    def _least_is_best(self, by: Property) -> bool:
        if by.field != "metric" or by.key is None:
            return by.field in ("exit",)
        name = by.key.partition("{")[0]
        known = settings_of(self.settings.metrics, [by.key, name])
        return known is not None and known.goal == "min"

    def _cells(self, field: str, key: str | None, entries: list[tuple[Index, int]]) -> list[list[Cell]]:
        found: dict[tuple[Index, int], list[Cell]] = {}
        for index, numbers in _together(entries):
            found |= {(index, n): cells for n, cells in index.cells(field, key, numbers).items()}
        return [found.get(entry, []) for entry in entries]

    def _with_places(self, rows: list[Summary]) -> list[Summary]:
        live = self._sealed.live()
        return [replace(row, live=live[row.id]) if row.id in live else row for row in rows]


#: Rank of its kind, number, text: what rows are sorted by.
Order = tuple[int, float, str]


def _together(entries: list[tuple[Index, int]]) -> list[tuple[Index, list[int]]]:
    found: dict[Index, list[int]] = {}
    for index, n in entries:
        found.setdefault(index, []).append(n)
    return list(found.items())


def property_of(text: str) -> Property:
    """Read the name of a property: `time`, `metric.val/acc`, `param.lr`, `env.torch`.

    Raises:
        UsageError: there is none of that name.
    """
    text = json_safe(text)
    field, dot, key = text.partition(".")
    if dot and key and field in _KEYED:
        return Property(text, field, key.removeprefix('"').removesuffix('"'))
    name = OF_INDEX.get(text, text)
    if not dot and (name in COLUMNS or name == "tag"):
        return Property(text, name)
    names = (*PLAIN, *(f"{name}.NAME" for name in _KEYED))
    hint = suggest(text, names, "properties") or ""
    if not hint.startswith("did you mean") and not dot:
        hint = f"a metric is `metric.{text}`, a param `param.{text}`; {hint}"
    raise UsageError(f"no property `{text}`", hint)


def select(store: Store, outside: Outside, words: list[str], *, trials: bool = False) -> list[Summary]:
    """The runs that references or a query name.

    Args:
        store: to search.
        outside: the world.
        words: references, in which case the runs are in that order, each once; or the words of one query,
            in which case the newest is first. None at all: every run.
        trials: for a query, with the repeats that `xt verify` made.

    Raises:
        NoSuchRunError: a reference names none.
        QueryError: the query cannot be read.
    """
    if are_references(words):
        try:
            ids = list(dict.fromkeys(resolve(store, word, outside) for word in words))
        except NoSuchRunError as error:
            raise NoSuchRunError(
                error.message, f"{error.hint}; a query has fields, such as `tag:NAME`"
            ) from error
        with Searching(store, outside) as search:
            found = {row.id: row for row in _by_id(search, ids)}
        return [found[run_id] for run_id in ids]
    with Searching(store, outside) as search:
        return search.listing(Wanted(" ".join(words), trials=trials)).rows


def _by_id(search: Searching, ids: list[str]) -> list[Summary]:
    rows: list[Summary] = []
    for index in search.indexes:
        marks = ", ".join("?" * len(ids))
        rows += index.rows(index.matching((f"id IN ({marks})", list(ids)), trials=True, gone=True))
    return rows


def are_references(words: list[str]) -> bool:
    """Whether words name single runs, and are not those of a query."""
    return bool(words) and not any(_asks(word) for word in words)


def _asks(word: str) -> bool:
    """Whether a word is of a query, and no reference."""
    if word.lower() in ("and", "or", "not") or any(character in word for character in '()"<>=* \t\n'):
        return True
    field, colon, _ = word.partition(":")
    name, dot, key = field.partition(".")
    # `metric.loss` alone asks for the runs that have one.
    return name in FIELDS if colon else bool(dot and key) and name in _KEYED


__all__ = [
    "Listing",
    "Property",
    "QueryError",
    "Searching",
    "Wanted",
    "are_references",
    "property_of",
    "select",
]
