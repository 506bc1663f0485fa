"""What lists ask of the tables: which runs, in which order, with which values."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from xt.errors import StoreError
from xt.model import runid
from xt.model.query import Query
from xt.model.summary import Summary
from xt.store.index.choosing import chosen
from xt.store.index.conditions import Compiler
from xt.store.index.layout import RUINED, UNUSUAL
from xt.store.index.pieces import Condition
from xt.store.index.rows import standings, summaries

#: A value that can be shown and sorted by.
Cell = float | int | str
#: Columns of `runs` that can be shown, sorted and grouped by.
COLUMNS = frozenset(
    (
        *("id", "started", "status", "name", "task", "user", "host", "ticket", "branch", "head", "recipe"),
        *("repeats", "wall", "exit", "level", "environment", "grouped"),
    )
)
#: Those that hold numbers; all others texts.
FIGURES = frozenset(("wall", "exit", "level", "environment"))
#: What has values in tables of its own, by key.
KINDS = ("metric", "param", "fact")
VALUES = ("numbers", "texts")
#: Runs that are named one by one in a question.
FEW = 500
#: Errors that say nothing of the file itself.
HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
#: Errors of a file that may be no use any more.
DAMAGED = (*RUINED, sqlite3.SQLITE_IOERR)


class Found(NamedTuple):
    """Rows of a list, and how many there are in all."""

    rows: list[Summary]
    total: int
    trials: int
    """Runs made by `xt verify` that are not among these."""


_many = msgspec.json.Decoder(list[int])


class By(NamedTuple):
    """What to order runs by."""

    field: str
    """`metric`, `param`, `fact` or `env` with a key; `tag`; or a column of `runs`."""
    key: str | None = None
    largest: bool = True
    """Whether the largest number is the first."""
    reverse: bool = False
    """The other way round, but for those without it, which stay the last."""


class Lists:
    """Tables with the layout of the index."""

    _db: sqlite3.Connection

    # --- runs --------------------------------------------------------------------------------------

    def has(self, run_id: str) -> bool:
        """Whether a run is in it."""
        return bool(self._ask("SELECT 1 FROM runs WHERE id = ?", (run_id,)))

    def newest(self, limit: int | None, skip: int = 0, *, trials: bool = False) -> Found:
        """The newest runs.

        Args:
            limit: rows at most, None for all.
            skip: rows to pass over first.
            trials: with those made by `xt verify`.
        """
        numbers = self.newest_numbers(limit, skip, trials=trials)
        return Found(self.rows(numbers), *self.counts(trials=trials))

    def newest_numbers(self, limit: int | None, skip: int = 0, *, trials: bool = False) -> list[int]:
        """The same by number, for `rows`."""
        kinds = "trial IN (0, 1)" if trials else "trial = 0"
        query = f"SELECT n FROM runs WHERE {kinds} AND gone = 0 ORDER BY started DESC, id LIMIT ? OFFSET ?"
        return [row[0] for row in self._ask(query, (-1 if limit is None else limit, skip))]

    def counts(self, *, trials: bool = False) -> tuple[int, int]:
        """How many runs there are, and how many made by `xt verify` besides."""
        every = self._ask("SELECT count(*) FROM runs")[0][0]
        query = (
            f"SELECT trial, gone, count(*) FROM runs INDEXED BY unusual WHERE {UNUSUAL} GROUP BY trial, gone"
        )
        unusual = {(trial, gone): number for trial, gone, number in self._ask(query)}
        made = unusual.get((1, 0), 0)
        return every - sum(unusual.values()) + (made if trials else 0), 0 if trials else made

    def matching(self, condition: Condition, *, trials: bool, gone: bool = False) -> list[int]:
        """Numbers of the runs that fulfil a condition, for `rows`; the newest first.

        Args:
            condition: on `runs`.
            trials: with those made by `xt verify`.
            gone: with those that were put away.
        """
        kinds = "+trial IN (0, 1)" if trials else "+trial = 0"
        there = "+gone IN (0, 1)" if gone else "+gone = 0"
        # The signs keep SQLite from walking all runs in the order of time: the condition is what is rare.
        query = (
            f"SELECT n FROM runs WHERE {kinds} AND {there} AND ({condition[0]}) ORDER BY +started DESC, +id"
        )
        return [row[0] for row in self._ask(query, condition[1])]

    def fulfilling(self, query: Query, compiler: Compiler, *, trials: bool) -> set[int]:
        """Numbers of the runs that fulfil a query, without those that were put away.

        Args:
            query: what is asked.
            compiler: of that query.
            trials: with those made by `xt verify`.

        Raises:
            QueryError, UnsupportedError: it cannot be asked so.
        """
        found = chosen(query, compiler, self._numbers)
        return found - self._passed_over(trials=trials)

    def in_order(self, numbers: set[int], limit: int | None = None) -> list[int]:
        """Numbers of runs that were not put away, the newest first.

        Args:
            numbers: of the runs.
            limit: so many at most, None for all.
        """
        if len(numbers) <= FEW:
            marks = ", ".join("?" * len(numbers))
            query = f"SELECT n FROM runs WHERE n IN ({marks}) ORDER BY +started DESC, +id"
            return [row[0] for row in self._ask(query, [*numbers])][:limit]
        # One after the other as they come from an index, of which the first are soon among many.
        usual = "SELECT n FROM runs WHERE trial = 0 AND gone = 0 ORDER BY started DESC, id"
        every = "SELECT n FROM runs WHERE trial IN (0, 1) AND gone = 0 ORDER BY started DESC, id"
        one_kind = numbers.isdisjoint(self._numbers(("SELECT n FROM runs WHERE trial = 1 AND gone = 0", [])))
        query = usual if one_kind else every
        if limit is None:
            return [n for n in self._numbers((query, [])) if n in numbers]
        return list(islice((n for (n,) in self._each(query) if n in numbers), limit))

    def best(self, numbers: set[int] | None, by: By, limit: int | None) -> list[int]:
        """Numbers of runs in the order of a property, the newest first where that is equal.

        Args:
            numbers: of runs, none of them put away; None for all but those made by `xt verify`.
            by: the property; numbers come before texts, and what has none last.
            limit: so many at most, None for all.
        """
        if limit is not None and not by.reverse:
            found = None
            if by.field in KINDS:
                found = self._best_figures(numbers, by, limit)
            elif by.field in COLUMNS and numbers is None:
                found = self._best_of_column(by, limit)
            if found is not None and len(found) == limit:
                return found
        if numbers is None:
            numbers = set(self._numbers(("SELECT n FROM runs WHERE trial = 0 AND gone = 0", [])))
        order = self.in_order(numbers)
        values = self.column(by.field, by.key)
        known = [n for n in order if n in values]
        figures = [n for n in known if not isinstance(values[n], str)]
        texts = [n for n in known if isinstance(values[n], str)]
        figures.sort(key=values.__getitem__, reverse=by.largest)
        texts.sort(key=values.__getitem__)
        parts = [[*figures, *texts], [n for n in order if n not in values]]
        return [n for part in parts for n in (part[::-1] if by.reverse else part)][:limit]

    def _best_figures(self, numbers: set[int] | None, by: By, limit: int) -> list[int] | None:
        """The same from an index, where all of them have one number; None when that is not so."""
        k = self._ask("SELECT k FROM keys WHERE kind = ? AND name = ?", (by.field, by.key or ""))
        if not k or self._ask("SELECT 1 FROM texts WHERE k = ? LIMIT 1", k[0]):
            return None
        passed = self._passed_over(trials=False) if numbers is None else set()
        found: list[int] = []
        values: dict[int, float] = {}
        alike: set[int] = set()
        last: float | None = None
        way = "DESC" if by.largest else "ASC"
        for n, value in self._each(f"SELECT n, value FROM numbers WHERE k = ? ORDER BY value {way}", k[0]):
            if n in passed or (numbers is not None and n not in numbers):
                continue
            if value != last:
                found += self.in_order(alike, limit - len(found))
                alike.clear()
                if len(found) == limit:
                    break
                last = value
            if values.setdefault(n, value) != value:
                return None
            alike.add(n)
        else:
            found += self.in_order(alike, limit - len(found))
        query = "SELECT max(value) FROM numbers WHERE n = ? AND k = ?"
        one_each = all(self._ask(query, (n, *k[0]))[0][0] == values[n] for n in found)
        return found if one_each else None

    def _best_of_column(self, by: By, limit: int) -> list[int]:
        """The same of a column of runs, as far as they have it."""
        way = "DESC" if by.largest and by.field in FIGURES else "ASC"
        # The signs have the rows read as they lie there.
        query = f"SELECT n FROM runs WHERE +trial = 0 AND +gone = 0 AND {by.field} IS NOT NULL"
        return self._numbers((f"{query} ORDER BY {by.field} {way}, started DESC, id LIMIT ?", [limit]))

    def _passed_over(self, *, trials: bool) -> set[int]:
        """Runs that were put away, and those made by `xt verify` unless these are wanted."""
        which = "gone = 1" if trials else "1"
        return set(
            self._numbers((f"SELECT n FROM runs INDEXED BY unusual WHERE ({UNUSUAL}) AND {which}", []))
        )

    def shown(self, run_ids: list[str], besides: Iterable[str]) -> dict[str, int]:
        """How many letters of ids to show, as `Store.shown_all` says it.

        Args:
            run_ids: the runs.
            besides: ids that are not in here.
        """
        others = [*besides]
        query = "SELECT max(id) FROM runs WHERE id < ? UNION ALL SELECT min(id) FROM runs WHERE id > ?"
        found = {}
        for run_id in run_ids:
            # In order, nobody shares more letters with an id than its neighbours.
            beside = [row[0] for row in self._ask(query, (run_id, run_id)) if row[0] is not None]
            found[run_id] = runid.shortest_unique(run_id, [*beside, *others])
        return found

    def rows(self, numbers: list[int]) -> list[Summary]:
        """Runs as they stand now.

        Args:
            numbers: of `matching`, in the order to give them.
        """
        found = []
        for n in numbers:
            for row in self._ask("SELECT summary, standing FROM shown WHERE n = ?", (n,)):
                try:
                    found.append(_as_it_stands(*row))
                except msgspec.DecodeError as error:
                    raise self._lost() from error
        return found

    # --- values ------------------------------------------------------------------------------------

    def column(self, field: str, key: str | None) -> dict[int, Cell]:
        """One property of every run that has it, by number; of several values one.

        Args:
            field: `metric`, `param`, `fact` or `env` with a key; `tag`; or a column of `runs`.
            key: its name.
        """
        found: dict[int, Cell] = {}
        for query, values in _queries(field, key):
            found.update(self._pairs(query, values))
        return found

    def figures(self, field: str, key: str) -> dict[int, float]:
        """The numbers among these."""
        (numbers, values), texts = _queries(field, key)
        found: dict[int, float] = self._pairs(f"{numbers} AND typeof(value) = 'real'", values)
        for n in self._pairs(*texts):
            found.pop(n, None)
        return found

    def not_ok(self) -> set[int]:
        """Runs that did not end well, or have not ended."""
        return set(self._numbers(("SELECT n FROM runs WHERE status < 'ok' OR status > 'ok'", [])))

    def newest_first(self, *, trials: bool) -> Iterator[tuple[int, str | None, str]]:
        """Number, start and id of runs, one after the other as long as they are wanted."""
        kinds = "trial IN (0, 1)" if trials else "trial = 0"
        query = f"SELECT n, started, id FROM runs WHERE {kinds} AND gone = 0 ORDER BY started DESC, id"
        yield from self._each(query)

    def cells(self, field: str, key: str | None, numbers: list[int] | None = None) -> dict[int, list[Cell]]:
        """The same, with all values.

        Args:
            field: as for `column`.
            key: likewise.
            numbers: of the runs that are of interest, all by default.
        """
        chosen, bound = "", []
        if numbers is not None and len(numbers) <= FEW:
            chosen = f" AND n IN ({', '.join('?' * len(numbers))})"
            bound = numbers
        found: dict[int, list[Cell]] = {}
        for query, values in _queries(field, key):
            for n, value in self._ask(query + chosen, [*values, *bound]):
                found.setdefault(n, []).append(value)
        return found

    # --- the tables --------------------------------------------------------------------------------

    def _ask(self, query: str, values: Sequence[Cell | bytes] = ()) -> list[Any]:
        """Give all rows.

        Raises:
            StoreError: the file is damaged, where bringing it up to date did not come by; or held for long.
        """
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._fault(error) from error

    def _pairs(self, query: str, values: Sequence[Cell | bytes]) -> dict[int, Any]:
        """Give rows of two columns, the last of those that begin with one number; as `_ask`."""
        try:
            return dict(self._db.execute(query, values))
        except sqlite3.DatabaseError as error:
            raise self._fault(error) from error

    def _each(self, query: str, values: Sequence[Cell | bytes] = ()) -> Iterator[Any]:
        """Give one row after the other; as `_ask`."""
        try:
            yield from self._db.execute(query, values)
        except sqlite3.DatabaseError as error:
            raise self._fault(error) from error

    def _numbers(self, select: Condition) -> list[int]:
        """Give the numbers that a question selects, as `n`, in its order.

        They come as one text: to hand over a row takes five times as long as to find it.
        """
        text = self._ask(f"SELECT group_concat(n) FROM ({select[0]})", select[1])[0][0]
        try:
            return _many.decode(f"[{text or ''}]")
        except msgspec.DecodeError as error:
            raise self._lost() from error

    def _fault(self, error: sqlite3.DatabaseError) -> Exception:
        """What an error of SQLite means."""
        if error.sqlite_errorcode & 0xFF in HELD:
            return StoreError("another process holds the index of the store", "try again")
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:
            return self._lost(f"cannot be read ({error})")
        return self._lost() if error.sqlite_errorcode & 0xFF in DAMAGED else error

    def _lost(self, why: str = "") -> StoreError:
        """Take damaged tables away; give what to say of that."""
        raise NotImplementedError


def _queries(field: str, key: str | None) -> list[tuple[str, list[str]]]:
    """Questions whose answers are numbers of runs and values; a condition may follow."""
    if field in KINDS:
        where = "k = (SELECT k FROM keys WHERE kind = ? AND name = ?)"
        return [(f"SELECT n, value FROM {table} WHERE {where}", [field, key or ""]) for table in VALUES]
    if field == "env":
        query = "SELECT n, version FROM runs JOIN parts ON environment = e WHERE parts.name = ?"
        return [(query, [key or ""])]
    if field == "tag":
        return [("SELECT n, tag FROM tags WHERE 1", [])]
    if field in COLUMNS:
        return [(f"SELECT n, {field} FROM runs WHERE {field} IS NOT NULL", [])]
    raise KeyError(field)


def _as_it_stands(summary: bytes, standing: bytes | None) -> Summary:
    row = summaries.decode(summary)
    return row if standing is None else row.standing(standings.decode(standing))
