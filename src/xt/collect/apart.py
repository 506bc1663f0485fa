"""Untracked files that are declared inputs: data, known by content among the inputs, hardly ever code.

What is small stays in the snapshot of the code, from which a repeat brings it back when it has changed since.
What is not would cost time and space at every run, and leave no room for code.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from xt.collect import Capture
from xt.collect.globs import covers, has_magic, split
from xt.collect.paths import absolute, usable
from xt.fsio import is_inside
from xt.model.code import LeftOut
from xt.model.text import to_text

#: Why it is left out.
REASON = "a declared input"
#: Files of one input that are stored with the code.
FILES = 1000


class Declared(NamedTuple):
    """Where a declared input is."""

    place: str
    """Absolute; of a pattern the folder it starts from."""
    pattern: list[str] | None = None

    def holds(self, path: str) -> bool:
        """Whether a file is the input, or one of it."""
        if self.pattern is None:
            return is_inside(path, self.place)
        return is_inside(path, self.place) and covers(
            self.pattern, os.path.relpath(path, self.place).split("/")
        )


def divide(top: str, paths: list[str], capture: Capture) -> tuple[list[str], list[LeftOut]]:
    """Take out of the untracked paths those of inputs that are too large to be stored with the code.

    Args:
        top: absolute folder the paths are relative to.
        paths: untracked files and links.
        capture: of the run.

    Returns:
        The other paths, and what is left out: of a folder that is an input the folder alone.
    """
    kept, left = paths, []
    for declared in places(capture):
        mine = {path for path in kept if declared.holds(os.path.join(top, path))}
        sizes = {path: _size(os.path.join(top, path)) for path in mine}
        total = sum(sizes.values())
        if len(mine) <= FILES and total <= capture.settings.code.max_input:
            continue
        kept = [path for path in kept if path not in mine]
        name = os.path.relpath(declared.place, top)
        if declared.pattern is None and name not in mine and is_inside(declared.place, top):
            sizes = {name: total}
        left += [LeftOut(to_text(path), REASON, size) for path, size in sorted(sizes.items())]
    return kept, left


def places(capture: Capture) -> list[Declared]:
    """Where the inputs are; none that holds the folder the command runs in, because that is code as well."""
    if capture.request.keep_inputs:
        return []
    found = []
    for spec in capture.request.inputs:
        path = spec.path
        if ":" in path:
            from xt.collect.uris import file_path, is_uri

            local = file_path(path) if is_uri(path) else path
            if local is None:
                continue
            path = local
        if not usable(path):
            continue
        declared = Declared(absolute(path, spec.base, capture.outside.environ))
        if has_magic(path) and not os.path.lexists(declared.place):
            head, pattern = split(path)
            parts = [part for part in pattern.split("/") if part not in ("", ".")]
            declared = Declared(absolute(head or ".", spec.base, capture.outside.environ), parts)
        if not any(is_inside(here, declared.place) for here in (capture.request.cwd, capture.root)):
            found.append(declared)
    return found


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0  # gone, or not to be seen: it is no more than its name
