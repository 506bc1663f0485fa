"""Runs as a table of Polars or pandas. The only place that imports either."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from xt import codec
from xt.api.run import UNSEALED, Run, figures, settings
from xt.columns import Column, Kind, narrowest
from xt.errors import UnsupportedError, XtError
from xt.model.result import Metric
from xt.model.snapshot import Param

if TYPE_CHECKING:
    import pandas
    import polars


def columns(runs: list[Run]) -> dict[str, Column]:
    """Name → column. Of a run that cannot be read, what a list says of it is all there is."""
    rows: list[dict[str, Any]] = [_values(run) for run in runs]
    found = {
        "id": Column("text", [run.id for run in runs]),
        "when": Column("time", [run.started_at for run in runs]),
        "status": Column("text", [run.status for run in runs]),
        "purpose": Column("text", [run.purpose for run in runs]),
        "name": Column("text", [run.name for run in runs]),
        "task": Column("text", [run.task for run in runs]),
        "tags": Column("list", [run.tags for run in runs]),
        "time": Column("number", [run.wall_s for run in runs]),
    }
    for prefix in ("param.", "fact.", "metric."):
        names = dict.fromkeys(name for row in rows for name in row if name.startswith(prefix))
        found |= {name: narrowest([row.get(name) for row in rows]) for name in names}
    return found


class _Causes(msgspec.Struct):
    """What a table needs of a snapshot."""

    params: list[Param]
    facts: list[Param] = []


class _Effects(msgspec.Struct):
    metrics: list[Metric]


class _Values(msgspec.Struct):
    """What a table needs of a record: decoded alone, five times as fast as all of it."""

    snapshot: _Causes
    result: _Effects


def _values(run: Run) -> dict[str, Any]:
    files = run._files
    try:
        if run.status in UNSEALED:
            start = files.live(run.id)[0]
            parts: dict[str, dict[str, Any]] = {"param.": settings(start.snapshot.params)}
        else:
            found = codec.decode(files.record_bytes(run.id), _Values, f"the record of {run.id}")
            parts = {
                "param.": settings(found.snapshot.params),
                "fact.": settings(found.snapshot.facts),
                "metric.": figures(found.result.metrics),
            }
    except XtError:
        return {}
    return {prefix + name: value for prefix, values in parts.items() for name, value in values.items()}


def to_polars(runs: list[Run]) -> polars.DataFrame:
    """Make a table of Polars.

    Raises:
        UnsupportedError: it is not installed.
    """
    try:
        import polars
    except ImportError as error:
        raise _missing("Polars", "polars") from error
    kinds: dict[Kind, Any] = {
        "text": polars.String,
        "time": polars.Datetime("us", "UTC"),
        "integer": polars.Int64,
        "number": polars.Float64,
        "truth": polars.Boolean,
        "list": polars.List(polars.String),
    }
    found = columns(runs)
    return polars.DataFrame(
        {name: column.values for name, column in found.items()},
        schema={name: kinds[column.kind] for name, column in found.items()},
    )


def to_pandas(runs: list[Run]) -> pandas.DataFrame:
    """Make a table of pandas.

    Raises:
        UnsupportedError: it is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise _missing("pandas", "pandas") from error
    kinds: dict[Kind, Any] = {
        "text": "string",
        "time": pandas.DatetimeTZDtype("us", datetime.UTC),
        "integer": "Int64",
        "number": "float64",
        "truth": "boolean",
        "list": "object",
    }
    return pandas.DataFrame(
        {
            name: pandas.Series(column.values, dtype=kinds[column.kind])
            for name, column in columns(runs).items()
        }
    )


def _missing(shown: str, extra: str) -> UnsupportedError:
    return UnsupportedError(f"{shown} is not installed: `pip install 'xt[{extra}]'` installs it")
