"""A run beside the pinned baseline, for the line `xt run` ends with."""

from __future__ import annotations

import os
from typing import NamedTuple

from xt.errors import XtError
from xt.model.event import BASELINE
from xt.model.result import Number, Record
from xt.model.summary import headline
from xt.store import Store, events


class Beside(NamedTuple):
    """The baseline, and how far each telling metric is from it."""

    baseline: str
    deltas: dict[str, float]
    """By metric; one the baseline does not have as a number is not in it."""


def current(store: Store) -> str | None:
    """Id of the run that is pinned as baseline now."""
    try:
        if not os.listdir(f"{store.path}/events"):
            return None
    except FileNotFoundError:
        return None
    pinned = events.pins(store.path, BASELINE)
    return pinned[-1].run if pinned else None


def beside_baseline(store: Store, record: Record) -> Beside | None:
    """Put the telling metrics of a run beside those of the baseline.

    Returns:
        None when no baseline is pinned, or it is this run, or its record cannot be read.
    """
    base_id = current(store)
    if base_id is None or base_id == record.id:
        return None
    try:
        base = store.record(base_id)
    except XtError:
        return None
    known = {metric.name: metric.value for metric in headline(base.result.metrics)}
    deltas = {}
    for metric in headline(record.result.metrics):
        before, now = known.get(metric.name), metric.value
        if before is not None and not isinstance(before, Number) and not isinstance(now, Number):
            deltas[metric.name] = float(now - before)
    return Beside(base_id, deltas)
