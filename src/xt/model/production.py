"""What is live where, how it does there, what moved with it, and what could take its place."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.delta import Delta
from xt.model.result import Number
from xt.model.text import Text

Goal = Literal["min", "max", "none"]
Direction = Literal["better", "worse"]
#: Hex digits of a bundle's digest that are shown.
VERSION = 6


class Offline(msgspec.Struct, frozen=True, omit_defaults=True):
    """A metric of the run that made an artefact, or of one that evaluated it."""

    name: str
    """With its labels: `val/acc{digit=8}`."""
    value: float | int | Number
    unit: str | None = None
    goal: Goal = "none"
    run: str = ""
    """That measured it."""
    shown: int = 0
    """Letters of its id that tell it from all others."""


class Measured(msgspec.Struct, frozen=True, omit_defaults=True):
    """Measurements of one name while something was live."""

    name: str
    n: int
    mean: float | None
    """None when it is beyond what a number can say."""
    low: float
    high: float
    last: float
    last_at: str
    """RFC 3339, UTC."""
    unit: str | None = None
    goal: Goal = "none"


class Went(msgspec.Struct, frozen=True, omit_defaults=True):
    """One deployment, with what is known of it."""

    event: str
    """Id of the event that says so."""
    short: str
    """Letters of the event's id that name it in commands."""
    to: str
    since: str
    """RFC 3339, UTC: when it went live."""
    until: str | None
    """When the next one took its place; None while it is live."""
    by: str | None
    run: str
    shown: int
    """Letters of the run's id that tell it from all others."""
    output: Text
    digest: str
    path: Text | None = None
    """The file that was named."""
    role: str | None = None
    """Of the output; None when the run cannot be read."""
    purpose: str | None = None
    """Of the run."""
    prompts: str | None = None
    """Version of the prompts: `prompts@3f9a2c`."""
    policy: str | None = None
    config: dict[str, str] = {}
    reason: str | None = None
    lacking: list[str] = []
    """Required evidence that was missing."""
    despite: list[str] = []
    """What else spoke against it."""
    takes_back: str | None = None
    """Event of the deployment that it rolled back."""
    taken_back: bool = False
    """Whether it was rolled back later."""
    unreadable: str | None = None
    """Why nothing is known of the run."""
    offline: list[Offline] = []
    """What was measured of it before, the most telling first: by its run, then by those that read it."""
    seen: list[Measured] = []
    """What was measured in production while it was live."""


class LivePlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """One environment."""

    name: str
    deployments: list[Went]
    """Newest first."""
    before: list[Measured] = []
    """What was measured before anything was deployed."""
    more: int = 0
    """Further deployments, older ones."""


class Production(msgspec.Struct, frozen=True):
    """What `xt prod` reports."""

    environments: list[LivePlace]
    doubts: list[str] = []
    """Events of deployments or measurements that cannot be read: what they say is missing here."""
    schema: Literal["xt.prod/1"] = "xt.prod/1"


class Observing(msgspec.Struct, frozen=True):
    """What `xt observe` reports."""

    to: str
    names: list[str]
    """Metrics that were measured, sorted."""
    new: int
    """Measurements that were recorded now."""
    known: int
    """Those that were recorded before."""
    replaced: int
    """Of the new ones, those that take the place of another value of the same time."""
    first: str | None
    """RFC 3339, UTC: time of the earliest."""
    last: str | None
    events: list[str]
    """Ids of the events written."""
    notes: list[str] = []
    schema: Literal["xt.observe/1"] = "xt.observe/1"


class Stretch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Values of a metric over a stretch of time."""

    n: int
    median: float | None = None
    low: float | None = None
    high: float | None = None
    first: str | None = None
    """RFC 3339, UTC: time of the earliest."""
    last: str | None = None
    picture: list[float] = []
    """At most 24 of the values, evenly taken."""


class Changes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is another between two deployments."""

    left: str
    """Event of the earlier one."""
    right: str
    same_run: bool = False
    causes: Delta | None = None
    """As of `xt diff` between their runs; None when both are of one run, or it cannot be told."""
    reason: str | None = None
    """Why the causes cannot be told."""
    prompts: tuple[str | None, str | None] | None = None
    """Versions of both where they differ."""
    policy: tuple[str | None, str | None] | None = None


class Moved(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place in a series where it may have moved."""

    word: Literal["moved", "did not move", "within tolerance", "cannot tell"]
    at: str
    """RFC 3339, UTC: of the deployment, or of the first measurement after the movement."""
    before: Stretch
    after: Stretch
    deployments: list[str] = []
    """Events of the deployments it coincides with; none: it moved while nothing was deployed."""
    changes: Changes | None = None
    """From what was live before to what was live after."""
    direction: Direction | None = None
    delta: float | None = None
    """Median after minus median before; None where that is beyond what a number can say."""
    p: float | None = None
    level: float | None = None
    """What `p` had to stay below (Holm's step for this place)."""
    method: str | None = None
    reason: str | None = None
    """Of `cannot tell`; and what a reader must know of the others."""


class Blame(msgspec.Struct, frozen=True):
    """What `xt blame` reports."""

    to: str
    metric: str
    unit: str | None
    goal: Goal
    since: str | None
    """RFC 3339, UTC: measurements before it do not count."""
    n: int
    """Measurements."""
    places: list[Moved]
    """In the order of time."""
    deployments: list[Went]
    """Those that `places` name, in the order of time."""
    family: int
    """Places that were judged together."""
    tolerance: str | None = None
    notes: list[str] = []
    doubts: list[str] = []
    schema: Literal["xt.blame/1"] = "xt.blame/1"


class Tradeoff(msgspec.Struct, frozen=True, omit_defaults=True):
    """A metric of what is live beside that of a candidate."""

    name: str
    where: Literal["offline", "production"]
    now: float | int | Number | None
    then: float | int | Number | None
    direction: Direction | None = None
    """Of going from now to then, by the declared goal; None without one, or when it is the same."""
    judged: str | None = None
    """Of offline metrics: the verdict of `xt diff`, such as `within noise`."""
    n: tuple[int, int] | None = None
    """Measurements in production behind each."""
    unit: str | None = None


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deployment that could be live again."""

    deployment: Went
    changes: Changes
    """From what is live to it: what a rollback would undo."""
    tradeoff: list[Tradeoff] = []
    held: bool = True
    """Whether its content is in this store."""
    against: list[str] = []
    """What it would be refused for, without `--force`."""


class Rollback(msgspec.Struct, frozen=True):
    """What `xt rollback` reports without `--to`."""

    to: str
    live: Went
    candidates: list[Candidate]
    """The newest first."""
    more: int = 0
    """Further ones that were not looked at."""
    doubts: list[str] = []
    schema: Literal["xt.rollback/1"] = "xt.rollback/1"
