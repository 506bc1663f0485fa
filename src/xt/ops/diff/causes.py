"""All causes of two runs side by side, in order of their power to explain."""

from __future__ import annotations

import os

from msgspec.structs import replace

from xt import fsio
from xt.context import Outside
from xt.model.delta import Delta, whole
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.ops.diff import code, environment, inputs, settings
from xt.ops.diff.code import Patch
from xt.store import Store

#: Files below a folder that was written by a run before are no cause of the next.
OUTPUT = "a declared output, not a cause"


def compare(
    store: Store,
    left: Snapshot,
    right: Snapshot,
    written: tuple[list[str], list[str]],
    patch: Patch,
    outside: Outside,
    away: str | None = None,
) -> Delta:
    """Compare what was true before two commands started.

    Args:
        store: that has both runs.
        left: causes of one.
        right: causes of the other.
        written: paths of the outputs of each, relative to the project's root.
        patch: how much of the code's patch is wanted.
        outside: for git.
        away: where the code of a run is that is not here.
    """
    read = inputs.compare(store, left, right, outside)
    same = left.recipe == right.recipe
    params = settings.params(left.params, right.params, same_recipe=same)
    tree = code.compare(store, left, right, patch, outside, away)
    known = _common(inputs.paths(left), inputs.paths(right))
    children = [
        _apart(tree, from_text(right.code.root or "."), known, _common(*written)),
        params,
        # Most runs have none, and then nothing is said of them.
        *([settings.facts(left.facts, right.facts)] if left.facts or right.facts else []),
        settings.command(left.command, right.command, params, same_recipe=same),
        read,
        environment.compare(left, right),
        settings.seed(left.seed, right.seed),
    ]
    return whole("causes", children)


def _apart(found: Delta, root: str, read: list[str], wrote: list[str]) -> Delta:
    """Take out of the code what is told elsewhere: tracked files that are inputs, and declared outputs."""
    children = []
    moved = 0
    for child in found.children:
        path = os.path.normpath(os.path.join(root, child.path.removeprefix("code/")))
        if any(fsio.is_inside(path, folder) for folder in read):
            moved += 1
        elif any(fsio.is_inside(path, folder) for folder in wrote):
            children.append(replace(child, counted=False, note=OUTPUT))
        else:
            children.append(child)
    if moved == 0 and not any(child.note == OUTPUT for child in children):
        return found
    note = f"{moved} more {'is' if moved == 1 else 'are'} told among the inputs" if children else None
    return replace(whole("code", children, note=note), more=found.more)


def _common(left: list[str], right: list[str]) -> list[str]:
    """Paths that both sides declare; the project itself is none."""
    return [path for path in dict.fromkeys(left) if path in right and path not in (".", "")]
