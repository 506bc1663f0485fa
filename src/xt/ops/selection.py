"""Runs that are meant by references or a query."""

from __future__ import annotations

from xt.context import Outside
from xt.errors import DamagedError, NotRecordedError
from xt.model.summary import Summary
from xt.ops.find import listing, live_rows, resolve
from xt.store import Store


def select(store: Store, outside: Outside, words: list[str]) -> list[Summary]:
    """Find runs.

    Args:
        store: that has them.
        outside: for the time.
        words: references; none means every run, newest first.

    Raises:
        NoSuchRunError: a reference names none.
    """
    if not words:
        return listing(store, outside, None).rows
    return [
        _row(store, outside, run) for run in dict.fromkeys(resolve(store, word, outside) for word in words)
    ]


def _row(store: Store, outside: Outside, run_id: str) -> Summary:
    try:
        return Summary.of(store.record(run_id))
    except NotRecordedError:
        rows = [row for row in live_rows(store, outside) if row.id == run_id]
        return rows[0] if rows else Summary(id=run_id, status="unknown")
    except DamagedError as error:
        return Summary(id=run_id, status="damaged", reason=error.message)
