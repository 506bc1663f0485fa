"""What to leave out of a record that no reader would take, so that the run is sealed with the rest."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from xt import codec
from xt.model.files import Problem
from xt.model.result import Record, Start
from xt.ops.run import MAX_START
from xt.store.store import MAX_RECORD

#: Room for what is said about what is left out, and for the seal.
_SPARE = 10_000

#: What may be left out, and which section of `xt.model.problems` it belongs to.
_CAUSES = {
    "params": "params",
    "facts": "facts",
    "inputs": "inputs",
    "outputs": "outputs",
    "metrics": "metrics",
    "imports": "metrics",
    "problems": "record",
    "code.changed": "code",
    "code.raw": "code",
    "code.left_out": "code",
    "code.empty_dirs": "code",
    "code.repositories": "code",
    "environment.variables": "environment",
    "environment.hidden": "environment",
}
_EFFECTS = {
    "metrics": "metrics",
    "reported": "params",
    "derived": "metrics",
    "outputs": "outputs",
    "ranks": "rank",
    "problems": "record",
}

Value = TypeVar("Value", bound=msgspec.Struct)


def of_start(start: Start) -> Start:
    """Leave out of causes what does not fit, and say so in their problems; mostly that is nothing."""
    size = len(codec.encode(start))
    if size <= MAX_START:
        return start
    snapshot, told = _lessened(start.snapshot, size - MAX_START + _SPARE, _CAUSES)
    snapshot = msgspec.structs.replace(snapshot, problems=[*snapshot.problems, *told])
    return msgspec.structs.replace(start, snapshot=snapshot)


def of_record(record: Record) -> Record:
    """Leave out of effects what does not fit beside the causes, and say so in their problems."""
    size = len(codec.encode(record)) + _SPARE
    if size <= MAX_RECORD:
        return record
    result, told = _lessened(record.result, size - MAX_RECORD + _SPARE, _EFFECTS)
    fewer = len(result.outputs) < len(record.result.outputs)
    result = msgspec.structs.replace(
        result,
        problems=[*result.problems, *told],
        status="incomplete" if fewer and result.status == "ok" else result.status,
    )
    return msgspec.structs.replace(record, result=result)


def _lessened(value: Value, excess: int, parts: dict[str, str]) -> tuple[Value, list[Problem]]:
    """Leave out the largest items, of equal ones the last, until so many bytes are saved."""
    held = {path: _items(_at(value, path)) for path in parts}
    sized = sorted(
        (-len(codec.encode(item)), -index, path)
        for path, items in held.items()
        for index, item in enumerate(items)
    )
    dropped: dict[str, set[int]] = {}
    for size, index, path in sized:
        if excess <= 0:
            break
        excess += size  # which is below nothing
        dropped.setdefault(path, set()).add(-index)
    told = []
    for path, gone in dropped.items():
        kept = [item for index, item in enumerate(held[path]) if index not in gone]
        value = _with(value, path, dict(kept) if isinstance(_at(value, path), dict) else kept)
        name = path.rpartition(".")[2].replace("_", " ")
        name = "" if name == parts[path] else f" {name}"
        told.append(
            Problem(
                parts[path],
                f"{len(gone)} of {len(held[path])}{name} are left out, the largest:"
                f" a record holds at most {MAX_RECORD // 1_000_000} MB",
            )
        )
    return value, told


def _items(part: Any) -> list[Any]:
    return list(part.items()) if isinstance(part, dict) else list(part)


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = getattr(value, name)
    return value


def _with(value: Any, path: str, part: Any) -> Any:
    first, _, rest = path.partition(".")
    inner = _with(getattr(value, first), rest, part) if rest else part
    return msgspec.structs.replace(value, **{first: inner})
