"""Later statements about runs: immutable files beside the records, so that sharing is copying."""

from __future__ import annotations

from typing import Literal

import msgspec

#: The pin that comparisons default to.
BASELINE = "baseline"


class Pin(msgspec.Struct, frozen=True, tag="pin", tag_field="kind"):
    """A name was pinned on a run; a later one of the same name takes its place."""

    id: str
    """Sorts by time."""
    at: str
    """RFC 3339, UTC."""
    by: str | None
    name: str
    run: str | None
    """None takes the pin away."""
    reason: str | None
    schema: Literal["xt.event/1"] = "xt.event/1"
