"""What a user asks `xt run` to do: command line and `xt.toml` joined."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from xt.model.snapshot import ImportSpec, MetricSpec, Repeat


class InputSpec(msgspec.Struct, frozen=True):
    """A declared input, not looked at yet."""

    role: str
    path: str
    """Path, glob or URI as written."""
    base: str
    """Absolute folder a relative path starts from: the working directory, or that of `xt.toml`."""


class OutputRequest(msgspec.Struct, frozen=True):
    """A declared output, not looked at yet."""

    role: str
    path: str
    base: str


class ParamSpec(msgspec.Struct, frozen=True):
    """`KEY=VALUE`, or a file to flatten."""

    key: str | None
    value: str | None
    path: str | None
    base: str
    source: str
    """`--param` or `xt.toml`."""


class FactSpec(msgspec.Struct, frozen=True):
    """A fact as it was declared."""

    name: str
    value: Any
    source: str
    """`--fact`, `xt.toml`, or the task: `[task.NAME]`."""
    written: bool = False
    """Whether the value is text of the command line, to be typed as that of a param."""


class MetricGoal(msgspec.Struct, frozen=True):
    """What is declared of a metric under `[metrics."name"]`."""

    goal: Literal["min", "max", "none"] = "none"
    unit: str | None = None


class Docker(msgspec.Struct, frozen=True):
    """The container to run a command in."""

    image: str
    """Its name, id or digest, as asked."""
    options: list[str] = []
    """Further options of `docker run`, one word each."""
    declared: str = "--docker"
    """Where it was: `--docker`, `xt.toml` or `[task.NAME]`."""
    id: str | None = None
    """The image that is meant, for a repeat, whatever the name means by now."""
    handed: list[str] | None = None
    """Variables to hand over, for a repeat; None: those that are settings, see `xt.collect.contained`."""
    environ: dict[str, str] | None = None
    """Variables by which the engine is found, for a repeat; None: those of the command."""


class RunRequest(msgspec.Struct, frozen=True):
    """One `xt run`."""

    command: list[str]
    """argv, decoded with `os.fsdecode`."""
    cwd: str
    """Absolute; where the command runs."""
    purpose: str | None = None
    name: str | None = None
    tags: list[str] = []
    inputs: list[InputSpec] = []
    outputs: list[OutputRequest] = []
    params: list[ParamSpec] = []
    facts: list[FactSpec] = []
    """One of each name."""
    metrics: list[MetricSpec] = []
    imports: list[ImportSpec] = []
    goals: dict[str, MetricGoal] = {}
    """By metric name or glob."""
    ticket: str | None = None
    task: str | None = None
    strict: bool = False
    seed: int | None = None
    draw_seed: bool = False
    quiet: bool = False
    repeat: Repeat | None = None
    """What `xt rerun` and `xt verify` say about a repeat."""
    reuse: Literal["any", "verified"] | None = None
    """Which earlier run of the same recipe may stand for this one; None: none."""
    docker: Docker | None = None
    """The container to run it in; None: here."""
    image_id: str | None = None
    """For a repeat of a command that starts a container itself: the image to take, not the named one."""
    sign: str | None = None
    """Absolute path of the key that signs the run when it is sealed."""
    must_sign: bool = False
    """Whether it must not start when that key cannot be used."""
    launch: tuple[str, int] | None = None
    """The launch of several processes that are this one run, and their number."""
    refuse_secrets: bool = False
    """For a repeat of a run that stored no file with lines like secrets: nor does it."""
    keep_inputs: bool = False
    """For a repeat of a run that stored all untracked inputs with its code: so does it."""
    per_rank: bool = False
    """A run for each rank of a launcher, and not one for all."""
