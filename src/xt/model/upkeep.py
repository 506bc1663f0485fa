"""What a store holds on the disk, and what of it goes when it is swept."""

from __future__ import annotations

from typing import Literal

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """One sort of things in a store."""

    sort: str
    """Such as `outputs`, `logs`, `code`, `temporary files`."""
    files: int
    size: int
    """Bytes on the disk."""


class Fate(msgspec.Struct, frozen=True):
    """One run, and why it goes or stays."""

    run: str
    shown: int
    """Letters of its id that tell it from all others."""
    reason: str
    started_at: str
    name: str | None = None


class Waiting(msgspec.Struct, frozen=True):
    """What nobody refers to, and is too new to be sure of that."""

    files: int
    size: int
    until: str | None
    """RFC 3339, UTC: when the last of it may go; None when that cannot be told."""
    flying: list[str] = []
    """Runs in flight for whose sake it waits for longer than the grace period."""


class Sweeping(msgspec.Struct, frozen=True):
    """What `xt gc` did, or would do."""

    dry: bool
    """Nothing was done."""
    rules: list[str]
    grace_s: float
    runs: int
    """Runs that were there before."""
    dropped: list[Fate]
    kept: list[Fate]
    """Runs that stay although something speaks against them: put away, or kept by no rule."""
    reasons: dict[str, int]
    """Reason → runs that stay for it."""
    freed: list[Kind]
    waiting: Waiting | None
    notes: list[str]
    failed: bool = False
    """Whether something could not be removed, or not be dropped; `notes` say what."""
    schema: Literal["xt.gc/1"] = "xt.gc/1"

    @property
    def size(self) -> int:
        """Bytes on the disk that are free, or would be."""
        return sum(kind.size for kind in self.freed)


class Share(msgspec.Struct, frozen=True):
    """What one run takes."""

    run: str
    shown: int
    own: int
    """Bytes on the disk that would be free without it."""
    shared: int
    """Bytes that others need too."""
    started_at: str | None = None
    name: str | None = None


class Usage(msgspec.Struct, frozen=True):
    """What takes the space of a store."""

    store: str
    size: int
    """Bytes on the disk, of everything below it, as `du -s` counts them."""
    sorts: list[Kind]
    """Each file is in one of them."""
    runs: list[Share]
    of: int
    """Runs there are; `runs` lists those that were asked for."""
    notes: list[str] = []
    schema: Literal["xt.du/1"] = "xt.du/1"
