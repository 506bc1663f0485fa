"""What differs example by example: the cases two runs were evaluated on, joined by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xt.compare import UnreadableError
from xt.compare.case_columns import columns_of
from xt.compare.cases import TWICE, compare_cases, same_case_set
from xt.config import CaseSettings
from xt.errors import XtError
from xt.model.delta import Delta
from xt.model.result import Record
from xt.ops.case_files import CaseTables, outputs
from xt.store import Store


def columns(store: Store, record: Record) -> list[str]:
    """Names of the columns of a run's cases; none when it has none, or they cannot be read."""
    for item in outputs(record):
        try:
            return list(next(CaseTables(store, item).cells(), {}))
        except (UnreadableError, XtError):
            return []
    return []


def compare(
    store: Store, left: Record, right: Record, settings: CaseSettings, by: Sequence[str]
) -> tuple[Delta | None, Delta | None]:
    """Compare the outputs of role `cases`.

    Args:
        store: that has them.
        left: one run.
        right: the other.
        settings: names of columns.
        by: columns to group by, besides the declared ones.

    Returns:
        The cases, None when neither run has any; and what stands against comparing the two runs by them.
    """
    sides = [outputs(record) for record in (left, right)]
    if not any(sides):
        return None, None
    if not all(sides):
        which = "right" if not sides[0] else "left"
        note = f"cases: only the {which} run has them"
        return Delta("cases", "unknown", note=note), Delta("comparability/cases", "unknown", note=note)
    if len(sides[0]) > 1 or len(sides[1]) > 1:
        note = "more than one output of role `cases`: which belongs to which is not known"
        return Delta("cases", "unknown", note=note), None
    (one,), (other,) = sides
    if one.digest == other.digest:
        # Nothing to join: the same bytes are the same cases with the same outcomes.
        return Delta("cases", "same"), None
    try:
        before, after = (CaseTables(store, item) for item in (one, other))
        first = next(before.cells(), None)
        if first is None:
            raise UnreadableError("the left run has no case")
        names, groups = columns_of(settings, first), _groups(settings, by, first)
        found = compare_cases(before.cells(), after.cells(), names, "cases", groups)
        if before.several and after.several and any(item.what == TWICE for item in found.measures):
            # Several files that count their cases alike: there a case is its file and its id.
            found = compare_cases(before.cells(names.id), after.cells(names.id), names, "cases", groups)
    except (UnreadableError, XtError) as error:
        note = f"cases cannot be joined: {getattr(error, 'message', error)}"
        return Delta("cases", "unknown", note=note), None
    apart = same_case_set(found, "comparability/cases")
    return found, apart if apart.relation != "same" else None


def _groups(settings: CaseSettings, by: Sequence[str], first: Mapping[str, Any]) -> list[str]:
    """Columns to group by: those asked for, else those declared, as far as they are there."""
    return [name for name in (by or settings.cohorts) if name in first]
