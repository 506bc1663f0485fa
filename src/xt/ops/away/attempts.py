"""One attempt at a repeat elsewhere: while it goes on, and when it has ended."""

from __future__ import annotations

import time
from typing import NamedTuple

from xt.execute.engines import State
from xt.ops.away.slots import Said
from xt.ops.repeat.wish import Wish


class Going:
    """One that goes on, or waits for its turn."""

    def __init__(self, slot: int, number: int, wish: Wish, attempt: int) -> None:
        """Begin: nobody has claimed it yet.

        Args:
            slot: its own number.
            number: of the repeat.
            wish: what it is.
            attempt: attempts before it.
        """
        self.slot, self.number, self.wish, self.attempt = slot, number, wish, attempt
        self.claimed = False
        self.since = time.monotonic()
        """When something was last heard of it."""
        self.touched: int | None = None
        self.over: float | None = None
        """When the engine said that it has ended."""


class Ended(NamedTuple):
    """One that has ended."""

    one: Going
    state: State
    said: Said | None
    """Its answer; None when it gave none."""

    @property
    def lost(self) -> bool:
        """Whether it says nothing of the repeat."""
        return self.said is None or self.said.ended

    @property
    def never_began(self) -> bool:
        """Whether its worker could not be started where it should have been."""
        return self.lost and self.state.failed and not self.one.claimed

    def again(self, retries: int) -> bool:
        """Whether to make it again.

        Args:
            retries: how often at most.
        """
        sense = self.state.again and self.state.phase != "unknown" and not self.never_began
        return self.lost and sense and self.one.attempt < retries

    @property
    def why(self) -> str:
        """Why it was lost: as the engine knows it, else as the worker does."""
        if self.state.phase == "waiting" and self.state.sure:
            return "its job was put back into the queue"
        if self.said is not None and (self.state.phase != "ended" or self.state.again):
            return f"{self.said.answer.error} on {self.said.host}"
        return self.state.why or "nothing was heard of it any more"
