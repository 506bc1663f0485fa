"""Engines: what starts commands on other machines, and is there already.

An engine is given `Work`: a command that needs no terminal and no input, and that finds everything else in a
folder which all machines see under the same path, or on a remote. It says how a work goes on as far as it
can tell; what came of it stands there. Nothing here knows of stores or records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from xt.registry import Row, Table


class Work(NamedTuple):
    """One command for another machine."""

    slot: int
    """Number by which it is spoken of; never used twice for one engine."""
    argv: list[str]
    """It ends with the number of the slot."""
    out: str
    """Absolute path of a file for what it prints, should it not even begin; `/dev/null` for nowhere."""


class State(NamedTuple):
    """How a work is, as far as the engine can tell."""

    phase: Literal["waiting", "going", "ended", "unknown"]
    """`unknown`: the engine does not answer."""
    why: str | None = None
    """A clause: `its time limit was over`, `the node failed`."""
    sure: bool = True
    """Of one that ended or waits: whether nothing of it can be going on."""
    again: bool = True
    """Of one that ended without an answer: whether it makes sense to try once more."""
    failed: bool = False
    """Of one that ended: whether the command itself could not be started or ended badly."""


class FullError(Exception):
    """The engine takes no more now; the text is its own."""


class Engine(Protocol):
    """An engine that was reached."""

    #: Seconds between two looks, at least; what costs others something is asked for rarely.
    pause: float

    def submit(self, works: Sequence[Work]) -> None:
        """Hand over works, of consecutive slots; those that `taken` names afterwards were taken.

        Raises:
            FullError: not all were taken; it may take more later.
            EngineError: it refuses them, or is not there.
        """

    def taken(self, slot: int) -> bool:
        """Whether it took the work of a slot."""

    def look(self, slots: Sequence[int]) -> dict[int, State]:
        """Say how works are."""

    def cancel(self, slots: Sequence[int]) -> None:
        """End works, or see that they never begin.

        Raises:
            EngineError: it does not answer.
        """

    def end_all(self) -> None:
        """End all works under its name, also those of an xt that was killed.

        Raises:
            EngineError: it does not answer.
        """

    def close(self) -> None:
        """Let go of it."""


class Where(NamedTuple):
    """Where repeats are made, as written: `slurm`, `dask://HOST:PORT`, `local:JOBS`."""

    kind: str
    address: str
    """What stands after the name; empty for none."""
    shown: str


#: Engines by name. Each row is a class made of the address, a name for its jobs and options.
ENGINES = Table(
    "engine",
    [
        Row("local", "", "this machine, so many repeats at a time: local:JOBS"),
        Row("slurm", "xt.execute.engines.slurm:Slurm", "jobs of sbatch, with the options of [engine.slurm]"),
        Row(
            "dask",
            "xt.execute.engines.dask:Dask",
            "the workers of a Dask scheduler: dask://HOST:PORT",
            extra="dask",
            module="distributed",
        ),
    ],
)
