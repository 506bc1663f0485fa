"""Which of a run's paths somebody means who names a file, a folder or a pattern."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fnmatch import fnmatchcase

from xt import fsio
from xt.collect.globs import has_magic

#: Paths among which the nearest to a mistyped one is looked for.
LOOKED_AT = 5_000


def meant(named: str, recorded: Iterable[str], cwd: str, root: str, project: str) -> set[str]:
    """Find what a path stands for.

    Args:
        named: as somebody wrote it: relative to the working directory or the project's root, or as
            recorded; a folder stands for all below it. With a wildcard it is a pattern, as for inputs and
            outputs, unless there is a path of that name.
        recorded: paths as a run has them, relative to the project's root or absolute.
        cwd: the working directory, absolute.
        root: the project's root now, absolute.
        project: the project's root when the run was recorded, absolute.

    Returns:
        Those of `recorded` that it means by the first reading that means any.
    """
    recorded = list(recorded)
    readings = [
        fsio.relative_to(os.path.normpath(os.path.join(cwd, named)), root),
        os.path.normpath(named),
        fsio.relative_to(os.path.normpath(named), project),
    ]
    for reading in dict.fromkeys(readings):
        found = {path for path in recorded if _is_below(path, reading)}
        if found:
            return found
    for reading in dict.fromkeys(readings) if has_magic(named) else ():
        pattern, absolute = reading.split("/"), reading.startswith("/")
        found = {
            path for path in recorded if path.startswith("/") == absolute and _fits(pattern, path.split("/"))
        }
        if found:
            return found
    return set()


def nearest(named: str, recorded: Iterable[str]) -> str | None:
    """Find the path that a mistyped one may have meant; folders are among them."""
    from difflib import get_close_matches

    names: dict[str, None] = {}
    for path in list(recorded)[:LOOKED_AT]:
        name = path
        while name not in ("", "/", ".") and name not in names:
            names[name] = None
            name = os.path.dirname(name)
    near = get_close_matches(os.path.normpath(named), names, n=1)
    if not near:
        # The right name in another folder.
        last = os.path.basename(os.path.normpath(named))
        near = [name for name in names if os.path.basename(name) == last]
    return near[0] if near else None


def _is_below(path: str, folder: str) -> bool:
    if folder == ".":
        return not path.startswith("/")
    return fsio.is_inside(path, folder)


def _fits(pattern: list[str], parts: list[str]) -> bool:
    """Whether a pattern matches a path or a folder above it, by the rules of `collect.globs`."""
    if not pattern:
        return True
    first, *rest = pattern
    if first == "**":
        if not rest:
            return bool(parts) and not any(part.startswith(".") for part in parts)
        return any(
            _fits(rest, parts[count:])
            for count in range(len(parts))
            if not any(part.startswith(".") for part in parts[:count])
        )
    if not parts or (parts[0].startswith(".") and not first.startswith(".")):
        return False
    return fnmatchcase(parts[0], first) and _fits(rest, parts[1:])
