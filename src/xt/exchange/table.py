"""Runs as rows and columns, for the formats that are tables."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any, NamedTuple

from xt.columns import figure
from xt.exchange import Exported
from xt.model.result import labelled
from xt.model.text import from_text, to_shown

#: Columns of every table, before those of params, facts and metrics.
FIXED = (
    *("id", "status", "started_at", "ended_at", "wall_s", "exit_code", "signal", "purpose", "name", "task"),
    *("tags", "command", "commit", "dirty", "recipe", "level"),
)
_KINDS = ("param.", "fact.", "metric.")


class Table(NamedTuple):
    """Rows by the names of columns; what a row does not have is missing in it."""

    names: list[str]
    rows: list[dict[str, Any]]


def rows_of(subjects: Iterable[Exported]) -> Table:
    """Make one row a run: `param.NAME`, `fact.NAME` and `metric.NAME{label=…}` are columns as well."""
    rows = [_row(subject) for subject in subjects]
    found = {name for row in rows for name in row}
    further = [sorted(name for name in found if name.startswith(kind)) for kind in _KINDS]
    return Table([*FIXED, *(name for names in further for name in names)], rows)


def _row(subject: Exported) -> dict[str, Any]:
    record = subject.record
    snapshot, result = record.snapshot, record.result
    words = [to_shown(from_text(word)) for word in snapshot.command.argv]
    verified = subject.said.verified
    values = {
        "id": record.id,
        "status": result.status,
        "started_at": record.started_at,
        "ended_at": result.ended_at,
        "wall_s": result.usage.wall_s,
        "exit_code": result.exit_code,
        "signal": result.signal,
        "purpose": snapshot.context.purpose,
        "name": subject.name,
        "task": snapshot.context.task,
        "tags": subject.tags,
        "command": shlex.join(words),
        "commit": snapshot.code.head,
        "dirty": snapshot.code.dirty,
        "recipe": snapshot.recipe,
        "level": None if verified is None else verified.level,
    }
    values |= {f"param.{param.name}": param.value for param in snapshot.params}
    values |= {f"fact.{fact.name}": fact.value for fact in snapshot.facts}
    return values | {
        f"metric.{labelled(metric.name, metric.labels)}": figure(metric.value) for metric in result.metrics
    }
