"""`xt fsck`: look through a whole store. Nothing is written.

Contents are looked at first and records after them, each once: who names a content finds there whether it is
good, and a record that is published meanwhile has its contents published before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from xt.model.fsck import Counts, Fsck
from xt.model.text import to_text
from xt.ops.upkeep.check_code import Code
from xt.ops.upkeep.check_events import Events
from xt.ops.upkeep.check_index import Index
from xt.ops.upkeep.check_layout import Layout
from xt.ops.upkeep.check_leftovers import Leftovers
from xt.ops.upkeep.check_live import Live
from xt.ops.upkeep.check_objects import Objects
from xt.ops.upkeep.check_records import runs
from xt.ops.upkeep.check_references import References, unsure
from xt.ops.upkeep.looking import Look, One
from xt.ops.upkeep.sources import Places


class Check(Protocol):
    """One thing that is looked at."""

    def begin(self) -> None:
        """Look at what comes before the records."""

    def run(self, one: One) -> None:
        """Look at a finished run."""

    def end(self) -> None:
        """Look at what comes after them."""


#: All that is looked at, in this order.
CHECKS: tuple[Callable[[Look], Check], ...] = (
    Layout,
    Leftovers,
    Index,
    Objects,
    References,
    Code,
    Live,
    Events,
)


def look_through(look: Look) -> None:
    """Look through a store; what is suspected has been asked again whether it is still so."""
    checks = [check(look) for check in CHECKS]
    for check in checks:
        check.begin()
    for one in runs(look):
        for check in checks:
            check.run(one)
    # The index goes last: by then events were held against it.
    for check in reversed(checks):
        check.end()
    unsure(look)
    look.settle()


def report(look: Look, places: Places | None, *, interrupted: bool = False) -> Fsck:
    """Say what was found: faults first, by code and path.

    Args:
        look: that was taken.
        places: that were asked for what is missing; None when nothing was to be repaired.
        interrupted: whether the repair was ended early; what it had mended is mended.
    """
    findings = [one.finding() for one in look.suspects]
    findings.sort(key=lambda found: (not found.fault, found.code, str(found.path), found.message))
    counts = msgspec.convert(look.counts, Counts)
    store = to_text(look.store.path)
    asked, doubts = (places.asked, places.doubts) if places else ([], [])
    return Fsck(
        store, look.deep, places is not None, counts, findings, asked, doubts, interrupted=interrupted
    )
