"""Finished runs of a store, one record after another: what a question about all of them reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from xt.errors import XtError
from xt.model.result import Record
from xt.model.summary import Summary
from xt.store import Store
from xt.store.index import Index


class Unread(NamedTuple):
    """A run whose record cannot be read."""

    id: str
    reason: str


def runs(
    store: Store, wanted: Callable[[Summary], bool] = lambda row: True, roles: tuple[str, ...] = ()
) -> Iterator[Record | Unread]:
    """Read records, the newest first, without runs that were put away and the repeats of `xt verify`.

    Args:
        store: that has the runs.
        wanted: by what the index knows of a run, whether to read its record.
        roles: only runs with inputs of one of these; any by default.
    """
    index = Index(store)
    try:
        rows = index.with_inputs(roles) if roles else index.newest(None).rows
    finally:
        index.close()
    for row in rows:
        if row.status == "damaged":
            yield Unread(row.id, row.reason or "its record cannot be read")
        elif wanted(row):
            try:
                yield store.record(row.id)
            except XtError as error:
                yield Unread(row.id, error.message)
