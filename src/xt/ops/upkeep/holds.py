"""What a record, a start or an event holds in the store: whatever it names.

Digests are read from the bytes and not from the fields, so that nothing is forgotten that another version of
xt wrote, or that comes to be written. What is not held may be taken away; what is held must be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from xt.model.result import Result
from xt.model.snapshot import Snapshot
from xt.ops.sync import parts

_DIGEST = re.compile(rb"blake3:([0-9a-f]{64})(?![0-9a-f])")


class Tree(NamedTuple):
    """A tree of `code.git` that a run needs."""

    folder: str
    """Where in the project, as recorded; empty for the project itself."""
    tree: str
    head: str | None
    """The commit it may borrow from, which a reference in that repository protects."""


def named(data: bytes) -> set[bytes]:
    """All contents that some JSON names (digests of 32 bytes), the seal of a record among them."""
    return {bytes.fromhex(hexed.decode()) for hexed in _DIGEST.findall(data)}


def text(digest: bytes) -> str:
    """A digest as it is written."""
    return "blake3:" + digest.hex()


def manifests(snapshot: Snapshot, result: Result | None) -> Iterator[parts.Part]:
    """The contents of a run that list others; what those name is held too.

    Args:
        snapshot: of the run.
        result: None while it is in flight, and for one that is lost.
    """
    found = parts.of_snapshot(snapshot, ("inputs",))
    for part in found if result is None else (*parts.of_result(result, ("outputs",)), *found):
        if part.sort == "manifest":
            yield part


def trees(snapshot: Snapshot) -> Iterator[Tree]:
    """The code of a run: the project's, and that of every repository inside it that was recorded."""
    code = snapshot.code
    if code.tree is not None:
        yield Tree("", code.tree, code.head)
    for inner in code.repositories:
        if inner.tree is not None:
            yield Tree(str(inner.path), inner.tree, inner.head)
