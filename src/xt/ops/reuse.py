"""`xt run --reuse`: an earlier run of the same recipe stands for the one that is asked for."""

from __future__ import annotations

from typing import NamedTuple

from xt.collect import Capture
from xt.collect.globs import has_magic, split
from xt.collect.paths import absolute, recorded, shown, why
from xt.errors import XtError
from xt.execute.streams import JOINED, joined
from xt.model.event import Reused, Verified
from xt.model.level import reaches
from xt.model.result import Logs, Record
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_text
from xt.ops.evidence import lacking, required
from xt.ops.in_place import ImpossibleError, Plan, plan, write
from xt.ops.repeats import same_recipe
from xt.ops.statements import state
from xt.store import Store, events

#: What is said of runs that no other is to be spared for.
_ENDS = {
    "failed": "failed",
    "interrupted": "was interrupted",
    "incomplete": "is incomplete",
    "not-started": "did not start",
}
#: Runs of the recipe that are looked at, the newest ones.
MOST = 100


class Hit(NamedTuple):
    """The run that stands for the one that was asked for; its outputs are in place."""

    record: Record
    shown: int
    """Letters of its id that tell it from all others."""
    restored: int
    """Outputs of which something had to be written."""
    notes: list[str]
    """What is not as if it had been run."""


class Miss(NamedTuple):
    """None does: the command is to be run."""

    reason: str
    """What kept a run of the same recipe from it, or what differs in the nearest one."""
    expected: bool = False
    """Whether there is none that could have: nothing is wrong."""


def reuse(capture: Capture, snapshot: Snapshot, store: Store) -> Hit | Miss:
    """Put in place what the newest fitting run of the same recipe gave, and note that as an event.

    It must be `ok`, have declared and stored what is asked for now, and have all that it wrote to its streams
    in its log. Whatever is wrong with one is a reason to take an earlier one, and at last to run the command.

    Args:
        capture: of the run that is asked for; `capture.request.reuse` says which runs may stand for it.
        snapshot: its causes.
        store: of the project.
    """
    if snapshot.recipe_doubt is not None:
        return Miss(snapshot.recipe_doubt)
    unread = _unread_stdin(snapshot)
    if unread is not None:
        return Miss(unread)
    first: str | None = None
    unfit: str | None = None
    unverified: tuple[str, bool] | None = None  # the newest, and whether somebody tried
    runs = same_recipe(store.path, snapshot.recipe)
    verified = _verified(store) if runs and capture.request.reuse == "verified" else None
    for _, run_id in runs[: -MOST - 1 : -1]:
        if verified is not None and not verified.get(run_id, False):
            unverified = unverified or (run_id, run_id in verified)
            continue
        try:
            record = store.record(run_id)
            lacks = _unfit(record, snapshot, capture)
            if lacks is None:
                return _hit(record, snapshot, capture, store)
            unfit = unfit or f"{run_id[: store.shown(run_id)]} {lacks}"
        except (XtError, ImpossibleError, OSError) as error:
            first = first or f"{run_id[: store.shown(run_id)]}: {_said(error)}"
    if first is None and unverified is not None:
        run_id, looked_at = unverified
        why_not = "as last verified, it did not reach its level" if looked_at else "it was not verified"
        first = f"{run_id[: store.shown(run_id)]}: {why_not}"
    if first is not None:
        return Miss(first)
    if unfit is not None:
        return Miss(unfit, expected=True)
    from xt.ops.nearest import nearest

    return Miss(nearest(store, snapshot), expected=True)


def _said(error: Exception) -> str:
    return why(error) if isinstance(error, OSError | XtError) else str(error)


def _unread_stdin(snapshot: Snapshot) -> str | None:
    """Why it is not known what standard input holds; None when it is, or there is nothing to read."""
    command = snapshot.command
    if command.stdin in ("terminal", "null", "closed") or command.stdin_digest is not None:
        return None
    return f"what standard input holds is not known: {command.stdin_reason or 'no reason is recorded'}"


def _verified(store: Store) -> dict[str, bool]:
    """By run, whether the newest verification found that it reached its level."""
    return {event.run: reaches(event.level, event.required) for event in events.every(store.path, Verified)}


def _unfit(record: Record, snapshot: Snapshot, capture: Capture) -> str | None:
    """Why a run did not come to a good end, or had not declared all that is asked for now."""
    earlier = record.snapshot
    if record.result.status != "ok":
        return _ENDS.get(record.result.status, "did not end well")
    if earlier.recipe_doubt is not None or _unread_stdin(earlier) is not None:
        return "may have had other causes"
    if earlier.repeat is not None and (earlier.repeat.varied or earlier.repeat.pinned):
        return "was made with variations"
    if capture.request.strict and _lacks(record, capture):
        return "lacks evidence that is required"
    declared = {(item.role, item.declared, item.path) for item in record.result.outputs}
    for request, spec in zip(capture.request.outputs, snapshot.outputs, strict=True):
        places = [request.path, *([split(request.path)[0] or "."] if has_magic(request.path) else [])]
        paths = [absolute(place, request.base, capture.outside.environ) for place in places]
        if not any(
            (spec.role, spec.path, to_text(recorded(path, capture.root))) in declared for path in paths
        ):
            return f"had not declared the output {shown(request.path)}"
    known = all(metric in earlier.metrics for metric in snapshot.metrics) and all(
        spec in earlier.imports for spec in snapshot.imports
    )
    return None if known else "had not declared all metrics"


def _lacks(record: Record, capture: Capture) -> bool:
    """Whether a run lacks evidence that is required now; its level is for `--reuse=verified` to ask for."""
    wanted = required(capture.settings, capture.request.task)
    return any(
        field.partition(".")[0] != "level" for field in lacking(wanted, record.snapshot, record.result, None)
    )


def _hit(record: Record, snapshot: Snapshot, capture: Capture, store: Store) -> Hit:
    """Put a run's outputs in place.

    Raises:
        ImpossibleError, XtError, OSError: they are not, or not all, in place.
    """
    _check_logs(record.result.logs, store)
    plans = plan(record.result.outputs, capture, store)
    count = write(plans, capture.root, store)
    notes = [_extra(item) for item in plans if item.extra]
    try:
        state(
            store,
            capture.outside,
            Reused,
            run=record.id,
            recipe=record.snapshot.recipe,
            restored=count,
            purpose=snapshot.context.purpose,
        )
    except OSError as error:
        notes.append(f"that it was reused is not recorded: {why(error)}")
    return Hit(record, store.shown(record.id), sum(1 for item in plans if item.entries), notes)


def _extra(item: Plan) -> str:
    files = "a file" if item.extra == 1 else f"{item.extra} files"
    return f"{shown(from_text(item.output.declared))}: left alone {files} there that the run did not leave"


def _check_logs(logs: Logs, store: Store) -> None:
    """Make sure that all that the command wrote can be written again, as it was.

    Raises:
        ImpossibleError: it is not in the log, or not as it was.
        DamagedError, NotRecordedError: the log cannot be read.
    """
    if logs.open_at_end:
        raise ImpossibleError("a process outlived it and may have written more than is in its log")
    for stream in logs.streams:
        if (stream.reason or "").startswith(JOINED):
            if not joined():
                raise ImpossibleError("its standard error is in the log of its standard output (`2>&1`)")
        elif stream.via == "inherited" or (stream.size and stream.digest is None):
            raise ImpossibleError(f"its {stream.name} is not in its log: {stream.reason or 'not captured'}")
        elif stream.masked:
            raise ImpossibleError(f"secrets are masked in the log of its {stream.name}")
        elif stream.cut_at is not None or stream.stored != stream.size:
            raise ImpossibleError(f"the log of its {stream.name} is cut")
    for digest in [*(stream.digest for stream in logs.streams), logs.timing]:
        if digest is not None:
            for _ in store.objects.stream(digest):
                pass
