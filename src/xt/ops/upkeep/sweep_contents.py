"""Sweep contents that nothing names, and settle what a sweep that was killed left in the trash."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial

from xt.ops.upkeep import inventory
from xt.ops.upkeep.inventory import File
from xt.ops.upkeep.marks import Marks
from xt.ops.upkeep.survey import unlisted
from xt.ops.upkeep.tally import Tally
from xt.store import trash

_OBJECT = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})(?:\.zst)?")
_RECORD = re.compile(r"runs/([k-z]{2})/(\1[k-z]{14})\.json")
_GIT = re.compile(r"code(?:\.sha256)?\.git/objects/(?:[0-9a-f]{2}|pack)/[0-9a-z.-]+")


def contents(store: str, marks: Marks, cutoff: int, tally: Tally) -> None:
    """Remove the objects that are not marked and are older than the cutoff.

    Args:
        store: path of `.xt`.
        marks: what is needed.
        cutoff: nanoseconds since 1970.
        tally: counts.
    """
    first, needed = -1, frozenset[bytes]()
    for digest, file in inventory.objects(store, unlisted):
        if digest is None:
            if file.is_file:
                tally.notes.append(f"`.xt/{file.name}` does not belong there, and was left alone")
            continue
        if digest[0] != first:
            first, needed = digest[0], marks.of(digest[0])
            tally.step("sweeping", first, 256)
        if digest in needed:
            continue
        if file.mtime >= cutoff:
            tally.wait(file)
            continue
        tally.take("contents", file, partial(trash.sweep, store, file.name, cutoff))


def records(store: str, dropped: set[str], tally: Tally) -> None:
    """Settle the records that a killed sweep left in the trash, before anybody asks which runs there are.

    Args:
        store: path of `.xt`.
        dropped: runs of which it is recorded that they were dropped; all others come back.
        tally: counts.
    """
    for name, file in _in_trash(store):
        if record := _RECORD.fullmatch(name):
            _settle(store, name, file, tally, wanted=record[2] not in dropped)


def leftovers(store: str, marks: Marks, cutoff: int, tally: Tally) -> None:
    """Put back what else is in the trash and is needed, and remove the rest.

    Args:
        store: path of `.xt`.
        marks: what is needed.
        cutoff: nanoseconds since 1970.
        tally: counts.
    """
    for name, file in _in_trash(store):
        if content := _OBJECT.fullmatch(name):
            wanted = file.mtime >= cutoff or bytes.fromhex(content[2]) in marks
            _settle(store, name, file, tally, wanted=wanted)
        elif _GIT.fullmatch(name):
            # If nothing needs it, the sweep of code finds it again.
            _settle(store, name, file, tally, wanted=True)


def _in_trash(store: str) -> Iterator[tuple[str, File]]:
    for name in [*trash.names(store)]:
        file = inventory.look(store, os.path.relpath(trash.path(store, name), store))
        if file is not None:
            yield name, file


def _settle(store: str, name: str, file: File, tally: Tally, *, wanted: bool) -> None:
    if not wanted:
        tally.take("trash", file, partial(_drop, store, name))
    elif not tally.dry:
        _back(store, name, tally)


def _back(store: str, name: str, tally: Tally) -> None:
    try:
        trash.put_back(store, name)
    except OSError as error:
        tally.fail(f"`.xt/{name}` could not be put back from the trash: {error.strerror}")


def _drop(store: str, name: str) -> bool:
    trash.drop(store, name)
    return True
