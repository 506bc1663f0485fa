"""The page of a run, its honest end: what is not known about it, and why; what went wrong while recording."""

from __future__ import annotations

from xt.model.files import Problem
from xt.model.result import Result
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.render.layout import flow, wrap
from xt.render.styled import Line, say


def missing(snapshot: Snapshot, result: Result | None, width: int) -> list[Line]:
    """What a reader of this run will have to do without."""
    items = [*_undeclared(snapshot), *_unseen(snapshot)]
    if result is not None and result.status == "not-started":
        items = [item for item in items if item[0] != "program"]  # that is the problem, and is named there
    if result is None:
        items.append(("result", "there is no record of an end"))
    elif result.status != "not-started":
        if result.usage.reason:
            items.append(("cost", result.usage.reason))
        if not result.metrics:
            items.append(("metrics", "none came out"))
    return flow([[say(what, "bold"), say(f": {why}" if why else "")] for what, why in items], width)


def _undeclared(snapshot: Snapshot) -> list[tuple[str, str]]:
    """What the user could have said and did not, with the option that says it."""
    context = snapshot.context
    given = [
        ("purpose", "-m WHY", bool(context.purpose and context.purpose.strip())),
        ("inputs", "-i PATH", bool(snapshot.inputs)),
        ("outputs", "-o PATH", bool(snapshot.outputs)),
        ("params", "-p KEY=VALUE", bool(snapshot.params)),
        ("seed", "--seed N", snapshot.seed.value is not None),
        ("ticket", "--ticket ID", bool(context.ticket)),
    ]
    return [(what, f"none given ({option})") for what, option, there in given if not there]


def _unseen(snapshot: Snapshot) -> list[tuple[str, str]]:
    """What could not be seen, by xt's own account."""
    environment, machine = snapshot.environment, snapshot.environment.machine
    container, ran = environment.container, snapshot.command
    found: list[tuple[str, str]] = []
    if snapshot.command.executable.digest is None and container.started_by != "xt":
        found.append(("program", snapshot.command.executable.reason or "its content is not known"))
    if ran.stdin in ("pipe", "file", "socket", "other") and ran.stdin_digest is None:
        what = "a device" if ran.stdin == "other" else f"a {ran.stdin}"
        why = f": {ran.stdin_reason}" if ran.stdin_reason else ""
        found.append(("standard input", f"{what}; what it held is not recorded{why}"))
    found += [
        (f"input {from_text(item.path or item.declared)}", "its content was not read")
        for item in snapshot.inputs
        if item.status == "unverified" and not item.reason
    ]
    if environment.python is not None and environment.python.reason:
        found.append(("Python", environment.python.reason))
    if environment.gpus.status == "unknown":
        found.append(("GPUs", environment.gpus.reason or "no reason is known"))
    if container.inside is False and container.image is None:
        found.append(("container image", "not in a container"))
    elif container.image is None or (container.started_by is not None and container.found is None):
        found.append(("container image", container.reason or "no reason is known"))
    unknown = [
        name
        for name, value in (
            ("CPU", machine.cpu),
            ("C library", machine.libc),
            ("memory", machine.memory_bytes),
        )
        if value is None
    ]
    return found + [(name, "not found on this system") for name in unknown]


def problems(found: list[Problem], width: int) -> list[Line]:
    """Everything that went wrong while recording, with what would help."""
    lines: list[Line] = []
    for problem in found:
        lines += wrap([say(problem.where, "bold"), say(f": {problem.message}")], width, 2)
        if problem.hint:
            lines += [
                [say("  "), *line] for line in wrap([say(f"hint: {problem.hint}", "dim")], width - 2, 2)
            ]
    return lines
