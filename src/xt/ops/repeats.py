"""Which run came before with the same recipe: a cache beside the records, made again when it is gone."""

from __future__ import annotations

import os

from xt import fsio
from xt.errors import XtError
from xt.model import runid
from xt.model.result import Record
from xt.store import Store

_RUN_AND_TIME = 2


def remember(store_path: str, record: Record) -> tuple[str, str] | None:
    """Note a sealed run under its recipe.

    Args:
        store_path: of `.xt`.
        record: the run; only one that completed counts as repeatable.

    Returns:
        Id and start (RFC 3339) of the last earlier run of the recipe, None for the first.

    Raises:
        OSError: the cache cannot be written; the record is not touched.
    """
    folder = f"{store_path}/cache/recipes"
    if not os.path.isdir(folder):
        _rebuild(store_path, folder, skip=record.id)
    path = f"{folder}/{record.snapshot.recipe.partition(':')[2]}"
    previous = _last(path)
    if record.result.status == "not-started":
        return previous
    line = f"{record.id} {record.started_at}\n".encode()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, fsio.PRIVATE_FILE)
    try:
        fsio.write_all(fd, line)
    finally:
        os.close(fd)
    return previous


def _last(path: str) -> tuple[str, str] | None:
    try:
        lines = fsio.read_file(path).decode("ascii", "replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        words = line.split()
        if len(words) == _RUN_AND_TIME and runid.is_id(words[0]):
            return words[0], words[1]
    return None


def _rebuild(store_path: str, folder: str, skip: str) -> None:
    """Read every record once; a damaged one is passed over here and named by `ls`."""
    store = Store(store_path)
    found: list[tuple[str, str, str]] = []
    for run_id in store.ids():
        if run_id == skip:
            continue
        try:
            record = store.record(run_id)
        except XtError:
            continue
        if record.result.status != "not-started":
            found.append((record.started_at, run_id, record.snapshot.recipe.partition(":")[2]))
    temporary = f"{folder}.{os.getpid()}"
    os.makedirs(temporary, fsio.PRIVATE_DIR, exist_ok=True)
    for started_at, run_id, name in sorted(found):
        with open(f"{temporary}/{name}", "a", encoding="ascii") as file:
            file.write(f"{run_id} {started_at}\n")
    try:
        os.rename(temporary, folder)
    except OSError:
        # Another run was quicker; its copy is as good.
        for name in os.listdir(temporary):
            os.unlink(f"{temporary}/{name}")
        os.rmdir(temporary)
