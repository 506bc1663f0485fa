"""By which file a format is known, and which files are its own: by names alone, with one exception."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator

from xt import fsio

#: What one declared folder is searched through for, at most.
MAX_ENTRIES = 200_000
#: Bytes at the beginning of a JSON file that may say whose it is.
_HEAD = 512
_RESULTS = re.compile(r"results(_.*)?\.json")
_DATED = re.compile(r"results_\d{4}-\d\d-\d\dT\d\d[-:.\d]*\.json")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_RUN = re.compile(r"[0-9a-f]{32}")


class TooManyError(Exception):
    """A folder holds more than is searched through."""


def found(path: str) -> str | None:
    """Tell by its name and its neighbours which format a file is the anchor of.

    Args:
        path: absolute, of a file among the outputs of a run.

    Returns:
        None when it is none, or too common a name.
    """
    folder, name = os.path.split(path)
    if ".tfevents." in name:
        return "tensorboard"
    if name.endswith(".wandb"):
        return "wandb"
    if name == "mlflow.db" or _is_mlflow_run(folder, name):
        return "mlflow"
    if name == "metrics.json" and os.path.isdir(f"{folder}/plots/metrics"):
        return "dvclive"
    if name == "metrics.csv" and os.path.isfile(f"{folder}/hparams.yaml"):
        return "lightning"
    if name == "trainer_state.json":
        return "trainer"
    if _DATED.fullmatch(name):
        return "lm-eval"
    return None


def is_promptfoo(path: str) -> bool:
    """Tell by its beginning whether a JSON file is promptfoo's: its name is whatever its user chose."""
    if not path.lower().endswith(".json"):
        return False
    with contextlib.suppress(OSError):
        fd = fsio.open_regular(path)
        try:
            head = os.read(fd, _HEAD)
        finally:
            os.close(fd)
        return re.match(rb'\s*\{\s*"evalId"\s*:', head) is not None
    return False


def anchors(form: str, path: str, unread: list[OSError] | None = None) -> list[str]:
    """Find the anchors of a format that was declared, in order.

    Args:
        form: name of the format.
        path: absolute, of a file, which is taken as it is, or of a folder.
        unread: gets what keeps folders in it from being searched.

    Raises:
        OSError: it is not there, or cannot be reached.
        TooManyError: the folder holds too much.
    """
    if not os.path.isdir(path):
        os.stat(path)
        return [path]
    return chosen(
        form,
        [
            each
            for each in _files(path, [] if unread is None else unread)
            if _fits(form, *os.path.split(each))
        ],
    )


def chosen(form: str, paths: Iterable[str]) -> list[str]:
    """Of the anchors of one format those that matter, in order: of a training's checkpoints the last."""
    ordered = sorted(set(paths))
    if form != "trainer":
        return ordered
    latest: dict[str, tuple[float, str]] = {}
    for path in ordered:
        folder = os.path.dirname(path)
        number = _CHECKPOINT.fullmatch(os.path.basename(folder))
        # The state beside the checkpoints is written in the end.
        rank = (float(number[1]), path) if number else (float("inf"), path)
        training = os.path.dirname(folder) if number else folder
        latest[training] = max(latest.get(training, rank), rank)
    return sorted(path for _, path in latest.values())


def own(form: str, anchor: str) -> tuple[str, ...]:
    """How the paths of all files begin that belong to an anchor, and that nobody else need read."""
    folder, name = os.path.split(anchor)
    if form == "dvclive" or (form == "mlflow" and name == "meta.yaml"):
        return (f"{folder}/",)
    if form == "lightning":
        return (anchor, f"{folder}/hparams.yaml")
    if form == "lm-eval":
        return (anchor, f"{folder}/samples_")
    if form == "trainer":
        # Those of earlier checkpoints say the same, up to then.
        training = os.path.dirname(folder) if _CHECKPOINT.fullmatch(os.path.basename(folder)) else folder
        return (anchor, f"{training}/checkpoint-")
    return (anchor,)


def _files(top: str, unread: list[OSError]) -> Iterator[str]:
    seen = 0
    for folder, folders, names in os.walk(top, onerror=unread.append):
        folders.sort()
        seen += len(folders) + len(names)
        if seen > MAX_ENTRIES:
            raise TooManyError
        for name in names:
            yield os.path.join(folder, name)


def _fits(form: str, folder: str, name: str) -> bool:
    if form == "tensorboard":
        return ".tfevents." in name
    if form == "wandb":
        return name.endswith(".wandb")
    if form == "mlflow":
        return name == "mlflow.db" or _is_mlflow_run(folder, name)
    if form == "dvclive":
        return name == "metrics.json"
    if form == "lightning":
        return name == "metrics.csv"
    if form == "trainer":
        return name == "trainer_state.json"
    if form == "lm-eval":
        return _RESULTS.fullmatch(name) is not None
    return is_promptfoo(f"{folder}/{name}")


def _is_mlflow_run(folder: str, name: str) -> bool:
    return name == "meta.yaml" and _RUN.fullmatch(os.path.basename(folder)) is not None
