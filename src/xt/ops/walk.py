"""Every finished run of a store, one after another: what a question about all of them reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from xt.errors import XtError
from xt.model.result import Record
from xt.store import Store


class Unread(NamedTuple):
    """A run whose record cannot be read."""

    id: str
    reason: str


def runs(store: Store) -> Iterator[Record | Unread]:
    """Read all records, in no order; repeats that `xt verify` made are left out."""
    for run_id in store.ids():
        try:
            record = store.record(run_id)
        except XtError as error:
            yield Unread(run_id, error.message)
            continue
        repeat = record.snapshot.repeat
        if repeat is None or not repeat.trial:
            yield record
