"""The causes of a run, captured before the command starts."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from xt.model.code import Code
from xt.model.environment import Environment
from xt.model.files import Input, Problem
from xt.model.text import Text, from_text


class Executable(msgspec.Struct, frozen=True):
    """The file that argv[0] resolves to."""

    path: Text | None
    digest: str | None
    size: int | None
    reason: str | None = None


class Command(msgspec.Struct, frozen=True):
    """What was started, and where."""

    argv: list[Text]
    """As given, secrets replaced by `***`."""
    redacted: list[int]
    """Indices of the arguments that were masked."""
    cwd: Text
    """Relative to the project's root, `.` for the root itself."""
    executable: Executable
    stdin: Literal["terminal", "pipe", "file", "null", "socket", "closed", "other"]
    stdout: Literal["terminal", "pipe", "file", "null", "socket", "closed", "other"]
    stderr: Literal["terminal", "pipe", "file", "null", "socket", "closed", "other"]
    stdin_digest: str | None = None
    """`blake3:<hex>` of all that standard input held, an object of the store; None when it is not known."""
    stdin_size: int | None = None
    """Bytes of it."""
    stdin_reason: str | None = None
    """Why its content is not known, for a file or pipe."""

    def __post_init__(self) -> None:
        """Refuse words that no command can have been started with."""
        if any("\0" in from_text(word) for word in (*self.argv, self.cwd, self.executable.path or "")):
            raise ValueError("a word holds a NUL")


class Param(msgspec.Struct, frozen=True):
    """A named setting of the run."""

    name: str
    """Dotted for nested files: `optimizer.lr`."""
    value: Any
    """A string, number, boolean, null, a list of these, or an empty object; NaN is the string `nan`."""
    source: str
    """`--param`, `argv`, `xt.toml`, or the path of a declared file; of a fact `--fact`, `xt.toml` or
    `[task.NAME]`."""


def points(name: str) -> bool:
    """Whether a fact of that name points to an entry of a registry: `registry`, `registry.model`."""
    return name == "registry" or name.startswith("registry.")


class Seed(msgspec.Struct, frozen=True):
    """Whether randomness was controlled."""

    value: int | None
    source: Literal["declared", "drawn", "inherited", "none"]
    """`inherited`: XT_SEED was set by whoever started xt. `none`: no seed was controlled; see `known`."""
    known: dict[str, str]
    """What hints at randomness being controlled elsewhere: PYTHONHASHSEED, params named like a seed."""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who, where and why: never a cause, always evidence."""

    user: str | None
    host: str | None
    trigger: Literal["terminal", "ci", "slurm", "cron", "xt", "other"]
    ci: dict[str, str]
    """Provider, job URL, commit, … as the provider's variables say; empty outside CI."""
    slurm: dict[str, str]
    parent: str | None
    """The run that started this one."""
    purpose: str | None
    ticket: str | None
    name: str | None
    tags: list[str]
    task: str | None
    xt: str
    """Version of xt."""
    project: Text
    """The project's root on this host."""
    group: str | None = None
    """What it is one of several of: an array of jobs, such as `slurm:4711`; with `--per-rank` a launch."""
    member: int | None = None
    """Which of them: number of the task or of the rank."""
    launch: str | None = None
    """What started it as several processes that are one run, such as `slurm:4711.0`."""
    ranks: int | None = None
    """How many these are; part of the recipe."""


class MetricSpec(msgspec.Struct, frozen=True):
    """Where a metric is to be read from, as declared."""

    name: str
    file: Text | None
    """Relative to where the command runs, or absolute."""
    selector: str | None
    pattern: str | None
    """A regular expression over the log; its first group is the value."""


class ImportSpec(msgspec.Struct, frozen=True):
    """A file or folder of another tool to take metrics from, as declared."""

    format: str
    """Such as `tensorboard`."""
    path: Text
    """Relative to where the command runs, or absolute."""


class OutputSpec(msgspec.Struct, frozen=True):
    """An output as declared."""

    role: str
    path: Text


class Repeat(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a run repeats, and what about it was or had to be different."""

    of: str
    """The run that is repeated."""
    trial: bool = False
    """Made by `xt verify`: lists leave it out unless asked."""
    varied: list[str] = []
    """Variations in force, such as `hashseed`; part of the recipe."""
    pinned: list[str] = []
    """Suspects held fixed, such as `clock`; part of the recipe."""
    in_place: bool = False
    """Run in the project as it is now, and not in a workspace made from the record."""
    recompute: bool = False
    """Meant to take its place: the same command with today's code, inputs and environment."""
    environment: Literal["check", "strict", "recreate", "docker"] = "check"
    adjusted: list[str] = []
    """What could not be as it was, one sentence each: paths that were mapped, variables that are not set."""


class Snapshot(msgspec.Struct, frozen=True):
    """All causes of a run."""

    command: Command
    code: Code
    inputs: list[Input]
    params: list[Param]
    environment: Environment
    seed: Seed
    context: Context
    outputs: list[OutputSpec]
    metrics: list[MetricSpec]
    recipe: str
    """`blake3:<hex>` of everything meant to determine the result; the same recipe is a repeat."""
    problems: list[Problem]
    lacking: list[str] = []
    """Evidence that was required and was missing when the command started."""
    recipe_doubt: str | None = None
    """Why the same recipe need not mean the same causes, such as code that is not known."""
    repeat: Repeat | None = None
    """For a run made by `xt rerun` or `xt verify`."""
    facts: list[Param] = []
    """What was declared to be so and no command was told, by name: filtering rules, a policy."""
    required: list[str] = []
    """Evidence that was required of it when it started."""
    imports: list[ImportSpec] = []
    """What other tools write that metrics were to be taken from."""
