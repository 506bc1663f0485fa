"""Which run came before with the same recipe: a cache beside the records, made again when it is gone."""

from __future__ import annotations

import os

from xt import fsio
from xt.errors import XtError
from xt.model import runid
from xt.model.result import Record
from xt.store import Store

_RUN_AND_TIME = 2
_DIGITS = 64


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
    name = _name(record.snapshot.recipe)
    if record.snapshot.recipe_doubt is not None or name is None:
        return None
    folder = f"{store_path}/cache/recipes"
    if not os.path.isdir(folder):
        _rebuild(store_path, folder, skip=record.id)
    path = f"{folder}/{name}"
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


def earlier(store_path: str, record: Record) -> tuple[str, str] | None:
    """Find the last run of the same recipe that began before this one.

    Args:
        store_path: of `.xt`.
        record: the run.

    Returns:
        Its id and start (RFC 3339), None when there is none.

    Raises:
        OSError: the cache is gone and cannot be made again, or cannot be read.
    """
    runs = same_recipe(store_path, record.snapshot.recipe)
    before = [run for run in runs if run[0] < record.started_at and run[1] != record.id]
    return (max(before)[1], max(before)[0]) if before else None


def same_recipe(store_path: str, recipe: str) -> list[tuple[str, str]]:
    """All runs of a recipe that are certain to be repeats of each other.

    Args:
        store_path: of `.xt`.
        recipe: its digest.

    Returns:
        Start (RFC 3339) and id, oldest first.

    Raises:
        OSError: as `earlier`.
    """
    folder = f"{store_path}/cache/recipes"
    if not os.path.isdir(folder):
        _rebuild(store_path, folder, skip="")
    name = _name(recipe)
    if name is None:
        return []
    try:
        data = fsio.read_file(f"{folder}/{name}")
    except FileNotFoundError:
        return []
    words = (line.split() for line in _lines(data))
    return sorted({(found[1], found[0]) for found in words if _is_run(found)})


def newest(store_path: str, most: int) -> list[str]:
    """Ids of the newest run of each recipe, of those recipes that were run last; the newest first.

    Args:
        store_path: of `.xt`.
        most: recipes.
    """
    try:
        with os.scandir(f"{store_path}/cache/recipes") as entries:
            times = [(entry.stat().st_mtime_ns, entry.path) for entry in entries]
    except OSError:
        return []  # a cache: it is made when a run is sealed
    found = (_last(path) for _, path in sorted(times, reverse=True)[:most])
    return [last[0] for last in found if last is not None]


def forget(store_path: str, recipe: str, runs: set[str]) -> None:
    """Take runs that were dropped out of what is remembered of a recipe.

    Their lines are made void where they stand, because others add lines at any time.

    Args:
        store_path: of `.xt`.
        recipe: its digest.
        runs: their ids.

    Raises:
        OSError: it cannot be written; whoever asks then finds runs without records.
    """
    name = _name(recipe)
    if name is None:
        return
    try:
        fd = os.open(f"{store_path}/cache/recipes/{name}", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        place = 0
        for line in os.read(fd, os.fstat(fd).st_size).splitlines(keepends=True):
            if line.partition(b" ")[0].decode("ascii", "replace") in runs:
                os.pwrite(fd, b" " * runid.LENGTH, place)
            place += len(line)
    finally:
        os.close(fd)


def _name(recipe: str) -> str | None:
    """Name of the file of a recipe; None for what is no digest: a record may come from somebody else."""
    _, _, digits = recipe.partition(":")
    return digits if len(digits) == _DIGITS and set(digits) <= set("0123456789abcdef") else None


def _lines(data: bytes) -> list[str]:
    return data.decode("ascii", "replace").splitlines()


def _is_run(words: list[str]) -> bool:
    return len(words) == _RUN_AND_TIME and runid.is_id(words[0])


def _last(path: str) -> tuple[str, str] | None:
    try:
        lines = _lines(fsio.read_file(path))
    except OSError:
        return None
    for line in reversed(lines):
        words = line.split()
        if _is_run(words):
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
        name = _name(record.snapshot.recipe)
        if record.result.status != "not-started" and record.snapshot.recipe_doubt is None and name:
            found.append((record.started_at, run_id, name))
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
