"""Runs in flight, and what those left that were killed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from xt import fsio
from xt.errors import DamagedError, XtError, is_unread
from xt.model import runid
from xt.ops.upkeep import inventory
from xt.ops.upkeep.looking import LEFT, Look, One, Unread, why
from xt.store.launches import going_on
from xt.store.live import exit_of

_LAUNCH = re.compile(r"live/[0-9a-f]{32}\.launch")


class Live:
    """The check."""

    def __init__(self, look: Look) -> None:
        """Look at nothing yet."""
        self._look = look

    def begin(self) -> None:
        """Nothing: what ends meanwhile has a record by then."""

    def run(self, one: One) -> None:
        """Nothing."""

    def end(self) -> None:
        """Look at all of them."""
        look = self._look
        for file in sorted(inventory.listed(look.store.path, "live", look.unreadable)):
            base = os.path.basename(file.name)
            if file.is_folder and runid.is_id(base):
                self._one(file.name, base)
            elif _LAUNCH.fullmatch(file.name):
                self._launch(file.name)
            elif base.endswith(".tmp"):
                if look.age(file.name) > LEFT:
                    look.suspect("leftover", file.name, "a file that was being written")
            else:
                look.suspect("foreign", file.name, "it is not named like a run")

    def _one(self, name: str, run: str) -> None:
        look = self._look
        path = look.path(name)
        # A lock that is being taken is not looked at: whoever takes it does not try twice.
        if not look.there(f"{name}/start.json") and look.age(name) <= LEFT:
            return
        if self._held(name):
            look.count("in_flight")
            return
        if look.there(f"runs/{run[:2]}/{run}.json"):
            look.suspect(
                "leftover", name, "the run has its record: only its folder was left", self._idle(name)
            )
            return
        if not look.there(f"{name}/start.json"):
            look.suspect("leftover", name, "a run that was ended before it began", self._idle(name))
            return
        look.count("in_flight")
        reason, how = self._start(run)
        if reason is not None:
            found = look.suspect(
                "start-damaged", f"{name}/start.json", reason, lambda: self._start(run)[0] is not None
            )
            found.concerns(run)
        elif how == "lost":
            # Whether it was killed, or the record could not be written, is nowhere to be seen.
            how = "its command ended, its xt too," if exit_of(path) else "its xt ended"
            said = f"{how} without writing the record; what it wrote before is kept"
            found = look.suspect("run-lost", name, said, self._lost(run))
            found.concerns(run)
            found.hint = f"`xt show {run[:8]}` says how far it came, `xt rm {run[:8]}` puts it away"

    def _start(self, run: str) -> tuple[str | None, str]:
        """Why a start is no good, and how the run is."""
        try:
            start, how = self._look.store.live(run)
        except DamagedError as error:
            if is_unread(error):
                self._look.unreadable(f"live/{run}", error.message)
                return None, ""
            return error.message, ""
        except XtError:
            return None, ""
        return (None if start.id == run else f"it is of the run {start.id}"), how

    def _lost(self, run: str) -> Callable[[], bool]:
        return lambda: self._start(run)[1] == "lost" and not self._look.there(f"runs/{run[:2]}/{run}.json")

    def _idle(self, name: str) -> Callable[[], bool]:
        return lambda: self._look.there(name) and not self._held(name)

    def _held(self, name: str) -> bool:
        """Whether somebody watches a run; where that cannot be told it is said, and somebody may."""
        try:
            return going_on(self._look.path(name))
        except OSError as error:
            self._look.unreadable(f"{name}/lock", error.strerror or str(error))
            return True

    def _launch(self, name: str) -> None:
        path = self._look.path(name)
        try:
            run = fsio.read_file(path, limit=64).decode("ascii", "replace")
        except OSError as error:
            reason = why(path, error)
            if isinstance(reason, Unread):
                self._look.unreadable(name, reason)
                return
            run = ""
        if not runid.is_id(run) or not self._held(f"live/{run}"):
            self._look.suspect("leftover", name, "a launch that has ended", lambda: self._look.there(name))
