"""`xt audit`: each required field of runs, present or missing, by what is required now."""

from __future__ import annotations

from typing import Literal

from xt.config import Settings
from xt.errors import DamagedError, XtError
from xt.model.audit import Audit, Audits, Item, Unreadable
from xt.model.event import Verified
from xt.model.evidence import known, present, why_not
from xt.model.files import Output
from xt.model.result import Record, Start
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown
from xt.ops.elsewhere import not_brought
from xt.ops.evidence import hint, required
from xt.ops.evidence_sources import origin
from xt.ops.statements import standing
from xt.store import Store

#: Fields that a key of the same name in `[task.NAME]` supplies.
_TASK_KEYS = ("purpose", "ticket", "seed", "params", "inputs", "outputs", "metrics")


def audit(store: Store, runs: list[str] | None, settings: Settings) -> Audits:
    """Hold runs against what is required now.

    Args:
        store: that has them.
        runs: whole ids; None: all that are not repeats made by `xt verify` and were not put away.
        settings: of the project.

    Raises:
        NotRecordedError, DamagedError: a run that was named is not there, or not readable.
    """
    said = standing(store)
    found: list[Audit] = []
    unreadable: list[tuple[str, str]] = []
    running: list[str] = []
    live = store.live_ids()
    ids = runs if runs is not None else [*live, *(run for run in store.ids() if run not in live)]
    for run_id in ids:
        about = said.of(run_id)
        try:
            start, record, state = _read(store, run_id, run_id in live)
        except XtError as error:
            if runs is not None:
                raise
            unreadable.append((run_id, error.message))
            continue
        repeat = start.snapshot.repeat
        if runs is None and (about.removed is not None or (repeat is not None and repeat.trial)):
            continue
        if runs is None and state == "running":
            running.append(run_id)
            continue
        found.append(_audit(store, start, record, state, about.verified, settings))
    shown = store.shown_all([*(one.run for one in found), *(run for run, _ in unreadable)])
    found = [_shown(one, shown[one.run]) for one in found]
    judged = [one.complete for one in found if one.complete is not None]
    notes = [f"an event cannot be read, and what it says is missing here: {path}" for path in said.doubts]
    return Audits(
        complete=all(judged) and not unreadable if judged or unreadable else None,
        audits=sorted(found, key=lambda one: (one.started_at, one.run), reverse=True),
        unreadable=[Unreadable(run, shown[run], reason) for run, reason in sorted(unreadable)],
        running=sorted(running),
        notes=notes,
    )


def _read(store: Store, run_id: str, live: bool) -> tuple[Start | Record, Record | None, str]:
    """Causes of a run, its record if it has one, and how it ended or where it stands."""
    if live:
        try:
            start, state = store.live(run_id)
        except XtError:
            record = store.record(run_id)  # it was sealed meanwhile
        else:
            return start, None, state
    else:
        record = store.record(run_id)
    return record, record, record.result.status


def _shown(found: Audit, shown: int) -> Audit:
    from msgspec.structs import replace

    commands = [
        replace(item, command=item.command.replace(found.run, found.run[:shown])) if item.command else item
        for item in found.fields
    ]
    return replace(found, shown=shown, fields=commands)


def _audit(
    store: Store,
    start: Start | Record,
    record: Record | None,
    state: str,
    verified: Verified | None,
    settings: Settings,
) -> Audit:
    snapshot = start.snapshot
    task = snapshot.context.task
    wanted = required(settings, task)
    has = wanted
    if not wanted and record is not None:
        # Nothing is asked: what there is to ask for, without the names below it.
        has = [field for field in present(snapshot, record.result) if known(field) and _is_general(field)]
    fields = [_item(store, field, start.id, snapshot, record, verified, settings) for field in has]
    return Audit(
        run=start.id,
        shown=len(start.id),
        status=state,
        started_at=start.started_at,
        complete=all(item.present for item in fields) if wanted else None,
        fields=fields,
        purpose=snapshot.context.purpose,
        task=task,
        required_then=snapshot.required or snapshot.lacking,
        lacking_then=snapshot.lacking,
    )


def _is_general(field: str) -> bool:
    head, _, name = field.partition(".")
    return not name or (head in ("inputs", "env", "code", "outputs") and not name.endswith(".revision"))


def _item(
    store: Store,
    field: str,
    run: str,
    snapshot: Snapshot,
    record: Record | None,
    verified: Verified | None,
    settings: Settings,
) -> Item:
    result = record.result if record is not None else None
    reason = why_not(field, snapshot, result, verified)
    if reason is None and result is not None:
        reason = _gone(store, field, run, result.outputs)
    if reason is None:
        value, source = origin(field, snapshot, result, verified)
        return Item(field, True, value=value, source=source)
    needs, command = _later(field, run, record)
    return Item(
        field, False, missing=reason, supply=_supply(field, snapshot, settings), needs=needs, command=command
    )


def _gone(store: Store, field: str, run: str, outputs: list[Output]) -> str | None:
    """Why an output that was stored is no evidence any more: a record outlives what a disk loses."""
    head, _, name = field.partition(".")
    for item in outputs if head == "outputs" else ():
        if (not name or item.role == name) and item.digest is not None:
            try:
                here = store.objects.has(item.digest)
            except DamagedError:
                here = False
            if not here:
                away = not_brought(store, run, "outputs") or "is not in this store any more"
                return f"`{to_shown(from_text(item.declared))}` was stored, and {away}"
    return None


def _supply(field: str, snapshot: Snapshot, settings: Settings) -> str:
    """An option of `xt run`, or a key of `xt.toml`, for the next run."""
    head, _, name = field.partition(".")
    said = hint(field)
    task = snapshot.context.task
    if head in ("facts", "registry"):
        return f"{said}, or `[facts]` in xt.toml"
    if head == "metrics" and name:
        return f'{said}, or `source` in [metrics."{name}"]'
    if head in _TASK_KEYS:
        known_task = task if task is not None and task in settings.task else "NAME"
        return f"{said}, or `{head}` in [task.{known_task}]"
    return said


def _later(
    field: str, run: str, record: Record | None
) -> tuple[Literal["verify", "rerun", "run"], str | None]:
    """What can still give a run that field."""
    head, _, name = field.partition(".")
    if head == "level" and record is not None:
        return "verify", f"xt verify {run}" + (f" --level {name}" if name else "")
    if field == "purpose":
        return "rerun", f"xt rerun {run} -m WHY"
    if field == "seed":
        return "rerun", f"xt rerun {run} --seed N"
    return "run", None
