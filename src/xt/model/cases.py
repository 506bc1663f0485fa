"""Evaluated examples: those of one run, and one of them through time."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from xt.model.delta import Tally
from xt.model.text import Text


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """One evaluated example."""

    id: str
    outcome: bool | None = None
    """Whether it passed; None where it cannot be read, or is not recorded."""
    score: float | None = None
    """More is better."""
    cells: dict[str, Any] = {}
    """Its other columns, as JSON values."""
    file: Text | None = None
    """The file it is in, where the output is of several files."""
    was: bool | float | None = None
    """Outcome, or without one score, in the run it is compared with."""


class Share(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the cases of one value of a column went."""

    column: str
    value: str
    n: int
    passed: int = 0
    failed: int = 0
    unread: int = 0
    """Without an outcome or a score that can be read."""
    mean: float | None = None
    """Of the scores."""


class CaseGroup(msgspec.Struct, frozen=True, omit_defaults=True):
    """The chosen cases of one value of a column."""

    value: str
    n: int
    examples: list[str] = []
    """Ids of the first of them."""


class Against(msgspec.Struct, frozen=True, omit_defaults=True):
    """The run that cases are compared with, and what became of those of both."""

    run: str
    shown: int
    tally: Tally
    pinned: str | None = None
    """The name pinned on it, such as `baseline`."""


class Columns(msgspec.Struct, frozen=True, omit_defaults=True):
    """Names of columns."""

    id: str
    outcome: str | None = None
    score: str | None = None
    cohorts: list[str] = []
    others: list[str] = []
    """In the order of the file."""


class CasesOfRun(msgspec.Struct, frozen=True):
    """What `xt cases` reports of one run."""

    run: str
    shown: int
    """Letters of the id that tell it from all others."""
    started_at: str
    output: Text
    """The output of role `cases` they are in."""
    chosen: str
    """Which cases are listed: `all`, `failed`, `broken`, `fixed`."""
    n: int
    """CasesOfRun in all."""
    passed: int
    failed: int
    unread: int
    """CasesOfRun without an outcome or a score that can be read."""
    fits: int
    """CasesOfRun that were asked for: of the chosen kind and cohorts."""
    columns: Columns | None = None
    """None where there is no case."""
    mean: float | None = None
    """Of the scores."""
    purpose: str | None = None
    only: dict[str, str] = {}
    """Column → value: cohorts that were asked for."""
    cohorts: list[Share] = []
    """Of all cases, by the declared columns; the worst come first."""
    by: str | None = None
    """The column that `groups` are of."""
    groups: list[CaseGroup] = []
    """Of the cases that were asked for, the largest first."""
    against: Against | None = None
    cases: list[Case] = []
    """Failed ones first, each kind in the order of the file; without outcomes, those of the lowest score."""
    more: int = 0
    """Further ones that were asked for and are not listed."""
    notes: list[str] = []
    """What a reader must know: files that are no table, cases without an id."""
    schema: Literal["xt.cases/1"] = "xt.cases/1"


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """One example in one run."""

    run: str
    shown: int
    started_at: str
    outcome: bool | None = None
    score: float | None = None
    purpose: str | None = None
    flipped: bool = False
    """Whether it went otherwise than in the run before."""
    causes: list[str] = []
    """What was changed since the run before, in one word each, where it flipped: `code`, `prompts`."""
    reason: str | None = None
    """Why nothing is known of it in this run."""


class History(msgspec.Struct, frozen=True):
    """What `xt cases --history` reports."""

    id: str
    runs: list[Seen]
    """Oldest first."""
    task: str | None = None
    """Only runs of this task were looked at."""
    without: int = 0
    """Runs with cases that have none of this id."""
    cells: dict[str, Any] = {}
    """Its other columns in the last run that has it."""
    more: int = 0
    """Earlier runs that are not listed."""
    notes: list[str] = []
    schema: Literal["xt.case/1"] = "xt.case/1"
