"""`xt.toml` (or `[tool.xt]` of `pyproject.toml`) → typed settings; an error names its line.

Every key is documented where it is defined. The command line wins over the file; the file over the
defaults here.
"""

from __future__ import annotations

from typing import Literal

import msgspec

FILE = "xt.toml"


class CodeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[code]`: the snapshot of the tree."""

    max_file: int = 50_000_000
    """Bytes; a larger untracked file is listed and not stored."""
    max_total: int = 500_000_000
    """Bytes of all untracked files together; those over it are listed and not stored."""
    max_files: int = 20_000
    """Untracked files; those over it are listed as a count and not stored."""
    exclude: list[str] = []
    """Globs of untracked files to leave out, besides those git ignores."""
    allow_secret_files: bool = False
    """Store untracked files that are named like secrets (`.env`, `*.pem`) too."""


class EnvSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[env]`: what is recorded of the environment's variables."""

    record: list[str] = []
    """Names or globs of further variables to record by value."""
    secrets: list[str] = []
    """Names of variables whose values are masked in logs, besides those named like secrets."""


class RunSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[run]`: how commands are run."""

    grace: float = 2.0
    """Seconds to keep reading after the command ended while another process holds its streams."""
    idle_grace: float = 0.25
    """Of these, seconds of silence after which to stop."""
    strict: bool = False
    """As `--strict`: refuse to start without the required evidence."""
    quiet: bool = False
    """As `-q`: no line after the command."""
    max_log: int = 10_000_000_000
    """Bytes stored of each stream; the rest is counted and passed on."""


class EvidenceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[evidence]`: what a run must have to count."""

    required: list[str] = []
    """`purpose`, `ticket`, `seed`, `params`, `outputs`, `metrics`, `code`, `inputs`, `inputs.<role>`."""


class MetricSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[metrics."NAME"]`: what is known of a metric; NAME may be a glob."""

    goal: Literal["min", "max", "none"] = "none"
    """Which way is better."""
    unit: str | None = None
    """Shown after the value."""
    source: str | None = None
    """`FILE:SELECTOR` or `log:REGEX`, as with `--metric NAME=…`."""


class TaskSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[task.NAME]`: declarations for one kind of run, chosen with `--as NAME` or by its command."""

    command: str | None = None
    """A command line that begins with these words is this task."""
    purpose: str | None = None
    """As `--purpose`."""
    tags: list[str] = []
    """As `--tag`."""
    inputs: list[str] = []
    """As `--input`: `[ROLE:]PATH|GLOB|URI`, relative to the file."""
    outputs: list[str] = []
    """As `--output`: `[ROLE:]PATH|GLOB`, relative to the file."""
    params: list[str] = []
    """As `--param`: `KEY=VALUE` or a YAML, TOML or JSON file, relative to the file."""
    metrics: list[str] = []
    """As `--metric`: `NAME=FILE:SELECTOR` or `NAME=log:REGEX`."""
    ticket: str | None = None
    """As `--ticket`."""
    seed: int | Literal["auto"] | None = None
    """As `--seed`."""
    strict: bool | None = None
    """As `--strict`."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything `xt.toml` can say."""

    code: CodeSettings = CodeSettings()
    env: EnvSettings = EnvSettings()
    run: RunSettings = RunSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    metrics: dict[str, MetricSettings] = {}
    task: dict[str, TaskSettings] = {}


class Config(msgspec.Struct, frozen=True):
    """Settings and where they came from."""

    settings: Settings
    path: str | None
    """Absolute path of the file, None when there is none."""


def load(folder: str) -> Config:
    """Read the settings of a project.

    Args:
        folder: absolute path of the project's root. `xt.toml` is preferred to `pyproject.toml`.

    Raises:
        ConfigError: `FILE:LINE: message`, with the nearest valid key when one is unknown.

    """
    raise NotImplementedError
