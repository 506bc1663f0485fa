"""Seal the record of a run, if need be with less in it than was to be told."""

from __future__ import annotations

import errno
from typing import NamedTuple

from xt import fsio
from xt.model.result import Record
from xt.store import Live, Store
from xt.store.store import sealed as seal_of


class Sealed(NamedTuple):
    """What became of it."""

    record: Record
    """Less what no reader would take."""
    seal: str | None
    weak: str | None = None
    """Why it may not survive a power failure."""
    failed: Exception | None = None
    """Why there is no seal."""


def seal(store: Store, live: Live, record: Record) -> Sealed:
    """Seal a record, less what makes it larger than any reader would take.

    Args:
        store: of the run.
        live: the run in flight.
        record: of it.
    """
    try:
        try:
            return Sealed(record, store.seal(live, record))
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            try:
                from xt.ops.bounds import of_record

                record = of_record(record)
            except Exception:
                raise error from None  # xt may have been removed meanwhile
            return Sealed(record, store.seal(live, record))
    except fsio.NotFlushedError as error:
        return Sealed(record, seal_of(record)[1], weak=error.strerror)
    except Exception as error:
        return Sealed(record, None, failed=error)
