"""Executors: start a command and watch it to its end, without the command noticing.

The interface is `Job` in, `Ended` out. `local` is the one implementation so far.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from xt.model.files import Problem
from xt.model.result import Logs, Usage


class Masker(Protocol):
    """Replaces secrets in a stream of bytes, whatever the chunking."""

    count: int

    def feed(self, data: bytes, final: bool = False) -> bytes:
        """Take bytes, give back those that can no longer become part of a secret."""


class Job(msgspec.Struct, frozen=True):
    """One command to run."""

    argv: list[str]
    environ: dict[str, str]
    """All variables the command gets."""
    folder: str
    """Where `stdout`, `stderr` and `timing` are written as they come."""
    secrets: dict[str, str]
    """Values to mask in the stored logs, by name."""
    grace: float
    """Seconds; see `config.RunSettings`."""
    idle_grace: float
    max_log: int
    """Bytes."""
    mask_tokens: bool = False
    """Whether what looks like a secret is masked in them, too; see `tokens`."""
    own_pids: bool = False
    """Whether it is process 1 of a pid namespace of its own; takes root's rights on Linux."""


class Captured(msgspec.Struct, frozen=True):
    """A log file that was written, with the digest taken while writing."""

    name: Literal["stdout", "stderr", "timing"]
    path: str
    digest: str
    size: int


class Ended(msgspec.Struct, frozen=True):
    """How a command ended."""

    started: bool
    exit_code: int | None
    signal: int | None
    core_dumped: bool
    xt_exit: int
    """What xt should end with."""
    received: list[int]
    """Signals that reached xt meanwhile."""
    usage: Usage
    logs: Logs
    files: list[Captured]
    problems: list[Problem]
    reason: str | None = None
    """Why it did not start."""
    no_room: bool = False
    """Whether the system had no room for another process: in place of this one it may start."""
