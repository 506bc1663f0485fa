"""A question about runs → a condition of SQL on the table `runs`. Values are bound, never written into it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, get_args

from xt.context import timestamp
from xt.errors import DamagedError, UnsupportedError
from xt.model.level import LEVELS
from xt.model.query import Both, Either, Not, Query, Term, Words
from xt.model.summary import Shown
from xt.moments import HINT, length, moment
from xt.query import QueryError
from xt.store.index.pieces import Condition, Value, among, is_glob, joined, literal, literally, match
from xt.store.index.rows import rank_of
from xt.store.index.versions import version_key
from xt.suggest import suggest

#: Field → column that is compared whole. Most runs are `ok`, so the index of that column is no way to them.
_COLUMNS = {"status": "+status", "name": "name", "task": "task", "user": "user", "host": "host"}
_COLUMNS |= {"ticket": "ticket", "branch": "branch", "group": "grouped"}
#: Field → column of which a beginning is enough.
_BEGINNINGS = {"id": "id", "commit": "head", "repeats": "repeats", "recipe": "recipe"}
#: Fields of what is in tables of its own → whether `!=` is the opposite of `:`, as it is of words.
_APART = dict.fromkeys(("metric", "param", "fact"), "value") | dict.fromkeys(("input", "output"), "file")
_APART |= dict.fromkeys(("tag", "purpose", "command", "note"), "word")
_TIMES = ("since", "before")
_HEX = re.compile(r"[0-9a-fA-F]{1,64}")
_STATUSES: tuple[str, ...] = tuple(word for part in get_args(Shown) for word in get_args(part))


class Asking(NamedTuple):
    """What a question means depends on who asks, and when."""

    now: datetime
    user: str | None
    required: Callable[[str | None], Sequence[str]]
    """What evidence is required of the runs of a task."""
    tasks: Sequence[str]
    """Those that may require something of their own."""
    pinned: Callable[[], Mapping[str, str]]
    """Run by pinned name; asked for only when the question needs it."""
    versions: Callable[[str], list[str]]
    """All versions of a part of an environment."""
    can_search_words: bool


class Compiler:
    """One query on its way to SQL."""

    def __init__(self, text: str, asking: Asking) -> None:
        """Prepare.

        Args:
            text: of the query, for messages.
            asking: who asks.
        """
        self.text = text
        self.asking = asking

    def condition(self, query: Query) -> Condition:
        """Compile a query.

        Raises:
            QueryError: a value makes no sense for its field.
            UnsupportedError: full text cannot be searched here.
        """
        if isinstance(query, Words):
            return among(self.words([query]))
        if isinstance(query, Not):
            sql, values = self.condition(query.of)
            return f"NOT coalesce({sql}, 0)", values
        if isinstance(query, Both | Either):
            if not query.of:
                return "1", []
            parts = [self.condition(part) for part in query.of]
            joint = " AND " if isinstance(query, Both) else " OR "
            return joined([sql for sql, _ in parts], joint), [
                value for _, values in parts for value in values
            ]
        return self._term(query)

    def numbers(self, term: Term) -> Condition | None:
        """A question for the numbers, as `n`, of the runs that fulfil a term; a number may come twice.

        Returns:
            None for a term that is about columns of `runs`, or an opposite: every row has to be looked at.

        Raises:
            QueryError, UnsupportedError: as `condition`.
        """
        if term.field in _TIMES:
            sql, values = self._time(term)
            # Of an index alone, and not of the rows.
            return f"SELECT n FROM runs WHERE trial IN (0, 1) AND gone IN (0, 1) AND {sql}", values
        if term.field == "status" and term.operator != "!=" and term.value != "ok":
            sql, values = self._column(term)
            return f"SELECT n FROM runs WHERE {sql.removeprefix('+')}", values
        if term.field not in _APART or (term.operator == "!=" and _APART[term.field] == "word"):
            return None
        return self._select(term)

    def words(self, all_of: Sequence[Words]) -> Condition:
        """The same of words, all of which are to be found.

        Raises:
            UnsupportedError: full text cannot be searched here.
        """
        return self._matching(" AND ".join(f"({literally(word.text, word.phrase)})" for word in all_of))

    def _apart(self, term: Term) -> Condition:
        """A condition on what is in tables of its own."""
        condition = among(self._select(term))
        return self._maybe_not(term, condition) if _APART[term.field] == "word" else condition

    def _select(self, term: Term) -> Condition:
        handler: dict[str, Callable[[Term], Condition]] = {
            **dict.fromkeys(("metric", "param", "fact"), self._value),
            **dict.fromkeys(("input", "output"), self._file),
            "tag": self._tag,
        }
        return handler.get(term.field, self._text)(term)

    def _term(self, term: Term) -> Condition:
        handler: Callable[[Term], Condition] = {
            **dict.fromkeys(_APART, self._apart),
            "env": self._part,
            "since": self._time,
            "before": self._time,
            "time": self._duration,
            "exit": self._exit,
            "level": self._level,
            "deployed": self._deployed,
            "pinned": self._pinned,
            "evidence": self._evidence,
        }.get(term.field, self._column)
        return handler(term)

    def _fail(self, term: Term, message: str, hint: str | None = None) -> QueryError:
        return QueryError(message, self.text, term.at, hint)

    # --- words -------------------------------------------------------------------------------------

    def _matching(self, match: str) -> Condition:
        if not self.asking.can_search_words:
            raise UnsupportedError(
                "the SQLite of this Python cannot search full text (it has no FTS5)",
                "ask by fields, such as `tag:NAME`",
            )
        return "SELECT rowid AS n FROM words WHERE words MATCH ?", [match]

    def _text(self, term: Term) -> Condition:
        if term.operator == "=":
            return f"SELECT rowid AS n FROM words WHERE {term.field} = ?", [term.value]
        return self._matching(f"{term.field} : {literally(term.value, phrase=False)}")

    # --- columns -----------------------------------------------------------------------------------

    def _column(self, term: Term) -> Condition:
        value = term.value
        if term.field == "user" and value == "me":
            value = self.asking.user or "me"
        if term.field == "status" and not is_glob(value) and value not in _STATUSES:
            raise self._fail(term, f"no status `{value}`", suggest(value, _STATUSES, "statuses"))
        if term.field in _BEGINNINGS:
            column = _BEGINNINGS[term.field]
            low = value.lower()
            if column == "recipe":
                low = "blake3:" + low.removeprefix("blake3:")
            if term.operator != "=" and is_glob(low):
                return self._maybe_not(term, (f"{column} GLOB ?", [low]))
            return self._maybe_not(term, (f"substr({column}, 1, ?) = ?", [len(low), low]))
        return self._maybe_not(term, match(_COLUMNS[term.field], value, exact=term.operator == "="))

    @staticmethod
    def _maybe_not(term: Term, condition: Condition) -> Condition:
        """Of words `!=` is the opposite: a run without any is among the others."""
        sql, values = condition
        return (f"NOT coalesce({sql}, 0)", values) if term.operator == "!=" else condition

    def _tag(self, term: Term) -> Condition:
        """A tag, or a pinned name: a reference does not tell the two apart either."""
        sql, values = match("tag", term.value, exact=term.operator == "=")
        try:
            pinned, runs = self._pinned_to(term)
        except DamagedError:
            # That an event cannot be read is said with the list; tags are known all the same.
            pinned, runs = "0", []
        found = f"SELECT n FROM tags WHERE {sql} UNION ALL SELECT n FROM runs WHERE {pinned}"
        return found, [*values, *runs]

    def _pinned(self, term: Term) -> Condition:
        return self._maybe_not(term, self._pinned_to(term))

    def _pinned_to(self, term: Term) -> Condition:
        runs: list[Value] = [
            run
            for name, run in sorted(self.asking.pinned().items())
            if (fnmatchcase(name, term.value) if term.operator != "=" else name == term.value)
        ]
        return f"id IN ({', '.join('?' * len(runs))})", runs

    def _deployed(self, term: Term) -> Condition:
        sql, values = match("place", term.value, exact=term.operator == "=")
        return self._maybe_not(term, (f"id IN (SELECT run FROM live WHERE {sql})", values))

    def _evidence(self, term: Term) -> Condition:
        words = ("complete", "incomplete")
        if term.value not in words:
            raise self._fail(term, f"evidence is not `{term.value}`", suggest(term.value, words, "words"))
        whole, values = _having(self.asking.required(None))
        cases = []
        before: list[Value] = []
        for task in self.asking.tasks:
            sql, bound = _having(self.asking.required(task))
            cases.append(f"WHEN ? THEN {sql}")
            before += [task, *bound]
        if cases:
            whole, values = f"CASE task {' '.join(cases)} ELSE {whole} END", [*before, *values]
        complete = (term.value == "complete") == (term.operator != "!=")
        return (whole if complete else f"NOT {whole}"), values

    # --- numbers, times, levels --------------------------------------------------------------------

    def _time(self, term: Term) -> Condition:
        try:
            at = timestamp(moment(term.value, self.asking.now))
        except ValueError as error:
            raise self._fail(term, str(error), HINT) from error
        return f"started {'>=' if term.field == 'since' else '<'} ?", [at]

    def _duration(self, term: Term) -> Condition:
        try:
            seconds = length(term.value)
        except ValueError as error:
            raise self._fail(term, str(error), "write it as `90`, `90s`, `5min` or `2h`") from error
        return f"wall {_sign(term)} ?", [seconds]

    def _exit(self, term: Term) -> Condition:
        return f"exit {_sign(term)} ?", [self._number(term)]

    def _number(self, term: Term) -> float:
        number = _number(term.value)
        if number is None:
            raise self._fail(term, f"`{term.value}` is no number")
        return number

    def _level(self, term: Term) -> Condition:
        if term.value == "none" and term.operator in (":", "=", "!="):
            return ("level IS NULL" if term.operator != "!=" else "level IS NOT NULL"), []
        if term.value not in LEVELS:
            raise self._fail(
                term, f"no level `{term.value}`", suggest(term.value, [*LEVELS, "none"], "levels")
            )
        level = next(level for level in LEVELS if level == term.value)
        return f"level {_sign(term)} ?", [rank_of(level)]

    def _value(self, term: Term) -> Condition:
        """A metric, param or fact: numbers are compared as such, all else as text."""
        named, names = match("name", term.key or "", exact=False)
        keys = f"SELECT k FROM keys WHERE kind = ? AND {named}"
        values: list[Value] = [term.field, *names]
        if term.operator == "has":
            both = [f"SELECT n FROM {table} WHERE k IN ({keys})" for table in ("numbers", "texts")]
            return " UNION ALL ".join(both), [*values, *values]
        number = _number(term.value)
        parts: list[str] = []
        bound: list[Value] = []
        if number is not None:
            parts.append(f"SELECT n FROM numbers WHERE k IN ({keys}) AND value {_sign(term)} ?")
            bound += [*values, number]
        elif (
            term.field == "metric" or term.operator in ("<", "<=", ">", ">=")
        ) and term.value.lower() != "nan":
            raise self._fail(term, f"`{term.value}` is no number")
        if term.operator in (":", "=", "!="):
            sql, matched = match("value", term.value, exact=term.operator != ":")
            opposite = "NOT " if term.operator == "!=" else ""
            parts.append(f"SELECT n FROM texts WHERE k IN ({keys}) AND {opposite}({sql})")
            bound += [*values, *matched]
            if term.operator == "!=" and number is None:
                parts.append(f"SELECT n FROM numbers WHERE k IN ({keys})")
                bound += values
        return " UNION ALL ".join(parts) or "SELECT n FROM numbers WHERE 0", bound

    # --- what it ran in, read and made -------------------------------------------------------------

    def _part(self, term: Term) -> Condition:
        name = term.key or ""
        known = self.asking.versions(name)
        if not known:
            normal = re.sub(r"[-_.]+", "-", name).lower()
            known, name = self.asking.versions(normal), normal
        if term.operator in (":", "=", "!="):
            sql, matched = match("version", term.value, exact=term.operator != ":")
            if term.operator == ":" and term.value[:1].isdigit():
                # `env.torch:2.4` is 2.4 and 2.4.1, and not 2.41.
                sql, matched = f"({sql} OR version GLOB ?)", [*matched, literal(term.value) + ".*"]
            opposite = "NOT " if term.operator == "!=" else ""
            found = f"SELECT e FROM parts WHERE name = ? AND {opposite}({sql})"
            return f"environment IN ({found})", [name, *matched]
        if term.operator == "has":
            return "environment IN (SELECT e FROM parts WHERE name = ?)", [name]
        wanted = version_key(term.value)
        if not term.value[:1].isdigit():
            raise self._fail(term, f"`{term.value}` is no version")
        compare: dict[str, Callable[[Any, Any], bool]] = {
            "<": lambda a, b: a < b,
            "<=": lambda a, b: a <= b,
            ">": lambda a, b: a > b,
            ">=": lambda a, b: a >= b,
        }
        fitting: list[Value] = [
            version for version in known if compare[term.operator](version_key(version), wanted)
        ]
        marks = ", ".join("?" * len(fitting))
        return f"environment IN (SELECT e FROM parts WHERE name = ? AND version IN ({marks}))", [
            name,
            *fitting,
        ]

    def _file(self, term: Term) -> Condition:
        path, at, digest = term.value.rpartition("@")
        if not at or not _HEX.fullmatch(digest.removeprefix("blake3:")):
            path, digest = term.value, ""
        parts, values = ["made = ?"], [int(term.field == "output")]
        bound: list[Value] = [*values]
        if digest:
            digits = digest.removeprefix("blake3:")
            parts.append("digest BETWEEN ? AND ?")
            bound += [bytes.fromhex(digits.ljust(64, "0")), bytes.fromhex(digits.ljust(64, "f"))]
        role, colon, rest = path.partition(":")
        if colon:
            parts.append("role = ?")
            bound.append(role)
            path = rest
        path = path.removeprefix("./").rstrip("/")
        if path and is_glob(path):
            parts.append("path GLOB ?")
            bound.append(path)
        elif path:
            inside = literal(path)
            parts.append("(path = ? OR path GLOB ? OR path GLOB ? OR path GLOB ?)")
            bound += [path, f"{inside}/*", f"*/{inside}", f"*/{inside}/*"]
        return f"SELECT n FROM files WHERE {' AND '.join(parts)}", bound


def _having(fields: Sequence[str]) -> Condition:
    """The condition that a run has come to its end and has all of some fields of evidence."""
    parts = ["status NOT IN ('damaged', 'running', 'lost', 'unknown')"]
    values: list[Value] = []
    for field in fields:
        name, _, level = field.partition(".")
        if name == "level":
            parts.append("level >= ?")
            values.append(rank_of(next((one for one in LEVELS if one == level), "consistent")))
        else:
            parts.append("instr(has, ?) > 0")
            values.append(f"\n{field}\n")
    return f"coalesce({' AND '.join(parts)}, 0)", values


def _sign(term: Term) -> str:
    return "=" if term.operator == ":" else term.operator


def _number(text: str) -> float | None:
    try:
        number = float(text) if "_" not in text else None
    except ValueError:
        return None
    return None if number is None or number != number else number  # noqa: PLR0124
