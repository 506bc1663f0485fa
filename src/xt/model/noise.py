"""What the runs of one recipe say about its noise."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.text import Text


class Band(msgspec.Struct, frozen=True, omit_defaults=True):
    """One number that came out, over all runs."""

    path: str
    """`metrics/val/acc`, `metrics/val/acc{digit=8}`, `cost/wall`."""
    name: str
    """The same without what it is of: `val/acc`."""
    n: int
    """Runs that gave a finite value."""
    cohort: bool = False
    """Whether it has labels."""
    unit: str | None = None
    mean: float | None = None
    sd: float | None = None
    """Sample standard deviation (n - 1), None for one value."""
    low: float | None = None
    """Smallest value."""
    high: float | None = None
    """Largest value."""
    band: float | None = None
    """Half width of Student's prediction band: one more run lies within `mean` ± `band` with `level`."""
    tolerance: str | None = None
    """As declared: `abs 0.005`."""
    allowed: float | None = None
    """The same in the metric's unit, at the mean."""
    fits: bool | None = None
    """Whether the band is within what is allowed; None where one of the two is not known."""
    notes: list[str] = []
    """What a reader must know: the resolution, spread that was never seen, values that do not count."""


class Agreement(msgspec.Struct, frozen=True, omit_defaults=True):
    """One declared output, over all runs."""

    path: Text
    role: str
    n: int
    """Other runs whose content of it is known, beside the newest."""
    differ: int = 0
    """Those in which it is not that of the newest, byte by byte."""
    note: str | None = None


class Noise(msgspec.Struct, frozen=True):
    """What `xt noise` reports."""

    run: str
    """The run that was named."""
    shown: int
    """Letters of the ids that tell them from all others."""
    recipe: str
    n: int
    """Runs of the recipe that ended well."""
    level: float
    """Of the bands."""
    runs: list[str]
    """Their ids, newest first."""
    newest: str | None = None
    """RFC 3339: when the newest of them started."""
    reruns: int = 0
    """Those of them that `xt rerun` made."""
    trials: int = 0
    """Those of them that `xt verify` made."""
    hosts: list[str] = []
    """Where they were made."""
    metrics: list[Band] = []
    """Those with a goal first; cohorts below their metric."""
    cost: list[Band] = []
    outputs: list[Agreement] = []
    doubt: str | None = None
    """Why no other run can be called a repeat."""
    notes: list[str] = []
    hint: str | None = None
    """What to do to know more."""
    schema: Literal["xt.noise/1"] = "xt.noise/1"
