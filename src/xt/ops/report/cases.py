"""The examples that failed most, over several runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

from xt.compare import UnreadableError
from xt.compare.case_columns import CaseColumns, columns_of, outcome_of, score_of
from xt.compare.jsonable import written
from xt.config import CaseSettings
from xt.errors import XtError
from xt.model.report import Cases, FailedCase
from xt.model.result import Record
from xt.ops.case_files import CaseTables, outputs
from xt.store import Store

#: Runs looked at, rows of each, examples shown, other columns of one.
RUNS, ROWS, SHOWN, COLUMNS = 6, 200_000, 20, 3
#: Characters of a cell.
LONGEST = 160


class _Read(NamedTuple):
    """The cases of one run."""

    columns: CaseColumns
    outcomes: dict[str, bool | float | None]
    rows: dict[str, Mapping[str, Any]]
    """Those that failed."""


def failures(
    store: Store, records: list[Record], short: dict[str, str], settings: CaseSettings
) -> Cases | None:
    """Find what fails.

    Args:
        store: that has the outputs.
        records: the runs, the most interesting first.
        short: how to name each.
        settings: names of columns.

    Returns:
        None when no run has cases.
    """
    notes: list[str] = []
    having = [record for record in records if outputs(record)]
    if len(having) > RUNS:
        notes.append(f"cases of {len(having) - RUNS} more runs left out")
    names: list[str] = []
    found: list[_Read] = []
    for record in having[:RUNS]:
        name = short[record.id]
        try:
            found.append(_read(store, record, settings, notes, name))
            names.append(name)
        except (UnreadableError, XtError) as error:
            notes.append(f"cases of {name} cannot be read: {getattr(error, 'message', error)}")
    if not having:
        return None
    by_score = bool(found) and all(one.columns.outcome is None for one in found)
    every = dict.fromkeys(case for one in found for case in one.outcomes)
    if by_score:
        ranked = sorted(every, key=lambda case: _lowest(found, case))
        failed = 0
    else:
        counts = {case: sum(one.outcomes.get(case) is False for one in found) for case in every}
        ranked = sorted((case for case in every if counts[case]), key=lambda case: -counts[case])
        failed = len(ranked)
    shown = [_case(case, found, settings) for case in ranked[:SHOWN]]
    return Cases(names, failed, len(every), shown, by_score, notes)


def _lowest(found: list[_Read], case: str) -> float:
    scores = [value for one in found if isinstance(value := one.outcomes.get(case), float)]
    return min(scores, default=float("inf"))


def _read(store: Store, record: Record, settings: CaseSettings, notes: list[str], name: str) -> _Read:
    tables = CaseTables(store, outputs(record)[0])
    notes += [f"cases of {name}: {note}" for note in tables.notes]
    first = next(tables.cells(), None)
    if first is None:
        raise UnreadableError("there is no case")
    columns = columns_of(settings, first)
    # Several files may count their cases alike: there a case is its file and its id.
    reading = tables.cells(columns.id if tables.several else None)
    outcomes: dict[str, bool | float | None] = {}
    failed: dict[str, Mapping[str, Any]] = {}
    count = 0
    for row in islice(reading, ROWS):
        count += 1
        case = _cell(row.get(columns.id))
        if columns.outcome is not None:
            value: bool | float | None = outcome_of(row.get(columns.outcome))
        else:
            value = score_of(row.get(columns.score or ""))
        outcomes.setdefault(case, value)
        if value is not True and len(failed) < ROWS // 10:
            failed.setdefault(case, row)
    if count == ROWS and next(reading, None) is not None:
        notes.append(f"only the first {ROWS} cases of {name} were read")
    return _Read(columns, outcomes, failed)


def _case(case: str, found: list[_Read], settings: CaseSettings) -> FailedCase:
    """What is known of it: from the first run in which it failed."""
    of = next((one for one in found if case in one.rows), None)
    row = of.rows[case] if of is not None else {}
    own = {of.columns.id, of.columns.outcome, of.columns.score} if of is not None else set()
    cohorts = [name for name in settings.cohorts if name in row]
    others = [name for name in row if name not in own and name not in cohorts][:COLUMNS]
    return FailedCase(
        case,
        [one.outcomes.get(case) for one in found],
        {name: _cell(row[name]) for name in cohorts},
        {name[:LONGEST]: _cell(row[name]) for name in others},
    )


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return written(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
