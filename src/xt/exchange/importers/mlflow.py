"""MLflow's local runs: a folder `mlruns` (a file for each metric), or the database that is its default now.

A line of a metric's file is `TIMESTAMP VALUE STEP`, in older versions without the step.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from xt import fsio
from xt.exchange.importers import Sink
from xt.safe_yaml import YamlFaultError, load

#: Metrics, and settings, of one run.
MAX_FILES = 10_000
#: Bytes of a line, and of a setting; MLflow itself allows 6,000 of a setting.
MAX_TEXT = 16_384
#: A tag by which a program says which run of xt it was.
TAG = "xt.run_id"


def read(path: str, sink: Sink) -> None:
    """Read the runs of a database, or the one that a `meta.yaml` is of; see `xt.exchange.importers`.

    Raises:
        MalformedError: it is no such file.
        OSError: it cannot be read.
    """
    if os.path.basename(path) != "meta.yaml":
        from xt.exchange.importers import mlflow_database

        mlflow_database.read(path, sink)
        return
    folder = os.path.dirname(path)
    told = _text(f"{folder}/tags/{TAG}")
    if told is not None and told != sink.run:
        return
    name = _name(path)
    labels = {"run": name} if name is not None and sink.several else None
    for metric, file in _files(f"{folder}/metrics", sink):
        _points(file, metric, labels, sink)
    for key, file in _files(f"{folder}/params", sink):
        value = _text(file)
        if value is not None:
            sink.setting(key, value, text=True)


def _points(path: str, name: str, labels: dict[str, str] | None, sink: Sink) -> None:
    bad = 0
    with os.fdopen(fsio.open_regular(os.path.realpath(path)), "rb", buffering=fsio.CHUNK) as file:
        while line := file.readline(MAX_TEXT):
            words = line.decode("utf-8", "replace").split()
            if len(words) not in (2, 3) or not sink.point(
                name, words[1], words[2] if words[2:] else None, labels
            ):
                bad += bool(words)
    if bad:
        sink.doubt(f"metrics/{name}: {bad} {'line is' if bad == 1 else 'lines are'} no point, and left out")


def _files(top: str, sink: Sink) -> Iterator[tuple[str, str]]:
    """Iterate over names, `/` between their parts, and paths of the regular files below a folder."""
    count = 0
    for folder, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            count += 1
            if count > MAX_FILES:
                sink.doubt(
                    f"there are more than {MAX_FILES} files in {os.path.basename(top)}; others are left out"
                )
                return
            path = os.path.join(folder, name)
            yield os.fsencode(fsio.relative_to(path, top)).decode("utf-8", "backslashreplace"), path


def _text(path: str) -> str | None:
    try:
        return fsio.read_file(path, MAX_TEXT).decode("utf-8", "replace")
    except OSError:
        return None


def _name(path: str) -> str | None:
    """Name of the run, which is better than its id where there are several."""
    try:
        meta = load(fsio.read_file(path, MAX_TEXT))
    except (OSError, YamlFaultError):
        return None
    name = meta.get("run_name") if isinstance(meta, dict) else None
    return name if isinstance(name, str) and name else None
