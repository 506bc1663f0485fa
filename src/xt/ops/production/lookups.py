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
from xt.errors import NoSuchBundleError, UsageError, XtError
from xt.model.files import Manifest, Output
from xt.model.result import Record
from xt.model.standing import Standing
from xt.model.text import from_text
from xt.ops import evidence
from xt.ops.bundle_versions import find
from xt.ops.bundles import of_run
from xt.ops.evidence import required
from xt.store import Store


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
    return next((one.digest for one in of_run(store, record) if one.role == role), None)


def bundle_named(store: Store, text: str, role: str, outside: Outside) -> str:
    """Find the bundle somebody names: a version, a run that used one, or a file or folder as it is now.

    Returns:
        Its digest.

    Raises:
        UsageError: it names none, or several.
    """
    try:
        found = find(store, text, outside, role)
    except NoSuchBundleError as error:
        raise UsageError(f"--{role}: {error.message}", error.hint) from error
    if found.digest is None:
        raise UsageError(
            f"--{role}: `{text}` has no version: {found.doubt}", "`xt bundle ls` lists those known"
        )
    return found.digest
