"""What production asks of other parts: which runs made a content, what evidence lacks, which bundle is meant.

Each is one small function, so that a better answer has one place to go.
"""

from __future__ import annotations

from typing import NamedTuple

from xt import codec, fsio
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
from xt.ops.lineage import Use, Uses
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


def made_by(store: Store, digest: str, tree: Manifest | None = None) -> Made:
    """Find the runs among whose outputs a content is.

    Args:
        store: to look in.
        digest: of a file, or of the manifest of a folder.
        tree: that manifest: what a copy or a download changes (modes) makes no other content. Without one
            it is a file, which is looked for inside of folders too when no output is just that file.
    """
    uses = Uses(store)
    held = uses.held(digest)
    whole = [use for use in held if not use.part]
    if tree is None:
        chosen = [(use, digest) for use in whole or held]
    else:
        chosen = [(use, use.declared) for use in whole or _alike(store, uses, tree)]
    makers = []
    unreadable = uses.unreadable
    for use, own in chosen:
        try:
            record = store.record(use.run)
        except XtError:
            unreadable += 1  # the index knows it from when it could be
            continue
        output = next((item for item in record.result.outputs if item.digest == use.declared), None)
        if output is not None:
            top = from_text(output.path or output.declared)
            makers.append(Maker(record, output, top if own == use.declared else use.path, own))
    return Made(makers, unreadable)


def _alike(store: Store, uses: Uses, tree: Manifest) -> list[Use]:
    """Outputs that are a folder of the same files; the newest first."""
    wanted = bare(tree)
    some = next((entry.digest for entry in tree.entries if entry.digest is not None and entry.size), None)
    if some is None:
        return []  # nothing but empty files, which join nothing
    same: dict[str, bool] = {}
    found: dict[tuple[str, str], Use] = {}
    for use in uses.held(some):
        if use.part and use.declared not in same:
            manifest = manifest_of(store, use.declared)
            same[use.declared] = manifest is not None and bare(manifest) == wanted
        if use.part and same[use.declared]:
            found.setdefault((use.run, use.declared), use)
    return list(found.values())


def bare(found: Manifest) -> list[tuple[object, ...]]:
    """A manifest without what a copy or a download changes."""
    return [(entry.path, entry.kind, entry.digest, entry.target) for entry in found.entries]


def changed_since(store: Store, path: str, root: str) -> str | None:
    """The newest run that made a file of that path, whatever its content.

    Args:
        store: to look in.
        path: absolute.
        root: of the project.
    """
    return Uses(store).wrote_at([fsio.relative_to(path, root), path])


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
