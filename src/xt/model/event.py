"""Later statements about runs: immutable files beside the records, so that sharing is copying."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.level import Level

#: The pin that comparisons default to.
BASELINE = "baseline"


class Event(msgspec.Struct, frozen=True, tag_field="kind"):
    """What all events have."""

    id: str
    """Sorts by time."""
    at: str
    """RFC 3339, UTC."""
    by: str | None


class Pin(Event, frozen=True, tag="pin"):
    """A name was pinned on a run; a later one of the same name takes its place."""

    name: str
    run: str | None
    """None takes the pin away."""
    reason: str | None
    schema: Literal["xt.event/1"] = "xt.event/1"


class Verified(Event, frozen=True, tag="verified"):
    """A run was verified."""

    run: str
    level: Level
    required: Level
    repeats: list[str]
    """Ids of the repeats it was judged by, as the run was."""
    against: str | None
    varied: dict[str, Level]
    """Level by variation."""
    sentence: str
    sources: list[str] = []
    """What makes repeats differ, if that was found."""
    pins: list[str] = []
    schema: Literal["xt.event/1"] = "xt.event/1"


class Reused(Event, frozen=True, tag="reused"):
    """A run was not made again: what an earlier one of the same recipe gave was put in place."""

    run: str
    recipe: str
    restored: int
    """Files that were written; the others were there."""
    purpose: str | None = None
    schema: Literal["xt.event/1"] = "xt.event/1"
