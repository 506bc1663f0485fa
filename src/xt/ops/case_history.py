"""`xt cases --history`: one evaluated example through all runs that have it."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec.structs import replace

from xt.compare import UnreadableError
from xt.compare.case_columns import columns_of
from xt.compare.jsonable import written
from xt.config import CaseSettings
from xt.context import Outside
from xt.errors import NotRecordedError, XtError
from xt.model.cases import Case, History, Seen
from xt.model.delta import Delta
from xt.model.result import Record
from xt.model.text import from_text
from xt.ops.case_files import ROLE, CaseRow, CaseTables, may_have_cases, outputs
from xt.ops.case_tally import Reading, text_of
from xt.ops.diff import causes
from xt.ops.diff.code import Patch
from xt.ops.walk import Unread, runs
from xt.store import Store

#: Flips whose causes are looked for, the newest: each takes a git and a few files.
EXPLAINED = 20


class _Answer(NamedTuple):
    """What one output says of the example; None, None: it has none of that id."""

    case: Case | None
    reason: str | None


def history(
    store: Store, run_id: str, identity: str, most: int | None, settings: CaseSettings, outside: Outside
) -> History:
    """Follow one example through the runs of a task, those of `xt verify` left out.

    Args:
        store: that has the runs.
        run_id: whole; runs of the same task as this one are looked at.
        identity: the example's id; `FILE/ID` where an output has several files.
        most: runs listed, the newest; None for all.
        settings: names of columns.
        outside: for git.

    Raises:
        NotRecordedError: no run has such a case.
    """
    task = store.record(run_id).snapshot.context.task
    records: list[Record] = []
    notes: list[str] = []
    for record in runs(store, lambda row: row.task == task and may_have_cases(row)):
        if isinstance(record, Unread):
            notes.append(f"{record.id[:8]} was not looked at: {record.reason}")
        elif record.result.derived or any(item.role == ROLE for item in record.result.outputs):
            records.append(record)
    answers: dict[str, _Answer] = {}
    found: list[tuple[Record, _Answer]] = []
    looked = without = 0
    for record in records:
        if most is not None and len(found) >= most:
            break
        looked += 1
        answer = _answer(store, record, identity, settings, answers)
        if answer is None:
            without += 1
        else:
            found.append((record, answer))
    found.reverse()
    if not any(answer.case for _, answer in found):
        of = f" of task `{task}`" if task else ""
        reasons = [answer.reason for _, answer in found if answer.reason]
        hint = (
            f"{len(reasons)} could not be read: {reasons[0]}" if reasons else "`xt cases -n 0` lists the ids"
        )
        raise NotRecordedError(f"none of the {looked} runs{of} with cases has a case `{identity}`", hint)
    last = next(answer.case for _, answer in reversed(found) if answer.case)
    return History(
        last.id,
        _seen(store, found, outside),
        task,
        without,
        last.cells,
        len(records) - looked,
        notes,
    )


def _answer(
    store: Store, record: Record, identity: str, settings: CaseSettings, known: dict[str, _Answer]
) -> _Answer | None:
    """Look for the example in a run; None when it has cases and none of that id."""
    reason = None
    items = outputs(record)
    if not items:
        lost = [item for item in record.result.outputs if item.role == ROLE]
        return _Answer(None, f"not stored: {lost[0].reason or lost[0].status}") if lost else None
    for item in items:
        key = f"{item.kind} {item.digest}"
        if key not in known:
            try:
                known[key] = _Answer(_search(CaseTables(store, item), identity, settings), None)
            except (UnreadableError, XtError) as error:
                known[key] = _Answer(None, getattr(error, "message", None) or str(error))
        if known[key].case is not None:
            return known[key]
        reason = reason or known[key].reason
    return None if reason is None else _Answer(None, reason)


def _search(tables: CaseTables, identity: str, settings: CaseSettings) -> Case | None:
    columns = None
    file: Any = ...
    for row in tables.rows():
        if row.file != file or columns is None:
            columns, file = columns_of(settings, row.cells), row.file
        own = text_of(row.cells.get(columns.id))
        if identity in (own, f"{row.file}/{own}"):
            return Reading(CaseRow(row.file, row.cells), columns).case(columns)
    return None


def _seen(store: Store, found: list[tuple[Record, _Answer]], outside: Outside) -> list[Seen]:
    shown = store.shown_all([record.id for record, _ in found])
    rows: list[Seen] = []
    flips: list[tuple[int, Record, Record]] = []
    before: tuple[Record, Case] | None = None
    for record, (case, reason) in found:
        flipped = False
        if case is not None:
            flipped = before is not None and _moved(before[1], case)
            if flipped and before is not None:
                flips.append((len(rows), before[0], record))
            before = record, case
        purpose = record.snapshot.context.purpose
        outcome, score = (case.outcome, case.score) if case is not None else (None, None)
        rows.append(
            Seen(
                record.id,
                shown[record.id],
                record.started_at,
                outcome,
                score,
                purpose,
                flipped,
                [],
                reason and written(reason),
            )
        )
    for at, one, other in flips[-EXPLAINED:]:
        rows[at] = replace(rows[at], causes=_causes(store, one, other, outside))
    return rows


def _moved(before: Case, now: Case) -> bool:
    """Whether the outcome is another one, or without outcomes the score."""
    if before.outcome is not None and now.outcome is not None:
        return before.outcome != now.outcome
    return None in (before.outcome, now.outcome) and before.score != now.score


def _causes(store: Store, one: Record, other: Record, outside: Outside) -> list[str]:
    """Name what was changed between two runs, in one word each."""
    if one.snapshot.recipe == other.snapshot.recipe and one.snapshot.recipe_doubt is None:
        return ["a repeat"]
    written_by = tuple(
        [from_text(item.path) for item in record.result.outputs if item.path is not None]
        for record in (one, other)
    )
    try:
        found = causes.compare(
            store,
            one.snapshot,
            other.snapshot,
            (written_by[0], written_by[1]),
            Patch(False, False),
            outside,
        )
    except XtError as error:
        return [f"unknown: {error.message}"]
    names: dict[str, None] = {}
    for section in found.children:
        if section.relation == "same" or (section.relation == "changed" and not section.counted):
            continue
        names.update(dict.fromkeys(_words(section)))
    return list(names) or ["nothing that is recorded"]


def _words(section: Delta) -> list[str]:
    """One section in words: inputs by their roles."""
    parts = [child for child in section.children if child.relation != "same"]
    if section.path == "inputs" and parts:
        return [child.path.split("/", 2)[1] for child in parts]
    return [f"{section.path} unknown" if section.relation == "unknown" else section.path]
