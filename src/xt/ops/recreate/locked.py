"""Lock files that uv can install from, for a record that does not say what was installed."""

from __future__ import annotations

import os
from typing import Literal, NamedTuple

from xt import codec, fsio
from xt.errors import UnverifiableError
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown

Kind = Literal["uv", "pylock", "requirements"]
#: Bytes; as `collect.locks` reads them.
_LIMIT = 50_000_000


class Locked(NamedTuple):
    """A lock file and what it refers to."""

    kind: Kind
    path: str
    """Relative to the project's root."""
    folder: str
    """Which holds it, relative to the project's root."""
    digests: list[list[str]]
    """Of all lock files of the record: requirements name each other."""
    remarks: list[str]


def find(recorded: Snapshot, project: str) -> Locked | None:
    """Choose the lock file that says most: one in the working directory first, `uv.lock` first.

    Args:
        recorded: causes of the run.
        project: absolute path of the project's root with the recorded code.

    Raises:
        UnverifiableError: the file is not there, or not with the recorded content.
    """
    found: list[tuple[bool, int, Kind, str]] = []
    for lock in recorded.environment.locks:
        path = from_text(lock.path)
        sort = _sort(os.path.basename(path))
        if sort is not None:
            elsewhere = os.path.normpath(os.path.dirname(path) or ".") != from_text(recorded.command.cwd)
            found.append((elsewhere, *sort, path))
    if not found:
        return None
    _, _, kind, path = min(found)
    digests = {from_text(lock.path): lock.digest for lock in recorded.environment.locks}
    _check(os.path.join(project, path), path, digests[path])
    folder = os.path.dirname(path) or "."
    known = [[codec.encode(lock.path).decode(), lock.digest] for lock in recorded.environment.locks]
    remarks = []
    if kind == "uv":
        remarks.append("which extras and groups were installed is not recorded: those that are default")
        try:
            known.append(
                [
                    "pyproject.toml",
                    codec.digest(fsio.read_file(os.path.join(project, folder, "pyproject.toml"))),
                ]
            )
        except OSError as error:
            raise UnverifiableError(
                f"`{path}` has no `pyproject.toml` beside it in the code of the run: {error.strerror}"
            ) from error
    if kind == "requirements":
        remarks.append(f"what `{path}` does not name exactly is resolved now")
    return Locked(kind, path, folder, known, remarks)


def _sort(name: str) -> tuple[int, Kind] | None:
    if name == "uv.lock":
        return 0, "uv"
    if name.startswith("pylock.") and name.endswith(".toml"):
        return 1 if name == "pylock.toml" else 2, "pylock"
    if name.startswith("requirements") and name.endswith(".txt"):
        return 3 if name == "requirements.txt" else 4, "requirements"
    return None


def _check(place: str, path: str, digest: str) -> None:
    try:
        same = codec.digest(fsio.read_file(os.path.realpath(place), limit=_LIMIT)) == digest
    except OSError as error:
        raise UnverifiableError(
            f"`{to_shown(path)}` is not in the code of the run: {error.strerror}"
        ) from error
    if not same:
        raise UnverifiableError(
            f"`{to_shown(path)}` is not as it was when the run recorded its environment",
            "its content is that of the code's snapshot, which git may have converted",
        )
