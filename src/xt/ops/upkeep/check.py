"""`xt fsck`: look through a whole store. Nothing is written.

Contents are looked at first and records after them, each once: who names a content finds there whether it is
good, and a record that is published meanwhile has its contents published before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from xt.context import Outside
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
from xt.ops.upkeep.check_references import References
from xt.ops.upkeep.looking import Look, One, Step, Suspect
from xt.store import Store


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


def look_through(store: Store, outside: Outside, step: Step, *, deep: bool) -> Look:
    """Look through a store.

    Args:
        store: opened for reading.
        outside: for git and the time.
        step: is told how far it is.
        deep: read large contents too.

    Returns:
        The suspects that are still so when asked again, and what was looked at.
    """
    look = Look(store, outside, step, deep=deep)
    checks = [check(look) for check in CHECKS]
    for check in checks:
        check.begin()
    for one in runs(look):
        for check in checks:
            check.run(one)
    # The index goes last: by then events were held against it.
    for check in reversed(checks):
        check.end()
    look.settle()
    return look


def report(
    look: Look,
    suspects: Iterable[Suspect],
    *,
    repair: bool = False,
    remotes: list[str] | None = None,
    doubts: list[str] | None = None,
) -> Fsck:
    """Say what was found: faults first, by code and path.

    Args:
        look: that was taken.
        suspects: those of it, or of what a repair left.
        repair: whether something was to be repaired.
        remotes: that were asked for what is missing.
        doubts: what could not be asked or repaired.
    """
    findings = [one.finding() for one in suspects]
    findings.sort(key=lambda found: (not found.fault, found.code, str(found.path), found.message))
    counts = msgspec.convert(look.counts, Counts)
    store = to_text(look.store.path)
    return Fsck(store, look.deep, repair, counts, findings, remotes or [], doubts or [])
