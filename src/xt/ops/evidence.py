"""Which evidence is required of a run, which of it the run lacks, and how each field is supplied.

Before the start what was declared counts; afterwards what the record proves, and what events say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from xt.config import Settings, TaskSettings
from xt.model.request import RunRequest
from xt.model.result import Record, Result
from xt.model.snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.model.event import Verified
    from xt.model.summary import Summary

#: How a field is supplied on the command line of `xt run`; of the others by the first part of their name.
_HINTS = {
    "purpose": "-m WHY",
    "ticket": "--ticket ID",
    "seed": "--seed N",
    "params": "-p KEY=VALUE",
    "facts": "--fact KEY=VALUE",
    "inputs": "-i [ROLE:]PATH",
    "outputs": "-o [ROLE:]PATH",
    "metrics": "--metric NAME=FILE:SELECTOR, or -o metrics:FILE",
    "registry": "--fact registry=URI",
    "env": "what could not be read is in `xt show`",
    "env.hardware": "what could not be read is in `xt show`",
    "env.image": "run in a container, or set XT_IMAGE",
    "code": "what stood in the way is in `xt show`",
    "code.clean": "commit the changes",
    "code.committed": "commit the changes",
    "level": "xt verify RUN",
}


class Missing(NamedTuple):
    """A required field that a run does not have."""

    field: str
    hint: str
    """How it is supplied; after the end, why it is missing."""


def required(settings: Settings, task: str | None) -> list[str]:
    """List the fields that are required of the runs of a task: those of all runs first, each once.

    Args:
        settings: of the project.
        task: of the run; one that is not declared any more requires nothing of its own.
    """
    own = settings.task.get(task, TaskSettings()).required if task is not None else []
    return list(dict.fromkeys([*settings.evidence.required, *own]))


def missing(fields: list[str], request: RunRequest, snapshot: Snapshot) -> list[Missing]:
    """List required fields that are missing before the start, of those that can be known then.

    Args:
        fields: that are required.
        request: what was declared.
        snapshot: what was captured.
    """
    if not fields:
        return []
    from xt.model.evidence import open_before, why_not

    found = []
    for field in fields:
        if open_before(field):
            if not _declared(field, request):
                found.append(Missing(field, hint(field)))
        elif (reason := why_not(field, snapshot, None, None)) is not None:
            # Of code nothing is declared: what helps is to know what stood in the way.
            found.append(Missing(field, reason if field == "code" else hint(field)))
    return found


def undelivered(fields: list[str], before: list[Missing], record: Record) -> list[Missing]:
    """List required fields that were declared and did not come, with the reason.

    Args:
        fields: that are required.
        before: those that were missing when the run started.
        record: of the run.
    """
    if not fields:
        return []
    from xt.model.evidence import why_not

    told = {item.field for item in before}
    found = []
    for field in fields:
        if field in told or field.partition(".")[0] == "level":
            continue
        reason = why_not(field, record.snapshot, record.result, None)
        if reason is not None:
            found.append(Missing(field, reason))
    return found


def lacking(
    fields: Iterable[str], snapshot: Snapshot, result: Result | None, verified: Verified | None
) -> list[str]:
    """List the required fields that a run does not have, of those that can be known now.

    Args:
        fields: that are required.
        snapshot: causes of the run.
        result: its effects; None for one that has not ended, of which nothing that comes out is asked.
        verified: how it was last verified.
    """
    from xt.model.evidence import open_before, why_not

    return [
        field
        for field in fields
        if not (result is None and open_before(field))
        and why_not(field, snapshot, result, verified) is not None
    ]


def marked(rows: list[Summary], settings: Settings) -> list[Summary]:
    """Say of each run of a list what it lacks of the evidence that is required now.

    Args:
        rows: with their levels (`xt.ops.find.with_levels`); those of runs that have not ended stay.
        settings: of the project as they are now.
    """
    from xt.model.evidence import lacking as lacking_of

    wanted: dict[str | None, list[str]] = {}
    found = []
    for row in rows:
        if row.task not in wanted:
            wanted[row.task] = required(settings, row.task)
        ended = row.status not in ("running", "lost", "unknown", "damaged")
        found.append(replace(row, lacking=lacking_of(wanted[row.task], row)) if ended else row)
    return found


def hint(field: str) -> str:
    """How a field is supplied with `xt run`, in a few words."""
    head, _, name = field.partition(".")
    if field in _HINTS or not name:
        return _HINTS[field]
    if head == "inputs":
        role, revision, _ = name.partition(".")
        return f"-i {role}:PATH" + (", or a URI whose revision is known" if revision else "")
    if head == "metrics":
        return f"--metric {name}=FILE:SELECTOR"
    return {
        "outputs": f"-o {name}:PATH",
        "params": f"-p {name}=VALUE",
        "facts": f"--fact {name}=VALUE",
        "registry": f"--fact {field}=URI",
        "level": f"xt verify RUN --level {name}",
    }[head]


def _declared(field: str, request: RunRequest) -> bool:
    """Whether what comes out, or is said later, can be there in the end."""
    head, _, name = field.partition(".")
    if head == "outputs":
        return any(not name or item.role == name for item in request.outputs)
    if head != "metrics":
        return True
    if request.imports or any(item.role == "metrics" for item in request.outputs):
        return True
    # A program that hands in its metrics by itself declares them by their goals and units.
    if any(not name or spec.name == name for spec in request.metrics):
        return True
    from fnmatch import fnmatchcase

    return any(not name or fnmatchcase(name, pattern) for pattern in request.goals)
