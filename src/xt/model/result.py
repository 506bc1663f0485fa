"""The effects of a run, and the record that holds both."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.files import Output, Problem
from xt.model.snapshot import Param, Snapshot
from xt.model.text import Text, Whole, check_moment

#: How a finished run ended. `running`, `lost` and `damaged` are derived by readers, never stored.
Status = Literal["ok", "failed", "interrupted", "incomplete", "not-started"]


class Number(msgspec.Struct, frozen=True):
    """A float JSON has no literal for."""

    special: Literal["nan", "inf", "-inf"]


class Metric(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named number that came out; of a series, the last value."""

    name: str
    value: float | Whole | Number
    source: str
    """`metrics.json:/val/acc`, `log:<pattern>`, `XT_METRICS`, or of another tool's file
    `tensorboard:runs/events.out.tfevents.1`."""
    unit: str | None = None
    goal: Literal["min", "max", "none"] = "none"
    labels: dict[str, str] = {}
    step: float | Whole | None = None
    count: int = 1
    """Points in the series."""
    series: str | None = None
    """`blake3:<hex>` of a JSON Lines object with every point, when there is more than one."""


def labelled(name: str, labels: dict[str, str]) -> str:
    """Write a metric with its cohort: `val/acc{digit=8,split=b}`, labels sorted; plain without labels."""
    inside = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name


class Stream(msgspec.Struct, frozen=True, omit_defaults=True):
    """One captured stream."""

    name: Literal["stdout", "stderr"]
    via: Literal["pty", "pipe", "inherited"]
    """`inherited`: it was closed or could not be captured; `reason` says why.

    A `stderr` that the caller joined to `stdout` (`2>&1`) is a `pipe` with a reason and without bytes of its
    own: they are in the log of `stdout`, in the order they were written in.
    """
    size: int
    """Bytes the command wrote."""
    digest: str | None = None
    """Of the stored bytes; None when nothing was written or stored."""
    stored: int = 0
    """Bytes stored: differs from `size` when secrets were masked or the log was cut."""
    masked: int = 0
    """Secrets replaced in the stored bytes."""
    recognised: dict[str, int] = {}
    """How many of these were known by their shape alone, by what they look like."""
    unsearched: int = 0
    """Bytes in which nothing was looked for by its shape: they came too fast, or xt was removed meanwhile."""
    cut_at: int | None = None
    """Byte at which storing stopped."""
    reason: str | None = None


class Logs(msgspec.Struct, frozen=True):
    """Everything the command wrote to its terminal or pipes."""

    streams: list[Stream]
    timing: str | None
    """`blake3:<hex>` of the timing file: lines `SECONDS STREAM BYTES`, in order of arrival."""
    open_at_end: bool
    """Whether a process outlived the command with a stream still open; what it wrote later is not here."""


class Usage(msgspec.Struct, frozen=True):
    """What the run cost."""

    wall_s: float
    """From start to end on a clock that never jumps, without the time it was stopped (Ctrl-Z)."""
    stopped_s: float
    user_s: float | None
    system_s: float | None
    peak_memory_bytes: int | None
    """Largest resident memory of the process tree seen at a sample, or of one process if larger."""
    read_bytes: int | None
    """Through read calls, by the command and the descendants it waited for (/proc/PID/io `rchar`)."""
    written_bytes: int | None
    gpu_utilisation: float | None
    """Mean over samples and devices, 0 to 1."""
    gpu_memory_bytes: int | None
    gpu_energy_j: float | None
    samples: int
    reason: str | None
    """Why a value is unknown."""


class Rank(msgspec.Struct, frozen=True, omit_defaults=True):
    """One process of a run that a launcher started as several."""

    rank: int
    state: Literal["ended", "lost", "absent", "unknown"]
    """`lost`: its xt died. `absent`: it never began. `unknown`: it had not ended when the run was sealed."""
    host: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    usage: Usage | None = None
    """Its own; that of the run is what all of them cost together."""
    logs: Logs | None = None
    """None of rank 0: they are those of the run."""
    reason: str | None = None
    """Why something is not known."""


class Derived(msgspec.Struct, frozen=True):
    """A table that xt made of files of another tool: JSON Lines, an object of the store and no file."""

    role: Literal["cases"]
    format: str
    """Of the files, such as `lm-eval`."""
    source: Text
    """Where they are: of a declared output its path; relative to the project's root when inside it."""
    digest: str
    size: int
    rows: int


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """All effects of a run."""

    status: Status
    exit_code: Whole | None
    """The command's own; None when a signal ended it or it did not start."""
    signal: Whole | None
    core_dumped: bool
    xt_exit: int
    """What xt ended with: the code, 128 + signal, 126 or 127."""
    received: list[int]
    """Signals that reached xt while the command ran."""
    ended_at: str
    """RFC 3339, UTC."""
    usage: Usage
    logs: Logs
    outputs: list[Output]
    metrics: list[Metric]
    problems: list[Problem]
    ranks: list[Rank] = []
    """All of them, by number, when a launcher started several processes that are one run; else none."""
    derived: list[Derived] = []
    """What was made of files of other tools, so that it can be read like an output."""
    reported: list[Param] = []
    """Settings that such files say the run had. They came after the start, so they are no causes: not in the
    recipe, and not what was declared."""

    def __post_init__(self) -> None:
        """Refuse nonsense; see `check_moment`."""
        check_moment(self.ended_at)


class Supervisor(msgspec.Struct, frozen=True):
    """The xt process that watches a run in flight, so that others can tell whether it lives."""

    host: str
    boot: str | None
    pid: int
    pid_started: int | None
    """Field 22 of /proc/PID/stat."""
    pid_namespace: str | None


class Start(msgspec.Struct, frozen=True):
    """`start.json`: written before the command starts, never changed."""

    id: str
    started_at: str
    """RFC 3339, UTC."""
    supervisor: Supervisor
    snapshot: Snapshot
    schema: Literal["xt.start/1"] = "xt.start/1"

    def __post_init__(self) -> None:
        """Refuse nonsense; see `check_moment`."""
        check_moment(self.started_at)


#: Name of the file in the folder of a run in flight that says how its command ended.
EXIT = "exit.json"


class Exit(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a command ended, written at once: until its record is sealed, and if that never comes to be."""

    ended_at: str
    """RFC 3339, UTC."""
    wall_s: float
    exit_code: Whole | None = None
    signal: Whole | None = None

    def __post_init__(self) -> None:
        """Refuse nonsense; see `check_moment`."""
        check_moment(self.ended_at)


class Record(msgspec.Struct, frozen=True):
    """A sealed run."""

    id: str
    started_at: str
    supervisor: Supervisor
    snapshot: Snapshot
    result: Result
    seal: str = ""
    """`blake3:<hex>` of the record's canonical bytes with this field empty."""
    schema: Literal["xt.run/1"] = "xt.run/1"

    def __post_init__(self) -> None:
        """Refuse nonsense; see `check_moment`."""
        check_moment(self.started_at)

    @classmethod
    def of(cls, start: Start, result: Result) -> Record:
        """Join what was true before with what came out."""
        return cls(start.id, start.started_at, start.supervisor, start.snapshot, result)
