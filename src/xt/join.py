"""The command line and `xt.toml` → one `RunRequest`.

The command line wins; lists are added, the file's first.
"""

from __future__ import annotations

import os
from typing import Literal, TypeVar

import msgspec

from xt.config import Config, Settings, TaskSettings
from xt.declare import (
    docker_image,
    docker_words,
    fact_spec,
    facts,
    import_spec,
    input_spec,
    metric_spec,
    output_request,
    param_spec,
    seed,
    utf8,
    words,
)
from xt.errors import UsageError
from xt.model.request import Docker, FactSpec, MetricGoal, RunRequest
from xt.model.snapshot import ImportSpec, MetricSpec
from xt.model.text import Text, from_text, to_text
from xt.suggest import suggest

T = TypeVar("T")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line of `xt run` says, as text; None or empty where it says nothing."""

    purpose: str | None = None
    name: str | None = None
    tags: list[str] = []
    inputs: list[str] = []
    outputs: list[str] = []
    params: list[str] = []
    facts: list[str] = []
    metrics: list[str] = []
    metrics_from: list[str] = []
    """`--metrics`."""
    ticket: str | None = None
    task: str | None = None
    """`--as`."""
    strict: bool | None = None
    per_rank: bool | None = None
    seed: str | None = None
    quiet: bool | None = None
    reuse: str | None = None
    """`any` or `verified`."""
    docker: str | None = None
    docker_options: list[str] = []
    sign: str | None = None
    """A key, as it was typed."""
    ci: str | None = None
    """`--ci`; this and the folder are no part of a request: they are for what is told after the run."""
    ci_dir: str | None = None


#: Options whose value was forgotten when it is the `--` before the command.
_TAKEN = {"-m": "purpose", "-n": "name", "-t": "tags", "-i": "inputs", "-o": "outputs", "-p": "params"}


def join(asked: Asked, config: Config, cwd: str, command: list[str]) -> RunRequest:
    """Make the request of a run.

    Args:
        asked: the command line.
        config: the project's settings.
        cwd: absolute; paths of the command line start here.
        command: argv; when it is empty and `--as` names a task with a `command`, that is run.

    Raises:
        UsageError: an unknown task, a declaration that makes no sense, or nothing to run.
    """
    for option, field in _TAKEN.items():
        given = getattr(asked, field)
        if given == "--" or (isinstance(given, list) and "--" in given):
            raise UsageError(f"`{option}` needs a value", f"as in `xt run {option} … -- COMMAND`")
    for noun, said in (("purpose", asked.purpose), ("name", asked.name), ("ticket", asked.ticket)):
        utf8(noun, said or "")
    for tag in asked.tags:
        utf8("tag", tag)
    for noun, word in (("name", asked.name or ""), *(("tag", tag) for tag in asked.tags)):
        if word.startswith(("@", "-")):
            # What begins so means another run, or an option, wherever a run is named.
            raise UsageError(f"`{word}` cannot be a {noun}", "one word, such as `nightly` or `v2`")
    settings = config.settings
    task_name = _task(asked.task, config, command)
    task = settings.task[task_name] if task_name is not None else TaskSettings()
    if not command and asked.task is not None and task.command is not None:
        command = words(task.command)
    if not command:
        hint = f"task `{task_name}` has no `command`" if asked.task is not None else None
        declared = [name for name, one in settings.task.items() if one.command is not None]
        other = f"; or a task: xt run --as {declared[0]}" if declared else ""
        raise UsageError(
            "no command to run", hint or f"write it after `--`: xt run -- python train.py{other}"
        )

    home = os.path.dirname(config.path) if config.path is not None else cwd
    chosen = asked.seed if asked.seed is not None else None if task.seed is None else str(task.seed)
    number = None if chosen is None else seed(chosen)
    strict = next(said for said in (asked.strict, task.strict, settings.run.strict) if said is not None)
    return RunRequest(
        command=command,
        cwd=cwd,
        purpose=asked.purpose if asked.purpose is not None else task.purpose,
        name=asked.name,
        tags=_once([*task.tags, *asked.tags]),
        inputs=_once(
            [
                *(input_spec(text, home) for text in task.inputs),
                *(input_spec(text, cwd) for text in asked.inputs),
            ]
        ),
        outputs=_once(
            [
                *(output_request(text, home) for text in task.outputs),
                *(output_request(text, cwd) for text in asked.outputs),
            ]
        ),
        params=[
            *(param_spec(text, home, "xt.toml") for text in task.params),
            *(param_spec(text, cwd, "--param") for text in asked.params),
        ],
        facts=_facts(asked, config, task, task_name),
        metrics=_metrics(asked, config, task, home, cwd),
        imports=_imports(asked, task, home, cwd),
        goals={name: MetricGoal(known.goal, known.unit) for name, known in settings.metrics.items()},
        ticket=asked.ticket if asked.ticket is not None else task.ticket,
        task=task_name,
        strict=strict,
        per_rank=asked.per_rank or settings.run.per_rank,
        seed=number if isinstance(number, int) else None,
        draw_seed=number == "auto",
        quiet=asked.quiet if asked.quiet is not None else settings.run.quiet,
        reuse=_reuse(asked.reuse),
        docker=container(asked, settings, task, task_name),
        sign=signing_key(asked.sign, config, cwd),
        must_sign=asked.sign is not None or strict,
    )


def container(asked: Asked, settings: Settings, task: TaskSettings, task_name: str | None) -> Docker | None:
    """Choose the container to run in: the command line wins over the task, and that over `[run]`.

    Args:
        asked: the command line.
        settings: of the project.
        task: the task's own.
        task_name: its name.

    Raises:
        UsageError: a name or an option that cannot be one, or options without an image.
    """
    said = [
        (asked.docker, "--docker"),
        (task.docker, f"[task.{task_name}]"),
        (settings.run.docker, "xt.toml"),
    ]
    image, declared = next(((image, at) for image, at in said if image is not None), ("", ""))
    if not image:
        if asked.docker_options:
            raise UsageError("`--docker-opt` without an image", "`--docker IMAGE` names it")
        return None
    given = [*settings.run.docker_options, *task.docker_options, *asked.docker_options]
    options = [word for text in given for word in docker_words(text)]
    return Docker(docker_image(image), options, declared)


def signing_key(asked: str | None, config: Config, cwd: str) -> str | None:
    """Absolute path of the key to sign with: the one that was typed, else that of `[seal]`."""
    if asked is not None:
        return os.path.join(cwd, asked)
    settled = config.settings.seal.key
    if not settled or config.path is None:
        return None
    return os.path.join(os.path.dirname(config.path), os.path.expanduser(settled))


def _reuse(text: str | None) -> Literal["any", "verified"] | None:
    if text is None:
        return None
    if text == "any":
        return "any"
    if text == "verified":
        return "verified"
    raise UsageError(
        f"`--reuse={text}` makes no sense", "it is `--reuse`, `--reuse=any` or `--reuse=verified`"
    )


def _task(name: str | None, config: Config, command: list[str]) -> str | None:
    """Choose the task: the named one, or that whose `command` is the longest beginning of what runs."""
    tasks = config.settings.task
    if name is not None:
        if name in tasks:
            return name
        file = os.path.basename(config.path) if config.path is not None else None
        if file is None:
            raise UsageError(
                f"no task `{name}`: there is no xt.toml", "xt init writes one; a task is `[task.NAME]`"
            )
        hint = suggest(name, tasks, "tasks") or f"declare it in {file} as `[task.{name}]`"
        raise UsageError(f"no task `{name}` in {file}", hint)
    best: str | None = None
    longest = 0
    for candidate, task in tasks.items():
        begins = words(task.command) if task.command else []
        if len(begins) > longest and command[: len(begins)] == begins:
            best, longest = candidate, len(begins)
    return best


def _facts(asked: Asked, config: Config, task: TaskSettings, name: str | None) -> list[FactSpec]:
    """By name: the command line wins over the task, and that over the project."""
    declared = [
        *facts(config.settings.facts, "xt.toml"),
        *facts(task.facts, f"[task.{name}]"),
        *map(fact_spec, asked.facts),
    ]
    return list({spec.name: spec for spec in declared}.values())


def _metrics(asked: Asked, config: Config, task: TaskSettings, home: str, cwd: str) -> list[MetricSpec]:
    """By name, so that a later declaration replaces an earlier one of the same metric."""
    declared = [f"{name}={known.source}" for name, known in config.settings.metrics.items() if known.source]
    found: dict[str, MetricSpec] = {}
    for text in [*declared, *task.metrics]:
        spec = metric_spec(text)
        if spec.file is not None:
            spec = msgspec.structs.replace(spec, file=_from(home, spec.file, cwd))
        found[spec.name] = spec
    for text in asked.metrics:
        spec = metric_spec(text)
        found[spec.name] = spec
    return list(found.values())


def _imports(asked: Asked, task: TaskSettings, home: str, cwd: str) -> list[ImportSpec]:
    declared = [import_spec(text) for text in task.metrics_from]
    moved = [msgspec.structs.replace(spec, path=_from(home, spec.path, cwd)) for spec in declared]
    return _once([*moved, *(import_spec(text) for text in asked.metrics_from)])


def _from(home: str, path: Text, cwd: str) -> Text:
    """Write a path of `xt.toml` relative to where the command runs: no base of its own is recorded of it."""
    return path if home == cwd else to_text(os.path.relpath(os.path.join(home, from_text(path)), cwd))


def _once(items: list[T]) -> list[T]:
    kept: list[T] = []
    for item in items:
        if item not in kept:
            kept.append(item)
    return kept
