"""MLflow's SQLite database, opened to be read alone. The only import of sqlite3 besides that of the index."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

from xt import fsio
from xt.exchange.importers import MalformedError, Sink

#: Runs taken of one database.
MAX_RUNS = 1_000
#: Steps of SQLite's machine, in thousands, for all queries: some minutes.
MAX_WORK = 20_000_000
#: How MLflow writes an infinity, which its columns cannot hold.
_LARGEST = 1.7976931348623157e308


def read(path: str, sink: Sink) -> None:
    """Read the runs that were begun, or written to, since the command started.

    Raises:
        MalformedError: it is no database of MLflow.
        OSError: it cannot be read.
    """
    os.close(fsio.open_regular(os.path.realpath(path)))
    began = None if sink.began is None else int(sink.began * 1000)
    try:
        with closing(
            sqlite3.connect(f"file:{quote(os.path.realpath(path))}?mode=ro", uri=True, timeout=5)
        ) as base:
            base.execute("PRAGMA query_only = ON")
            base.execute("PRAGMA trusted_schema = OFF")
            base.text_factory = lambda data: data.decode("utf-8", "replace")
            left = MAX_WORK

            def step() -> int:
                nonlocal left
                left -= 1
                return left < 0

            base.set_progress_handler(step, 1_000)
            _check(base)
            runs = list(_runs(base, began, sink))
            if len(runs) > MAX_RUNS:
                sink.doubt(f"there are more than {MAX_RUNS} runs; the others are left out")
                del runs[MAX_RUNS:]
            if not runs:
                sink.doubt("none of its runs was begun, or written to, by this run")
            for run, name, started in runs:
                labels = {"run": name or run} if len(runs) > 1 else None
                since = None if began is None or (started is not None and started >= began) else began
                _points(base, run, since, labels, sink)
                for key, value in base.execute(
                    "SELECT key, value FROM params WHERE run_uuid = ? ORDER BY key", (run,)
                ):
                    if isinstance(key, str) and isinstance(value, str):
                        sink.setting(key, value, text=True)
    except sqlite3.Error as error:
        raise MalformedError(f"SQLite cannot read it: {error}") from error
    except UnicodeDecodeError as error:  # in what SQLite says about a damaged schema
        raise MalformedError("SQLite cannot read it: it is damaged") from error


def _check(base: sqlite3.Connection) -> None:
    """See that the tables are tables: a view could compute for ever."""
    kinds = dict(base.execute("SELECT name, type FROM sqlite_master"))
    for table in ("runs", "metrics", "params", "tags"):
        if kinds.get(table) != "table":
            raise MalformedError(f"it is no database of MLflow: it has no table `{table}`")


def _runs(
    base: sqlite3.Connection, began: int | None, sink: Sink
) -> Iterator[tuple[str, str | None, int | None]]:
    from xt.exchange.importers.mlflow import TAG

    told = dict(base.execute("SELECT run_uuid, value FROM tags WHERE key = ?", (TAG,)))
    query = (
        "SELECT run_uuid, name, start_time FROM runs WHERE lifecycle_stage IS NOT 'deleted'"
        " AND (:began IS NULL OR start_time >= :began"
        " OR run_uuid IN (SELECT run_uuid FROM metrics WHERE timestamp >= :began))"
        " ORDER BY start_time, run_uuid LIMIT :most"
    )
    for run, name, started in base.execute(query, {"began": began, "most": MAX_RUNS + 1}):
        if isinstance(run, str) and told.get(run, sink.run) == sink.run:
            yield run, name if isinstance(name, str) else None, started if isinstance(started, int) else None


def _points(
    base: sqlite3.Connection, run: str, since: int | None, labels: dict[str, str] | None, sink: Sink
) -> None:
    query = (
        "SELECT key, value, step, is_nan FROM metrics WHERE run_uuid = ? AND (? IS NULL OR timestamp >= ?)"
        " ORDER BY key, timestamp, step"
    )
    for key, value, step, is_nan in base.execute(query, (run, since, since)):
        if not isinstance(key, str):
            continue
        is_large = isinstance(value, float) and abs(value) >= _LARGEST
        infinity = float("inf") if is_large and value > 0 else float("-inf")
        sink.point(key, float("nan") if is_nan else infinity if is_large else value, step, labels)
