"""What can stand where something is typed: candidates for shells, out of the index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, get_args

from xt.context import Outside
from xt.model.event import BASELINE
from xt.model.level import LEVELS
from xt.model.query import Operator, Term
from xt.model.summary import Shown, Summary
from xt.model.text import from_text, to_shown
from xt.query import FIELDS, OPERATORS, Field, written
from xt.store import Store, events, find_root, locate
from xt.store.index.offers import Offers

#: Runs offered by their ids.
RUNS = 50
#: Names, tags, values of one sort.
MOST = 100
#: What an open candidate ends with: more has to follow, so no space does.
OPEN = (".", ":", "=", "<", ">")
#: Letters of a description.
ABOUT = 60

_TERM = re.compile(
    r"""(?P<field>[A-Za-z_]+)
        (?P<dot>\.(?P<key>"(?:[^"\\]|\\.)*"?|(?:\{[^{}]*\}?|[^\s()"':=!<>{}])*))?
        (?P<sign>!=|<=|>=|[:=<>])?
        (?P<value>.*)""",
    re.X | re.S,
)
#: The sign that is offered with the name of a field.
_USUAL: dict[str, Operator] = {"number": "=", "duration": ">", "level": ">="}


class Candidate(NamedTuple):
    """Something that can be typed."""

    text: str
    """The whole word."""
    about: str = ""


class Completing:
    """A project in which something is typed."""

    def __init__(self, outside: Outside) -> None:
        """Open its index, and bring it up to date.

        Raises:
            XtError, OSError: there is no store, or none that can be used.
        """
        self._outside = outside
        self._store = Store.open(
            locate(outside.cwd, outside.environ), foreign=bool(outside.environ.get("XT_FOREIGN_STORE"))
        )
        self._index = Offers(self._store)

    def candidates(self, kinds: Iterable[str], word: str) -> list[Candidate]:
        """What can stand in place of a word.

        Args:
            kinds: of values that are taken there, keys of `KINDS`; others have no candidates.
            word: its beginning, as a program would get it.

        Returns:
            Each once, all of them beginning with the word.
        """
        found: dict[str, Candidate] = {}
        for kind in kinds:
            for one in KINDS.get(kind, _none)(self, word):
                if one.text.startswith(word) and _can_be_typed(one.text):
                    found.setdefault(one.text, one)
        return list(found.values())

    # --- kinds -------------------------------------------------------------------------------------

    def runs(self, word: str) -> Iterator[Candidate]:
        """References."""
        yield Candidate("@", "the newest run")
        yield Candidate("@~1", "the one before it")
        for name, run_id in sorted(
            events.pinned(self._store.path).items(), key=lambda pin: (pin[0] != BASELINE, pin[0])
        ):
            yield Candidate(name, f"pinned on {run_id}")
        for run_id in self._store.live_ids():
            yield Candidate(run_id, "has not ended")
        for row in self._index.newest_like(word, RUNS):
            yield Candidate(row.id, _about(row))
        yield from (Candidate(name, "a name") for name in self._index.names(word, MOST))
        yield from (Candidate(tag, "a tag") for tag in self._index.tags(word, MOST))

    def outputs(self, word: str) -> Iterator[Candidate]:
        """Outputs of a run, as `RUN:OUTPUT`."""
        reference, colon, _ = word.partition(":")
        if not colon:
            return
        from xt.ops.find import resolve

        record = self._store.record(resolve(self._store, reference, self._outside))
        for item in record.result.outputs:
            if item.path is not None:
                yield Candidate(f"{reference}:{to_shown(from_text(item.path))}", item.role)

    def query(self, word: str) -> Iterator[Candidate]:
        """The last condition of a query."""
        start = _last_term(word)
        head, typed = word[:start], word[start:]
        found = [one for one in self._terms(typed) if one.text.startswith(typed)]
        if len(found) == 1 and found[0].text.endswith(OPEN) and found[0].text != typed:
            # The only way to go on: what follows it is of interest.
            found = list(self._terms(found[0].text)) or found
        yield from (Candidate(head + one.text, one.about) for one in found)

    def properties(self, word: str) -> Iterator[Candidate]:
        """What runs can be sorted and grouped by."""
        from xt.ops.search import PLAIN

        yield from (Candidate(name, FIELDS[name].summary if name in FIELDS else "") for name in PLAIN)
        field, dot, key = word.partition(".")
        for one in FIELDS.values():
            if one.keyed and dot and one.name == field:
                yield from (
                    Candidate(f"{field}.{name}") for name in self._keys(field) if name.startswith(key)
                )
            elif one.keyed and not dot:
                yield Candidate(f"{one.name}.", one.summary)

    def columns(self, word: str) -> Iterator[Candidate]:
        """Several of them with commas between."""
        from xt.ops.columns import BUILT_IN

        head, comma, last = word.rpartition(",")
        chosen = head.split(",")
        if not comma:
            yield Candidate("auto", "as it was at first")
        for one in [*map(Candidate, BUILT_IN), *self.properties(last)]:
            if one.text not in chosen:
                yield Candidate(head + comma + one.text, one.about)

    def metrics(self, word: str) -> Iterator[Candidate]:
        """Names of metrics."""
        yield from map(Candidate, self._keys("metric"))

    def observed(self, word: str) -> Iterator[Candidate]:
        """Names of what was measured in production."""
        yield from map(Candidate, self._index.observed())

    def axes(self, word: str) -> Iterator[Candidate]:
        """What a plot can be drawn over."""
        yield from map(Candidate, ("step", "run", "time"))
        yield from (Candidate(f"param.{name}") for name in self._keys("param"))

    def tags(self, word: str) -> Iterator[Candidate]:
        """Tags that some run has."""
        yield from map(Candidate, self._index.tags(word, MOST))

    def environments(self, word: str) -> Iterator[Candidate]:
        """Where something was deployed."""
        yield from map(Candidate, self._index.environments())

    def remotes(self, word: str) -> Iterator[Candidate]:
        """Names of remotes."""
        from xt.ops.remotes import listed

        yield from (Candidate(one.name, one.url) for one in listed(self._outside).remotes)

    def tasks(self, word: str) -> Iterator[Candidate]:
        """Tasks of `xt.toml`."""
        from xt import config

        settings = config.load(find_root(self._outside.cwd), self._outside.cwd).settings
        for name, task in settings.task.items():
            yield Candidate(name, task.command or "")

    # --- one condition -----------------------------------------------------------------------------

    def _terms(self, typed: str) -> Iterator[Candidate]:
        found = _TERM.fullmatch(typed)
        field = FIELDS.get(found["field"]) if found else None
        if found is None or field is None or (not found["sign"] and not found["dot"]):
            yield from _fields(typed)
        elif field.keyed and found["dot"] and not found["sign"]:
            yield from self._keyed(field, typed)
        elif found["sign"] in OPERATORS[field.kind]:
            key = found["key"]
            if key and key.startswith('"'):
                key = re.sub(r"\\(.)", r"\1", key[1:-1])
            prefix = found["value"].removeprefix('"')
            for value in self._values(field, key, prefix):
                yield Candidate(written(Term(field.name, key, found["sign"], value)))

    def _keyed(self, field: Field, typed: str) -> Iterator[Candidate]:
        names = [written(Term(field.name, name, "has", "")) for name in self._keys(field.name)]
        fitting = [name for name in names if name.startswith(typed)]
        for name in fitting:
            if len(fitting) == 1 or name == typed:
                signs = [sign for sign in OPERATORS[field.kind] if sign not in (":", "has")]
                yield from (Candidate(name + sign) for sign in signs)
            else:
                yield Candidate(name)

    def _keys(self, field: str) -> list[str]:
        return self._index.parts() if field == "env" else self._index.keys(field)

    def _values(self, field: Field, key: str | None, prefix: str) -> list[str]:
        index = self._index
        if field.name == "env":
            return index.versions(key or "")
        if field.name in ("param", "fact"):
            return index.values(field.name, key or "", prefix, MOST)
        if field.name in ("input", "output"):
            return index.paths(made=field.name == "output", prefix=prefix, limit=MOST)
        if field.name in _COLUMNS:
            return index.column_values(_COLUMNS[field.name], prefix, MOST)
        offered: dict[str, Callable[[], list[str]]] = {
            "status": lambda: [word for part in get_args(Shown) for word in (get_args(part) or (part,))],
            "tag": lambda: index.tags(prefix, MOST),
            "user": lambda: ["me", *index.column_values("user", prefix, MOST)],
            "pinned": lambda: list(events.pinned(self._store.path)),
            "deployed": lambda: [*index.environments(), "*"],
            "evidence": lambda: ["complete", "incomplete"],
            "since": lambda: ["today", "yesterday", "1h", "1d", "7d", "30d"],
            "before": lambda: ["today", "yesterday", "1h", "1d", "7d", "30d"],
            "level": lambda: [*LEVELS, "none"],
            "id": lambda: [row.id for row in index.newest_like(prefix, RUNS)],
            "repeats": lambda: [row.id for row in index.newest_like(prefix, RUNS)],
        }
        return offered[field.name]() if field.name in offered else []


#: Fields whose values are those of a column.
_COLUMNS = {
    "name": "name",
    "task": "task",
    "host": "host",
    "ticket": "ticket",
    "branch": "branch",
    "exit": "exit",
    "group": "grouped",
}
#: Kind of a value → its candidates.
KINDS: dict[str, Callable[[Completing, str], Iterator[Candidate]]] = {
    "run": Completing.runs,
    "output": Completing.outputs,
    "query": Completing.query,
    "property": Completing.properties,
    "columns": Completing.columns,
    "metric": Completing.metrics,
    "axis": Completing.axes,
    "observed": Completing.observed,
    "tag": Completing.tags,
    "environment": Completing.environments,
    "remote": Completing.remotes,
    "task": Completing.tasks,
}


def _none(_: Completing, word: str) -> Iterator[Candidate]:
    return iter(())


def _fields(typed: str) -> Iterator[Candidate]:
    """Names of fields with what follows them; of a whole name every sign it takes."""
    for field in FIELDS.values():
        if field.keyed:
            yield Candidate(f"{field.name}.", field.summary)
        elif field.name == typed:
            yield from (Candidate(field.name + sign, field.summary) for sign in OPERATORS[field.kind])
        else:
            yield Candidate(field.name + _USUAL.get(field.kind, ":"), field.summary)
    yield from (Candidate(word) for word in ("not", "and", "or") if typed and word != typed)


def _last_term(word: str) -> int:
    """Where the last condition of a query begins."""
    start, quoted, at = 0, False, 0
    while at < len(word):
        character = word[at]
        if quoted and character == "\\":
            at += 1
        elif character == '"':
            quoted = not quoted
        elif not quoted and (character.isspace() or character in "()"):
            start = at + 1
        at += 1
    return start


def _about(row: Summary) -> str:
    words = row.purpose or " ".join(to_shown(from_text(word)) for word in row.command)
    return words if row.status == "ok" else f"{row.status}: {words}"


def _can_be_typed(text: str) -> bool:
    """Whether a shell can show and insert it, and no command takes it for an option."""
    return text.isprintable() and not text.startswith("-")
