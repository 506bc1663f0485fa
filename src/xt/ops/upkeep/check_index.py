"""The search index: that it says what the records and events say. It is a cache, and can be made again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from xt import fsio
from xt.errors import XtError
from xt.model.event import Swept
from xt.model.result import Record
from xt.ops.upkeep.inventory import QUARANTINE
from xt.ops.upkeep.looking import Look, One
from xt.store import events, trash
from xt.store.index.checking import Copy, IndexFaultError, asking
from xt.store.index.layout import index_path

#: Runs that are held against all tables together.
TOGETHER = 500


class Index:
    """The check."""

    def __init__(self, look: Look) -> None:
        """Look at nothing yet."""
        self._look = look
        self._name = fsio.relative_to(index_path(look.store.path), look.store.path)
        self._copy: Copy | None = None
        self._doubtful: set[str] = set()
        """Runs."""
        self._waiting: list[Record] = []

    def begin(self) -> None:
        """Take a copy."""
        self._copy = self._taken(said=True)
        self._look.remembers = self._remembers

    def run(self, one: One) -> None:
        """Hold a record against it."""
        if self._copy is None:
            return
        with self._asking():
            if not self._copy.fits(one.record):
                self._doubtful.add(one.run)
            elif self._look.deep:
                self._waiting.append(one.record)
                if len(self._waiting) == TOGETHER:
                    self._compare(self._copy)

    def end(self) -> None:
        """Hold what it has besides against the records, and look again at what does not fit."""
        if self._copy is None:
            return
        with self._asking():
            self._compare(self._copy)
            self._doubtful |= {run for run in self._copy.runs() if not self._recorded(run)}
            gone = {run for run in self._copy.remembered() if not self._recorded(run)}
            elsewhere = {
                run for found in self._look.suspects if found.code == "record-misplaced" for run in found.runs
            }
            for run in sorted(gone - elsewhere):
                if not self._dropped(run):
                    self._gone(run)
            if not self._copy.knows_what_is_live():
                said = "it says something else of what is live than the events"
                self._look.suspect("index-disagrees", self._name, said)
        if self._copy is not None:
            self._copy.close()
        self._copy = self._taken(said=False) if self._doubtful and self._copy is not None else None
        if self._copy is None:
            return
        with contextlib.closing(self._copy) as copy, self._asking():
            # Without its record it must not be there; with it, it must fit.
            there = set(copy.runs())
            wrong = {run for run in self._doubtful if self._is_wrong(copy, run, there)}
            if wrong:
                found = self._look.suspect(
                    "index-disagrees", self._name, "it says something else than the records"
                )
                for run in wrong:
                    found.concerns(run, "what lists and searches say of it")

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Ask the copy; one that cannot be understood is asked no more."""
        try:
            with asking():
                yield
        except IndexFaultError as error:
            self._look.suspect(error.code, self._name, str(error))
            self._copy = None

    def _remembers(self, name: str, data: bytes) -> bool:
        if self._copy is not None:
            with self._asking():
                return self._copy.remembers(name, data)
        return True

    def _compare(self, copy: Copy) -> None:
        self._doubtful |= copy.differing(self._waiting)
        self._waiting.clear()

    def _is_wrong(self, copy: Copy, run: str, there: set[str]) -> bool:
        try:
            record = self._look.store.record(run)
            return not copy.fits(record) or (self._look.deep and bool(copy.differing([record])))
        except XtError:
            # A damaged record is a finding of its own.
            return run in there and not self._recorded(run)

    def _gone(self, run: str) -> None:
        name = f"runs/{run[:2]}/{run}.json"
        found = self._look.suspect(
            "record-missing",
            name,
            "the index remembers this run, and it is not here",
            lambda: not self._recorded(run) and not self._dropped(run),
        )
        found.concerns(run)
        found.hint = "`xt pull` brings it from a store that has it; the next `xt ls` forgets it"

    def _dropped(self, run: str) -> bool:
        """Whether it was dropped on purpose, or is just being dropped; or is told as put aside."""
        store, name = self._look.store.path, f"runs/{run[:2]}/{run}.json"
        if fsio.is_there(trash.path(store, name)) or fsio.is_there(f"{store}/{QUARANTINE}/{name}"):
            return True
        return any(run in event.runs for event in events.every(store, Swept))

    def _recorded(self, run: str) -> bool:
        return self._look.there(f"runs/{run[:2]}/{run}.json")

    def _taken(self, *, said: bool) -> Copy | None:
        try:
            return Copy(self._look.store, deep=self._look.deep)
        except FileNotFoundError:
            return None
        except IndexFaultError as error:
            if said:
                self._look.suspect(error.code, self._name, str(error))
            return None
        except OSError as error:
            if said:
                self._look.unreadable(self._name, error.strerror or str(error))
            return None
