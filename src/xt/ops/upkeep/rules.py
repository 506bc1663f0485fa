"""Rules of retention as people write them: `last 50`, `since 30d`, `tagged`, or any query of `xt ls`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from xt.config import Settings
from xt.context import Outside, timestamp
from xt.errors import UsageError
from xt.moments import moment
from xt.ops.search import Searching, are_references
from xt.ops.upkeep.survey import Facts, Survey
from xt.query import QueryError
from xt.store import Store
from xt.suggest import suggest

#: Rules of one word.
WORDS = ("tagged", "named", "noted", "signed", "baseline", "deployed")
_LAST = re.compile(r"last\s+([1-9]\d{0,8})")
_SINCE = re.compile(r"since\s+(\S.*)")
#: A comma between two rules, not one inside quotes or brackets.
_COMMA = re.compile(r""",(?=(?:[^"]*"[^"]*")*[^"]*$)(?![^({\[]*[)}\]])""")

#: Gives the runs that a rule keeps.
Rule = Callable[[Survey], set[str]]


def split(words: Iterable[str]) -> list[str]:
    """Take apart rules that were written with commas between them; each is there once.

    Raises:
        UsageError: one of them is empty.
    """
    found = [" ".join(rule.split()) for word in words for rule in _COMMA.split(word)]
    if "" in found:
        raise UsageError("a rule is empty", "such as `--keep 'last 50' --keep tagged`")
    return list(dict.fromkeys(found))


def rules(texts: Iterable[str], store: Store, settings: Settings, outside: Outside) -> dict[str, Rule]:
    """Read rules.

    Raises:
        UsageError: one is none, or none that is certain to mean what it seems to.
        QueryError: a query cannot be read.
    """
    return {text: _rule(text, store, settings, outside) for text in texts}


def _rule(text: str, store: Store, settings: Settings, outside: Outside) -> Rule:
    last, since = _LAST.fullmatch(text), _SINCE.fullmatch(text)
    if last:
        return _newest(int(last[1]))
    if since:
        try:
            begin = timestamp(moment(since[1], outside.now()))
        except ValueError as error:
            raise UsageError(f"the rule `{text}`: {error}", "such as `since 30d`") from None
        return lambda known: {run.id for run in known.runs.values() if run.started_at >= begin}
    if text in WORDS:
        return _said(text)
    words = text.split()
    if words[0] in ("last", "since") and len(words) <= 2:
        form = "a number from 1" if words[0] == "last" else "a time"
        raise UsageError(f"the rule `{text}`: {words[0]} takes {form}", "such as `last 50` or `since 30d`")
    if are_references(words):
        # A mistyped word would be searched as text, found nowhere, and keep nothing.
        known = ("last", "since", *WORDS)
        raise UsageError(f"`{text}` is no rule", suggest(words[0], known, "rules, besides queries"))
    with Searching(store, outside, settings) as search:
        search.matching(text, trials=False)  # what cannot be read is said before anything is looked at
    return lambda known: _found(text, store, settings, outside)


def _newest(count: int) -> Rule:
    def newest(known: Survey) -> set[str]:
        listed = [run for run in known.runs.values() if not run.trial and not is_away(known, run)]
        listed.sort(key=lambda run: (run.started_at, run.id), reverse=True)
        return {run.id for run in listed[:count]}

    return newest


def _said(word: str) -> Rule:
    def fits(known: Survey, run: Facts) -> bool:
        said = known.standing.of(run.id)
        return {
            "tagged": bool(said.tags_now(run.tags)),
            "named": said.name(run.name) is not None,
            "noted": bool(said.notes),
            "signed": bool(said.signed),
        }[word]

    if word == "baseline":
        return lambda known: {pin.run for pin in known.standing.pins.values() if pin.run is not None}
    if word == "deployed":
        return lambda known: {
            one.run for place in known.standing.places.values() for one in place.deployments
        }
    return lambda known: {run.id for run in known.runs.values() if fits(known, run)}


def _found(text: str, store: Store, settings: Settings, outside: Outside) -> set[str]:
    with Searching(store, outside, settings) as search:
        numbers = search.matching(text, trials=False)
        return {row.id for index, some in numbers for row in index.rows(some)}


def is_away(known: Survey, run: Facts) -> bool:
    """Whether a run was put away."""
    return known.standing.of(run.id).removed is not None


__all__ = ["QueryError", "Rule", "is_away", "rules", "split"]
