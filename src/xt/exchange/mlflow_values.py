"""Names and values as an MLflow server takes them: its characters, its lengths, its batches."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from xt.model.result import Metric

#: Characters of a name of a param, metric or tag.
LONGEST_NAME = 250
#: Characters of a param's value, and of a tag's (8000 only since MLflow 2.20).
LONGEST_PARAM, LONGEST_TAG = 6000, 5000
#: Of one request: params, points of metrics, and bytes.
PARAMS, POINTS, BYTES = 100, 1000, 800_000
_FORBIDDEN = re.compile(r"[^\w.\- :/]")
_INT64 = 2**63


def names(wanted: Iterable[str]) -> dict[str, str]:
    """Give each name one that the server takes; one that it takes is its own, and no two share one.

    Args:
        wanted: names, in any order: what a name becomes depends on the set of them alone.
    """
    every = sorted(set(wanted))
    found = {name: name for name in every if fit(name) == name}
    taken = set(found.values())
    for name in every:
        if name in found:
            continue
        made = fit(name)
        if made in taken:
            mark = "_" + hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()
            made = made[: LONGEST_NAME - len(mark)] + mark
        found[name] = made
        taken.add(made)
    return found


def fit(name: str) -> str:
    """Bring a name into the characters and the length that the server takes."""
    parts = [part for part in _FORBIDDEN.sub("_", name).split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[:LONGEST_NAME].rstrip("/") or "_"


def metric_name(metric: Metric) -> str:
    """Write a metric with its cohort in characters that the server takes: `val/acc digit:8`."""
    return " ".join([metric.name, *(f"{key}:{value}" for key, value in sorted(metric.labels.items()))])


def param_value(value: Any) -> str:
    """Write a value as text: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def cut(text: str, length: int) -> str:
    """Shorten a text that the server would refuse."""
    return text if len(text) <= length else text[: length - 1] + "…"


def number(value: float) -> float | str:
    """Write a float as JSON of protobuf does, NaN and infinities too."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def step(given: float | int | None, position: int) -> int:
    """A step as the whole number that the server wants; where there is none, the position in the series."""
    if given is None or (isinstance(given, float) and not given.is_integer()) or abs(given) >= _INT64:
        return position
    return int(given)


def batches(items: Iterable[dict[str, Any]], most: int) -> Iterator[list[dict[str, Any]]]:
    """Divide what is logged into requests that the server takes."""
    batch: list[dict[str, Any]] = []
    size = 0
    for item in items:
        own = len(json.dumps(item)) + 2
        if batch and (len(batch) == most or size + own > BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += own
    if batch:
        yield batch
