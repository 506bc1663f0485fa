"""Put the outputs of a run where it wrote them: what is there already is left, what differs is replaced.

Everything is looked at before anything is written, so that a run whose outputs cannot all be put in place
leaves none behind, as far as that can be told beforehand.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

import msgspec

from xt import codec
from xt.collect import Capture
from xt.collect.globs import split
from xt.collect.hashing import CHANGED, NotReadError, Stamp, hash_file
from xt.collect.keeping import UNTOUCHED
from xt.collect.paths import shown, why
from xt.collect.places import moment
from xt.collect.statcache import StatCache, recall
from xt.collect.tree import Listing, Note, fill, join, kind_of, scan, walk
from xt.inside import Inside
from xt.model.files import Entry, Kind, Manifest, Output
from xt.model.text import from_text, to_text
from xt.store import Store


class ImpossibleError(Exception):
    """These outputs cannot be put in place: a clause that names which and why."""


class Plan(NamedTuple):
    """What is to be done for one output."""

    output: Output
    entries: list[Entry]
    """What is to be written, by path relative to the project's root."""
    extra: int
    """Files in a tree that are not of the run; they are left alone."""


def plan(outputs: list[Output], capture: Capture, store: Store) -> list[Plan]:
    """Find out what is missing or differs.

    Args:
        outputs: of a run that is `ok`.
        capture: of the run that is asked for.
        store: that has their content.

    Raises:
        ImpossibleError: not all of it is stored, is inside the project, or may be replaced.
        DamagedError, NotRecordedError: a manifest cannot be read.
    """
    cache = StatCache(capture.store, moment(capture))
    return [_plan(output, capture, store, cache) for output in outputs]


def write(plans: list[Plan], root: str, store: Store) -> int:
    """Write what was planned, each file whole or not at all.

    Returns:
        How many files, links and empty folders were written.

    Raises:
        NotWrittenError, OSError: something cannot be written there.
        DamagedError, NotRecordedError: a content is not what it was; it was not put in place.
    """
    count = 0
    with Inside(root) as inside:
        for item in plans:
            top = from_text(item.output.path or ".")
            if item.output.kind == "tree" and top != "." and inside.lookup(top) is None:
                inside.folder(top, item.output.mode)
            for entry in item.entries:
                path = from_text(entry.path)
                if entry.kind == "dir":
                    inside.folder(path, entry.mode)
                elif entry.kind == "link":
                    inside.link(path, from_text(entry.target or ""), replace=True)
                else:
                    inside.write(path, store.objects.stream(entry.digest or ""), entry.mode, replace=True)
                count += 1
    return count


def _plan(output: Output, capture: Capture, store: Store, cache: StatCache) -> Plan:
    name, said = shown(from_text(output.declared)), output.reason or ""
    path = from_text(output.path or "/")
    if path.startswith("/"):
        raise ImpossibleError(f"{name} is outside of the project")
    if CHANGED in said:
        raise ImpossibleError(f"{name} {CHANGED}")
    wanted, top = _wanted(output, path, store)
    for entry in wanted.values():
        if entry.kind == "file" and not (entry.digest and store.objects.has(entry.digest)):
            raise ImpossibleError(
                f"the content of {shown(from_text(entry.path))} of {name} is not in the store"
            )
    listing = _listing(output, os.path.join(capture.root, top), wanted)
    present, extra = _sift(listing, wanted)
    for member, kind in present.items():
        if kind != wanted[member].kind:
            raise ImpossibleError(f"{shown(os.fsdecode(member))} of {name} is a {kind} now")
    same = _same(listing, wanted, _remembered(output, listing.top), cache)
    missing = [entry for member, entry in wanted.items() if member not in same]
    differing = [member for member in present if member not in same]
    # What that run did not write may have been changed since, and running again would not write it either.
    if UNTOUCHED in said and (differing or (missing and output.written is False)):
        raise ImpossibleError(f"{name} differs now, and it was said of it: {said}")
    return Plan(output, [_below(top, entry) for entry in missing], extra if output.kind == "tree" else 0)


def _wanted(output: Output, path: str, store: Store) -> tuple[dict[bytes, Entry], str]:
    """What is to be there, by path below a folder, and that folder relative to the project's root."""
    if output.kind in ("file", "link"):
        top, name = os.path.split(path)
        kind: Kind = "file" if output.kind == "file" else "link"
        mode = output.mode if output.mode is not None else 0o644
        entry = Entry(to_text(name), kind, mode, output.size, output.digest, output.target)
        return {os.fsencode(name): entry}, top
    manifest = codec.decode(store.objects.read(output.digest or ""), Manifest, "a manifest")
    return {
        os.fsencode(from_text(entry.path)): entry for entry in manifest.entries
    }, "" if path == "." else path


def _listing(output: Output, top: str, wanted: dict[bytes, Entry]) -> Listing:
    """What is there now."""
    listing = Listing(top)
    if output.kind == "tree":
        if os.path.isdir(top):
            walk(listing)
        return listing
    for folder in dict.fromkeys(path.rpartition(b"/")[0] for path in wanted):
        listing.folders.append(scan(listing, folder))
    return listing


def _sift(listing: Listing, wanted: dict[bytes, Entry]) -> tuple[dict[bytes, str], int]:
    """Take out of a listing what need not be read.

    Returns:
        The kind of each wanted path that is there, and how many others are.
    """
    present: dict[bytes, str] = {}
    extra = 0
    for folder in listing.folders:
        kept: list[int] = []
        for index, (name, info) in enumerate(zip(folder.names, folder.stamps, strict=True)):
            entry = wanted.get(join(folder.path, name))
            if entry is None:
                extra += not stat.S_ISDIR(info[4])
                continue
            present[join(folder.path, name)] = kind_of(info[4])
            if entry.kind != "file" or entry.size == info[1]:
                kept.append(index)
        folder.names = [folder.names[index] for index in kept]
        folder.stamps = [folder.stamps[index] for index in kept]
        folder.contents = [folder.contents[index] for index in kept]
    return present, extra


def _same(listing: Listing, wanted: dict[bytes, Entry], name: str, cache: StatCache) -> set[bytes]:
    """Which paths are as they are wanted; what did not change since it was stored is not read again."""
    listing.notes.clear()
    if not recall(cache.load(name), listing):
        fill(listing, _hashed)
    return {
        join(folder.path, path)
        for folder in listing.folders
        for path, content in zip(folder.names, folder.contents, strict=True)
        if _is(wanted[join(folder.path, path)], content)
    }


def _hashed(path: str, before: Stamp) -> tuple[bytes, Stamp, Note | None]:
    try:
        content = hash_file(path)
    except (OSError, NotReadError) as error:
        return b"", before, Note(why(error) if isinstance(error, OSError) else str(error))
    return content.digest, content.stamp, None


def _is(entry: Entry, content: bytes) -> bool:
    if entry.kind == "file":
        return entry.digest == "blake3:" + content.hex()
    return entry.kind == "dir" or content == os.fsencode(from_text(entry.target or ""))


def _remembered(output: Output, top: str) -> str:
    """The name under which `collect` remembers the stats of a place."""
    declared = from_text(output.declared)
    if output.kind == "glob":
        return f"glob {top}\0{split(declared)[1]}"
    return f"tree {top}" if output.kind == "tree" else f"file {top}/{os.path.basename(declared)}"


def _below(top: str, entry: Entry) -> Entry:
    path = from_text(entry.path)
    return msgspec.structs.replace(entry, path=to_text(f"{top}/{path}" if top else path))
