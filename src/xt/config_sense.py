"""Settings of the right type that make no sense: declarations that cannot be read, evidence nobody knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from xt import declare
from xt.config import DeploySettings, Settings
from xt.errors import UsageError
from xt.model import evidence
from xt.model.recompute import POINTS
from xt.suggest import suggest

#: What `[evidence] required` may list, besides the names and roles below some of them.
EVIDENCE = evidence.FIELDS

#: Where it is, what is wrong, what would help.
Fault = tuple[tuple[str | int, ...], str, str | None]


def nonsense(settings: Settings) -> Iterator[Fault]:
    """Find the declarations that have the right type and cannot be meant, from the top."""
    for name, value in settings.deploy.items():
        if isinstance(value, str) and name != "hook":
            yield ("deploy", name), f"unknown key `{name}` in [deploy]", suggest(name, ("hook",), "keys")
        elif isinstance(value, DeploySettings) and name == "hook":
            yield ("deploy", name), "an environment cannot be named `hook`", None
        yield from _hook(("deploy", name), value)
    yield from _evidence(("evidence", "required"), settings.evidence.required)
    yield from _facts(("facts",), settings.facts)
    yield from _points(("recompute", "on"), settings.recompute.on)
    yield from _tickets(settings.tickets.pattern, settings.tickets.url)
    yield from _docker(("run", "docker_options"), settings.run.docker_options)
    sources = [(name, known.source) for name, known in settings.metrics.items() if known.source is not None]
    for name, source in sources:
        if any(character in name for character in "*?["):
            yield (
                ("metrics", name, "source"),
                f"`source` needs a metric's full name, not the glob `{name}`",
                None,
            )
        yield from _attempt(("metrics", name, "source"), declare.metric_spec, f"{name}={source}")
    for name, task in settings.task.items():
        place = ("task", name)
        if task.command is not None:
            try:
                declare.words(task.command)
            except ValueError as error:
                yield (*place, "command"), f"`command` of task `{name}`: {error}".lower(), None
        for index, text in enumerate(task.inputs):
            yield from _attempt((*place, "inputs", index), declare.input_spec, text, "/")
        for index, text in enumerate(task.outputs):
            yield from _attempt((*place, "outputs", index), declare.output_request, text, "/")
        for index, text in enumerate(task.params):
            yield from _attempt((*place, "params", index), declare.param_spec, text, "/", "xt.toml")
        for index, text in enumerate(task.metrics):
            yield from _attempt((*place, "metrics", index), declare.metric_spec, text)
        for index, text in enumerate(task.metrics_from):
            yield from _attempt((*place, "metrics_from", index), declare.import_spec, text)
        yield from _facts((*place, "facts"), task.facts)
        yield from _evidence((*place, "required"), task.required)
        yield from _points((*place, "recompute"), task.recompute)
        yield from _docker((*place, "docker_options"), task.docker_options)


def _evidence(place: tuple[str, ...], required: list[str]) -> Iterator[Fault]:
    for index, name in enumerate(required):
        if not evidence.known(name):
            hint = suggest(name, evidence.fields(), "evidence")
            yield (*place, index), f"unknown evidence `{name}`", hint


def _facts(place: tuple[str, ...], facts: dict[str, Any]) -> Iterator[Fault]:
    # A table may hold tables: `registry.model = "…"`. What is no table and no fact is found here.
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _facts((*place, name), value)
            continue
        yield from _attempt((*place, name), declare.fact_name, name)
        if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            yield (*place, name), f"fact `{name}`: expected a value or a list of values", None


def _tickets(pattern: str | None, url: str | None) -> Iterator[Fault]:
    if pattern is not None:
        try:
            if re.compile(pattern).match(""):
                yield ("tickets", "pattern"), f"`{pattern}` fits an empty text", "such as `[A-Z]+-[0-9]+`"
        except (re.error, RecursionError, OverflowError) as error:
            yield ("tickets", "pattern"), f"`{pattern}` is no regular expression: {error}", None
    if url is not None and ("{}" not in url or not url.startswith(("https://", "http://"))):
        hint = "such as `https://tracker.example/browse/{}`"
        yield ("tickets", "url"), f"`{url}` is no address with `{{}}` for the ticket", hint
    if (pattern is None) != (url is None):
        there, other = ("pattern", "url") if url is None else ("url", "pattern")
        yield ("tickets", there), f"`{there}` alone makes no links: `{other}` is missing", None


def _hook(place: tuple[str, ...], value: str | DeploySettings) -> Iterator[Fault]:
    hook = value.hook if isinstance(value, DeploySettings) else value
    place = (*place, "hook") if isinstance(value, DeploySettings) else place
    try:
        declare.words(hook or "")
    except ValueError as error:
        yield place, f"`hook`: {error}".lower(), None


def _docker(place: tuple[str, ...], given: list[str]) -> Iterator[Fault]:
    for index, text in enumerate(given):
        yield from _attempt((*place, index), declare.docker_words, text)


def _points(place: tuple[str | int, ...], names: list[str] | None) -> Iterator[Fault]:
    for index, name in enumerate(names or []):
        if name not in POINTS:
            yield (*place, index), f"unknown recompute point `{name}`", suggest(name, POINTS, "points")


def _attempt(path: tuple[str | int, ...], parse: Callable[..., Any], *arguments: str) -> Iterator[Fault]:
    try:
        parse(*arguments)
    except UsageError as error:
        yield path, error.message, error.hint
