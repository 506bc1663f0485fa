"""`parquet`: the table of `xt.exchange.table`, with types. Only this imports pyarrow."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

import pyarrow
import pyarrow.parquet

from xt.columns import Column, narrowest
from xt.exchange import Exported, Options
from xt.exchange.table import Table, rows_of
from xt.exchange.target import Target
from xt.model.exported import Report
from xt.model.text import to_text

#: Kinds of the columns that every table has; the others have the narrowest that holds their values.
_FIXED = {
    **dict.fromkeys(("id", "status", "purpose", "name", "task", "command", "commit", "recipe"), "text"),
    **dict.fromkeys(("exit_code", "signal"), "integer"),
    "level": "text",
    "started_at": "time",
    "ended_at": "time",
    "wall_s": "number",
    "dirty": "truth",
    "tags": "list",
}
_TYPES = {
    "text": pyarrow.string(),
    "time": pyarrow.timestamp("us", "UTC"),
    "integer": pyarrow.int64(),
    "number": pyarrow.float64(),
    "truth": pyarrow.bool_(),
    "list": pyarrow.list_(pyarrow.string()),
}


def export(subjects: Iterable[Exported], to: Target, options: Options) -> Report:
    """Write the table."""
    del options  # nothing in it says who, or where
    with to.file() as file:
        table = rows_of(subjects)
        columns = {name: _column(table, name) for name in table.names}
        made = pyarrow.table(
            {name: pyarrow.array(column.values, _TYPES[column.kind]) for name, column in columns.items()}
        )
        pyarrow.parquet.write_table(made, file, compression="zstd")
    return Report(to_text(to.shown))


def _column(table: Table, name: str) -> Column:
    values: list[Any] = [row.get(name) for row in table.rows]
    kind: Any = _FIXED.get(name)
    if kind == "time":
        values = [None if value is None else datetime.datetime.fromisoformat(value) for value in values]
    return narrowest(values) if kind is None else Column(kind, values)
