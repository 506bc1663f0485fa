"""Runs in groups, by a value they have in common."""

from __future__ import annotations

from typing import Literal

import msgspec

#: What runs are grouped by.
Value = float | int | str


class Spread(msgspec.Struct, frozen=True):
    """The values of one metric in one group."""

    n: int
    """Runs that have a number."""
    mean: float
    sd: float | None
    """Sample standard deviation; None of a single run."""
    least: float
    most: float


class Group(msgspec.Struct, frozen=True):
    """The runs that have one value in common."""

    value: Value | None
    """None: those that have none."""
    runs: int
    ok: int
    newest: str
    """Id of the newest run."""
    metrics: dict[str, Spread]


class Groups(msgspec.Struct, frozen=True):
    """All of them, the largest value last, those without one at the end."""

    by: str
    metrics: list[str]
    total: int
    """Runs; with several tags one is in several groups."""
    groups: list[Group]
    more: int = 0
    """Groups that are left out."""
    schema: Literal["xt.groups/1"] = "xt.groups/1"
