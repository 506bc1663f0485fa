"""Permissions of what was written, where the content is the same."""

from __future__ import annotations

from xt import codec
from xt.model.files import Manifest, Output
from xt.model.result import Record
from xt.model.text import from_text, to_shown
from xt.ops.diff.outputs import name_of
from xt.store import Store


def permissions(store: Store, left: Record, right: Record, name: str) -> str | None:
    """Say how the permissions of an output differ: `mode 755 → 600`, or None when they do not.

    Bits that one of the two runs was not to set by its umask are no difference when their umasks differ.

    Args:
        store: that has the manifests.
        left: one run.
        right: the other, whose output has the same content.
        name: of the output, as `outputs.name_of` gives it.

    Raises:
        DamagedError, NotRecordedError: a manifest cannot be read.
    """
    sides = [
        next((item for item in record.result.outputs if name_of(item) == name), None)
        for record in (left, right)
    ]
    before, after = (_modes(store, item) for item in sides)
    masks = [int(record.snapshot.environment.umask, 8) for record in (left, right)]
    kept = 0o777 if masks[0] == masks[1] else 0o777 & ~(masks[0] | masks[1])
    found = [
        (path, mode, after[path])
        for path, mode in before.items()
        if path in after and (mode ^ after[path]) & kept
    ]
    if not found:
        return None
    path, one, two = found[0]
    said = f"mode {one:03o} → {two:03o}"
    if path:
        said = f"{path}: {said}"
    return said if len(found) == 1 else f"{said}, and of {len(found) - 1} more"


def _modes(store: Store, item: Output | None) -> dict[str, int]:
    """Permission bits by path below the output, which is empty for a file."""
    if item is None or item.kind == "link":
        return {}
    if item.kind == "file":
        return {} if item.mode is None else {"": item.mode}
    if item.digest is None:
        return {}
    data = store.objects.read(item.digest)
    entries = codec.decode(data, Manifest, "the manifest of an output").entries
    return {to_shown(from_text(entry.path)): entry.mode for entry in entries if entry.kind != "link"}
