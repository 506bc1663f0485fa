"""Where a declared output is, and what is there at one moment. Nothing is read."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from xt.collect import Capture
from xt.collect.globs import has_magic, match, split
from xt.collect.hashing import Stamp, stamp
from xt.collect.paths import absolute, usable, why
from xt.collect.tree import Listing, kind_of, single, walk
from xt.model.request import OutputRequest


class Place(NamedTuple):
    """A declared output as it is on disk at one moment."""

    name: str
    """What it is remembered by; the same place has the same name, whatever its role."""
    path: str
    """Absolute; of a glob the folder it starts from."""
    kind: str
    """`file`, `tree`, `glob`, `link`, `missing`, or another kind that is never read."""
    listing: Listing | None = None
    mode: int = 0
    reason: str | None = None


def look(request: OutputRequest, capture: Capture) -> Place:
    """Find out what a declared output is right now."""
    path = request.path
    if not usable(path):
        return Place(f"file {path}", capture.root, "missing", reason="no possible path")
    place = absolute(path, request.base, capture.outside.environ)
    if capture.in_store(place):
        return Place(f"file {place}", place, "store", reason="it is the store itself")
    try:
        info = os.lstat(place)
    except OSError as error:
        if has_magic(path):
            return _look_for(path, request.base, capture)
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return Place(f"file {place}", place, "missing")
        return Place(f"file {place}", place, "unreadable", reason=why(error))
    kind = kind_of(info.st_mode)
    if kind == "dir":
        listing = Listing(place)
        walk(listing)
        return Place(f"tree {place}", place, "tree", listing, info.st_mode)
    if kind == "file":
        return Place(f"file {place}", place, "file", single(place, info), info.st_mode)
    return Place(f"file {place}", place, kind, mode=info.st_mode)


def _look_for(path: str, base: str, capture: Capture) -> Place:
    head, pattern = split(path)
    top = absolute(head or ".", base, capture.outside.environ)
    name = f"glob {top}\0{pattern}"
    listing = match(os.path.realpath(top), pattern)
    if not listing.folders:
        return Place(name, top, "missing", reason="matches nothing")
    return Place(name, top, "glob", listing)


def stamps_of(place: Place) -> dict[bytes, Stamp]:
    """Lay out the stamps of a place by path; of a link or another special file, its own."""
    if place.listing is None:
        try:
            return {b"": stamp(os.lstat(place.path))}
        except OSError:
            return {}
    return {
        folder.path + b"/" + name: info
        for folder in place.listing.folders
        for name, info in zip(folder.names, folder.stamps, strict=True)
    }


def moment(capture: Capture) -> int:
    """Now, in nanoseconds since 1970; by the clock of a shared store if that one is late."""
    from xt import shares

    ours = int(capture.outside.now().timestamp() * 1e9)
    if not shares.is_shared(capture.store):
        return ours
    return min(ours, shares.now(f"{capture.store}/tmp"))


def places(capture: Capture) -> list[tuple[OutputRequest, Place]]:
    """Every declared output and what was there when it was kept, or is there now."""
    kept: list[tuple[OutputRequest, Place]] | None = capture.found.get("places")
    return (
        [(request, look(request, capture)) for request in capture.request.outputs] if kept is None else kept
    )


def files(place: Place) -> list[str]:
    """Absolute paths of the files of a place, whatever it is; links and special files are none."""
    if place.listing is None or place.kind == "file":
        return [place.path] if place.kind == "file" else []
    return [
        place.listing.absolute(folder, name)
        for folder in place.listing.folders
        for name, info in zip(folder.names, folder.stamps, strict=True)
        if stat.S_ISREG(info[4])
    ]


def metric_files(capture: Capture) -> list[str]:
    """Absolute paths of the files and folders that outputs of role `metrics` name, globs expanded."""
    found: list[str] = []
    for request, place in places(capture):
        if request.role == "metrics":
            if place.kind == "glob" and place.listing is not None:
                found += [
                    place.listing.absolute(folder, name)
                    for folder in place.listing.folders
                    for name in folder.names
                ]
            elif place.kind in ("file", "tree"):
                found.append(place.path)
    return found
