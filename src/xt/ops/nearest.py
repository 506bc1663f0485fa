"""Why there is no run of a recipe: what differs in the nearest run of the same command."""

from __future__ import annotations

from typing import Any

from xt import codec
from xt.errors import XtError
from xt.model.result import Record
from xt.model.snapshot import Param, Snapshot
from xt.model.text import to_shown
from xt.ops.recipe import OUTPUT
from xt.ops.repeats import newest
from xt.store import Store

#: Recipes that are looked at, those with the newest runs.
LOOKED_AT = 20
#: Params told by name.
NAMED = 3
#: Words of a command that must be the same: the program and what it is to run.
ALIKE = 2


def nearest(store: Store, snapshot: Snapshot) -> str:
    """Say what keeps the nearest run of the same command from being of this recipe.

    Args:
        store: of the project.
        snapshot: causes of the run that is asked for.
    """
    best: tuple[int, Record, list[str]] | None = None
    for run_id in newest(store.path, LOOKED_AT):
        try:
            record = store.record(run_id)
        except XtError:
            continue  # `xt ls` names it
        if not _alike(record.snapshot, snapshot):
            continue
        found = unlike(record.snapshot, snapshot)
        if found and (best is None or len(found) < best[0]):
            best = len(found), record, found
    if best is None:
        return "no recent run of this command" if newest(store.path, 1) else "this is the first run"
    return f"{best[1].id[: store.shown(best[1].id)]} differs in {', '.join(best[2])}"


def unlike(before: Snapshot, now: Snapshot) -> list[str]:
    """Name the parts of the recipe that differ."""
    params = _names(before.params, now.params)
    pairs: dict[str, tuple[Any, Any]] = {
        "code": (_code(before), _code(now)),
        "inputs": (_inputs(before), _inputs(now)),
        "seed": (before.seed.value, now.seed.value),
        "environment": (before.environment.fingerprint, now.environment.fingerprint),
        "facts": (_values(before.facts), _values(now.facts)),
        "standard input": (before.command.stdin_digest, now.command.stdin_digest),
    }
    found = [name for name, (one, other) in pairs.items() if one != other]
    if params:
        more = f" and {len(params) - NAMED} more" if len(params) > NAMED else ""
        found.insert(0, f"{', '.join(to_shown(name) for name in params[:NAMED])}{more}")
    if not params and _command(before) != _command(now):
        found.insert(0, "the command")
    return found


def _alike(before: Snapshot, now: Snapshot) -> bool:
    """Whether both do the same thing: what is varied between runs comes after the first words."""
    if before.context.task is not None and before.context.task == now.context.task:
        return True
    return before.command.argv[:ALIKE] == now.command.argv[:ALIKE]


def _code(snapshot: Snapshot) -> Any:
    code = snapshot.code
    left = sorted(
        codec.encode((entry.path, entry.size, entry.mtime_ns))
        for entry in code.left_out
        if entry.mtime_ns is not None and entry.reason != OUTPUT
    )
    inner = sorted(codec.encode((one.path, one.tree or one.recorded_head)) for one in code.repositories)
    return code.tree, left, inner


def _inputs(snapshot: Snapshot) -> list[bytes]:
    return sorted(
        codec.encode((item.role, item.digest or item.declared, item.revision)) for item in snapshot.inputs
    )


def _command(snapshot: Snapshot) -> Any:
    command = snapshot.command
    return command.argv, command.cwd, command.executable.digest


def _values(params: list[Param]) -> dict[str, Any]:
    return {param.name: param.value for param in params}


def _names(before: list[Param], now: list[Param]) -> list[str]:
    one, other = _values(before), _values(now)
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]
