"""The columns of `xt ls` that were chosen last, kept in the store's caches: losing them is no loss."""

from __future__ import annotations

import os

from xt import codec, fsio
from xt.errors import DamagedError
from xt.ops.search import property_of
from xt.store import Store

#: What a list shows by itself, in any order: names that are no property of the index.
BUILT_IN = ("run", "when", "purpose", "status", "time", "name", "tags", "metrics", "live", "notes")
#: Bytes of the file.
LARGEST = 100_000


def chosen(text: str) -> tuple[str, ...]:
    """Read a choice of columns: names with commas between; `auto` or nothing chooses none.

    Raises:
        UsageError: there is no such column.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if names in ((), ("auto",)):
        return ()
    for name in names:
        if name not in BUILT_IN:
            property_of(name)
    return names if "run" in names else ("run", *names)


def remember(store: Store, columns: tuple[str, ...]) -> str | None:
    """Keep a choice for the next list; give the reason why it was not kept."""
    try:
        fsio.write_atomic(_path(store), codec.encode(columns))
    except OSError as error:
        return error.strerror or str(error)
    return None


def remembered(store: Store) -> tuple[str, ...]:
    """The choice that was kept, none when there is none, or none that can be read."""
    try:
        found = codec.decode(fsio.read_file(_path(store), LARGEST), tuple[str, ...], "the columns")
        return chosen(",".join(found))
    except (OSError, DamagedError, ValueError):
        return ()


def _path(store: Store) -> str:
    return os.path.join(store.path, "cache", "columns.json")
