"""Doing a plan: what is to be done next, now that the runs before it were made again."""

from __future__ import annotations

from typing import NamedTuple

from xt.config import Config
from xt.context import Outside
from xt.model.files import Input
from xt.model.result import Record
from xt.model.stale import Judged
from xt.model.text import from_text, to_shown
from xt.ops.lineage import thing
from xt.ops.repeat.places import Moved, top_of, was
from xt.ops.repeat.request import input_spec
from xt.ops.stale.present import Present
from xt.store import Store, find_root


class Next(NamedTuple):
    """What is to be done with a run of the plan."""

    needed: bool
    """False: all that it reads came out as it was, and nothing else of it changed."""
    obstacle: str | None = None
    """Why it cannot be done, and what would help."""


class Remaking:
    """The course of one plan."""

    def __init__(self, store: Store, outside: Outside, known: Config) -> None:
        """Begin; nothing was made again yet.

        Args:
            store: that has the runs.
            outside: of the caller.
            known: settings of the project.
        """
        self._store, self._outside, self._known = store, outside, known
        self._root = find_root(outside.cwd)
        self._made: dict[str, Record] = {}
        """By the run that it takes the place of."""

    def next(self, one: Judged) -> Next:
        """Say what is to be done with a run, right before it would start.

        Args:
            one: of the plan; those before it were done.

        Raises:
            XtError: the record or the store cannot be read.
        """
        record = self._store.record(one.run)
        changed = any(reason.relation == "changed" for reason in one.reasons)
        present = Present(self._store, self._outside, self._root, self._known, [])
        there = was(record.snapshot)
        moved = Moved(there.top, top_of(self._root, there))
        same = True
        for item in record.snapshot.inputs:
            now = present.input(input_spec(item, self._root, moved))
            name = to_shown(from_text(item.declared))
            if isinstance(now, str):
                return Next(True, f"its input `{name}` is not there: {now}{self._had(one, item)}")
            same = same and now.digest == item.digest and now.revision == item.revision
            obstacle = self._left_behind(one, item, now, name)
            if obstacle is not None:
                return Next(True, obstacle)
        unknown = any(reason.relation == "unknown" for reason in one.reasons)
        return Next(changed or unknown or not same)

    def done(self, one: Judged, run_id: str) -> None:
        """Note that a run was made again.

        Raises:
            XtError: the new record cannot be read.
        """
        self._made[one.run] = self._store.record(run_id)

    def _had(self, one: Judged, item: Input) -> str:
        """How an input can be had again that a run wrote which still holds."""
        for maker in one.after:
            output = next(
                (o for o in self._store.record(maker).result.outputs if o.digest == item.digest is not None),
                None,
            )
            if output is not None and maker not in self._made:
                path = to_shown(from_text(output.path or output.declared))
                return f"; `xt restore {maker[: self._store.shown(maker)]} {path}` brings it back"
        return ""

    def _left_behind(self, one: Judged, item: Input, now: Input, name: str) -> str | None:
        """Say so when a run would read what is out of date: a copy of what was made again elsewhere."""
        if item.digest is None or now.digest != item.digest:
            return None
        for maker in one.after:
            new = self._made.get(maker)
            if new is None:
                continue
            old = [thing(output) for output in self._store.record(maker).result.outputs]
            made = [output for output in old if output.digest == item.digest]
            today = {output.digest for output in map(thing, new.result.outputs)}
            if made and item.digest not in today:
                place = to_shown(from_text(made[0].path))
                return (
                    f"`{name}` is a copy of `{place}` of {maker[:8]}, which came out otherwise: copy it again"
                )
        return None
