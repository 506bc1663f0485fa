r"""The query language of `xt ls`: text → `xt.model.query`, errors with their column.

    query  = either
    either = both { "or" both }
    both   = one { ["and"] one }
    one    = "not" one | "(" either ")" | term | words
    term   = FIELD [ "." KEY ] OPERATOR VALUE | FIELD "." KEY
    words  = WORD | '"' TEXT '"'

Values and keys may be quoted; inside quotes `\` takes the next character as it is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from xt.errors import UsageError
from xt.model.query import Both, Either, Not, Operator, Query, Term, Words
from xt.suggest import suggest

#: Nesting of a query; a deeper one is a mistake, and too deep for the parser of SQLite (100 symbols).
DEPTH = 15
#: Characters of one.
LONGEST = 10_000


class Field(NamedTuple):
    """Something a query can ask for."""

    name: str
    kind: str
    """How its value is read: a key of `OPERATORS`."""
    summary: str
    keyed: bool = False
    """Whether a name follows after a dot."""


#: What each kind of value can be asked.
OPERATORS: dict[str, tuple[Operator, ...]] = {
    "word": (":", "=", "!="),
    "text": (":", "=", "!="),
    "file": (":", "="),
    "time": (":", "="),
    "number": ("=", ":", "!=", "<", "<=", ">", ">="),
    "duration": ("=", ":", "!=", "<", "<=", ">", ">="),
    "level": (":", "=", "!=", "<", "<=", ">", ">="),
    "value": (":", "=", "!=", "<", "<=", ">", ">=", "has"),
    "figure": ("=", ":", "!=", "<", "<=", ">", ">=", "has"),
    "version": (":", "=", "!=", "<", "<=", ">", ">=", "has"),
}
FIELDS = {
    field.name: field
    for field in (
        Field("status", "word", "How it ended: `ok`, `failed`, `interrupted`, …; or `running`, `lost`."),
        Field("tag", "word", "A tag it has now, or a name that is pinned on it, such as `baseline`."),
        Field("name", "word", "Its name now."),
        Field("task", "word", "The task of `xt.toml` it was run as."),
        Field("id", "word", "The beginning of its id."),
        Field("user", "word", "Who ran it; `me` is you."),
        Field("host", "word", "Where it ran."),
        Field("ticket", "word", "Its ticket."),
        Field("branch", "word", "The branch that was checked out."),
        Field("commit", "word", "The beginning of the commit it started from."),
        Field("recipe", "word", "The beginning of its recipe's digest."),
        Field("repeats", "word", "The beginning of the id of the run it repeats."),
        Field("group", "word", "The array of jobs it is of, such as `slurm:4711`; globs do."),
        Field("pinned", "word", "A name that is pinned on it now, such as `baseline`."),
        Field("deployed", "word", "An environment in which something of it is live now; `*` for any."),
        Field("evidence", "word", "`complete` or `incomplete`: whether it has all that is required."),
        Field("purpose", "text", "Words of its purpose."),
        Field("command", "text", "Words of its command."),
        Field("note", "text", "Words of the notes on it."),
        Field("input", "file", "`PATH`, `PATH@DIGEST` or `@DIGEST` of an input; beginnings do, and globs."),
        Field("output", "file", "The same, of an output."),
        Field("since", "time", "Started at that time or later: `7d`, `2h`, `2026-11-20`, `today`."),
        Field("before", "time", "Started before that time."),
        Field("time", "duration", "How long it took: `90`, `5min`, `2h`."),
        Field("exit", "number", "Exit code of the command."),
        Field("level", "level", "How well it repeats, as last verified: `identical` > `equivalent` > …"),
        Field("metric", "figure", "A number that came out.", keyed=True),
        Field("param", "value", "A setting.", keyed=True),
        Field("fact", "value", "A declared fact.", keyed=True),
        Field("env", "version", "A package, or `python`, `system`, `cpu`, `gpu`, `cuda`, …", keyed=True),
    )
}  # fmt: skip

_WORD = re.compile(r"[^\s()\"]+")
_FIELD = re.compile(r"[A-Za-z_]+")
_OPERATOR = re.compile(r"!=|<=|>=|[:=<>]")
#: What looks like a condition on a field with a name, and is not `https://…?a=b`.
_MISTAKEN = re.compile(r"[A-Za-z_]+\.[^\s()\":=!<>]+(?:!=|<=|>=|[=<>])")
#: Halves of characters, which stand for bytes that are not UTF-8 in what was typed (PEP 383).
_STRANGE = re.compile("[\ud800-\udfff]")
#: What ends a key that is not quoted; labels in braces belong to it.
_KEY = re.compile(r"(?:\{[^{}]*\}|[^\s()\"':=!<>{}])+")


class QueryError(UsageError):
    """A query that cannot be read: the message says what, and a line below points at the column."""

    code = "query"
    advice = "`xt ls --help` names the fields, docs/reference/query.md explains them"
    example = "xt run -q -- true; xt ls 'tag:'"

    def __init__(self, message: str, text: str, at: int, hint: str | None = None) -> None:
        """Keep where it is.

        Args:
            message: what is wrong.
            text: the whole query.
            at: column, from 0.
            hint: what would help.
        """
        super().__init__(f"{message}, at column {at + 1} of the query", hint)
        self.excerpt = (text, at)


def parse(text: str) -> Query:
    """Read a query.

    Args:
        text: as typed; an empty one asks for all runs.

    Raises:
        QueryError: it cannot be read.
    """
    if len(text) > LONGEST:
        raise QueryError(f"a query has at most {LONGEST} characters", text[:80], 0)
    reader = _Reader(text)
    strange = _STRANGE.search(text)
    if strange is not None:
        raise reader.fail("it is not UTF-8 text", strange.start())
    found = reader.either(0)
    if not reader.done():
        raise QueryError("a `)` without its `(`", text, reader.at)
    return found


class _Reader:
    """A position in a query."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.space()

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def done(self) -> bool:
        return self.at >= len(self.text)

    def fail(self, message: str, at: int | None = None, hint: str | None = None) -> QueryError:
        return QueryError(message, self.text, self.at if at is None else at, hint)

    def keyword(self, word: str) -> bool:
        """Take a word of the language, if it is next."""
        found = _WORD.match(self.text, self.at)
        if found is None or found[0].lower() != word:
            return False
        self.at = found.end()
        self.space()
        return True

    def next_is(self, *words: str) -> bool:
        found = _WORD.match(self.text, self.at)
        return found is not None and found[0].lower() in words

    def either(self, depth: int) -> Query:
        if depth > DEPTH:
            raise self.fail(f"nested more than {DEPTH} deep")
        start = self.at
        found = [self.both(depth)]
        while self.keyword("or"):
            if self.ends():
                raise self.fail("nothing follows `or`")
            found.append(self.both(depth))
        if len(found) > 1 and found[0] == Both([]):
            raise self.fail("nothing is before `or`", start)
        return found[0] if len(found) == 1 else Either(found)

    def ends(self) -> bool:
        return self.done() or self.text[self.at] == ")" or self.next_is("or", "and")

    def both(self, depth: int) -> Query:
        found: list[Query] = []
        while not self.done() and self.text[self.at] != ")" and not self.next_is("or"):
            if self.next_is("and"):
                if not found:
                    raise self.fail("nothing is before `and`")
                self.keyword("and")
                if self.ends():
                    raise self.fail("nothing follows `and`")
            found.append(self.one(depth))
        return found[0] if len(found) == 1 else Both(found)

    def one(self, depth: int) -> Query:
        if depth > DEPTH:
            raise self.fail(f"nested more than {DEPTH} deep")
        if self.keyword("not"):
            if self.ends():
                raise self.fail("nothing follows `not`")
            return Not(self.one(depth + 1))
        if self.text[self.at] == "(":
            start = self.at
            self.at += 1
            self.space()
            found = self.either(depth + 1)
            if found == Both([]):
                raise self.fail("nothing is between `(` and `)`", start)
            if self.done():
                raise self.fail("a `(` without its `)`", start)
            self.at += 1
            self.space()
            return found
        if self.text[self.at] == '"':
            text = self.quoted()
            self.space()
            return Words(text, phrase=True)
        return self.term() or self.words()

    def words(self) -> Query:
        found = _WORD.match(self.text, self.at)
        if found is None:
            raise self.fail("it cannot be read from here")
        sign = _OPERATOR.match(found[0])
        if sign is not None:
            # Nobody looks for signs, which full text does not know anyway.
            raise self.fail(
                f"`{sign[0]}` does not follow a field",
                hint='conditions have no spaces: `metric.loss<0.5`; to look for the text, quote it: "…"',
            )
        self.at = found.end()
        self.space()
        return Words(found[0])

    def term(self) -> Query | None:
        """Read a condition; None when what is next is a plain word."""
        start = self.at
        named = _FIELD.match(self.text, start)
        if named is None:
            return None
        name = named[0].lower()
        at = named.end()
        key = None
        field = FIELDS.get(name)
        if field is not None and field.keyed and self.text[at : at + 1] == ".":
            self.at = at + 1
            key = self.key(name)
            at = self.at
        operator = _OPERATOR.match(self.text, at)
        if operator is None:
            if (field is None or not field.keyed) and _MISTAKEN.match(self.text, start):
                raise self.unknown(named[0], start)
            self.at = at if key is not None else start
            if key is None:
                return None
            self.end_of_term()
            self.space()
            return Term(name, key, "has", "", start)
        if field is None:
            raise self.unknown(named[0], start)
        if field.keyed and key is None:
            raise self.fail(f"`{name}` needs a name", at, f"write `{name}.NAME{operator[0]}…`")
        sign: Operator = operator[0]  # type: ignore[assignment]
        if sign not in OPERATORS[field.kind]:
            signs = " ".join(sign for sign in OPERATORS[field.kind] if sign != "has")
            raise self.fail(f"`{name}` cannot be asked with `{sign}`", at, f"it takes {signs}")
        self.at = operator.end()
        value_at = self.at
        value = self.value(name, sign)
        self.space()
        return Term(name, key, sign, value, value_at)

    def unknown(self, name: str, at: int) -> QueryError:
        hint = suggest(name, FIELDS, "fields") or ""
        if not hint.startswith("did you mean") and _KEY.fullmatch(name):
            hint = f"a metric is asked for as `metric.{name}`, a param as `param.{name}`; {hint}"
        return self.fail(f"no field `{name}`", at, f'{hint}; to look for the text, quote it: "…"')

    def key(self, name: str) -> str:
        if self.text[self.at : self.at + 1] == '"':
            return self.quoted()
        found = _KEY.match(self.text, self.at)
        if found is None:
            raise self.fail(f"a name is missing after `{name}.`")
        self.at = found.end()
        return found[0]

    def value(self, name: str, sign: str) -> str:
        if self.text[self.at : self.at + 1] == '"':
            text = self.quoted()
            self.end_of_term()
            return text
        found = _WORD.match(self.text, self.at)
        if found is None:
            raise self.fail(f"a value is missing after `{name}…{sign}`" if sign else "a value is missing")
        self.at = found.end()
        self.end_of_term()
        return found[0]

    def end_of_term(self) -> None:
        if not self.done() and not self.text[self.at].isspace() and self.text[self.at] not in "()":
            raise self.fail("a space is missing")

    def quoted(self) -> str:
        start = self.at
        found: list[str] = []
        at = start + 1
        while at < len(self.text):
            character = self.text[at]
            if character == '"':
                self.at = at + 1
                return "".join(found)
            if character == "\\" and at + 1 < len(self.text):
                at += 1
                character = self.text[at]
            found.append(character)
            at += 1
        raise self.fail('a `"` without its partner', start)


def written(query: Query) -> str:
    """Write a query so that `parse` reads the same one."""
    if isinstance(query, Term):
        key = "" if query.key is None else "." + _quote(query.key, _KEY)
        return (
            query.field
            + key
            + ("" if query.operator == "has" else query.operator + _quote(query.value, _WORD))
        )
    if isinstance(query, Words):
        return '"' + _escaped(query.text) + '"' if query.phrase else query.text
    if isinstance(query, Not):
        return "not " + _in_parentheses(query.of)
    joint = " and " if isinstance(query, Both) else " or "
    return joint.join(_in_parentheses(part) for part in query.of)


def _in_parentheses(query: Query) -> str:
    text = written(query)
    return f"({text})" if isinstance(query, Both | Either) else text


def _quote(text: str, plain: re.Pattern[str]) -> str:
    return text if plain.fullmatch(text) else '"' + _escaped(text) + '"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
