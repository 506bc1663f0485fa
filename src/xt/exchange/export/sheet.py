"""`csv`: a row a run, safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable

from xt.columns import written
from xt.exchange import Exported, Options
from xt.exchange.table import rows_of
from xt.exchange.target import Target
from xt.model.exported import Report
from xt.model.text import to_text
from xt.spreadsheet import line


def export(subjects: Iterable[Exported], to: Target, options: Options) -> Report:
    """Write the table of `xt.exchange.table`; several tags are separated by spaces."""
    del options  # nothing in it says who, or where
    with to.file() as file:
        table = rows_of(subjects)
        file.write(line(table.names).encode())
        for row in table.rows:
            cells = (_cell(row.get(name)) for name in table.names)
            file.write(line(cells).encode("utf-8", "backslashreplace"))
    return Report(to_text(to.shown))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    return written(value)
