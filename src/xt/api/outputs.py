"""The content of an output, by its path."""

from __future__ import annotations

import os
from typing import BinaryIO

from xt import fsio
from xt.context import Outside
from xt.errors import NotRecordedError
from xt.model.result import Record
from xt.model.text import from_text
from xt.ops.code_trees import CodeFiles
from xt.ops.contents import Contents
from xt.ops.holdings import Held, Holdings
from xt.ops.narrowing import nearest
from xt.ops.show import Page
from xt.store import Store
from xt.store.objects import WHOLE


def opened(store: Store, record: Record, path: str, outside: Outside) -> BinaryIO:
    """Open an output for reading; its content is verified before.

    Raises:
        NotRecordedError: the run has no such output, or its content is not in the store.
        DamagedError: the content is not what was recorded.
    """
    held = _found(store, record, path, outside)
    digest = held.digest or ""
    if held.size is not None and held.size > WHOLE:
        # Too large to be held: read once to verify it, and never changed from then on.
        for _ in store.objects.stream(digest):
            pass
    return store.objects.open(digest)


def _found(store: Store, record: Record, path: str, outside: Outside) -> Held:
    page = Page(record.id, 0, record.snapshot, record.started_at, record, record.seal, None)
    with CodeFiles(store, record.snapshot, outside) as code:
        contents = Contents(store, record.snapshot, code)
        every = list(Holdings(store, page, contents, outside.umask).of("outputs"))
    wanted = os.path.normpath(path)
    meant = {wanted, fsio.relative_to(wanted, from_text(record.snapshot.context.project))}
    meant |= {
        os.path.normpath(from_text(one.path))
        for one in record.result.outputs
        if one.path is not None and from_text(one.declared) == path
    }
    for held in every:
        if os.path.normpath(held.path) not in meant:
            continue
        if held.form == "link":
            raise NotRecordedError(f"`{path}` of run {record.id} is a link to `{held.target}`")
        if held.digest is not None:
            return held
        if held.reason is not None:
            raise NotRecordedError(f"`{path}` of run {record.id} has no content here: {held.reason}")
    files = [held.path for held in every if held.digest is not None]
    below = [name for name in files if any(_is_below(name, place) for place in meant)]
    if below:
        raise NotRecordedError(f"`{path}` of run {record.id} is a folder", f"one file of it is `{below[0]}`")
    near = nearest(path, files)
    listed = ", ".join(f"`{name}`" for name in files[:8]) or "none"
    hint = f"did you mean `{near}`?" if near else f"stored outputs: {listed}"
    raise NotRecordedError(f"run {record.id} has no output `{path}`", hint)


def _is_below(name: str, place: str) -> bool:
    return place == "." or os.path.normpath(name).startswith(f"{place}/")
