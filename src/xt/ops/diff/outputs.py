"""What differs in what was written: outputs by content, within their declared tolerances."""

from __future__ import annotations

import os
from typing import NamedTuple

from msgspec.structs import replace

from xt import codec
from xt.collect.globs import has_magic, split
from xt.compare.contents import compare as compare_contents
from xt.errors import XtError
from xt.model.delta import Change, Delta, whole
from xt.model.files import Entry, Manifest, Output
from xt.model.result import Record
from xt.model.text import from_text, to_shown
from xt.ops.diff.contents import Stored
from xt.ops.diff.elsewhere import NOTES, Elsewhere
from xt.ops.diff.pictures import Pictures
from xt.ops.diff.rules import Rules
from xt.ops.elsewhere import not_brought
from xt.store import Store

#: Differing files of one tree listed; the others are counted.
FILES = 200
#: Files of one tree whose content is compared; of the others only that the bytes differ is said.
COMPARED = 100


class _Work(NamedTuple):
    """What every output is compared with."""

    store: Store
    rules: Rules
    told: Elsewhere | None
    pictures: Pictures | None
    runs: tuple[str, str]
    """Their ids."""


def compare(
    store: Store,
    left: Record,
    right: Record,
    rules: Rules,
    repeats: tuple[list[Record], list[Record]],
    pictures: Pictures | None = None,
) -> Delta:
    """Compare declared outputs by path.

    Args:
        store: that has their content.
        left: one run.
        right: the other.
        rules: tolerances by path.
        repeats: others of the recipe of each; an output that differs between them too says little.
        pictures: draws how images differ, when that is wanted.
    """
    one, other = ({name_of(item): item for item in side.result.outputs} for side in (left, right))
    well = all(side.result.status in ("ok", "incomplete") for side in (left, right))
    # Of a run that failed neither metrics nor cases are judged: nothing is told elsewhere then.
    told = Elsewhere(left, right, rules.settings.cases) if well else None
    work = _Work(store, rules, told, pictures, (left.id, right.id))
    children = []
    for name in dict.fromkeys([*one, *other]):
        delta = _output(work, name, one.get(name), other.get(name))
        if delta.relation == "changed":
            found = ((one.get(name), repeats[0]), (other.get(name), repeats[1]))
            if any(_varies(name, item, records) for item, records in found):
                # Its bytes are no criterion then, unless somebody declared what they may differ by.
                counts = delta.counted and rules.declares(name)
                remark = "it differs between repeats too" + ("" if counts else ", not counted")
                note = f"{delta.note}; {remark}" if delta.note else remark
                delta = replace(delta, note=note, counted=counts)
        children.append(delta)
    return whole("outputs", children)


def name_of(item: Output) -> str:
    """The name under which an output is compared: its path, or how it was declared."""
    declared = from_text(item.declared)
    if item.path is None:
        return to_shown(declared)
    path = from_text(item.path)
    if item.kind == "glob" and has_magic(declared):
        # As it was written it is relative to where the command ran, and a repeat says it otherwise.
        return to_shown(os.path.normpath(os.path.join(path, split(declared)[1])))
    if os.path.isabs(path) and not os.path.isabs(declared):
        return to_shown(declared)  # outside of the project by a path that leads out of it: so it is elsewhere
    return to_shown(path)


def _output(work: _Work, name: str, one: Output | None, other: Output | None) -> Delta:
    rules, told = work.rules, work.told
    path = f"outputs/{name}"
    if one is None or other is None:
        change: Change = "added" if one is None else "removed"
        which = "right" if one is None else "left"
        return Delta(path, "changed", change=change, note=f"only the {which} run declares it")
    states = [item.status for item in (one, other)]
    if "missing" in states or "skipped" in states:
        if one.status == other.status == "missing":
            return Delta(path, "same", note="missing on both sides")
        words = [f"{item.status}: {item.reason}" if item.reason else item.status for item in (one, other)]
        known = "missing" in (one.status, other.status)
        note = " → ".join(words)
        return Delta(path, "changed" if known else "unknown", words[0], words[1], note=note)
    if one.kind == other.kind == "link":
        old, new = (to_shown(from_text(item.target or "")) for item in (one, other))
        return Delta(path, "same" if old == new else "changed", old, new)
    settings = rules.output(name)
    if (one.written is False) != (other.written is False) and one.digest == other.digest:
        which = "right" if one.written is False else "left"
        return Delta(path, "unknown", note=f"only the {which} run wrote it; the other found it there")
    if one.digest == other.digest and one.digest is not None and one.kind == other.kind:
        # A part of a tree that was not stored is in its manifest without a digest.
        doubt = "partial" in states
        return Delta(path, "unknown" if doubt else "same", note="stored in part" if doubt else None)
    delta = _content(work, path, one, other)
    if settings is not None and settings.ignore is True:
        return replace(delta, relation="within", note="differs, ignored by rule")
    if (
        one.role == other.role
        and not rules.declares(name)
        and told is not None
        and told.tells(one.role, delta)
    ):
        return Delta(path, delta.relation, change="changed", counted=False, note=NOTES[one.role])
    return delta


def _content(work: _Work, path: str, one: Output, other: Output) -> Delta:
    name = path.partition("/")[2]
    if one.kind != other.kind and "file" in (one.kind, other.kind):
        return Delta(path, "changed", one.kind, other.kind, note=f"a {one.kind} became a {other.kind}")
    if one.digest is None or other.digest is None:
        reason = one.reason or other.reason or "no reason is recorded"
        return Delta(path, "unknown", note=f"its content is not known: {reason}")
    if one.kind == "file":
        sizes = (one.size or 0, other.size or 0)
        return _files(work, path, name, (one.digest, other.digest), sizes)
    try:
        manifests = [
            codec.decode(
                work.store.objects.read(item.digest or ""), Manifest, f"the manifest of {name}"
            ).entries
            for item in (one, other)
        ]
    except XtError as error:
        return Delta(path, "unknown", note=f"which files differ is not known: {error.message}")
    return _tree(work, path, from_text(one.path or ""), manifests)


def _tree(work: _Work, path: str, folder: str, manifests: list[list[Entry]]) -> Delta:
    one, other = ({from_text(entry.path): entry for entry in entries} for entries in manifests)
    children: list[Delta] = []
    same = compared = 0
    for name in sorted(one.keys() | other.keys()):
        before, after = one.get(name), other.get(name)
        shown = f"{path}/{to_shown(name)}"
        if before is None or after is None:
            children.append(Delta(shown, "changed", change="added" if before is None else "removed"))
        elif before.digest is not None and after.digest is not None:
            if before.digest == after.digest:
                same += 1
                continue
            full = os.path.join(folder, name)
            settings = work.rules.output(to_shown(full))
            if settings is not None and settings.ignore is True:
                children.append(Delta(shown, "within", note="differs, ignored by rule"))
                continue
            compared += 1
            if compared > COMPARED:
                children.append(Delta(shown, "changed", change="changed", note="differs; not looked into"))
                continue
            digests = (before.digest, after.digest)
            sizes = (before.size or 0, after.size or 0)
            children.append(_files(work, shown, to_shown(full), digests, sizes))
        elif (before.kind, before.target, before.note) == (
            after.kind,
            after.target,
            after.note,
        ) and before.kind != "file":
            same += 1
        else:
            known = before.kind != "file" or after.kind != "file"
            note = f"{before.note or before.kind} → {after.note or after.kind}"
            children.append(Delta(shown, "changed" if known else "unknown", note=note))
    found = whole(path, children, note=f"{len(children)} of {len(children) + same} files differ")
    return replace(found, children=children[:FILES], more=max(0, len(children) - FILES))


def _files(work: _Work, path: str, name: str, digests: tuple[str, str], sizes: tuple[int, int]) -> Delta:
    has = work.store.objects.has
    absent = [side for side, digest in zip(("left", "right"), digests, strict=True) if not has(digest)]
    if absent:
        note = f"the bytes differ, and the content of the {' and '.join(absent)} is not in this store"
        sides = dict(zip(("left", "right"), work.runs, strict=True))
        away = [said for side in absent if (said := not_brought(work.store, sides[side], "outputs"))]
        note = "; ".join([note, *away])
        return Delta(path, "changed", change="changed", note=note)
    left, right = (Stored(work.store, name, *known) for known in zip(digests, sizes, strict=True))
    try:
        delta = compare_contents(left, right, work.rules.rule(name), path)
        drawn = work.pictures.draw(name, left, right) if work.pictures is not None else None
    except XtError as error:
        return Delta(path, "unknown", change="changed", note=error.message)
    if drawn is None:
        return delta
    return replace(delta, note=f"{delta.note}; {drawn}" if delta.note else drawn)


def _varies(name: str, own: Output | None, repeats: list[Record]) -> bool:
    """Whether an output differs between runs of one recipe: then its bytes say nothing of the causes."""
    known = [item.digest for record in repeats for item in record.result.outputs if name_of(item) == name]
    return own is not None and any(digest not in (None, own.digest) for digest in known)
