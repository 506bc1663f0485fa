"""What differs in what was read: inputs by role, their files, and the text of those that can be shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from xt import codec
from xt.context import Outside
from xt.errors import XtError
from xt.model.bundle import BUNDLED, Bundle, Member, letters_for
from xt.model.delta import Change, Delta, whole
from xt.model.files import Entry, Input, Manifest
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown, to_text
from xt.ops.diff.files import Pair, filled, shown, tree
from xt.store import Store

#: Stands for the name of an input where several of one role are compared as one bundle.
BUNDLE = "bundle"


def compare(store: Store, left: Snapshot, right: Snapshot, outside: Outside) -> Delta:
    """Compare declared inputs by role and name; content that only moved to another name is the same.

    Args:
        store: that has manifests and kept texts.
        left: causes of one run.
        right: causes of the other.
        outside: for git, which may have the content of tracked files.
    """
    pairs: list[Pair] = []
    rest = [list(left.inputs), list(right.inputs)]
    bundles: list[dict[str, Bundle]] = [{}, {}]
    if any(item.role in BUNDLED for side in rest for item in side):
        from xt.ops.bundles import of_snapshot

        bundles = [{one.role: one for one in of_snapshot(store, side)} for side in (left, right)]
    children: list[Delta] = []
    plain: set[str] = set()
    for role in BUNDLED:
        one, other = (side.get(role) for side in bundles)
        several = any(sum(item.role == role for item in side) > 1 for side in rest)
        plain |= set() if several else {role}
        if several and all(side is None or side.digest is not None for side in (one, other)):
            children.append(bundle(f"inputs/{role}/{BUNDLE}", one, other, pairs))
            rest = [[item for item in side if item.role != role] for side in rest]
    for before, after in joined(*rest):
        child = _input(store, before, after, pairs)
        role = child.path.split("/", 2)[1]
        if role in plain:
            child = _versioned(child, *(side.get(role) for side in bundles))
        children.append(child)
    children = [child for child in children if child.relation != "same"]
    contents = shown(store, (left, right), pairs, outside)
    return whole("inputs", [filled(child, contents) for child in children])


def paths(snapshot: Snapshot) -> list[str]:
    """Where declared inputs lie, relative to the project's root: files, and folders of trees and globs."""
    return [from_text(item.path) for item in snapshot.inputs if item.path is not None]


def joined(left: list[Input], right: list[Input]) -> list[tuple[Input | None, Input | None]]:
    """Pair by role and what was declared, then by content, then in order of what is left of a role."""
    found: list[tuple[Input | None, Input | None]] = []
    rest = {id(item): item for item in right}
    waiting = list(left)
    # What both sides call the same; the same content under another name; whatever is left of a role.
    for key in (lambda item: (item.role, item.declared), _content_of, lambda item: item.role):
        places: dict[Any, list[Input]] = {}
        for item in reversed(rest.values()):
            places.setdefault(key(item), []).append(item)
        still = []
        for one in waiting:
            like = places.get(key(one))
            if like:
                other = like.pop()
                del rest[id(other)]
                found.append((one, other))
            else:
                still.append(one)
        waiting = still
    return [*found, *((one, None) for one in waiting), *((None, other) for other in rest.values())]


def _content_of(item: Input) -> tuple[str, str | int]:
    return item.role, item.digest or id(item)


def bundle(path: str, one: Bundle | None, other: Bundle | None, pairs: list[Pair]) -> Delta:
    """Compare two bundles file by file.

    Args:
        path: of the whole.
        one: a bundle; None where there is none.
        other: likewise.
        pairs: gets the files whose content might be shown.
    """
    facts = [_counted(side) for side in (one, other)]
    if one is None or other is None:
        change: Change = "added" if one is None else "removed"
        found = Delta(path, "changed", one and facts[0], other and facts[1], change=change)
    elif one.digest is not None and one.digest == other.digest:
        return Delta(path, "same")
    else:
        entries = [[_member(member) for member in side.members] for side in (one, other)]
        places = (_places(one), _places(other))
        found = tree(path, one.role, entries, places, (facts[0], facts[1]), pairs)
    return _versioned(found, one, other)


def _counted(side: Bundle | None) -> dict[str, Any]:
    return {} if side is None else {"size": side.size, "files": len(side.members)}


def _member(member: Member) -> Entry:
    return Entry(member.path, "file", 0, member.size, member.digest)


def _places(side: Bundle) -> Callable[[str], str]:
    known = {from_text(member.path): from_text(member.place or member.path) for member in side.members}
    return lambda name: known.get(name, name)


def _versioned(delta: Delta, one: Bundle | None, other: Bundle | None) -> Delta:
    """Say which versions of a bundle the two sides are."""
    letters = letters_for(side.digest for side in (one, other) if side is not None)
    facts = [
        {**known, "version": side.version(letters)}
        if side is not None and side.digest is not None and isinstance(known, dict)
        else known
        for known, side in ((delta.left, one), (delta.right, other))
    ]
    return replace(delta, left=facts[0], right=facts[1]) if delta.relation != "same" else delta


def _input(store: Store, one: Input | None, other: Input | None, pairs: list[Pair]) -> Delta:
    named = one or other
    assert named is not None
    path = f"inputs/{named.role}/{to_shown(from_text(named.declared))}"
    if one is None or other is None:
        change: Change = "added" if one is None else "removed"
        return Delta(path, "changed", one and _facts(one), other and _facts(other), change=change)
    facts = (_facts(one), _facts(other))
    if one.declared != other.declared:
        facts[0]["declared"], facts[1]["declared"] = (to_shown(from_text(i.declared)) for i in (one, other))
    if one.digest is None or other.digest is None:
        return _by_name(path, one, other, facts)
    if one.digest == other.digest:
        return Delta(path, "same")
    if one.kind == other.kind == "file":
        entries = (_entry(one), _entry(other))
        pairs.append(Pair(named.role, path, (_place(one), _place(other)), entries))
        return Delta(path, "changed", *facts, change="changed")
    try:
        manifests = [_entries(store, item, path) for item in (one, other)]
    except XtError as error:
        note = f"which files differ is not known: {error.message}"
        return Delta(path, "changed", *facts, change="changed", note=note)
    places = (_below(_folder(one)), _below(_folder(other)))
    return tree(path, named.role, manifests, places, facts, pairs)


def _by_name(path: str, one: Input, other: Input, facts: tuple[dict[str, Any], dict[str, Any]]) -> Delta:
    """Compare what is known by a name and a revision only."""
    if one.declared == other.declared and one.revision and one.revision == other.revision:
        return Delta(path, "same")
    if one.revision != other.revision and one.declared == other.declared:
        note = f"revision {one.revision or 'not known'} → {other.revision or 'not known'}"
        known = one.revision is not None and other.revision is not None
        return Delta(path, "changed" if known else "unknown", *facts, change="changed", note=note)
    if one.declared != other.declared:
        return Delta(path, "changed", *facts, change="changed")
    note = f"its content was not read: {one.reason or other.reason or 'no reason is recorded'}"
    return Delta(path, "unknown", *facts, note=note)


def _facts(item: Input) -> dict[str, Any]:
    known = {"size": item.size, "files": item.files, "digest": item.digest, "revision": item.revision}
    return {name: value for name, value in known.items() if value is not None}


def _entry(item: Input) -> Entry:
    return Entry(item.path or "", "file", 0, item.size, item.digest)


def _place(item: Input) -> str:
    return from_text(item.path) if item.path is not None else ""


def _entries(store: Store, item: Input, path: str) -> list[Entry]:
    """Files of a tree or glob; of a single file beside one of these, itself."""
    if item.kind == "file":
        name = to_text(os.path.basename(_place(item)))
        return [Entry(name, "file", 0, item.size, item.digest)]
    return codec.decode(store.objects.read(item.digest or ""), Manifest, f"the manifest of {path}").entries


def _below(folder: str) -> Callable[[str], str]:
    return lambda name: os.path.join(folder, name)


def _folder(item: Input) -> str:
    return os.path.dirname(_place(item)) if item.kind == "file" else _place(item)
