"""Quarantine: what is damaged is moved to `.xt/quarantine`, under the name it had, and never deleted."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from xt import fsio
from xt.ops.upkeep.inventory import QUARANTINE

_SAID = re.compile(
    rf"{QUARANTINE}/(runs/[k-z]{{2}}/[k-z]{{16}}\.json|events/[0-9]{{4}}/[0-9]{{2}}/[0-9a-z.-]+?\.json)(?:\.[0-9]+)?"
)


def put_aside(store: str, name: str, sound: Callable[[str], bool] | None = None) -> str | None:
    """Move something of the store aside.

    Args:
        store: path of `.xt`.
        name: relative to it; a folder goes with all that is in it.
        sound: says of what was moved, by its path, whether it is good after all: somebody may have put a good
            one there right before it was moved. That is put back.

    Returns:
        Where it is now, relative to the store; None when it was gone, or is good and was put back.

    Raises:
        OSError: it cannot be moved.
    """
    number = 0
    while True:
        aside = f"{QUARANTINE}/{name}" + (f".{number}" if number else "")
        if not fsio.is_there(f"{store}/{aside}"):
            break
        number += 1
    os.makedirs(os.path.dirname(f"{store}/{aside}"), fsio.PRIVATE_DIR, exist_ok=True)
    try:
        os.rename(f"{store}/{name}", f"{store}/{aside}")
    except FileNotFoundError:
        return None
    if sound is not None and sound(f"{store}/{aside}"):
        _put_back(f"{store}/{aside}", f"{store}/{name}")
        return None
    fsio.fsync_dir(os.path.dirname(f"{store}/{aside}"))
    return aside


def without(store: str, name: str) -> str | None:
    """The name that a record or a statement in quarantine had, if none is there in its place now.

    Args:
        store: path of `.xt`.
        name: of the file, relative to it.
    """
    match = _SAID.fullmatch(name)
    return match[1] if match is not None and not fsio.is_there(f"{store}/{match[1]}") else None


def _put_back(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        pass
    except OSError:
        os.rename(source, target)  # a file system without hard links
        return
    os.unlink(source)
