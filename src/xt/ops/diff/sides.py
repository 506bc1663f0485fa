"""The two runs of a comparison, each with the repeats that tell its noise."""

from __future__ import annotations

import os
from typing import NamedTuple

from xt.config import Settings
from xt.errors import DamagedError, XtError
from xt.model.delta import Side
from xt.model.event import BASELINE
from xt.model.result import Record
from xt.ops.evidence import required
from xt.ops.repeats import same_recipe
from xt.ops.show import Page, page
from xt.store import Store, events

#: Repeats looked at for each side, the newest: more narrow the noise no further worth reading.
REPEATS = 50


class One(NamedTuple):
    """One run."""

    page: Page
    repeats: list[Record]
    """Others of the same recipe that ended well, newest first, without the run itself and its counterpart."""
    doubt: str | None
    """Why no repeats can be known."""
    pinned: str | None

    @property
    def record(self) -> Record | None:
        """None for a run that is running or lost."""
        return self.page.record

    @property
    def counts(self) -> bool:
        """Whether what it measured can be held against another run."""
        return self.record is not None and self.record.result.status in ("ok", "incomplete")

    def described(self, settings: Settings) -> Side:
        """Write it down for the report.

        Args:
            settings: of the project, which say what evidence is required.
        """
        context = self.page.snapshot.context
        status = self.page.state or (self.record.result.status if self.record else "unknown")
        return Side(
            id=self.page.id,
            shown=self.page.shown,
            started_at=self.page.started_at,
            status=status,
            pinned=self.pinned,
            purpose=context.purpose,
            name=context.name,
            n=1 + len(self.repeats),
            repeats=[record.id for record in self.repeats],
            lacking=self.page.judged(required(settings, context.task)).lacking or [],
        )


def both(store: Store, left: str, right: str, most: int = REPEATS) -> tuple[One, One]:
    """Read two runs and their repeats.

    Args:
        store: that has them.
        left: whole id.
        right: whole id.
        most: repeats of each side to read.

    Raises:
        NotRecordedError, DamagedError: one is not there, or not readable.
    """
    try:
        pins = events.pinned(store.path)
    except DamagedError:
        pins = {}  # it only names the runs here
    one = _one(store, left, right, pins, most)
    other = _one(store, right, left, pins, most)
    if _recipe(one) == _recipe(other):
        # One recipe has one set of repeats: neither of the two is more a repeat than the other.
        other = other._replace(repeats=one.repeats)
    return one, other


def alone(store: Store, run_id: str, most: int = REPEATS) -> One:
    """Read one run and its repeats.

    Args:
        store: that has them.
        run_id: whole.
        most: repeats to read.

    Raises:
        NotRecordedError, DamagedError: it is not there, or not readable.
    """
    return _one(store, run_id, run_id, {}, most)


def share(left: One, right: One) -> bool:
    """Whether both are runs of one recipe."""
    return _recipe(left) == _recipe(right) and left.doubt is None and right.doubt is None


def _recipe(one: One) -> str:
    return one.page.snapshot.recipe


def _one(store: Store, run_id: str, counterpart: str, pins: dict[str, str], most: int) -> One:
    found = page(store, run_id)
    names = [name for name, pinned in pins.items() if pinned == run_id]
    pinned = min(names, key=lambda name: (name != BASELINE, name), default=None)
    if found.snapshot.recipe_doubt is not None:
        return One(found, [], found.snapshot.recipe_doubt, pinned)
    try:
        runs = same_recipe(store.path, found.snapshot.recipe)
    except OSError as error:
        return One(found, [], f"the repeats could not be looked up: {error.strerror}", pinned)
    repeats: list[Record] = []
    for _, other in reversed(runs):
        if other in (run_id, counterpart) or len(repeats) == most:
            continue
        try:
            record = store.record(other)
        except XtError:
            continue  # named by `ls`; a damaged repeat tells nothing
        if record.result.status == "ok":
            repeats.append(record)
    return One(found, repeats, None, pinned)


def project_root(store: Store) -> str:
    """Folder the project lies in now."""
    return os.path.dirname(store.path)
