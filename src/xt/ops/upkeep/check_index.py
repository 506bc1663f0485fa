"""The search index: that it says what the records and events say. It is a cache, and can be made again."""

from __future__ import annotations

import contextlib
import os

from xt.errors import XtError
from xt.ops.upkeep.looking import Look, One
from xt.store.index.checking import Copy, IndexFaultError

#: Relative to the store.
NAME = "cache/index.db"


class Index:
    """The check."""

    def __init__(self, look: Look) -> None:
        """Look at nothing yet."""
        self._look = look
        self._copy: Copy | None = None
        self._doubtful: set[str] = set()
        """Runs."""

    def begin(self) -> None:
        """Take a copy."""
        self._copy = self._taken(said=True)
        if self._copy is not None:
            self._look.remembers = self._copy.remembers

    def run(self, one: One) -> None:
        """Hold a record against it."""
        if self._copy is not None and not self._copy.fits(one.record):
            self._doubtful.add(one.run)

    def end(self) -> None:
        """Hold what it has besides against the records, and look again at what does not fit."""
        if self._copy is None:
            return
        self._doubtful |= {run for run in self._copy.runs() if not self._recorded(run)}
        self._copy.close()
        if self._doubtful and (copy := self._taken(said=False)) is not None:
            with contextlib.closing(copy):
                # Without its record it must not be there; with it, it must fit.
                there = set(copy.runs())
                wrong = {run for run in self._doubtful if self._is_wrong(copy, run, there)}
            if wrong:
                found = self._look.suspect("index-disagrees", NAME, "it says something else than the records")
                for run in wrong:
                    found.concerns(run, "what lists and searches say of it")

    def _is_wrong(self, copy: Copy, run: str, there: set[str]) -> bool:
        try:
            return not copy.fits(self._look.store.record(run))
        except XtError:
            # A damaged record is a finding of its own.
            return run in there and not self._recorded(run)

    def _recorded(self, run: str) -> bool:
        return os.path.lexists(self._look.path(f"runs/{run[:2]}/{run}.json"))

    def _taken(self, *, said: bool) -> Copy | None:
        try:
            return Copy(self._look.store, deep=self._look.deep)
        except FileNotFoundError:
            return None
        except IndexFaultError as error:
            if said:
                self._look.suspect(error.code, NAME, str(error))
            return None
        except OSError as error:
            if said:
                self._look.unreadable(NAME, error.strerror or str(error))
            return None
