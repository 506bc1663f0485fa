"""Bundles: the versions of prompts and tool policies that runs used, or that lie on disk."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator

from xt import codec
from xt.collect.hashing import NotReadError, Stamp, hash_file
from xt.collect.paths import recorded, usable, why
from xt.collect.tree import Listing, Note, fill, look_outside, manifest, single, summary, walk
from xt.context import Outside
from xt.errors import NotRecordedError, XtError
from xt.model.bundle import BUNDLED, Bundle, Member, bundle
from xt.model.files import Entry, Input, Manifest
from xt.model.result import Record
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown, to_text
from xt.store import Store

#: Paths of a folder on disk that is taken for a bundle; one with more is another folder than was meant.
MOST = 20_000


def of_run(store: Store, record: Record) -> list[Bundle]:
    """Give the bundles of a run, one for each role that has any; see `of_snapshot`."""
    return of_snapshot(store, record.snapshot)


def of_snapshot(store: Store, snapshot: Snapshot) -> list[Bundle]:
    """Give the bundles of a run's causes, prompts first.

    Args:
        store: that has the manifests.
        snapshot: the causes.

    Returns:
        Of one whose contents are not all known, `digest` is None and `doubt` says why.
    """
    found = []
    for role in BUNDLED:
        inputs = [item for item in snapshot.inputs if item.role == role]
        if inputs:
            found.append(_of_inputs(store, role, inputs, from_text(snapshot.context.project)))
    return found


def on_disk(path: str, role: str, outside: Outside, root: str) -> Bundle:
    """Make a bundle of a file or folder as it is now.

    Args:
        path: as typed; relative to the working directory.
        role: to give it.
        outside: for the working directory.
        root: of the project, to name the files by.

    Raises:
        OSError: it cannot be read at all.
        NotRecordedError: it has more files than prompts ever have.
    """
    top = os.path.realpath(os.path.join(outside.cwd, path))
    info = os.stat(top)
    if os.path.isdir(top):
        listing = Listing(top)
        if not walk(listing, most=MOST):
            raise NotRecordedError(f"it has more than {MOST} files")
        look_outside(listing)
    else:
        listing = single(top, info)
    fill(listing, _read)
    doubt = f"{to_shown(path)}: {summary(listing)}" if listing.notes else None
    named = list(_named(manifest(listing).entries, listing.top))
    files = [(name, _placed(member, name, root)) for name, member in named]
    return bundle(role, files, doubt)


def _placed(member: Member, name: str, root: str) -> Member:
    return Member(member.path, member.digest, member.size, to_text(recorded(name, root)), member.reason)


def _read(path: str, before: Stamp) -> tuple[bytes, Stamp, Note | None]:
    try:
        content = hash_file(path)
    except NotReadError as error:
        return b"", before, Note(str(error))
    except OSError as error:
        return b"", before, Note(why(error), unreadable=True)
    return content.digest, content.stamp, None if content.note is None else Note(content.note)


def _of_inputs(store: Store, role: str, inputs: list[Input], project: str) -> Bundle:
    files: list[tuple[str, Member]] = []
    doubts: list[str] = []
    for item in inputs:
        name = to_shown(from_text(item.declared))
        if item.status != "verified":
            doubts.append(f"{name}: {item.reason or 'its content was not read'}")
        try:
            files += _files(store, item, project)
        except XtError as error:
            doubts.append(f"{name}: {error.message}")
    return bundle(role, files, doubts[0] if doubts else None)


def _files(store: Store, item: Input, project: str) -> Iterator[tuple[str, Member]]:
    """Files of one input by absolute path; none of a URI, whose content nobody read."""
    if item.path is None:
        return
    top = posixpath.normpath(posixpath.join(project, from_text(item.path)))
    if item.kind == "file":
        yield top, Member("", item.digest, item.size, item.path, item.reason)
    elif item.digest is not None:
        what = f"the manifest of {to_shown(from_text(item.declared))}"
        entries = codec.decode(store.objects.read(item.digest), Manifest, what).entries
        folder = from_text(item.path)
        for path, member in _named(entries, ""):
            place = path if folder == "." else posixpath.join(folder, path)
            yield (
                posixpath.join(top, path),
                Member(member.path, member.digest, member.size, to_text(place), member.reason),
            )


def _named(entries: list[Entry], top: str) -> Iterator[tuple[str, Member]]:
    """Files of a manifest below a folder; a link within it stands for the file it points to."""
    known = {from_text(entry.path): entry for entry in entries}
    for name, entry in known.items():
        if entry.kind == "dir":
            continue
        found = entry
        for _ in range(40):
            if found.kind != "link" or found.digest is not None or found.target is None:
                break
            target = posixpath.join(posixpath.dirname(from_text(found.path)), from_text(found.target))
            found = known.get(posixpath.normpath(target), found)
        reason = None
        if found.digest is None:
            reason = found.note or f"{to_shown(name)} is a {found.kind}, whose content was not read"
        elif found is not entry and entry.target is not None:
            reason = f"a link to {to_shown(from_text(entry.target))}"
        yield posixpath.join(top, name), Member("", found.digest, found.size, None, reason)


def lies_there(path: str, outside: Outside) -> bool:
    """Whether what was typed is a file or folder."""
    return usable(path) and os.path.exists(os.path.join(outside.cwd, path))
