"""How well a run repeats, in one word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

#: How well a repeat agrees, best first. `unverifiable`: a precondition is missing, so nothing can be said.
Level = Literal["identical", "equivalent", "consistent", "divergent", "unverifiable"]
LEVELS: tuple[Level, ...] = ("identical", "equivalent", "consistent", "divergent", "unverifiable")


def lowest(levels: Iterable[Level]) -> Level:
    """The level of a whole: the lowest of its parts, `identical` when it has none."""
    return max(levels, key=LEVELS.index, default="identical")


def reaches(level: Level, required: Level) -> bool:
    """Whether a level is the required one or better."""
    return LEVELS.index(level) <= LEVELS.index(required)
