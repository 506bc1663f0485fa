"""One repeat elsewhere, as `xt rerun` makes one here."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from xt.config import Settings
from xt.errors import EngineError, UnverifiableError, XtError
from xt.ops.away.fan import Fan
from xt.ops.beside import Beside, beside_baseline
from xt.ops.evidence import undelivered
from xt.ops.repeat.verb import Told, original, otherwise
from xt.ops.repeat.wish import Wish
from xt.ops.run import Report
from xt.store import Store


class Once(NamedTuple):
    """What became of it."""

    report: Report
    told: Told
    otherwise: str | None
    """That it ended otherwise than the run, and what may be the reason."""


def once(
    store: Store,
    wish: Wish,
    fan: Fan,
    terminals: tuple[bool, bool],
    settings: Settings,
    waiting: Callable[[], None],
) -> Once:
    """Make a repeat on an engine, and wait for it.

    Args:
        store: that has the run, and gets the repeat.
        wish: what is asked.
        fan: makes it.
        terminals: whether its standard output and error are to be terminals.
        settings: of the project, for the line about the baseline.
        waiting: called now and then.

    Raises:
        UnverifiableError: a precondition is missing; nothing was started.
        EngineError: the engine does not answer, or the repeat was lost.
        NotRecordedError, DamagedError: the run is not there or cannot be read.
    """
    before = original(store, wish.run)
    making = fan.run(iter([wish]), terminals, waiting)
    try:
        _, answer = next(making)
    finally:
        making.close()
    if answer.run is None:
        why = answer.error or answer.impossible or "no answer"
        raise EngineError(why, answer.hint) if answer.died else UnverifiableError(why, answer.hint)
    record = store.record(answer.run)
    beside: Beside | None = None
    doubt = None
    try:
        beside = beside_baseline(store, record, settings)
    except XtError as error:
        doubt = error.message
    lost = [
        item
        for item in undelivered(record.snapshot.required, [], record)
        if item.field not in record.snapshot.lacking
    ]
    report = Report(record, record.seal, None, store.shown(record.id), None, None, beside, doubt, [], lost)
    return Once(report, Told(answer.drift, answer.adjusted), otherwise(before, report, wish))
