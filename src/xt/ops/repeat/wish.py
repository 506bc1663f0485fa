"""What a repeat is asked to be."""

from __future__ import annotations

from typing import Literal

import msgspec

Mode = Literal["check", "strict", "recreate", "docker"]


class Wish(msgspec.Struct, frozen=True):
    """One `xt rerun`, or one trial of `xt verify`."""

    run: str
    """Whole id of the run to repeat."""
    extra: list[str] = []
    """Arguments added to the command."""
    sets: list[str] = []
    """`KEY=VALUE`: params to change; `KEY=@env:NAME` takes the value of a variable."""
    seed: int | None = None
    """Instead of the recorded one."""
    environment: Mode = "check"
    in_place: bool = False
    """In the project as it is now."""
    recompute: bool = False
    """In place, and with the caller's variables: what differs is what it is done again for."""
    keep: bool = False
    """Whether the workspace stays."""
    purpose: str | None = None
    """Instead of the recorded one."""
    name: str | None = None
    trial: bool = False
    """Made by `xt verify`."""
    varied: list[str] = []
    """Names of variations."""
    pinned: list[str] = []
    """Names of pins."""
    away: bool = False
    """On an engine: machines that share the store need not see each other's locks."""
