"""How well a run repeats: a level for each thing compared, and what explains a difference."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.delta import Measure
from xt.model.level import Level, reaches


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """One way the run was repeated: as it was, or with a variation in force."""

    name: str
    """`repeat`, the name of a variation such as `threads`, `all` for all variations together, or
    `against` for an existing run."""
    level: Level
    """Lowest of its cells that count."""
    runs: list[str] = []
    """Ids of the repeats it was judged by."""
    what: str | None = None
    """What was done: `PYTHONHASHSEED=1`, `2 CPUs instead of 16`."""
    skipped: str | None = None
    """Why it could not be tried here; then it has no runs, and its cells say nothing."""


class Cell(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing in one column."""

    level: Level
    differ: int = 0
    """Repeats of the column in which it is not identical."""
    n: int = 0
    """Repeats of the column it could be compared in."""
    example: str | None = None
    """Id of a repeat in which it is not identical, the one that is furthest away where that is known."""


class Equivalence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Two one-sided tests (Schuirmann 1987) of a metric against its declared bound."""

    metric: str
    n: int
    """Repeats."""
    reference: float
    """Value of the run that is verified, or mean of the runs it is held against."""
    mean: float
    """Mean of the repeats."""
    bound: float
    """Declared, in the metric's unit: means further apart than this do not count as the same."""
    level: float
    """Of each of the two tests: the chance to call them the same when they are not."""
    passed: bool
    sd: float | None = None
    """Sample standard deviation of the differences; None with fewer than two repeats."""
    p: float | None = None
    """The larger of the two p values."""
    low: float | None = None
    """Confidence interval (1 - 2 level) of the difference of means."""
    high: float | None = None
    needed: int | None = None
    """Repeats that would decide it 4 times of 5 if the spread stays as it is; None when no number would."""
    note: str | None = None


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is compared, over all columns."""

    path: str
    """`status`, `metrics/val/acc`, `metrics/val/acc{digit=8}`, `cases`, `outputs/model.npz`,
    `logs/stdout`."""
    level: Level
    """Over all repeats as the run was (the first column); of variations the columns tell."""
    cells: list[Cell] = []
    """One for each column, in order."""
    measure: Measure | None = None
    """Largest deviation, and where."""
    tolerance: str | None = None
    """As declared."""
    test: Equivalence | None = None
    """What `consistent` was decided by."""
    note: str | None = None
    hint: str | None = None
    counted: bool = True
    """Whether it counts for the level of the whole."""
    excused: bool = False
    """Not counted because it has no tolerance and the metrics agree in the mean; the whole is then
    `consistent` at best."""


class Trial(msgspec.Struct, frozen=True, omit_defaults=True):
    """One experiment of a diagnosis: whether repeats agree with each other under these pins."""

    pins: list[str]
    """Names; empty for the control without any."""
    agree: bool
    n: int
    """Runs that were made."""
    what: str | None = None
    """What was done to pin: `PYTHONHASHSEED=0`."""
    note: str | None = None
    """Such as: it ended with exit 1 instead."""
    runs: list[str] = []
    explains: list[str] = []
    """Paths of the things that differ without these pins, and agreed in every run under them."""


class Diagnosis(msgspec.Struct, frozen=True, omit_defaults=True):
    """What makes repeats differ, as experiments show it."""

    sources: list[str]
    """Names of sources: `hashseed`, `seed`, `clock`, `threads`, `path`, `environment`, `input`, …; empty
    when nothing that was tried explains it."""
    sentence: str
    """For a person: what was done, and what follows."""
    pins: list[str] = []
    """The smallest set of pins under which what is explained repeats."""
    reaches: dict[str, list[str]] = {}
    """By source: paths of the things it reaches; of sources that explain only together, the same."""
    unexplained: list[str] = []
    """Paths of things that differ, and that nothing that was tried explains."""
    hint: str | None = None
    """What to do about it."""
    first: str | None = None
    """Where the first difference is: an output and the place in it, or the line of a log, with both sides."""
    trials: list[Trial] = []
    impossible: dict[str, str] = {}
    """Pins that could not be tried here, and why."""


class Verification(msgspec.Struct, frozen=True, omit_defaults=True):
    """How well one run repeats."""

    run: str
    shown: int
    """Letters of the id that tell it from all others."""
    required: Level
    level: Level
    sentence: str
    """The level and its reason, for a person."""
    against: str | None = None
    """The existing run it was held against; None when repeats were made."""
    purpose: str | None = None
    columns: list[Column] = []
    lines: list[Line] = []
    diagnosis: Diagnosis | None = None
    drift: list[str] = []
    """How the environment now differs from the recorded one, one clause each."""
    missing: list[str] = []
    """Of `unverifiable`: what is missing, one clause each."""
    hint: str | None = None
    """What to do about what is missing, or about too few repeats."""
    notes: list[str] = []
    """What a reader must know: that it stopped early and why, that nothing was declared."""
    wanted: int = 0
    """Repeats that were asked for."""
    event: str | None = None
    """Id of the event that records it."""
    on: str | None = None
    """The engine that made the repeats, as written for `--on`; None: this machine."""

    @property
    def reached(self) -> bool:
        """Whether the required level was reached."""
        return reaches(self.level, self.required)


class Verifications(msgspec.Struct, frozen=True):
    """What `xt verify` reports."""

    verifications: list[Verification]
    level: Level
    """The lowest of them."""
    reached: bool
    schema: Literal["xt.verify/1"] = "xt.verify/1"
