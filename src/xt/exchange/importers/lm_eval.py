"""lm-evaluation-harness: `results_DATE.json`, and beside it `samples_TASK_DATE.jsonl`, which become cases."""

from __future__ import annotations

import contextlib
import glob
import os
import re
from typing import Any

from xt.exchange.importers import MalformedError, Sink
from xt.exchange.importers.documents import json_document, json_lines

#: Of the configuration, what says how it was evaluated; tokens and addresses may stand in the rest.
_SETTINGS = (
    "model",
    "model_args",
    "batch_size",
    "num_fewshot",
    "limit",
    "gen_kwargs",
    "random_seed",
    "numpy_seed",
    "torch_seed",
    "fewshot_seed",
)
_DATE = re.compile(r"results(_.*)?\.json")
_SAMPLES = re.compile(r"samples_(.+?)_\d{4}-\d\d-\d\dT[-:.\d]+\.jsonl")


def read(path: str, sink: Sink) -> None:
    """Read results and their samples; see `xt.exchange.importers`.

    Raises:
        MalformedError: they are none.
        OSError: they cannot be read.
    """
    document = json_document(path)
    results = document.get("results")
    if not isinstance(results, dict):
        raise MalformedError("it has no `results`")
    better = document.get("higher_is_better")
    groups = document.get("groups")
    # A group's numbers stand in both.
    for task, values in {**results, **(groups if isinstance(groups, dict) else {})}.items():
        if isinstance(values, dict):
            _scores(task, values, better.get(task) if isinstance(better, dict) else None, sink)
    config = document.get("config")
    if isinstance(config, dict):
        for name in _SETTINGS:
            _setting(name, config.get(name), sink)
    _samples(path, sink)


def _setting(name: str, value: Any, sink: Sink) -> None:
    """Hand on a setting; `NAME=VALUE,…`, as the tool takes them, by name: one may be a secret."""
    parts = [part.partition("=") for part in value.split(",")] if isinstance(value, str) else []
    if parts and all(key and mark for key, mark, _ in parts):
        for key, _, text in parts:
            sink.setting(f"{name}.{key}", text, text=True)
    elif value is not None:
        sink.setting(name, value)


def _scores(task: str, values: dict[str, Any], better: Any, sink: Sink) -> None:
    for key, value in values.items():
        if key in ("alias", "name", "sample_len") or value is None or value == "N/A":
            continue
        measure, _, form = key.partition(",")
        name = f"{task}/{measure}"
        if sink.point(name, value, labels={"filter": form} if form not in ("", "none") else None):
            higher = better.get(measure) if isinstance(better, dict) else None
            if isinstance(higher, bool):
                sink.goal(name, "max" if higher else "min")


def _samples(path: str, sink: Sink) -> None:
    """Make cases of the samples that were written with the results."""
    folder, name = os.path.split(path)
    found = _DATE.fullmatch(name)
    date = found[1] if found is not None and found[1] else ""
    for file in sorted(glob.glob(f"{glob.escape(folder)}/samples_*{glob.escape(date)}.jsonl")):
        told = _SAMPLES.fullmatch(os.path.basename(file))
        task = told[1] if told is not None else os.path.basename(file)[len("samples_") : -len(".jsonl")]
        binary = all(_score(row)[1] in (0, 1) for row in json_lines(file, _Silent(sink)))
        for row in json_lines(file, sink):
            sink.case(_case(task, row, binary=binary))


class _Silent:
    """A sink that hears no doubts, for the first of two readings."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)

    def doubt(self, message: str, hint: str | None = None) -> None:
        """Hear nothing."""


def _score(row: dict[str, Any]) -> tuple[str | None, Any]:
    """Find the first measure of a sample that is a number, and its value."""
    names = row.get("metrics")
    for name in names if isinstance(names, list) else []:
        value = row.get(name) if isinstance(name, str) else None
        if isinstance(value, int | float):
            with contextlib.suppress(OverflowError):
                return name, float(value)
    return None, None


def _case(task: str, row: dict[str, Any], *, binary: bool) -> dict[str, Any]:
    form = row.get("filter")
    filtered = [form] if isinstance(form, str) and form != "none" else []
    measure, score = _score(row)
    found: dict[str, Any] = {"id": "/".join([task, *filtered, str(row.get("doc_id"))]), "task": task}
    if filtered:
        found["filter"] = filtered[0]
    if binary and score is not None:
        found["passed"] = score == 1
    found |= {"score": score, "measure": measure, "target": row.get("target")}
    found["response"] = _first(row.get("filtered_resps"))
    doc = row.get("doc")
    found |= {f"doc.{name}": value for name, value in doc.items()} if isinstance(doc, dict) else {}
    names = row.get("metrics")
    for name in names if isinstance(names, list) else []:
        if isinstance(name, str) and name != measure and isinstance(row.get(name), int | float):
            found[name] = row[name]
    return found


def _first(value: Any) -> Any:
    """Take a list of one for what is in it."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value
