"""What all events together say: a fold over a set of them, so that no order and no copy of one matters.

Events are taken in the order of their ids, which is that of time. Of statements that contradict each other
(a name, a tag put on and taken off, a pin) the later one holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from xt.model.event import (
    Deployed,
    Event,
    Named,
    Noted,
    Observed,
    Pin,
    Point,
    Removed,
    Reused,
    Signed,
    Swept,
    Tagged,
    Verified,
)


class RunStanding(msgspec.Struct):
    """What was said of one run after it was sealed."""

    tags: dict[str, bool] = {}
    """Tag → whether it is on; one that is not named here is as the record says."""
    renamed: Named | None = None
    """The last word on its name; None: it is as the record says."""
    notes: list[Noted] = []
    removed: Removed | None = None
    """Set while it is put away."""
    verified: Verified | None = None
    """How it was last verified."""
    reused: list[Reused] = []
    signed: list[str] = []
    """Keys it says it was signed with; nothing was checked."""

    def name(self, recorded: str | None) -> str | None:
        """Its name now."""
        return recorded if self.renamed is None else self.renamed.name

    def tags_now(self, recorded: list[str]) -> list[str]:
        """Its tags now: recorded ones first, in their order."""
        kept = [tag for tag in recorded if self.tags.get(tag, True)]
        return kept + [tag for tag, on in self.tags.items() if on and tag not in recorded]


class Labelled(NamedTuple):
    """One run and what is said of it now."""

    id: str
    shown: int
    """Letters of the id that tell it from all others."""
    name: str | None
    tags: list[str]
    said: RunStanding
    doubts: tuple[str, ...] = ()
    """Paths of events that could not be read, so that what they say is missing here."""


class Place(msgspec.Struct):
    """One environment that artefacts are deployed to."""

    deployments: list[Deployed] = []
    """In the order in which they went live; the last one is."""
    observed: list[Point] = []
    """By time of measurement; of one name at one time, the one said last."""

    @property
    def live(self) -> Deployed | None:
        """What is live."""
        return self.deployments[-1] if self.deployments else None


class Standing(msgspec.Struct):
    """The whole."""

    runs: dict[str, RunStanding] = {}
    pins: dict[str, Pin] = {}
    """The last word on each name; one without a run takes it away."""
    places: dict[str, Place] = {}
    doubts: list[str] = []
    """Events that cannot be read, so that what they say is missing here."""

    def of(self, run_id: str) -> RunStanding:
        """What was said of a run; of most nothing."""
        return self.runs.get(run_id) or RunStanding()

    def live(self) -> dict[str, list[str]]:
        """Run → environments in which something of it is live now."""
        found: dict[str, list[str]] = {}
        for name, place in sorted(self.places.items()):
            if place.live is not None:
                found.setdefault(place.live.run, []).append(name)
        return found


def fold(events: Iterable[Event]) -> Standing:
    """Say what a set of events comes to.

    Args:
        events: in any order; the same one may be there many times.
    """
    whole = Standing()
    points: dict[str, dict[tuple[str, str], Point]] = {}
    for event in sorted({event.id: event for event in events}.values(), key=lambda event: event.id):
        if isinstance(event, Pin):
            whole.pins[event.name] = event
        elif isinstance(event, Deployed):
            whole.places.setdefault(event.to, Place()).deployments.append(event)
        elif isinstance(event, Observed):
            whole.places.setdefault(event.to, Place())
            seen = points.setdefault(event.to, {})
            seen.update({(point.at, point.name): point for point in event.points})
        elif not isinstance(event, Swept):
            _of_a_run(whole, event)
    for place in whole.places.values():
        # One that was recorded after the fact takes the place it had; else the order is that of ids.
        place.deployments.sort(key=lambda event: event.live_from)
    for name, seen in points.items():
        whole.places[name].observed = [seen[key] for key in sorted(seen)]
    return whole


def _of_a_run(whole: Standing, event: Event) -> None:
    run = whole.runs.setdefault(getattr(event, "run"), RunStanding())  # noqa: B009
    if isinstance(event, Tagged):
        # A tag that is put on again goes to the end.
        run.tags.pop(event.name, None)
        run.tags[event.name] = not event.off
    elif isinstance(event, Named):
        run.renamed = event
    elif isinstance(event, Noted):
        run.notes.append(event)
    elif isinstance(event, Removed):
        run.removed = None if event.back else event
    elif isinstance(event, Verified):
        run.verified = event
    elif isinstance(event, Reused):
        run.reused.append(event)
    elif isinstance(event, Signed):
        run.signed += [one.keyid for one in event.envelope.signatures if one.keyid not in run.signed]
