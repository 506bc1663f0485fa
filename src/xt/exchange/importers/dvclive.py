"""DVCLive's folder: `metrics.json` has last values, `plots/metrics/` series, `params.yaml` settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from xt.exchange.importers import MalformedError, Sink
from xt.exchange.importers.documents import json_document, settings_file, table

#: Series of one folder, and names in its metrics.json.
MAX_NAMES = 10_000
_DEPTH = 20


def read(path: str, sink: Sink) -> None:
    """Read the folder that a `metrics.json` is in; see `xt.exchange.importers`.

    Raises:
        MalformedError: it is none.
        OSError: it cannot be read.
    """
    folder = os.path.dirname(path)
    known: set[str] = set()
    top = f"{folder}/plots/metrics"
    for place, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".tsv") and len(known) < MAX_NAMES:
                file = os.path.join(place, name)
                metric = file[len(top) + 1 : -len(".tsv")]
                _series(file, metric, sink)
                known.add(metric)
    for metric, value in _numbers(json_document(path), ""):
        # A step is no result, and a series ends with the same value.
        if metric not in known and metric != "step":
            sink.point(metric, value)
    settings_file(f"{folder}/params.yaml", sink)


def _series(file: str, metric: str, sink: Sink) -> None:
    """Read a table with the columns `step` and the last part of the metric's name."""
    last, bad = metric.rpartition("/")[2], 0
    try:
        for row in table(file, "\t"):
            value = row.get(last, row.get(metric))
            bad += value is None or not sink.point(metric, value, row.get("step"))
    except (MalformedError, OSError) as error:
        sink.doubt(f"the series of `{metric}` cannot be read to its end: {error}")
    if bad:
        rows = "row without a number is" if bad == 1 else "rows without a number are"
        sink.doubt(f"`{metric}`: {bad} {rows} left out")


def _numbers(value: Any, name: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        if depth < _DEPTH:
            for key, inner in value.items():
                yield from _numbers(inner, f"{name}/{key}" if name else str(key), depth + 1)
    else:
        yield name, value
