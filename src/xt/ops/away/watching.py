"""Watch repeats that go on elsewhere: by their folder, and now and then by what the engine says."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from xt.errors import DamagedError, XtError
from xt.execute.engines import Engine, State
from xt.ops.away.attempts import Ended, Going
from xt.ops.away.slots import Claim, Said, Slots
from xt.ops.verify.trials import Answer

#: Seconds between two questions to the engine at most; it is asked more often after something happened.
_RARELY = 30.0
#: Seconds that an answer may come after the engine's word that a job has ended.
_LATE = 2.0


class Watch:
    """Watches the slots of one folder."""

    def __init__(self, slots: Slots, engine: Engine, lost_after: float) -> None:
        """Prepare.

        Args:
            slots: the folder.
            engine: that has the works.
            lost_after: seconds of silence.
        """
        self._slots, self._engine, self._lost_after = slots, engine, lost_after
        self._asked, self._pause = 0.0, engine.pause
        self._states: dict[int, State] = {}

    def ended(self, going: dict[int, Going]) -> list[Ended]:
        """Find those that have ended: by an answer, or because there will be none.

        Args:
            going: by slot.
        """
        try:
            names = self._slots.names()
        except OSError:
            names = set()
        now = time.monotonic()
        found: list[Ended] = []
        open_: list[tuple[Going, Said | None]] = []
        for one in going.values():
            if not one.claimed and f"{one.slot}.claim" in names:
                one.claimed, one.since = True, now
                self._soon()
            said = self._said(one) if f"{one.slot}.answer" in names else None
            if said is not None and not said.ended:
                found.append(Ended(one, State("ended"), said))
            else:
                open_.append((one, said))
        if found:
            self._soon()
        if open_:
            self._ask([one.slot for one, _ in open_])
            found += [
                Ended(one, state, said) for one, said in open_ if (state := self._lost(one, said)) is not None
            ]
        return found

    def over(self, slot: int) -> bool:
        """Whether nothing of a slot goes on any more: it has answered, or by the engine's word."""
        try:
            if self._slots.said(slot) is not None:
                return True
        except DamagedError:
            return True
        self._soon()
        self._ask([slot])
        state = self._states.get(slot)
        return state is not None and state.phase == "ended" and state.sure

    def _soon(self) -> None:
        """Ask the engine soon: something happened."""
        self._pause = self._engine.pause

    def _ask(self, slots: Iterable[int]) -> None:
        now = time.monotonic()
        if now - self._asked < self._pause:
            return
        self._states = self._engine.look(list(slots))
        self._asked, self._pause = now, min(self._pause * 1.5, max(_RARELY, self._engine.pause))

    def _said(self, one: Going) -> Said | None:
        try:
            return self._slots.said(one.slot)
        except DamagedError as error:
            return Said(Answer(error=error.message, died=True), "")

    def _lost(self, one: Going, said: Said | None) -> State | None:
        """How one ended that has no answer, or one that says that it was ended; None while it goes on."""
        state = self._states.get(one.slot)
        now = time.monotonic()
        self._hear(one, now)
        if state is None or (self._asked < one.since and state.phase != "unknown"):
            # What the engine said was before the last that was heard of it.
            return None if now - one.since < self._lost_after else self._silent(one, state)
        if state.phase == "ended" or (state.phase == "waiting" and one.claimed):
            if said is not None:
                return state
            if not state.sure and one.claimed:
                return self._silent(one, state)
            if one.over is None:
                one.over = now
                self._slots.refresh()
            if now - one.over < _LATE:
                self._soon()
                return None
            return state if self._retired(one) else None
        one.over = None
        if state.phase == "unknown":
            return self._silent(one, state)
        return None

    def _hear(self, one: Going, now: float) -> None:
        """Note a sign of life."""
        if one.claimed:
            touched = self._slots.touched(self._slots.path(one.slot, "claim"))
            if touched != one.touched:
                one.touched, one.since = touched, now

    def _silent(self, one: Going, state: State | None) -> State | None:
        """Give up on one of which nothing was heard for long."""
        if time.monotonic() - one.since < self._lost_after or not self._retired(one):
            return None
        self._slots.stop(one.slot)
        return state or State("ended", "nothing was heard of it")

    def _retired(self, one: Going) -> bool:
        """Take an unclaimed slot, so that nobody begins it any more; False when somebody has by now."""
        if one.claimed:
            return True
        try:
            if self._slots.claim(one.slot, Claim(os.uname().nodename, os.getpid())):
                return True
        except (OSError, XtError):
            return True
        one.claimed, one.since, one.over = True, time.monotonic(), None
        return False
