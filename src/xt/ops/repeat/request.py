"""A record → the request of an `xt run` that does the same in another folder."""

from __future__ import annotations

import os

import msgspec

from xt import fsio
from xt.collect.globs import split
from xt.collect.scalars import scalar
from xt.model.code import KEPT_OUT
from xt.model.files import Input, Output
from xt.model.request import Docker, FactSpec, InputSpec, MetricGoal, OutputRequest, ParamSpec, RunRequest
from xt.model.result import Record
from xt.model.snapshot import MetricSpec, Repeat, Snapshot
from xt.model.text import from_text, to_shown, to_text
from xt.ops.recipe import INPUT
from xt.ops.repeat.places import Moved, was
from xt.ops.repeat.words import DECLARED, Change


def request(
    snapshot: Snapshot,
    record: Record | None,
    words: list[str],
    declared: list[Change],
    seed: int | None,
    root: str,
    moved: Moved,
    repeat: Repeat,
) -> RunRequest:
    """Ask for the same again.

    Args:
        snapshot: causes of the run.
        record: of the run; None for one that was lost.
        words: argv.
        declared: declared settings to change.
        seed: instead of the recorded one.
        root: absolute root of the project where the repeat runs.
        moved: from the recorded project to there.
        repeat: what is to be recorded about it.
    """
    context = snapshot.context
    cwd = os.path.normpath(os.path.join(root, from_text(snapshot.command.cwd)))
    return RunRequest(
        command=words,
        cwd=cwd,
        purpose=context.purpose,
        inputs=[input_spec(item, root, moved) for item in snapshot.inputs],
        outputs=_outputs(snapshot, record, root, cwd, moved),
        facts=[FactSpec(fact.name, fact.value, fact.source) for fact in snapshot.facts],
        params=_params(snapshot, declared, root),
        metrics=[_metric(item, moved) for item in snapshot.metrics],
        imports=[
            msgspec.structs.replace(item, path=to_text(moved.text(from_text(item.path))))
            for item in snapshot.imports
        ],
        goals={
            metric.name: MetricGoal(metric.goal, metric.unit)
            for metric in (record.result.metrics if record else [])
        },
        ticket=context.ticket,
        task=context.task,
        seed=seed if seed is not None else snapshot.seed.value,
        repeat=repeat,
        docker=container(snapshot, moved),
        keep_inputs=all(entry.reason != INPUT for entry in snapshot.code.left_out),
        refuse_secrets=any(entry.reason.startswith(KEPT_OUT) for entry in snapshot.code.left_out),
    )


def container(snapshot: Snapshot, moved: Moved) -> Docker | None:
    """Ask again for the container that xt started; None when it started none."""
    there = snapshot.environment.container
    if there.started_by != "xt" or there.image is None:
        return None
    return Docker(
        image=there.image,
        options=[moved.text(from_text(word)) for word in there.options],
        declared=there.declared or "--docker",
        id=there.found.id if there.found is not None else None,
        handed=there.handed,
    )


def input_spec(item: Input, root: str, moved: Moved) -> InputSpec:
    """Declare a recorded input again, relative to a root; one outside of the project where it was."""
    declared = from_text(item.declared)
    if item.kind == "uri" or item.path is None:
        return InputSpec(item.role, declared, root)
    path = moved.text(from_text(item.path))
    if item.kind == "glob":
        path = os.path.normpath(os.path.join(path, split(declared)[1]))
    return InputSpec(item.role, _plain(path), root)


def _outputs(
    snapshot: Snapshot, record: Record | None, root: str, cwd: str, moved: Moved
) -> list[OutputRequest]:
    if record is None or not record.result.outputs:
        # What a relative path was relative to is not recorded; nearly always that is where the command ran.
        return [OutputRequest(item.role, moved.text(from_text(item.path)), cwd) for item in snapshot.outputs]
    there = was(snapshot)
    found = []
    for item in record.result.outputs:
        declared, path = from_text(item.declared), from_text(item.path or "")
        if os.path.isabs(path) and not os.path.isabs(declared) and not fsio.is_inside(path, there.top):
            # By a path that leads out of the project: relative to where the command runs, or to `xt.toml`.
            then = os.path.normpath(os.path.join(there.root, from_text(snapshot.command.cwd), declared))
            found.append(OutputRequest(item.role, declared, cwd if then == path else root))
        else:
            found.append(OutputRequest(item.role, output_path(item, moved), root))
    return found


def prepare(asked: RunRequest, record: Record | None, top: str) -> list[str]:
    """Make the folders that outputs are written to, and say which of them are not in the workspace.

    That they were there when the run started is not recorded; a command that makes them itself mostly takes
    them as they are.

    Args:
        asked: the repeat.
        record: of the run; None for one that was lost.
        top: of the workspace.

    Returns:
        Sentences.
    """
    outputs = record.result.outputs if record is not None else []
    trees = {from_text(item.path) for item in outputs if item.kind == "tree" and item.path is not None}
    away = []
    for item in asked.outputs:
        path = item.path if not any(sign in item.path for sign in "*?[") else split(item.path)[0] or "."
        place = os.path.normpath(os.path.join(item.base, path))
        folder = place if path.removeprefix("./") in trees else os.path.dirname(place)
        if fsio.is_inside(os.path.realpath(folder), os.path.realpath(top)):
            os.makedirs(folder, exist_ok=True)
        elif not fsio.is_inside(place, os.path.dirname(top)):
            away.append(f"`{to_shown(place)}`")
        elif os.path.realpath(folder) != folder:
            away.append(f"`{to_shown(os.path.realpath(folder))}`")
    return [f"written where it was, outside of the workspace: {', '.join(away)}"] if away else []


def output_path(item: Output, moved: Moved) -> str:
    """Path or pattern of a recorded output, relative to the root."""
    declared = from_text(item.declared)
    if item.path is None:
        return moved.text(declared)
    path = moved.text(from_text(item.path))
    if item.kind == "glob" and any(sign in declared for sign in "*?["):
        return _plain(os.path.normpath(os.path.join(path, split(declared)[1])))
    return _plain(path)


def _plain(path: str) -> str:
    """Keep a path from being taken for a role or a URI."""
    return path if os.path.isabs(path) or ":" not in path else f"./{path}"


def _params(snapshot: Snapshot, declared: list[Change], root: str) -> list[ParamSpec]:
    values = {change.key: change.value for change in declared}
    found = []
    files: list[str] = []
    for param in snapshot.params:
        if param.source in DECLARED:
            said = values.get(param.name)
            text = said if said is not None else _written(param.value)
            found.append(ParamSpec(param.name, text, None, root, param.source))
        elif param.source != "argv" and param.source not in files:
            files.append(param.source)
    return [*(ParamSpec(None, None, path, root, "--param") for path in files), *found]


def _written(value: object) -> str:
    """Write a value so that it is read back as the same: text is taken as it is."""
    if isinstance(value, str):
        return value if scalar(value) == value else f'"{value}"'
    return msgspec.json.encode(value).decode()


def _metric(item: MetricSpec, moved: Moved) -> MetricSpec:
    if item.file is None:
        return item
    return msgspec.structs.replace(item, file=to_text(moved.text(from_text(item.file))))
