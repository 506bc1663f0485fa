"""Tell the words of `xt plot` apart: names of metrics and runs stand side by side.

The first word is a metric. Of the others, one that is the name of a metric of the runs in question is a
metric, and one that names a run is a run: `loss` could be the beginning of a run id. What `--runs` is given
is never a metric.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from xt.compare.tolerances import metric_name
from xt.context import Outside
from xt.errors import NoSuchRunError, UsageError, XtError
from xt.model.event import BASELINE
from xt.model.result import Metric
from xt.model.summary import Summary
from xt.ops.plot.measured import Measured, measured
from xt.ops.search import Searching, Wanted, select
from xt.query import QueryError
from xt.store import Store
from xt.suggest import suggest

#: Records looked at for one that has the metric.
LOOKED_AT = 200
_GLOB = frozenset("*?[")


class Told(NamedTuple):
    """The words, told apart."""

    metrics: list[str]
    """Names and globs."""
    runs: list[str] | None
    """Ids; None when no run was named."""


def tell_apart(store: Store, words: list[str], runs: list[str], outside: Outside) -> Told:
    """Say which words are metrics, and which runs are meant.

    Args:
        store: that has the runs.
        words: metrics and runs, the first a metric.
        runs: references and queries that cannot be metrics.
        outside: to resolve references.

    Raises:
        NoSuchRunError: one of `runs` names none.
        UsageError: a word is neither.
    """
    chosen = {word: _ids(store, outside, word) for word in runs}
    metrics, open_words = words[:1], words[1:]
    named: dict[str, list[str]] = {}
    wrong: dict[str, XtError] = {}
    for word in open_words:
        if _GLOB.isdisjoint(word):
            try:
                named[word] = _ids(store, outside, word)
            except NoSuchRunError as error:
                if word.startswith("@") or word == BASELINE:
                    wrong[word] = error  # it can be nothing else
            except QueryError as error:
                wrong[word] = error
    if open_words:
        wanted = [run for group in (*chosen.values(), *named.values()) for run in group]
        known = names_of(_records(store, wanted) if wanted else newest(store, outside, words[:1]))
        for word in open_words:
            if word in known or any(name.partition("{")[0] == word for name in known):
                named.pop(word, None)  # a metric of these runs; `--runs` names the run of that id
            elif word in wrong:
                raise wrong[word]
            elif word not in named and _GLOB.isdisjoint(word):
                raise UsageError(
                    f"`{word}` is neither a metric of these runs nor a run",
                    suggest(word, known, "metrics") or "`xt ls` lists the runs",
                )
        metrics = [*metrics, *(word for word in open_words if word not in named)]
    ids = [run for group in (*chosen.values(), *named.values()) for run in group]
    return Told(metrics, list(dict.fromkeys(ids)) if chosen or named else None)


def _ids(store: Store, outside: Outside, word: str) -> list[str]:
    return [row.id for row in select(store, outside, [word])]


def meant(metrics: Iterable[Metric], pattern: str) -> list[Metric]:
    """Metrics of one run that a word means.

    Args:
        metrics: of the run.
        pattern: a name or glob. With `{` it is held against names with their cohort, such as `acc{digit=8}`;
            without, against plain names, and a metric that has cohorts only is meant with all of them.
    """
    every = list(metrics)
    exact = [metric for metric in every if metric_name(metric.name, metric.labels) == pattern]
    if exact:
        return exact
    if "{" in pattern:
        return [
            metric
            for metric in every
            if metric.labels and fnmatchcase(metric_name(metric.name, metric.labels), pattern)
        ]
    plain = {metric.name for metric in every if not metric.labels}
    return [
        metric
        for metric in every
        if (not metric.labels or metric.name not in plain)
        and (metric.name == pattern or fnmatchcase(metric.name, pattern))
    ]


def newest(store: Store, outside: Outside, patterns: list[str]) -> list[Measured]:
    """The newest run that has one of these metrics, alone; the newest runs when none has."""
    looked = []
    for record in _records(store, [row.id for row in newest_rows(store, outside)]):
        if any(meant(record.metrics, pattern) for pattern in patterns):
            return [record]
        looked.append(record)
    return looked


def newest_rows(store: Store, outside: Outside) -> list[Summary]:
    """The newest runs, as many as are looked at."""
    with Searching(store, outside) as search:
        return search.listing(Wanted(limit=LOOKED_AT)).rows


def names_of(records: Iterable[Measured]) -> list[str]:
    """Names of the metrics of some runs, with their cohorts."""
    found = {metric_name(metric.name, metric.labels): None for record in records for metric in record.metrics}
    return list(found)


def _records(store: Store, ids: Iterable[str]) -> Iterable[Measured]:
    for run_id in ids:
        try:
            yield measured(store, run_id)
        except XtError:
            continue  # damaged: said where it is drawn
