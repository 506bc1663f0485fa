"""What an audit finds: each required field of a run, where it came from, or how it is supplied."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One required field of one run."""

    field: str
    present: bool
    value: Any = None
    """What it is, in short: text, or the value of a param, fact, seed or metric."""
    source: str | None = None
    """Where it came from."""
    missing: str | None = None
    """Why it is missing."""
    supply: str | None = None
    """How a new run supplies it: an option of `xt run`, a key of `xt.toml`."""
    needs: Literal["verify", "rerun", "run"] | None = None
    """What can still give it: a verification of this very run, a repeat of it, or only another run."""
    command: str | None = None
    """The command that does, for the first two."""


class Audit(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run."""

    run: str
    shown: int
    """Letters of the id that tell it from all others."""
    status: str
    """How it ended; `lost`, `unknown` or `running` for one that has no record."""
    started_at: str
    complete: bool | None
    """Whether it has all that is required of it now; None where nothing is required."""
    fields: list[Item]
    """Those that are required, in the order of `xt.toml`; where nothing is, the ones it has."""
    purpose: str | None = None
    task: str | None = None
    required_then: list[str] = []
    """What was required of it when it started."""
    lacking_then: list[str] = []
    """What of that was missing when it started."""


class Unreadable(msgspec.Struct, frozen=True):
    """A run that nothing can be said of."""

    run: str
    shown: int
    reason: str


class Audits(msgspec.Struct, frozen=True):
    """What `xt audit` reports."""

    complete: bool | None
    """Whether every run is complete; None where nothing is required of any of them."""
    audits: list[Audit]
    """Newest first."""
    unreadable: list[Unreadable] = []
    """Runs whose records are damaged: they are not complete."""
    running: list[str] = []
    """Runs that are not judged because they go on."""
    notes: list[str] = []
    """What a reader must know, such as events that cannot be read."""
    schema: Literal["xt.audit/1"] = "xt.audit/1"
