"""A run asked for again as its task is declared today, for what `xt.toml` and no command line said."""

from __future__ import annotations

import os

from msgspec.structs import replace

from xt.config import Config, Settings, TaskSettings
from xt.declare import facts, input_spec, param_spec, words
from xt.join import Asked, container
from xt.model.request import Docker, InputSpec, ParamSpec, RunRequest
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown

#: Characters of a command that are shown.
_LONGEST = 40


def today(asked: RunRequest, config: Config) -> RunRequest:
    """Take settings, facts and further inputs from the declarations of today.

    What is an input no longer may have been declared on the command line: it stays. So does a recorded seed.

    Args:
        asked: as `request` makes it from the record.
        config: of the project.
    """
    settings = config.settings
    home = os.path.dirname(config.path) if config.path is not None else asked.cwd
    stated = {fact.name: fact for fact in facts(settings.facts, "xt.toml")}
    task = settings.task.get(asked.task or "")
    if task is not None:
        stated.update({fact.name: fact for fact in facts(task.facts, f"[task.{asked.task}]")})
    stated.update({fact.name: fact for fact in asked.facts if fact.source == "--fact"})
    docker = _container(asked, settings)
    asked = replace(asked, facts=list(stated.values()), docker=docker, keep_inputs=False)
    if task is None:
        return asked
    files = {_place(spec.base, spec.path) for spec in asked.params if spec.path is not None}
    declared = [param_spec(text, home, "xt.toml") for text in task.params]
    params = [spec for spec in asked.params if spec.source != "xt.toml"]
    new = [spec for spec in declared if spec.path is None or _place(spec.base, spec.path) not in files]
    have = {_input(spec) for spec in asked.inputs}
    inputs = [spec for text in task.inputs if _input(spec := input_spec(text, home)) not in have]
    seed = task.seed if asked.seed is None and isinstance(task.seed, int) else asked.seed
    return replace(asked, params=_ordered(params, new), inputs=[*asked.inputs, *inputs], seed=seed)


def _container(asked: RunRequest, settings: Settings) -> Docker | None:
    """The image as it is declared today, or what the name on the command line means today."""
    if asked.docker is not None and asked.docker.declared == "--docker":
        return replace(asked.docker, id=None, handed=None)
    return container(Asked(), settings, settings.task.get(asked.task or "", TaskSettings()), asked.task)


def another_command(snapshot: Snapshot, config: Config) -> str | None:
    """Say how the command that is declared for a task is not the one that was run; None when it is."""
    task = config.settings.task.get(snapshot.context.task or "")
    begins = words(task.command) if task is not None and task.command else []
    argv = [from_text(word) for word in snapshot.command.argv]
    if snapshot.command.redacted or argv[: len(begins)] == begins:
        return None
    return f"{_line(argv)} → {_line(begins)}"


def _ordered(params: list[ParamSpec], new: list[ParamSpec]) -> list[ParamSpec]:
    """Files first, as they are the weakest."""
    return sorted([*new, *params], key=lambda spec: spec.path is None)


def _input(spec: InputSpec) -> tuple[str, str]:
    return spec.role, _place(spec.base, spec.path)


def _place(base: str, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))


def _line(argv: list[str]) -> str:
    text = to_shown(" ".join(argv))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
