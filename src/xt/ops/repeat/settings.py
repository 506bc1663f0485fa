"""Settings of a repeat that are changed where they stand: declared, or in files of the workspace."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from xt.collect.documents import DocumentError, read_document
from xt.collect.scalars import scalar
from xt.errors import NotStartedError
from xt.model.snapshot import Param
from xt.ops.repeat.words import DECLARED, Change

__all__ = ["DECLARED", "Change", "Named", "named", "write"]

_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Named(NamedTuple):
    """A change, and where the setting stands."""

    change: Change
    source: str


def named(wanted: list[Change], params: list[Param]) -> list[Named]:
    """Say where each setting stands."""
    known = {param.name: param.source for param in params}
    return [Named(change, known[change.key]) for change in wanted]


def write(wanted: list[Change], params: list[Param], root: str) -> list[Change]:
    """Change the settings that stand in files below a root; give back those that are declared.

    A file is written anew from its values: comments in it are lost, in the workspace alone.

    Args:
        wanted: settings of the run.
        params: of the run.
        root: of the project in the workspace.

    Raises:
        NotStartedError: a file cannot be read, or does not have the setting.
    """
    declared = []
    for change, source in named(wanted, params):
        if source in DECLARED:
            declared.append(change)
            continue
        path = os.path.join(root, source)
        try:
            document = read_document(path)
            _put(document, change, source)
            _save(path, document)
        except (DocumentError, OSError) as error:
            why = error.message if isinstance(error, DocumentError) else error.strerror
            raise NotStartedError(f"--set {change.key}: `{source}` cannot be changed: {why}") from error
    return declared


def _put(document: Any, change: Change, source: str) -> None:
    """Put a value where the flattened name leads (`optimizer.lr`, `layers[0].units`)."""
    steps: list[str | int] = [int(match[2]) if match[2] else match[1] for match in _PART.finditer(change.key)]
    at = document
    for number, step in enumerate(steps):
        rest = ".".join(str(part) for part in steps[number:])
        if isinstance(at, dict) and rest in at:  # a name that has dots itself
            at[rest] = scalar(change.value)
            return
        key: Any = step
        if isinstance(at, dict) and step not in at:
            key = next((name for name in at if str(name) == step), None)
        if (
            not isinstance(at, dict | list)
            or key is None
            or (isinstance(at, list) and not isinstance(key, int))
        ):
            raise NotStartedError(f"--set {change.key}: `{source}` does not have it")
        if number == len(steps) - 1:
            at[key] = scalar(change.value)
            return
        at = at[key]


def _save(path: str, document: Any) -> None:
    lowered = path.lower()
    if lowered.endswith(".json"):
        import json

        data = json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
    elif lowered.endswith(".toml"):
        import tomli_w

        data = tomli_w.dumps(document).encode()
    else:
        import yaml

        data = yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()
    with open(path, "wb") as file:
        file.write(data)
