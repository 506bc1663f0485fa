"""A run beside the pinned baseline, for the line `xt run` ends with."""

from __future__ import annotations

import os
from typing import NamedTuple

from xt.config import Settings
from xt.errors import DamagedError, is_unread
from xt.model.event import BASELINE
from xt.model.result import Record
from xt.model.summary import headline
from xt.store import Store, events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.model.delta import Judgement

#: Repeats looked at for the noise: a line at the end of a run must not be waited for.
REPEATS = 8
#: Metrics judged: the line names no more.
METRICS = 2


class Beside(NamedTuple):
    """The baseline, and how each telling metric stands to it."""

    baseline: str
    judged: dict[str, Judgement]
    """By metric; one that either run does not have is not in it."""


def current(store: Store, unread: list[str] | None = None) -> str | None:
    """Id of the run that is pinned as baseline now; for a mark in a list, none where that is not certain.

    Args:
        store: that has it.
        unread: gets a sentence where the disk, or the server behind it, failed to read a pin.
    """
    try:
        return _baseline(store)
    except DamagedError as error:
        if unread is not None and is_unread(error):
            unread.append(error.message)
        return None


def beside_baseline(store: Store, record: Record, settings: Settings) -> Beside | None:
    """Judge the telling metrics of a run against the baseline.

    Args:
        store: that has both.
        record: the run, sealed.
        settings: goals and tolerances.

    Returns:
        None when no baseline is pinned, or it is this run, or there is nothing to judge.

    Raises:
        DamagedError, NotRecordedError: it is not certain which run is pinned, or that run cannot be read.
    """
    base_id = _baseline(store)
    names = [metric.name for metric in headline(record.result.metrics)[:METRICS]]
    if base_id is None or base_id == record.id or not names:
        return None
    # Only now: without a baseline a run pays for none of it.
    from xt.ops.diff.metrics import plain
    from xt.ops.diff.rules import Rules
    from xt.ops.diff.sides import both

    left, right = both(store, base_id, record.id, REPEATS)
    return Beside(base_id, plain(left, right, names, Rules(settings, ())))


def _baseline(store: Store) -> str | None:
    try:
        if not os.listdir(f"{store.path}/events"):
            return None
    except FileNotFoundError:
        return None
    return events.pinned(store.path).get(BASELINE)
