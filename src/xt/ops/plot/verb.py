"""`xt plot`: which runs, which metrics, on which axis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from xt.config import Settings
from xt.context import Outside
from xt.errors import NoSuchRunError, NotRecordedError, UsageError, XtError
from xt.model.event import BASELINE
from xt.model.plot import Plot
from xt.ops.diff.rules import Rules
from xt.ops.plot.measured import Measured, measured
from xt.ops.plot.panels import COLUMNS, Chosen, panels
from xt.ops.plot.words import meant, names_of, newest, newest_rows, tell_apart
from xt.store import Store, events
from xt.suggest import suggest

AXES = ("step", "run", "time")
#: Runs drawn where none are named and the axis is not steps.
MANY = 100


class Wish(NamedTuple):
    """What is to be drawn."""

    words: list[str]
    """Metrics, and runs behind them."""
    runs: tuple[str, ...] = ()
    """References and queries."""
    x: str | None = None
    """`step`, `run`, `time` or `param.NAME`; None: steps where there are any, else runs."""
    columns: int | None = COLUMNS
    """Ranges of x in which a line is told by its extremes; None for all points."""


def plot(store: Store, wish: Wish, settings: Settings, outside: Outside) -> Plot:
    """Find what is to be drawn.

    Args:
        store: that has the runs.
        wish: what.
        settings: units and goals.
        outside: to resolve references.

    Raises:
        UsageError: a word makes no sense.
        NoSuchRunError: a reference names no run.
        NotRecordedError: none of the runs has such a metric.
    """
    _check(wish.x)
    told = tell_apart(store, wish.words, list(wish.runs), outside)
    ids = told.runs
    if ids == []:
        raise NoSuchRunError("no run fits", "`xt ls QUERY` shows which do")
    notes: list[str] = []
    if ids is None:
        records = _default(store, told.metrics, wish.x, outside)
    else:
        records = list(_read(store, ids, notes))
    where = "the newest runs" if ids is None else "this run" if len(records) == 1 else "these runs"
    return drawn(store, records, told.metrics, wish, settings, notes, where)


def drawn(
    store: Store,
    records: list[Measured],
    patterns: list[str],
    wish: Wish,
    settings: Settings,
    notes: list[str],
    where: str = "these runs",
) -> Plot:
    """Draw metrics of runs.

    Args:
        store: that has their series.
        records: the runs, in the order of the legend.
        patterns: names and globs of metrics.
        wish: axis and detail.
        settings: units and goals.
        notes: what is to be said already.
        where: how to name the runs.

    Raises:
        UsageError: no run has the param.
        NotRecordedError: none of the runs has such a metric.
    """
    for pattern in patterns:
        if not any(meant(record.metrics, pattern) for record in records):
            known = names_of(records)
            hint = (
                suggest(pattern, known, "metrics") or "; ".join(notes) or "`xt show RUN` shows what one has"
            )
            raise NotRecordedError(f"no metric `{pattern}` in {where}", hint)
    name = (wish.x or "").removeprefix("param.")
    if wish.x is not None and wish.x not in AXES and not any(name in one.params for one in records):
        known = list(dict.fromkeys(param for record in records for param in record.params))
        raise UsageError(f"--x: no run has a param `{name}`", suggest(name, known, "params"))
    ids = [record.id for record in records]
    shown = max(store.shown_all(ids).values())
    notes += [f"{one.id[:shown]} is {one.state}: what it sent so far" for one in records if one.state]
    chosen = Chosen(records, _pins(store).get(BASELINE), shown, patterns)
    found = panels(store, chosen, wish.x, wish.columns, Rules(settings, []), notes)
    return Plot(found, ids, notes)


def _check(x: str | None) -> None:
    if x is None or x in AXES or (x.startswith("param.") and x != "param."):
        return
    raise UsageError(f"--x: no axis `{x}`", suggest(x, (*AXES, "param.NAME"), "axes"))


def _default(store: Store, metrics: list[str], x: str | None, outside: Outside) -> list[Measured]:
    """The newest run that has the metric, beside the baseline; along another axis than steps, many runs."""
    if x is None or x == "step":
        found = newest(store, outside, metrics)
        base = _pins(store).get(BASELINE)
        if len(found) == 1 and base is not None and base != found[0].id:
            found += _read(store, [base], [])
        return found
    rows = [row for row in newest_rows(store, outside) if row.status in ("ok", "incomplete")]
    found = [
        record
        for record in _read(store, [row.id for row in rows], [])
        if any(meant(record.metrics, pattern) for pattern in metrics)
    ]
    return found[:MANY] or newest(store, outside, metrics)


def _read(store: Store, ids: Iterable[str], notes: list[str]) -> Iterable[Measured]:
    for run_id in ids:
        try:
            yield measured(store, run_id)
        except XtError as error:
            notes.append(f"not drawn: {error.message}")


def _pins(store: Store) -> dict[str, str]:
    try:
        return events.pinned(store.path)
    except XtError:
        return {}  # it only marks a line here
