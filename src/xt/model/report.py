"""What a report of runs says, before it is a page."""

from __future__ import annotations

from typing import Any

import msgspec

from xt.model.delta import Comparison
from xt.model.plot import Plot
from xt.model.result import Number
from xt.model.summary import Summary


class ReportRun(msgspec.Struct, frozen=True):
    """One row of the table."""

    summary: Summary
    shown: int
    """Letters of its id that tell it from all others."""
    metrics: dict[str, float | int | Number]
    params: dict[str, Any]
    pinned: bool = False
    """Whether it is the baseline."""


class LogEnd(msgspec.Struct, frozen=True):
    """The end of what a run that did not end well wrote."""

    run: str
    stream: str
    data: bytes
    left_out: int
    """Bytes before that."""
    reason: str | None = None
    """Why there is nothing to show."""


class FailedCase(msgspec.Struct, frozen=True):
    """One evaluated example that failed in at least one run."""

    id: str
    outcomes: list[bool | float | None]
    """Of each run that has cases: whether it passed, or its score; None when it is not known."""
    cohorts: dict[str, str]
    details: dict[str, str]
    """Other columns, as the newest run has them."""


class Cases(msgspec.Struct, frozen=True):
    """The examples that failed most, over all runs."""

    runs: list[str]
    """Short ids of the runs that have cases."""
    failed: int
    """Examples that failed in at least one of them."""
    total: int
    shown: list[FailedCase]
    """Those that failed in the most runs first."""
    by_score: bool = False
    """No outcome is recorded: the lowest scores are shown."""
    notes: list[str] = []


class Report(msgspec.Struct, frozen=True):
    """Everything on the page."""

    title: str
    created: str
    """RFC 3339, UTC."""
    version: str
    """Of xt."""
    runs: list[ReportRun]
    metrics: list[str]
    """Columns of the table, the most telling first."""
    goals: dict[str, str]
    """`min` or `max`, of metrics that have a goal."""
    params: list[str]
    """Params that are not the same in all runs."""
    plot: Plot | None
    comparisons: list[Comparison]
    cases: Cases | None
    logs: list[LogEnd]
    notes: list[str]
    """What was left out."""
    required: bool = False
    """Whether any evidence is required of runs now."""
