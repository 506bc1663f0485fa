"""What `xt.toml` declares for a task now, and did not when its run was recorded."""

from __future__ import annotations

import os

from xt.collect.scalars import scalar
from xt.config import TaskSettings
from xt.declare import input_spec, param_spec, words
from xt.model.request import InputSpec
from xt.model.result import Record
from xt.model.stale import Reason
from xt.model.text import from_text, to_shown
from xt.redact import MASK, secret_name

#: Characters of a command that are shown.
_LONGEST = 40


def differing(record: Record, task: TaskSettings, home: str, recorded: list[InputSpec]) -> list[Reason]:
    """Say what of a task's declaration would make another run of it: command, params, further inputs.

    What is declared no longer may have been said on the command line: that does not count.

    Args:
        record: the newest run of the task.
        task: as it is declared now.
        home: absolute folder of `xt.toml`.
        recorded: inputs of the run, declared again.
    """
    reasons = []
    snapshot = record.snapshot
    argv = [from_text(word) for word in snapshot.command.argv]
    begins = words(task.command) if task.command else []
    if not snapshot.command.redacted and argv[: len(begins)] != begins:
        reasons.append(Reason("command", "changed", f"{_line(argv)} → {_line(begins)}"))
    have = {param.name: param.value for param in snapshot.params}
    for text in task.params:
        spec = param_spec(text, home, "xt.toml")
        if spec.key is None or secret_name(spec.key) or have.get(spec.key) == MASK:
            continue
        value = scalar(spec.value or "")
        said = {param.name for param in snapshot.params if param.source == "--param"}
        if spec.key not in have:
            reasons.append(Reason("params", "changed", f"{spec.key} added"))
        elif spec.key not in said and have[spec.key] != value:
            reasons.append(Reason("params", "changed", f"{spec.key} {have[spec.key]} → {value}"))
    known = {(spec.role, _place(spec)) for spec in recorded}
    for text in task.inputs:
        wanted = input_spec(text, home)
        if (wanted.role, _place(wanted)) not in known:
            reasons.append(Reason(f"inputs.{wanted.role}", "changed", f"{to_shown(wanted.path)} added"))
    return reasons


def _place(spec: InputSpec) -> str:
    return os.path.normpath(os.path.join(spec.base, spec.path))


def _line(argv: list[str]) -> str:
    text = to_shown(" ".join(argv))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
