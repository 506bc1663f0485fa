"""`xt verify`: how well runs repeat, each as an event on the run."""

from __future__ import annotations

import os
from collections.abc import Sequence

from msgspec.structs import replace

from xt import codec
from xt.context import Outside
from xt.errors import NotRecordedError, UsageError, reason
from xt.execute.vary import VARIATIONS
from xt.model.event import Verified
from xt.model.files import Manifest
from xt.model.level import lowest
from xt.model.result import Record
from xt.model.text import from_text, to_shown
from xt.model.verification import Verification, Verifications
from xt.ops.away.fan import Fan
from xt.ops.diff.outputs import name_of
from xt.ops.diff.rules import Rules, names_of
from xt.ops.statements import state
from xt.ops.verify import sentences
from xt.ops.verify.making import Count, Step
from xt.ops.verify.nursery import Nursery
from xt.ops.verify.one import ALL, Asked, One
from xt.store import Store
from xt.suggest import suggest


def variations(text: str) -> tuple[str, ...]:
    """Read a list of variations.

    Args:
        text: names with commas between, `all` for every one.

    Raises:
        UsageError: there is none of a name, or no name.
    """
    found: list[str] = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name != ALL and name not in VARIATIONS.rows:
            names = [ALL, *VARIATIONS.rows]
            raise UsageError(f"--vary: no variation `{name}`", suggest(name, names, "variations"))
        found += list(VARIATIONS.rows) if name == ALL else [name]
    if not found:
        raise UsageError("--vary: no variation is named", f"variations: {', '.join([ALL, *VARIATIONS.rows])}")
    return tuple(dict.fromkeys(found))


def verify(
    store: Store,
    runs: Sequence[str],
    asked: Asked,
    rules: Rules,
    outside: Outside,
    step: Step,
    fan: Fan | None = None,
) -> Verifications:
    """Verify runs, one after the other, and write down each result.

    Args:
        store: that has the runs.
        runs: whole ids.
        asked: how.
        rules: tolerances.
        outside: of the caller.
        step: gets the progress.
        fan: makes repeats elsewhere; None: they are made here.

    Raises:
        NotRecordedError, DamagedError: a run has no record, or it cannot be read; nothing was repeated then.
        UsageError: a run is to be held against itself, or a tolerance is of nothing that a run has.
    """
    records = [_recorded(store, run_id) for run_id in runs]
    other = _recorded(store, asked.against) if asked.against is not None else None
    if other is not None and other.id == records[0].id:
        raise UsageError(
            "--against: a run agrees with itself, which says nothing", "xt verify RUN --repeat N"
        )
    _check(store, rules, [*records, *([other] if other is not None else [])])
    count = Count(step, asked.planned * len(records))
    with Nursery(outside) as nursery:
        found = [_one(store, record, other, asked, rules, outside, nursery, count, fan) for record in records]
    level = lowest(item.level for item in found)
    return Verifications(found, level, all(item.reached for item in found))


def _recorded(store: Store, run_id: str) -> Record:
    record = store.record(run_id)
    if record.result.status == "not-started":
        raise NotRecordedError(
            f"run {run_id[: store.shown(run_id)]} did not start: there is nothing to repeat"
        )
    return record


def _check(store: Store, rules: Rules, records: list[Record]) -> None:
    """See that what the command line allows is of something that these runs have.

    Raises:
        UsageError: it is not.
    """
    if not rules.told:
        return
    metrics = [name for record in records for metric in record.result.metrics for name in names_of(metric)]
    found = []
    for item in (item for record in records for item in record.result.outputs):
        found.append(name_of(item))
        if item.kind in ("tree", "glob") and item.digest is not None:
            entries = codec.decode(store.objects.read(item.digest), Manifest, "a manifest").entries
            top = from_text(item.path or "")
            found += [to_shown(os.path.join(top, from_text(entry.path))) for entry in entries]
    rules.check(metrics, found)


def _one(
    store: Store,
    record: Record,
    other: Record | None,
    asked: Asked,
    rules: Rules,
    outside: Outside,
    nursery: Nursery,
    count: Count,
    fan: Fan | None,
) -> Verification:
    """Verify one run, say what was found, and record it as an event."""
    count.tell(record.id)
    one = One(store, record, asked, rules, outside, nursery, count, fan)
    found = one.against(other) if other is not None else one.verify()
    shown = store.shown(record.id)
    wanted = 0 if other is not None else asked.repeats
    sentence = sentences.conclusion(
        record.id[:shown],
        found.level,
        found.columns,
        found.lines,
        one.missing,
        wanted,
        asked.required,
    )
    said = Verification(
        run=record.id,
        shown=shown,
        required=asked.required,
        level=found.level,
        sentence=sentence,
        against=other.id if other is not None else None,
        purpose=record.snapshot.context.purpose,
        columns=found.columns,
        lines=found.lines,
        diagnosis=found.diagnosis,
        drift=one.drift,
        missing=one.missing,
        hint=one.hint,
        notes=[*one.notes, *(fan.take_notes() if fan is not None else [])],
        wanted=wanted,
        on=fan.shown if fan is not None else None,
    )
    return _written(store, said, outside)


def _written(store: Store, found: Verification, outside: Outside) -> Verification:
    try:
        event = state(
            store,
            outside,
            Verified,
            run=found.run,
            level=found.level,
            required=found.required,
            repeats=found.columns[0].runs if found.columns and found.against is None else [],
            against=found.against,
            varied={column.name: column.level for column in found.columns[1:] if column.runs},
            sentence=found.sentence,
            sources=found.diagnosis.sources if found.diagnosis is not None else [],
            pins=found.diagnosis.pins if found.diagnosis is not None else [],
            on=found.on,
        )
    except (OSError, NotRecordedError) as error:
        note = f"this verification is not recorded: {reason(error)}"
        return replace(found, notes=[*found.notes, note])
    return replace(found, event=event.id)
