"""Which recorded evidence no longer holds, and what is to be done again."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.text import Text

State = Literal["fresh", "stale", "unknown"]
#: `train`: it makes a model. `evaluate`: it reads a model that is still valid, or is made again before it.
Action = Literal["train", "evaluate", "run"]


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """One cause that is not as recorded, or cannot be compared."""

    point: str
    """`code`, `command`, `params`, `inputs.<role>`, `runtime`, `hardware`, `seed`."""
    relation: Literal["changed", "unknown"]
    what: str
    """In a few words: `train.py`, `lr 0.1 → 0.05`, `numpy 2.4.5 → 2.4.6`."""


class Judged(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run: whether what it found still holds."""

    run: str
    shown: int
    """Letters of the id that tell it from all others."""
    state: State
    started_at: str
    action: Action
    """What doing it again would be."""
    points: list[str]
    """Its recompute points."""
    reasons: list[Reason] = []
    after: list[str] = []
    """Stale runs that made what it reads: they come first. Of an unknown one, the unknown ones."""
    by_hand: str | None = None
    """Why `--run` cannot do it again: `xt.toml` declares another command than was run."""
    passed: list[str] = []
    """What differs and does not count, and why."""
    purpose: str | None = None
    name: str | None = None
    task: str | None = None
    command: list[Text] = []
    pinned: list[str] = []
    """Names that are pinned on it, such as `baseline`."""
    wall_s: float | None = None
    """What it took last time."""
    money: float | None = None
    """What it cost by the declared rates."""


class Staleness(msgspec.Struct, frozen=True):
    """What `xt stale` reports."""

    plan: list[Judged]
    """Stale runs in the order in which to do them again, the least work first."""
    unknown: list[Judged] = []
    """Runs of which it cannot be told."""
    fresh: list[Judged] = []
    wall_s: float = 0.0
    """Sum over the plan."""
    money: float | None = None
    """The same; None without rates, or where one is not known."""
    currency: str = ""
    training: int = 0
    """Runs of the plan that train."""
    doubts: list[str] = []
    """What cannot be read, so that something may be missing here."""
    schema: Literal["xt.stale/1"] = "xt.stale/1"

    @property
    def state(self) -> State:
        """The whole: stale if anything is, else unknown if anything is."""
        return "stale" if self.plan else "unknown" if self.unknown or self.doubts else "fresh"
