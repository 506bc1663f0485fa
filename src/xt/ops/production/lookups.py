"""What production asks of other parts: which runs made a content, what evidence lacks, which bundle is meant.

Each is one small function, so that a better answer has one place to go.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from xt import codec
from xt.config import Settings
from xt.context import Outside
from xt.errors import UsageError, XtError
from xt.model.files import Manifest, Output
from xt.model.result import Record
from xt.model.standing import Standing
from xt.model.text import from_text, to_text
from xt.ops import evidence
from xt.ops.evidence import required
from xt.store import Store

#: Hex digits of a bundle's version that are asked for at least.
SHORTEST = 4


class Maker(NamedTuple):
    """A run that has a content among its outputs."""

    record: Record
    output: Output
    path: str
    """Of the content: that of the output, or of a file in it."""
    digest: str

    @property
    def wrote(self) -> bool:
        """Whether the run wrote it: what was there before is no effect of it."""
        return self.output.written is not False


class Made(NamedTuple):
    """All such runs."""

    makers: list[Maker]
    """Newest first."""
    unreadable: int
    """Records that cannot be read, of runs that may have made it too."""


def lacking(record: Record, settings: Settings, standing: Standing) -> list[str]:
    """Evidence that is required now and that a run does not have."""
    fields = required(settings, record.snapshot.context.task)
    return evidence.lacking(fields, record.snapshot, record.result, standing.of(record.id).verified)


def every_record(store: Store) -> tuple[list[Record], int]:
    """All records that can be read, newest first, and how many cannot."""
    records, unreadable = [], 0
    for run_id in store.ids():
        try:
            records.append(store.record(run_id))
        except XtError:
            unreadable += 1
    records.sort(key=lambda record: (record.started_at, record.id), reverse=True)
    return records, unreadable


def made_by(store: Store, digest: str, same_tree: Callable[[Manifest], bool] | None = None) -> Made:
    """Find the runs among whose outputs a content is.

    Args:
        store: to look in.
        digest: of a file, or of the manifest of a folder.
        same_tree: of a folder, says whether another manifest is as good as the same; None for a file, which
            is looked for inside of folders too when no output is just that file.
    """
    records, unreadable = every_record(store)
    makers = [
        Maker(record, output, from_text(output.path or output.declared), digest)
        for record in records
        for output in record.result.outputs
        if output.digest == digest
    ]
    if makers:
        return Made(makers, unreadable)
    manifests: dict[str, Manifest | None] = {}
    for record in records:
        for output in record.result.outputs:
            if output.kind not in ("tree", "glob") or output.digest is None:
                continue
            if output.digest not in manifests:
                manifests[output.digest] = manifest_of(store, output.digest)
            found = manifests[output.digest]
            if found is None:
                continue
            top = from_text(output.path or output.declared)
            if same_tree is not None:
                if same_tree(found):
                    makers.append(Maker(record, output, top, output.digest))
                continue
            inner = next((entry for entry in found.entries if entry.digest == digest), None)
            if inner is not None:
                path = os.path.normpath(os.path.join(top, from_text(inner.path)))
                makers.append(Maker(record, output, path, digest))
    return Made(makers, unreadable)


def manifest_of(store: Store, digest: str) -> Manifest | None:
    """Read a manifest; None when it is not here, or damaged."""
    try:
        return codec.decode(store.objects.read(digest), Manifest, "a manifest")
    except XtError:
        return None


def own_bundle(store: Store, record: Record, role: str) -> str | None:
    """Digest of a run's prompts or policies as one thing; None when it has none, or not all is known."""
    files: dict[str, str | None] = {}
    for item in record.snapshot.inputs:
        if item.role != role:
            continue
        if item.path is None or item.digest is None:
            return None
        top = os.path.normpath(os.path.join(from_text(record.snapshot.context.project), from_text(item.path)))
        if item.kind == "file":
            files[top] = item.digest
            continue
        found = manifest_of(store, item.digest)
        if found is None:
            return None
        for entry in found.entries:
            if entry.kind != "dir":
                files[f"{top}/{from_text(entry.path)}"] = entry.digest
    if not files or None in files.values():
        return None
    top = os.path.commonpath([os.path.dirname(name) for name in files])
    pairs = [(os.path.relpath(name, top), digest) for name, digest in files.items()]
    pairs.sort(key=lambda pair: os.fsencode(pair[0]))
    return codec.digest_of([[to_text(name), digest] for name, digest in pairs])


def bundle_named(store: Store, text: str, role: str, outside: Outside) -> str:
    """Find the bundle somebody names: `prompts@3f9a2c`, the digits alone, or a run that has one.

    Returns:
        Its digest.

    Raises:
        UsageError: it names none, or several.
    """
    from xt.ops.find import resolve

    said, at, digits = text.rpartition("@")
    if (at and said == role) or (not at and len(text) >= SHORTEST and _is_hex(text)):
        found = {own_bundle(store, record, role) for record in every_record(store)[0]} - {None}
        near = sorted(one for one in found if one is not None and one.partition(":")[2].startswith(digits))
        if len(near) == 1 and len(digits) >= SHORTEST:
            return near[0]
        known = "no run used" if not near else "several runs used different"
        raise UsageError(f"--{role}: {known} {role} of version `{text}`", "`xt show RUN` lists its inputs")
    run = store.record(resolve(store, text, outside))
    own = own_bundle(store, run, role)
    if own is None:
        raise UsageError(f"--{role}: run `{text}` has no {role} whose content is known")
    return own


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdef" for character in text)
