"""`xt.toml` (or `[tool.xt]` of `pyproject.toml`) → typed settings; an error names its line.

Every key is documented where it is defined. The command line wins over the file; the file over the
defaults here.
"""

from __future__ import annotations

import errno
import os
import re
from typing import Annotated, Any, Literal

import msgspec

from xt import fsio
from xt.errors import ConfigError

FILE = "xt.toml"
#: Bytes of a settings file; a longer one is a mistake.
LIMIT = 10_000_000

#: A size, a count or a time in seconds.
Amount = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
#: A tolerance or a rate.
Bound = Annotated[float, msgspec.Meta(ge=0)]


class CodeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[code]`: the snapshot of the tree."""

    max_file: Amount = 50_000_000
    """Bytes; a larger untracked file is listed and not stored."""
    max_total: Amount = 500_000_000
    """Bytes of all untracked files together; those over it are listed and not stored."""
    max_files: Amount = 20_000
    """Untracked files; those over it are listed and not stored."""
    max_input: Amount = 20_000_000
    """Bytes of an untracked input that are stored with the code; of a larger one, or one of more than 1000
    files, the content is identified and not stored."""
    exclude: list[str] = []
    """Globs of untracked files to leave out, besides those git ignores."""
    allow_secret_files: bool = False
    """Store untracked files that are named like secrets (`.env`, `*.pem`) too."""
    allow_secrets: list[str] = []
    """Globs of files whose lines may look like secrets: nothing is said of them, and `xt push` sends them."""


class EnvSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[env]`: what is recorded of the environment's variables."""

    record: list[str] = []
    """Names or globs of further variables to record by value."""
    secrets: list[str] = []
    """Names of variables whose values are masked in logs, besides those named like secrets."""
    mask_tokens: bool = True
    """Mask in logs what looks like a secret, such as a GitHub token, also if no variable has it."""


class RunSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[run]`: how commands are run."""

    grace: Seconds = 2.0
    """Seconds to keep reading after the command ended while another process holds its streams."""
    idle_grace: Seconds = 0.25
    """Of these, seconds of silence after which to stop."""
    strict: bool = False
    """As `--strict`: refuse to start without the required evidence."""
    quiet: bool = False
    """As `-q`: no line after the command."""
    max_log: Amount = 10_000_000_000
    """Bytes stored of each stream; the rest is counted and passed on."""
    docker: str | None = None
    """As `--docker`: the image that commands run in."""
    docker_options: list[str] = []
    """As `--docker-opt`."""
    rank_wait: Seconds = 30.0
    """Seconds a rank of a launcher waits for rank 0 to begin a run, and rank 0 for one that has not begun."""
    per_rank: bool = False
    """As `--per-rank`: a run for each rank of a launcher, and not one for all."""


class SealSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[seal]`: signatures of runs."""

    key: str | None = None
    """As `--sign`, relative to the file. Where it cannot be used xt warns; with `--strict` nothing starts."""


class EvidenceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[evidence]`: what a run must have to count."""

    required: list[str] = []
    """`purpose`, `ticket`, `params`, `params.NAME`, `seed`, `facts`, `facts.NAME`, `inputs` and `inputs.ROLE`
    (known by content), `inputs.ROLE.revision` (by content or revision), `env`, `env.hardware`, `env.image`,
    `code`, `code.clean` (nothing differs from the commit), `code.committed` (untracked files may),
    `outputs`, `outputs.ROLE`, `metrics`, `metrics.NAME`, `registry`, `registry.NAME` (a fact of that name),
    `level` (verified, and not found divergent), `level.identical`, `level.equivalent`, `level.consistent`."""


class MetricSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[metrics."NAME"]`: what is known of a metric; NAME may be a glob."""

    goal: Literal["min", "max", "none"] = "none"
    """Which way is better."""
    unit: str | None = None
    """Shown after the value."""
    source: str | None = None
    """`FILE:SELECTOR` or `log:REGEX`, as with `--metric NAME=…`; looked at after every run of the project."""
    abs: Bound | None = None
    """A difference up to this, in the metric's unit, is within tolerance."""
    rel: Bound | None = None
    """The same, as a share of the larger magnitude of the two."""
    ulp: Amount | None = None
    """The same, in representable 64-bit numbers between the two."""
    sigma: Bound | None = None
    """The same, in standard deviations of the repeats of a recipe; without repeats nothing can be told."""


class OutputSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[outputs."PATH"]`: what of an output counts as equal; PATH may be a glob."""

    rtol: Bound = 0.0
    """Numbers differ by up to this share of the larger magnitude, added to `atol`."""
    atol: Bound = 0.0
    """Numbers differ by up to this."""
    ulp: Amount = 0
    """Or up to so many representable numbers lie between them, in the type that is stored."""
    exact: bool = False
    """Only the same bytes are equal."""
    ignore: bool | list[str] = False
    """Differences do not count: of all of it, or of the parts that these globs name (`/time`, a column)."""
    key: list[str] = []
    """Columns that identify a row of a table; without them rows are compared in their order."""


class CaseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[cases]`: columns of outputs of role `cases`, one evaluated example a row."""

    id: str | None = None
    """Column that identifies an example; by default the first there is of `id`, `case_id`, `case`, `name`."""
    outcome: str | None = None
    """Column with pass or fail; by default `passed`, `pass`, `correct`, `outcome`, `ok` or `success`."""
    score: str | None = None
    """Column with a number, more is better; by default `score`."""
    cohorts: list[str] = []
    """Columns by which cases are grouped."""


class CostSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[cost]`: rates that turn time and energy into money."""

    hour: Bound | None = None
    """Price of an hour of wall time."""
    kwh: Bound | None = None
    """Price of a kilowatt hour, for measured energy."""
    currency: str = ""
    """Shown after the amount."""


class ListSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[ls]`: how runs are listed."""

    columns: list[str] = []
    """Columns of `xt ls`, as with `--columns`, for those who have not chosen others."""


class ExportSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[export]`: what `xt export` says of what it writes."""

    license: str | None = None
    """A URL, an SPDX identifier or words, as with `--license`."""


class GcSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[gc]`: which runs are kept when a store is swept by rules."""

    keep: list[str] = []
    """Rules, as `--keep` takes them: `["last 50", "tagged"]`. They are applied by `xt gc --rules` alone."""


class TicketSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tickets]`: where tickets lead to, in `xt show` and notes."""

    pattern: str | None = None
    """A regular expression for a ticket: `[A-Z]+-[0-9]+`."""
    url: str | None = None
    """Its address, with `{}` where the ticket goes: `https://tracker.example/browse/{}`."""


class DiffSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[diff]`: what makes two runs comparable."""

    evaluation: list[str] = []
    """Globs of inputs that are evaluation data, besides those of role `benchmark`; without any, inputs of
    role `data` count whose path has a word such as `test`, `val`, `eval`, `dev` or `holdout`."""


class DeploySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[deploy.ENV]`: how things go live in an environment; `hook` in `[deploy]` itself is for all others."""

    hook: str | None = None
    """A command that moves the traffic: run from the project's root, without a shell, before the deployment
    is recorded; when it fails nothing is. `XT_DEPLOY_ENV`, `XT_DEPLOY_PATH`, … tell it what. Empty: none."""


class RemoteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[remote.NAME]`: another place of the store, not used before `xt remote trust` confirms it."""

    url: str | None = None
    """`s3://bucket/prefix`, `gs://…`, `az://…`, `ssh://host/path`, or the path of a folder."""


class RecomputeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[recompute]`: causes whose change makes recorded evidence hold no longer, for `xt stale`."""

    on: list[str] | None = None
    """Any of `code`, `command`, `params`, `facts`, `inputs`, `runtime`, `hardware`, `seed`, and roles of
    inputs (`harness`, `inputs.data`); all of them by default."""
    code: Literal["bytes", "ast"] = "bytes"
    """`ast`: changes of Python files that are only comments or layout do not count."""


class SlurmSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[engine.slurm]`: jobs of Slurm, for `--on slurm`."""

    options: list[str] = []
    """Options for `sbatch`, each one word: `["--partition=gpu", "--time=1:00:00"]`; `--on-opt` adds some."""


class EngineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[engine]`: repeats that `--on` makes elsewhere."""

    retries: Annotated[int, msgspec.Meta(ge=0, le=100)] = 2
    """How often a repeat is made again that was lost: its node failed, its worker was killed."""
    lost_after: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 120.0
    """Seconds of silence after which a worker, or an engine that does not answer, is given up."""
    slurm: SlurmSettings = SlurmSettings()


class TaskSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[task.NAME]`: declarations for one kind of run, chosen with `--as NAME` or by its command."""

    command: str | None = None
    """A command line that begins with these words is this task; the longest that fits is taken."""
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
    metrics_from: list[str] = []
    """As `--metrics`: `FORMAT:PATH` of what another tool writes, relative to the file."""
    ticket: str | None = None
    """As `--ticket`."""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | Literal["auto"] | None = None
    """As `--seed`."""
    facts: dict[str, Any] = {}
    """As `[facts]`; these win."""
    required: list[str] = []
    """Evidence required of this task, besides `[evidence] required`."""
    strict: bool | None = None
    """As `--strict`."""
    recompute: list[str] | None = None
    """As `on` of `[recompute]`, for this task."""
    docker: str | None = None
    """As `--docker`; empty: in none, although `[run]` names an image."""
    docker_options: list[str] = []
    """As `--docker-opt`, besides those of `[run]`."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything `xt.toml` can say."""

    code: CodeSettings = CodeSettings()
    env: EnvSettings = EnvSettings()
    run: RunSettings = RunSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    seal: SealSettings = SealSettings()
    facts: dict[str, Any] = {}
    """`[facts]`: what is so of every run and no command is told: `KEY = scalar or list`; tables give dotted
    names."""
    metrics: dict[str, MetricSettings] = {}
    outputs: dict[str, OutputSettings] = {}
    cases: CaseSettings = CaseSettings()
    cost: CostSettings = CostSettings()
    diff: DiffSettings = DiffSettings()
    deploy: dict[str, str | DeploySettings] = {}
    recompute: RecomputeSettings = RecomputeSettings()
    engine: EngineSettings = EngineSettings()
    remote: dict[str, RemoteSettings] = {}
    ls: ListSettings = ListSettings()
    gc: GcSettings = GcSettings()
    tickets: TicketSettings = TicketSettings()
    export: ExportSettings = ExportSettings()
    task: dict[str, TaskSettings] = {}


class Config(msgspec.Struct, frozen=True):
    """Settings and where they came from."""

    settings: Settings
    path: str | None
    """Absolute path of the file, None when there is none."""
    ignored: str | None = None
    """Absolute path of a `pyproject.toml` whose `[tool.xt]` is not read because there is an `xt.toml`."""


def load(folder: str, cwd: str | None = None) -> Config:
    """Read the settings of a project.

    Args:
        folder: absolute path of the project's root. `xt.toml` is preferred to `pyproject.toml`, which
            is parsed only when it holds the words `tool` and `xt`.
        cwd: absolute; messages name the file as it would be typed from here. The root by default.

    Raises:
        ConfigError: `FILE:LINE: message`, with the nearest valid key when one is unknown.
    """
    path = os.path.join(folder, FILE)
    data = _read(path, folder, cwd)
    project = os.path.join(folder, "pyproject.toml")
    project_data = _read(project, folder, cwd)
    if project_data is not None and not _may_have_settings(project_data):
        project_data = None
    if data is None and project_data is None:
        return Config(Settings(), None)
    from xt.config_source import Source

    if data is not None:
        source = Source(path, _shown(path, folder, cwd), data, ())
        ignored = project_data is not None and _says_something(project_data)
        return Config(source.settings(), path, project if ignored else None)
    if project_data is not None:
        source = Source(project, _shown(project, folder, cwd), project_data, ("tool", "xt"))
        if source.found:
            return Config(source.settings(), project)
    return Config(Settings(), None)


def _may_have_settings(data: bytes) -> bool:
    """Whether a pyproject.toml can hold settings of ours, however the table is written."""
    return b"tool" in data and re.search(rb"\bxt\b", data) is not None


def _read(path: str, folder: str, cwd: str | None) -> bytes | None:
    try:
        # A project may share its settings by a link; what it leads to is still checked to be a file.
        return fsio.read_file(os.path.realpath(path) if os.path.islink(path) else path, LIMIT)
    except FileNotFoundError:
        if not os.path.islink(path):
            return None
        raise ConfigError(
            f"{_shown(path, folder, cwd)}: it is a link to a file that does not exist"
        ) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return None  # no file can be named there: whether there is one changes nothing
        raise ConfigError(f"{_shown(path, folder, cwd)}: cannot be read: {error.strerror}") from error


def _shown(path: str, folder: str, cwd: str | None) -> str:
    """Write a file as somebody in `cwd` would type it."""
    relative = os.path.relpath(path, cwd or folder)
    return relative if len(relative) < len(path) else path


def _says_something(data: bytes) -> bool:
    """Whether a pyproject.toml that mentions `[tool.xt` has such a table, and not only a comment."""
    from xt import toml_text

    try:
        return "xt" in toml_text.loads(data.decode()).get("tool", {})
    except (ValueError, RecursionError, AttributeError):
        return True
