"""`xt report`: gather what the page says, each part within bounds, and say what was left out."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any

from xt import __version__, fsio
from xt.config import Settings
from xt.context import Outside, timestamp
from xt.errors import NoSuchRunError, XtError
from xt.model.delta import Comparison
from xt.model.plot import Plot
from xt.model.report import LogEnd, Report, ReportRun
from xt.model.result import Metric, Record
from xt.model.summary import Summary, headline
from xt.ops.beside import current
from xt.ops.diff.verb import compare
from xt.ops.diff.wanted import Options
from xt.ops.evidence import marked, required
from xt.ops.plot.measured import Measured, params_of
from xt.ops.plot.verb import Wish, drawn
from xt.ops.report.cases import failures
from xt.ops.search import Searching, Wanted, select
from xt.store import Store

#: Rows of the table; where no run is named, the newest of them.
MOST, NEWEST = 100, 20
#: Columns of metrics and of params, panels, runs in them, comparisons, logs.
METRICS, PARAMS, PANELS, LINES, COMPARED, LOGS = 8, 8, 6, 40, 8, 8
#: Ranges of x a line is told by: a page of many plots must stay small.
DETAIL = 120
#: Bytes of the end of a log.
TAIL = 6_000
_UNWELL = ("failed", "incomplete", "interrupted", "not-started", "lost")


def report(store: Store, words: list[str], title: str | None, settings: Settings, outside: Outside) -> Report:
    """Gather everything.

    Args:
        store: that has the runs.
        words: references or a query; none means the newest runs, and the baseline.
        title: of the page.
        settings: goals, tolerances, columns of cases.
        outside: for the time and for git.

    Raises:
        NoSuchRunError: no run is meant.
    """
    base = current(store)
    notes: list[str] = []
    rows = _rows(store, words, base, notes, settings, outside)
    records: dict[str, Record] = {}
    for row in rows:
        try:
            records[row.id] = store.record(row.id)
        except XtError:
            continue  # its row says how it stands
    ordered = [records[row.id] for row in rows if row.id in records]
    shown = store.shown_all([row.id for row in rows])
    metrics = _telling(ordered, METRICS)
    _left_out(notes, len(_names(ordered)) - len(metrics), "metric")
    params = _differing(ordered)
    _left_out(notes, len(params) - PARAMS, "differing param")
    short = {row.id: row.id[: shown[row.id]] for row in rows}
    return Report(
        title=title or f"{len(rows)} {'run' if len(rows) == 1 else 'runs'} of {_project(store)}",
        created=timestamp(outside.now()),
        version=__version__,
        runs=[_row(row, shown[row.id], records.get(row.id), base) for row in rows],
        metrics=metrics,
        goals={metric.name: metric.goal for record in ordered for metric in record.result.metrics},
        params=params[:PARAMS],
        plot=_plot(store, ordered, base, metrics, settings, notes),
        comparisons=_comparisons(store, ordered, base, settings, notes, outside),
        cases=failures(store, ordered, short, settings.cases),
        logs=_logs(store, rows, records, short, notes),
        notes=notes,
        required=any(required(settings, row.task) for row in rows),
    )


def _rows(
    store: Store, words: list[str], base: str | None, notes: list[str], settings: Settings, outside: Outside
) -> list[Summary]:
    if words:
        rows = select(store, outside, words)
        total = len(rows)
        rows = rows[:MOST]
    else:
        with Searching(store, outside) as search:
            found = search.listing(Wanted(limit=NEWEST))
        rows, total = found.rows, found.total
    if total > len(rows):
        notes.append(f"{total - len(rows)} more runs: only the first {len(rows)} are here")
    if not rows and words:
        raise NoSuchRunError(f"no run fits `{' '.join(words)}`", "`xt ls QUERY` shows which do")
    if not rows:
        raise NoSuchRunError("no run to report on", "`xt run -- COMMAND` records one; `xt ls` lists them")
    if not words and base is not None and all(row.id != base for row in rows):
        try:
            rows = [*rows, *select(store, outside, [base])]
        except XtError as error:
            notes.append(f"the baseline is not here: {error.message}")
    return marked(rows, settings)


def _row(row: Summary, shown: int, record: Record | None, base: str | None) -> ReportRun:
    values = {
        metric.name: metric.value for metric in (record.result.metrics if record else []) if not metric.labels
    }
    return ReportRun(row, shown, values, params_of(record.snapshot) if record else {}, row.id == base)


def _names(records: list[Record]) -> list[str]:
    found: dict[str, Metric] = {}
    for record in records:
        for metric in record.result.metrics:
            found.setdefault(metric.name, metric)
    return [metric.name for metric in headline([metric for metric in found.values() if not metric.labels])]


def _telling(records: list[Record], most: int) -> list[str]:
    """Metrics that most runs have, in the order in which they matter."""
    names = _names(records)
    having = {
        name: sum(any(metric.name == name for metric in record.result.metrics) for record in records)
        for name in names
    }
    kept = sorted(names, key=lambda name: -having[name])[:most]
    return [name for name in names if name in kept]


def _differing(records: list[Record]) -> list[str]:
    """Params that are not the same in all runs."""
    values: dict[str, list[Any]] = {}
    for record in records:
        for name, value in params_of(record.snapshot).items():
            values.setdefault(name, []).append(value)
    return [
        name
        for name, found in values.items()
        if len(found) < len(records) or any(value != found[0] for value in found)
    ]


def _plot(
    store: Store,
    records: list[Record],
    base: str | None,
    metrics: list[str],
    settings: Settings,
    notes: list[str],
) -> Plot | None:
    if not metrics:
        return None
    kept = records[:LINES] + [record for record in records[LINES:] if record.id == base]
    _left_out(notes, len(records) - len(kept), "run", "not drawn")
    wanted = [
        name for name in metrics if any(name == one.name for record in kept for one in record.result.metrics)
    ]
    said: list[str] = []
    return drawn(
        store,
        [Measured.of(record) for record in kept],
        wanted[:PANELS],
        Wish([], columns=DETAIL),
        settings,
        said,
    )


def _comparisons(
    store: Store,
    records: list[Record],
    base: str | None,
    settings: Settings,
    notes: list[str],
    outside: Outside,
) -> list[Comparison]:
    """Each run against the baseline; without one, each against the one before it."""
    if base is not None and _there(store, base):
        pairs = [(base, record.id) for record in records if record.id != base]
    else:
        ordered = sorted(records, key=lambda record: (record.started_at, record.id))
        pairs = [(older.id, newer.id) for older, newer in pairwise(ordered)][::-1]
    # What did not end well says the least, and goes first where there is not room for all.
    well = {record.id for record in records if record.result.status in ("ok", "incomplete")}
    pairs.sort(key=lambda pair: pair[1] not in well)
    _left_out(notes, len(pairs) - COMPARED, "comparison")
    found = []
    for left, right in pairs[:COMPARED]:
        try:
            found.append(compare(store, left, right, Options(), settings, outside))
        except XtError as error:
            notes.append(f"{left[:4]} and {right[:4]} are not compared: {error.message}")
    return found


def _there(store: Store, run_id: str) -> bool:
    try:
        store.record(run_id)
    except XtError:
        return False
    return True


def _logs(
    store: Store, rows: list[Summary], records: dict[str, Record], short: dict[str, str], notes: list[str]
) -> list[LogEnd]:
    unwell = [row for row in rows if row.status in _UNWELL]
    _left_out(notes, len(unwell) - LOGS, "log")
    return [_log(store, row.id, records.get(row.id), short[row.id]) for row in unwell[:LOGS]]


def _log(store: Store, run_id: str, record: Record | None, short: str) -> LogEnd:
    """The end of standard error, or of standard output where there is no error."""
    try:
        if record is None:
            return _of_lost(store.live_folder(run_id), short)
        streams = [stream for stream in record.result.logs.streams if stream.digest is not None]
        for stream in sorted(streams, key=lambda one: one.name != "stderr"):
            with store.objects.open(stream.digest or "") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - TAIL))
                return LogEnd(short, stream.name, file.read(TAIL), max(0, size - TAIL))
    except XtError as error:
        return LogEnd(short, "log", b"", 0, error.message)
    except OSError as error:
        return LogEnd(short, "log", b"", 0, f"it cannot be read: {error.strerror}")
    return LogEnd(short, "log", b"", 0, "it wrote nothing")


def _of_lost(folder: str, short: str) -> LogEnd:
    for name in ("stderr", "stdout"):
        try:
            fd = fsio.open_regular(f"{folder}/{name}")
        except FileNotFoundError:
            continue
        with os.fdopen(fd, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(max(0, size - TAIL))
                return LogEnd(short, name, file.read(TAIL), max(0, size - TAIL))
    return LogEnd(short, "log", b"", 0, "it wrote nothing")


def _left_out(notes: list[str], count: int, what: str, how: str = "left out") -> None:
    if count > 0:
        notes.append(f"{count} more {what}{'' if count == 1 else 's'} {how}")


def _project(store: Store) -> str:
    return os.path.basename(os.path.dirname(os.path.abspath(store.path))) or "a project"
