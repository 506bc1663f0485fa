"""What is on a remote under names that are known: few are asked for, of many their folder is listed."""

from __future__ import annotations

import os
from collections import defaultdict

from xt.errors import NewerStoreError, RemoteError, XtError
from xt.ops.sync.pool import Pool
from xt.store.layout import FORMAT
from xt.store.remote import Remote, names

#: Names in one folder from which on it is listed.
MANY = 8
#: Runs from which on records are taken to be ours by their size, and are not read for it.
MANY_RUNS = 64


def sizes(remote: Remote, pool: Pool, wanted: list[str]) -> dict[str, int]:
    """Find out which names are taken.

    Args:
        remote: to ask.
        pool: to ask with.
        wanted: names.

    Returns:
        Size in bytes by name, of those that are there.

    Raises:
        RemoteError: it failed.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(wanted):
        folders[os.path.dirname(name) + "/"].append(name)
    listed = [folder for folder, inside in folders.items() if len(inside) >= MANY]
    asked = [name for folder, inside in folders.items() if len(inside) < MANY for name in inside]
    found: dict[str, int] = {}

    def listing(folder: str) -> dict[str, int]:
        inside = set(folders[folder])
        return {entry.name: entry.size for entry in remote.entries(folder) if entry.name in inside}

    for _, some in pool.each("looking", listing, listed):
        found |= {} if isinstance(some, XtError) else some
    for name, size in pool.each("looking", remote.size, asked):
        if isinstance(size, int):
            found[name] = size
    return found


def is_store(remote: Remote) -> bool:
    """Whether there is a store on a remote.

    Raises:
        NewerStoreError: of a newer xt.
        RemoteError: something else is there, or it failed.
    """
    try:
        words = remote.read(names.FORMAT, 4096).decode("ascii", "replace").split()
    except FileNotFoundError:
        return False
    if len(words) != 2 or words[0] != "xt-store" or not words[1].isdigit():
        raise RemoteError(
            f"`{remote.url}` has a file `format` that is not of a store", "an empty place is needed"
        )
    if int(words[1]) > FORMAT:
        raise NewerStoreError(f"`{remote.url}` has format {words[1]}; this xt knows {FORMAT}", "update xt")
    return True
