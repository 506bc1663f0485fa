"""Bring contents back that are damaged or missing."""

from __future__ import annotations

from xt import fsio
from xt.errors import DamagedError
from xt.ops.upkeep.aside import put_aside
from xt.ops.upkeep.check_objects import ZST, fault_of
from xt.ops.upkeep.looking import Suspect, Unread
from xt.ops.upkeep.mending import Mending


def mend(mending: Mending, suspect: Suspect) -> None:
    """Put a damaged content aside, and bring a good one."""
    store, digest = mending.store, suspect.digest
    assert digest is not None
    if suspect.code == "object-damaged" and suspect.path is not None:
        reason = fault_of(f"{store.path}/{suspect.path}", digest)
        if isinstance(reason, Unread):
            raise DamagedError(f"it cannot be read: {reason}")
        if reason is not None:
            packed = suspect.path.endswith(ZST)
            suspect.aside = put_aside(
                store.path, suspect.path, lambda path: _is_good(path, digest, packed=packed)
            )
        if suspect.aside is None and fsio.is_there(f"{store.path}/{suspect.path}"):
            suspect.repaired = "somebody put a good one in its place"
            return
    if _another(mending, digest):
        suspect.repaired = "another copy of it is here"
        return
    suspect.repaired = mending.sources.bring(suspect)
    if suspect.repaired is None:
        if not suspect.runs:
            suspect.repaired = "nobody needs it"
        else:
            suspect.hint = "a run that makes or reads the same content again heals it"


def misplaced(mending: Mending, suspect: Suspect) -> None:
    """Put a content where it is looked for; one that is there already stays where it is."""
    store, digest = mending.store, suspect.digest
    assert digest is not None
    assert suspect.path is not None
    source = f"{store.path}/{suspect.path}"
    if not fsio.is_there(source):
        suspect.repaired = "it is in its place"
    elif store.objects.has(digest):
        suspect.aside = put_aside(store.path, suspect.path)
        suspect.repaired = "its place is taken by the same content"
    else:
        suspect.repaired = mending.sources.bring(suspect)


def _another(mending: Mending, digest: str) -> bool:
    """Whether the content is here, compressed or not, and whole."""
    name = mending.store.objects.name(digest)
    there = [path for path in (name, name + ZST) if fsio.is_there(path)]
    return bool(there) and all(fault_of(path, digest) is None for path in there)


def _is_good(path: str, digest: str, *, packed: bool) -> bool:
    # Its name ends otherwise when there was one of that name.
    reason = fault_of(path, digest, packed=packed)
    return reason is None or isinstance(reason, Unread)
