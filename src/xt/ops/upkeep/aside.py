"""Quarantine: what is damaged is moved to `.xt/quarantine`, under the name it had, and never deleted."""

from __future__ import annotations

import os
from collections.abc import Callable

from xt import fsio
from xt.ops.upkeep.inventory import QUARANTINE


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
        if not os.path.lexists(f"{store}/{aside}"):
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


def _put_back(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        pass
    except OSError:
        os.rename(source, target)  # a file system without hard links
        return
    os.unlink(source)
