"""`xt ls --json` and `--csv`: rows for programs and for spreadsheets."""

from __future__ import annotations

import msgspec

from xt import codec
from xt.model.groups import Value
from xt.model.result import Number
from xt.model.summary import Summary
from xt.model.text import from_text, to_shown
from xt.render.listing_columns import Cells
from xt.render.quoting import shell
from xt.spreadsheet import line

#: Columns of the CSV, before one `metric.NAME` for every metric of any row. The same names are the fields of
#: the JSON (`xt.model.summary.Summary`), where a field that has nothing to say is left out.
COLUMNS = (
    *("id", "status", "started_at", "wall_s", "exit_code", "signal", "purpose", "name", "task", "tags"),
    *("command", "outputs", "problems", "recipe", "reason"),
    *("level", "verified_at", "repeat_of", "lacking", "live"),
)


def to_json(rows: list[Summary], cells: Cells | None = None) -> bytes:
    """Write the rows as a canonical JSON list, newest first.

    Args:
        rows: of the list.
        cells: values of further columns; each row then has an object `values` of those it has.

    Each is an object: `id` and `status` always; `started_at` (RFC 3339), `wall_s` (seconds), `exit_code`,
    `signal`, `purpose`, `name`, `task`, `tags`, `command` (words, or `{"b64": …}` for one that is not
    UTF-8), `metrics` (`name`, `value`, `goal`), `outputs` and `problems` (counts), `recipe` (digest),
    `reason` (of a damaged run), `repeat_of` and `trial` (of a repeat, and whether `xt verify` made it), and,
    as last verified, `level`, `required`, `verified_at` and `verified_by` (repeats), `lacking` (required
    evidence) and `live` (environments) where there is something to say.
    """
    if not cells:
        return codec.encode(rows)
    listed = []
    for place, row in enumerate(rows):
        values = {name: column[place] for name, column in cells.items() if column[place]}
        flat = {name: several if len(several) > 1 else several[0] for name, several in values.items()}
        listed.append({**msgspec.to_builtins(row), "values": flat})
    return codec.encode(listed)


def to_csv(rows: list[Summary], cells: Cells | None = None) -> str:
    """Write the rows as CSV (RFC 4180: a head, CRLF, quotes doubled), safe to open in a spreadsheet.

    Several tags, missing fields and environments are separated by spaces; the command is quoted as for a
    shell. A cell that a spreadsheet would take for a formula gets a `'` in front unless it is a number.
    """
    names = list(dict.fromkeys(metric.name for row in rows for metric in row.metrics))
    further = {name: column for name, column in (cells or {}).items() if not name.startswith("metric.")}
    lines = [[*COLUMNS, *(f"metric.{name}" for name in names), *further]]
    for place, row in enumerate(rows):
        values = {metric.name: metric.value for metric in row.metrics}
        asked = [" ".join(_written(value) for value in column[place]) for column in further.values()]
        lines.append([*_fields(row), *(_figure(values.get(name)) for name in names), *asked])
    return "".join(map(line, lines))


def _fields(row: Summary) -> list[str]:
    command = shell([to_shown(from_text(word)) for word in row.command])
    plain = (row.id, row.status, row.started_at, row.wall_s, row.exit_code, row.signal)
    words = (row.purpose, row.name, row.task, " ".join(row.tags), command)
    last = (row.outputs, row.problems, row.recipe, row.reason, row.level, row.verified_at, row.repeat_of)
    now = (" ".join(row.lacking), " ".join(row.live))
    return ["" if value is None else str(value) for value in (*plain, *words, *last, *now)]


def _written(value: Value) -> str:
    return value if isinstance(value, str) else repr(value)


def _figure(value: float | Number | None) -> str:
    if value is None:
        return ""
    return value.special if isinstance(value, Number) else repr(value)
