"""Settings of a repeat that are changed where they stand: declared, or in files of the workspace."""

from __future__ import annotations

import os
import re
import stat
from typing import Any, NamedTuple

from xt.collect.documents import DocumentError, read_document
from xt.collect.scalars import scalar
from xt.errors import NotStartedError, NotWrittenError
from xt.inside import Inside
from xt.model.snapshot import Param
from xt.model.text import to_shown
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

    A file is written anew from its values: comments in it are lost, in the workspace alone. One that lies
    elsewhere, or is reached through a link, is the user's and not written.

    Args:
        wanted: settings of the run.
        params: of the run.
        root: of the project in the workspace.

    Raises:
        NotStartedError: a file cannot be read or written, or does not have the setting.
    """
    declared = []
    for change, source in named(wanted, params):
        if source in DECLARED:
            declared.append(change)
            continue
        try:
            with Inside(root) as inside:
                mode = inside.lookup(source)
                if mode is None or not stat.S_ISREG(mode.st_mode):
                    raise NotWrittenError(f"`{to_shown(source)}` is no file of the workspace")
                document = read_document(os.path.join(root, source))
                _put(document, change, source)
                inside.write(source, [_written(source, document)], mode.st_mode & 0o777, replace=True)
        except (DocumentError, NotWrittenError) as error:
            raise _unchanged(change, source, error.message) from error
        except OSError as error:
            raise _unchanged(change, source, error.strerror or str(error)) from error
    return declared


def _unchanged(change: Change, source: str, why: str) -> NotStartedError:
    message = f"--set {change.key}: `{to_shown(source)}` cannot be changed for the repeat: {why}"
    return NotStartedError(message, "change it where it is, and run it with `xt run`")


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


def _written(source: str, document: Any) -> bytes:
    lowered = source.lower()
    if lowered.endswith(".json"):
        import json

        return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
    if lowered.endswith(".toml"):
        import tomli_w

        return tomli_w.dumps(document).encode()
    import yaml

    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()
