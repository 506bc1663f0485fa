"""Which required fields a run lacks, and how each is supplied."""

from __future__ import annotations

from typing import NamedTuple

from xt.errors import ConfigError
from xt.model.files import INPUT_ROLES
from xt.model.request import RunRequest
from xt.model.snapshot import Snapshot


class Missing(NamedTuple):
    """A required field that a run does not have."""

    field: str
    hint: str


def missing(required: list[str], request: RunRequest, snapshot: Snapshot) -> list[Missing]:
    """List required fields that are missing before the start.

    Args:
        required: `[evidence] required`.
        request: what was declared.
        snapshot: what was captured.

    Raises:
        ConfigError: a field that does not exist is required.
    """
    context = snapshot.context
    have: dict[str, tuple[bool, str]] = {
        "purpose": (bool(context.purpose), "-m WHY"),
        "ticket": (bool(context.ticket), "--ticket ID"),
        "seed": (snapshot.seed.value is not None, "--seed N"),
        "params": (bool(snapshot.params), "-p KEY=VALUE"),
        "inputs": (bool(snapshot.inputs), "-i [ROLE:]PATH"),
        "outputs": (bool(request.outputs), "-o [ROLE:]PATH"),
        "metrics": (
            bool(request.metrics) or any(item.role == "metrics" for item in request.outputs),
            "--metric NAME=FILE:SELECTOR, or -o metrics:FILE",
        ),
        "code": (snapshot.code.status == "recorded", "run inside a git repository"),
        "code.clean": (snapshot.code.dirty is False, "commit the changes"),
    }
    for role in INPUT_ROLES:
        given = any(item.role == role for item in snapshot.inputs)
        have[f"inputs.{role}"] = (given, f"-i {role}:PATH")
    found = []
    for field in required:
        if field not in have:
            raise ConfigError(f"[evidence] required: unknown field `{field}`", f"fields: {', '.join(have)}")
        given, hint = have[field]
        if not given:
            found.append(Missing(field, hint))
    return found
