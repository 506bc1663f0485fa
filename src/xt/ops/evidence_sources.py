"""Where a field of evidence came from: what it is in short, and who said or saw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from xt.model.event import Verified
from xt.model.files import Input, Output
from xt.model.result import Result
from xt.model.snapshot import Param, Snapshot, points
from xt.model.text import Text, from_text, to_shown


class Origin(NamedTuple):
    """A field that is there."""

    value: Any
    source: str


def origin(field: str, snapshot: Snapshot, result: Result | None, verified: Verified | None) -> Origin:
    """Say where a field that a run has came from.

    Args:
        field: that it has.
        snapshot: causes of the run.
        result: its effects; None for one that has not ended.
        verified: how it was last verified.
    """
    head, _, name = field.partition(".")
    if field == "purpose":
        return Origin(snapshot.context.purpose, "declared")
    if field == "ticket":
        return Origin(snapshot.context.ticket, "declared")
    if field == "seed":
        return Origin(snapshot.seed.value, snapshot.seed.source)
    if head == "params":
        return _named(snapshot.params, name, "param")
    if head == "facts":
        return _named(snapshot.facts, name, "fact")
    if head == "registry":
        pointers = [fact for fact in snapshot.facts if points(fact.name)]
        return _named(pointers, field if name else "", "pointer")
    if head == "inputs":
        return _inputs(snapshot.inputs, name)
    if head == "outputs" and result is not None:
        return _outputs(result.outputs, name)
    if head == "metrics" and result is not None:
        found = [metric for metric in result.metrics if not name or metric.name == name]
        first = min(found, key=lambda metric: len(metric.labels))
        if name:
            return Origin(first.value, first.source)
        return Origin(_count(len(found), "metric"), _once(metric.source for metric in found))
    if head == "level" and verified is not None:
        of = "held against another run" if verified.against else f"{_count(len(verified.repeats), 'repeat')}"
        return Origin(verified.level, f"xt verify, {of}" + (f", by {verified.by}" if verified.by else ""))
    return _around(field, snapshot)


def _named(params: Sequence[Param], name: str, noun: str) -> Origin:
    found = [param for param in params if not name or param.name == name]
    sources = _once("the command" if param.source == "argv" else param.source for param in found)
    return Origin(found[0].value if name else _count(len(found), noun), sources)


def _inputs(inputs: list[Input], name: str) -> Origin:
    role = name.removesuffix(".revision")
    found = [item for item in inputs if not role or item.role == role]
    if len(found) > 1:
        by = "content" if all(item.digest for item in found) else "content or revision"
        return Origin(_count(len(found), "input"), f"each known by {by}")
    item = found[0]
    if item.digest is not None:
        return Origin(_shown(item.declared), f"its content, {_brief(item.digest)}")
    return Origin(_shown(item.declared), f"revision {item.revision}")


def _outputs(outputs: list[Output], name: str) -> Origin:
    found = [item for item in outputs if not name or item.role == name]
    if len(found) > 1:
        return Origin(_count(len(found), "output"), "stored")
    item = found[0]
    return Origin(_shown(item.declared), f"stored, {_brief(item.digest)}" if item.digest else "stored")


def _around(field: str, snapshot: Snapshot) -> Origin:
    """Code and environment."""
    found, code = snapshot.environment, snapshot.code
    if field == "env":
        if found.python is not None:
            what = f"{found.python.implementation or 'Python'} {found.python.version}"
            packages = _count(len(found.python.packages), "package")
            return Origin(f"{what}, {packages}", f"{found.python.found_by}, {_brief(found.fingerprint)}")
        return Origin(_shown(snapshot.command.executable.path or "a program"), _brief(found.fingerprint))
    if field == "env.hardware":
        devices = [device.name for device in found.gpus.devices]
        what = f"{found.machine.cpu} ×{found.machine.cpus or '?'}"
        return Origin(", ".join([what, *dict.fromkeys(devices)]), "the machine")
    if field == "env.image":
        image = found.container.found
        if image is not None:
            return Origin(found.container.image, _brief(image.id))
        return Origin(found.container.image, found.container.engine or "XT_IMAGE")
    tree = f"tree {(code.tree or '')[:8]}"
    if code.head is None:
        return Origin("the folder as it was", tree)
    return Origin(f"{code.head[:7]} on {_shown(code.branch)}" if code.branch else code.head[:7], tree)


def _once(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def _brief(digest: str) -> str:
    kind, _, letters = digest.partition(":")
    return f"{kind} {letters[:8]}…"


def _shown(text: Text) -> str:
    return to_shown(from_text(text))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
