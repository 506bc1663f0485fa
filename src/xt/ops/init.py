"""Write a first `xt.toml`: comments, what was found, and nothing that changes how a run goes."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from xt import fsio
from xt.config import FILE
from xt.context import Outside
from xt.errors import NotWrittenError
from xt.ops.survey import Found, survey
from xt.store import find_root

#: Bytes of a `pyproject.toml` that are looked at for `[tool.xt]`.
LIMIT = 10_000_000
_LESS_IS_BETTER = re.compile(
    r"(.*[_/.-])?(loss|error|err|mse|mae|rmse|perplexity|ppl|wer|cer|latency)([_/.-].*)?", re.I
)
_MORE_IS_BETTER = re.compile(
    r"(.*[_/.-])?(acc|accuracy|f1|auc|auroc|precision|recall|bleu|rouge|score|r2|iou|map)([_/.-].*)?", re.I
)

_HEAD = """\
# What xt should know about this project. Nothing here is needed: `xt run -- COMMAND` works without it.
# A line that begins with `#` and no space is a suggestion: take the `#` away where it fits.
"""
_EVIDENCE = """
# What a run must have to count. What is missing is warned about; with `--strict` the run is refused.
[evidence]
#required = ["purpose", "code", "seed"]

# What is so of every run and no command is told; recorded, and compared as a cause.
[facts]
#labelling = "v3"
"""
_TASKS = """
# One kind of run each: chosen by `xt run --as NAME`, or when the command begins with `command`.
"""
_METRICS = """
# Which way a metric is better (`max`, `min`), its unit, and where to read it. The name may be a glob.
"""
_EXAMPLE_METRICS = """\
#[metrics."val/acc"]
#goal = "max"
#source = "metrics.json:/val/acc"
"""
_REST = """
# Outputs of role `cases` (`cases:cases.jsonl`), one evaluated example a row: columns that group them.
[cases]
#cohorts = ["language"]

# Changes that make recorded evidence hold no longer, for `xt stale`; all of them where nothing is said.
[recompute]
#on = ["harness", "benchmark", "runtime", "inputs.data"]
#code = "ast"

# Where tickets lead to.
[tickets]
#pattern = "[A-Z]+-[0-9]+"
#url = "https://tracker.example/browse/{}"

# A command that moves the traffic when `xt deploy` records that something goes live.
[deploy]
#hook = "./deploy.sh"

# The code snapshot: untracked files larger than this (bytes) are listed and not stored; what to leave out.
[code]
#max_file = 50_000_000
#exclude = ["*.ckpt"]

# Variables: names or globs to record by value, and names whose values are masked in logs.
[env]
#record = ["CUDA_*", "NCCL_*"]
#secrets = ["MY_TOKEN"]

# How commands are run: refuse to start without the required evidence; seconds to wait for streams left open.
[run]
#strict = true
#grace = 2.0
"""


class Report(NamedTuple):
    """What `xt init` did."""

    path: str
    """Absolute path of the new file."""
    found: Found
    start: str
    """A command to try."""


def init(outside: Outside) -> Report:
    """Write `xt.toml` at the project's root.

    Raises:
        NotWrittenError: there is one, or a `[tool.xt]`, or the folder takes no file.
    """
    root = find_root(outside.cwd)
    path = os.path.join(root, FILE)
    if os.path.lexists(path):
        raise _exists(path, outside.cwd)
    _refuse_other(os.path.join(root, "pyproject.toml"), outside.cwd)
    found = survey(root)
    _write(path, text(found).encode(), outside.cwd)
    return Report(path, found, _command(found, found.programs[0]) if found.programs else "COMMAND")


def _refuse_other(project: str, cwd: str) -> None:
    """An `xt.toml` would hide settings that are in `pyproject.toml`."""
    try:
        data = fsio.read_file(os.path.realpath(project), LIMIT)
    except OSError:
        return  # none, or none that xt would read
    if b"[tool.xt" not in data and b"tool.xt" not in data:
        return
    from xt import toml_text

    try:
        there = "xt" in toml_text.loads(data.decode()).get("tool", {})
    except (ValueError, RecursionError, AttributeError):
        there = True  # it cannot be told, and hiding it would be worse
    if there:
        raise NotWrittenError(
            f"`{os.path.relpath(project, cwd)}` has a `[tool.xt]`, which an `{FILE}` would hide",
            "add to it, or move it to an `xt.toml` of your own",
        )


def _exists(path: str, cwd: str) -> NotWrittenError:
    return NotWrittenError(
        f"`{os.path.relpath(path, cwd)}` is there already, and is never overwritten",
        "edit it, or move it away first",
    )


def _write(path: str, data: bytes, cwd: str) -> None:
    """Create the file: of two who try, one wins and the other hears of it."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        raise _exists(path, cwd) from None
    except OSError as error:
        raise NotWrittenError(f"`{path}` cannot be written: {error.strerror}") from error
    try:
        fsio.write_all(fd, data)
    except OSError as error:
        os.unlink(path)  # half of it would be worse than none, and it was made here
        raise NotWrittenError(f"`{path}` cannot be written: {error.strerror}") from error
    finally:
        os.close(fd)


def text(found: Found) -> str:
    """Compose the file; with every suggestion taken it is as valid as with none."""
    parts = [_HEAD, _EVIDENCE, _TASKS]
    for program in found.programs:
        parts.append(
            f"[task.{_quoted(_task(program, found.programs))}]\n"
            f"command = {_quoted(_command(found, program), always=True)}\n"
            + _suggestion("inputs", found.inputs, "read by content before the start")
            + _suggestion("outputs", found.outputs, "stored after the end")
            + _suggestion("params", found.params, "flattened into params")
            + "\n"
        )
    if not found.programs:
        # Examples stand in for what is not there yet; all of it is a suggestion.
        parts.append(
            '#[task.train]\n#command = "python train.py"\n'
            + _suggestion("inputs", found.inputs or ["data/"], "read by content before the start")
            + _suggestion("outputs", found.outputs or ["metrics:metrics.json"], "stored after the end")
            + _suggestion("params", found.params or ["config.yaml"], "flattened into params")
        )
    parts.append(_METRICS)
    for name in found.metrics:
        parts.append(f"[metrics.{_quoted(name)}]\n#goal = {_quoted(_goal(name), always=True)}\n")
    parts += [_REST] if found.metrics else [_EXAMPLE_METRICS, _REST]
    return "".join(parts).replace("\n\n\n", "\n\n")


def _suggestion(key: str, values: list[str], why: str) -> str:
    if not values:
        return ""
    return f"#{key} = [{', '.join(_quoted(value, always=True) for value in values)}]  # {why}\n"


def _quoted(word: str, *, always: bool = False) -> str:
    """Write a word as TOML does; the survey lets no quotes, backslashes or control characters through."""
    return word if not always and re.fullmatch(r"[A-Za-z0-9_-]+", word) else f'"{word}"'


def _task(program: str, programs: list[str]) -> str:
    """Name a task by its program, with the folder where the name alone is taken twice."""
    stems = [os.path.splitext(os.path.basename(path))[0] for path in programs]
    stem = os.path.splitext(program)[0]
    return os.path.basename(stem) if stems.count(os.path.basename(stem)) == 1 else stem.replace("/", "-")


def _command(found: Found, program: str) -> str:
    return f"{found.runner} python {program}" if found.runner else f"python {program}"


def _goal(name: str) -> str:
    if _LESS_IS_BETTER.fullmatch(name):
        return "min"
    return "max" if _MORE_IS_BETTER.fullmatch(name) else "none"
