"""Which runs came from a remote, and what of them was brought: `pulled/kn/<id>.json`, of this store alone."""

from __future__ import annotations

import os

from xt import codec, fsio
from xt.errors import XtError
from xt.model.sync import Pulled
from xt.store.store import Store

#: Bytes.
_LARGEST = 100_000


def note(store: Store, run_id: str, found: Pulled) -> None:
    """Remember it, together with what was remembered before.

    Raises:
        OSError: it was not written.
    """
    before = of(store, run_id)
    if before is not None:
        found = Pulled(found.remote, found.url, sorted({*before.parts, *found.parts}))
        if found == before:
            return
    path = _path(store, run_id)
    os.makedirs(os.path.dirname(path), fsio.PRIVATE_DIR, exist_ok=True)
    fsio.write_atomic(path, codec.encode(found))


def of(store: Store, run_id: str) -> Pulled | None:
    """Say where a run came from; None for one that was made here, or where that is not known any more."""
    try:
        data = fsio.read_file(_path(store, run_id), limit=_LARGEST)
        return codec.decode(data, Pulled, "a note of a pull")
    except (OSError, XtError):
        return None


def _path(store: Store, run_id: str) -> str:
    return f"{store.path}/pulled/{run_id[:2]}/{run_id}.json"
