"""What a project seems to consist of, from names and a little reading; nothing is executed."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import msgspec

from xt import fsio

#: Entries of one folder, files read, bytes of each: this much work and no more, however large the project.
ENTRIES, READ, BYTES = 2_000, 200, 262_144
#: Proposed of each sort.
MOST = 6
#: Where programs are looked for.
PROGRAMS = ("", "scripts", "src")
#: Lock file → how its tool runs Python.
RUNNERS = {"uv.lock": "uv run", "poetry.lock": "poetry run", "pdm.lock": "pdm run", "pixi.lock": "pixi run"}
DATA = ("data", "dataset", "datasets", "corpus", "input", "inputs")
DATA_FILES = (".csv", ".csv.gz", ".tsv", ".parquet", ".jsonl", ".jsonl.gz", ".arrow", ".npy", ".h5")
#: Folder → the role its files have as inputs.
ROLES = {"prompts": "prompts", "tokenizer": "tokenizer", "benchmarks": "benchmark", "policies": "policy"}
CONFIG_FOLDERS = ("config", "configs", "conf")
#: Folder → the role of what is written there.
OUTPUT_FOLDERS = {
    **dict.fromkeys(("results", "output", "outputs", "out", "predictions"), "artifact"),
    **dict.fromkeys(("checkpoints", "weights"), "model"),
    **dict.fromkeys(("plots", "figures", "reports"), "report"),
}
MODEL_FILES = (".safetensors", ".pt", ".pth", ".ckpt", ".onnx", ".npz", ".pkl", ".joblib", ".keras", ".gguf")
METRIC_FILES = ("metrics.json", "results.json", "scores.json")

_CONFIG = re.compile(r"(config|params|hparams|settings)[\w.-]*\.(ya?ml|toml|json)")
_NOT_PROGRAMS = re.compile(r"(test_|conftest|setup|__|noxfile|tasks\.py|manage\.py)|.*_test\.py")
_NAMED_LIKE_PROGRAMS = re.compile(r"(train|eval|finetune|pretrain|predict|benchmark|preprocess|export|run)")
_PROGRAM = re.compile(
    rb"^if __name__ *== *['\"]__main__['\"]|^ *(?:import|from) (?:argparse|click|typer|fire|hydra)\b", re.M
)
#: Names that mean themselves everywhere: in a glob, in a shell, in TOML. Others are left to the user.
_PLAIN = re.compile(r"\w[\w.+/-]*")


class Found(NamedTuple):
    """What to propose."""

    programs: list[str]
    runner: str | None
    """How Python is started in this project, None for plainly."""
    inputs: list[str]
    """As `inputs` of a task takes them."""
    params: list[str]
    outputs: list[str]
    metrics: list[str]
    """Names of numbers in a file of metrics."""
    stopped: bool
    """Whether there was more than is looked at."""


class _Folder:
    """Names in one folder."""

    def __init__(self, path: str) -> None:
        self.files: list[str] = []
        self.folders: list[str] = []
        self.stopped = False
        try:
            with os.scandir(path) as entries:
                for number, entry in enumerate(entries):
                    if number == ENTRIES:
                        self.stopped = True
                        break
                    self._take(entry)
        except OSError:
            return  # not there, or closed to us: nothing to propose from it
        self.files.sort()
        self.folders.sort()

    def _take(self, entry: os.DirEntry[str]) -> None:
        if not _PLAIN.fullmatch(entry.name) or entry.is_symlink():
            return
        if entry.is_dir():
            self.folders.append(entry.name)
        elif entry.is_file():
            self.files.append(entry.name)


def survey(root: str) -> Found:
    """Look around a project.

    Args:
        root: absolute path.
    """
    top = _Folder(root)
    programs, stopped = _programs(root, top)
    inputs = [f"{name}/" for name in top.folders if name.lower() in DATA]
    inputs += [name for name in top.files if name.lower().endswith(DATA_FILES)][:MOST]
    inputs += [f"{ROLES[name]}:{name}/" for name in top.folders if name in ROLES]
    params = [name for name in top.files if _CONFIG.fullmatch(name)]
    for folder in top.folders:
        if folder in CONFIG_FOLDERS:
            inside = _Folder(f"{root}/{folder}").files
            params += [
                f"{folder}/{name}" for name in inside if name.endswith((".yaml", ".yml", ".toml", ".json"))
            ]
    outputs = [f"model:{name}" for name in top.files if name.endswith(MODEL_FILES)][:MOST]
    outputs += [f"metrics:{name}" for name in METRIC_FILES if name in top.files]
    outputs += [
        f"{name}/" if OUTPUT_FOLDERS[name] == "artifact" else f"{OUTPUT_FOLDERS[name]}:{name}/"
        for name in top.folders
        if name in OUTPUT_FOLDERS
    ]
    return Found(
        programs=programs[:MOST],
        runner=next((runner for name, runner in RUNNERS.items() if name in top.files), None),
        inputs=inputs[:MOST],
        params=params[:MOST],
        outputs=outputs[:MOST],
        metrics=_metrics(root, top),
        stopped=stopped or top.stopped,
    )


def _programs(root: str, top: _Folder) -> tuple[list[str], bool]:
    """List Python files that are meant to be started, those named like one first."""
    found: list[str] = []
    read = 0
    for folder in PROGRAMS:
        inside = top if not folder else _Folder(f"{root}/{folder}")
        for name in inside.files:
            if not name.endswith(".py") or _NOT_PROGRAMS.match(name):
                continue
            path = f"{folder}/{name}" if folder else name
            read += 1
            if read > READ:
                return _by_name(found), True
            if _PROGRAM.search(_beginning(f"{root}/{path}")) or _NAMED_LIKE_PROGRAMS.match(name):
                found.append(path)
    return _by_name(found), False


def _by_name(paths: list[str]) -> list[str]:
    """What is named like a program first: trainings before the rest."""

    def rank(path: str) -> tuple[bool, bool]:
        name = os.path.basename(path)
        return not name.startswith("train"), not _NAMED_LIKE_PROGRAMS.match(name)

    return sorted(paths, key=rank)


def _beginning(path: str) -> bytes:
    """Read a file as far as it is looked at; one that cannot be read says nothing."""
    try:
        fd = fsio.open_regular(path)
    except OSError:
        return b""
    try:
        return os.read(fd, BYTES)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _metrics(root: str, top: _Folder) -> list[str]:
    """Names of numbers at the top of a JSON file of metrics."""
    for name in METRIC_FILES:
        if name in top.files:
            try:
                values = msgspec.json.decode(_beginning(f"{root}/{name}"))
            except (msgspec.DecodeError, RecursionError):
                return []
            if isinstance(values, dict):
                plain = [
                    key
                    for key, value in values.items()
                    if isinstance(value, float | int) and not isinstance(value, bool)
                ]
                return [key for key in plain if _PLAIN.fullmatch(key)][:MOST]
    return []
