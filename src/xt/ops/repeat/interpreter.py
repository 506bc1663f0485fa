"""The recorded interpreter where it lay inside the project: an environment of packages is no code.

It is not copied into the workspace but found through a link; and what it has installed as editable from the
project must come from the workspace, not from the user's working tree.
"""

from __future__ import annotations

import os

from xt import fsio
from xt.model.environment import Python
from xt.model.text import from_text, to_shown
from xt.ops.repeat.places import Was


def link(python: Python | None, was: Was, top: str, tops: list[str]) -> list[str]:
    """Link the folder of an interpreter that lay inside the project into a workspace that lacks it.

    Args:
        python: as recorded.
        was: where the project was.
        top: of the workspace.
        tops: folders in which the project may lie now.

    Returns:
        What was done, in sentences.

    Raises:
        OSError: the link cannot be made.
    """
    if python is None or python.prefix is None:
        return []
    prefix = os.path.normpath(from_text(python.prefix))
    if prefix == was.top or not fsio.is_inside(prefix, was.top):
        return []
    below = fsio.relative_to(prefix, was.top)
    target = os.path.join(top, below)
    if os.path.lexists(target):
        return []
    for place in tops:
        source = os.path.join(place, below)
        if os.path.isdir(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.symlink(source, target)
            _ignore(top, below)
            return [f"`{to_shown(below)}` is a link to that of the project"]
    return [f"`{to_shown(below)}`, the recorded environment, is not here any more"]


def links(top: str) -> list[str]:
    """Where links right below a workspace lead that `link` may have made: absolute folders elsewhere."""
    with os.scandir(top) as entries:
        found = [os.readlink(entry.path) for entry in entries if entry.is_symlink()]
    return [path for path in found if os.path.isabs(path) and os.path.isdir(path)]


def _ignore(top: str, below: str) -> None:
    """Keep the link out of the snapshot: an ignore rule for folders does not fit it."""
    name = f"{top}/.git/info/exclude"
    if os.path.isdir(os.path.dirname(name)):
        with open(name, "a", encoding="utf-8", errors="surrogateescape") as file:
            escaped = "".join(f"\\{sign}" if sign in "*?[\\" else sign for sign in below)
            file.write(f"/{escaped}\n")


def shadows(python: Python | None, was: Was, top: str) -> list[str]:
    """Folders of the workspace that must come before what the environment has as editable from the project.

    Args:
        python: as recorded.
        was: where the project was.
        top: of the workspace, with the code in it.
    """
    found = []
    for package in python.packages if python is not None else []:
        folder = None if package.editable is None else os.path.normpath(from_text(package.editable))
        if folder is None or not fsio.is_inside(folder, was.top):
            continue
        place = os.path.normpath(os.path.join(top, fsio.relative_to(folder, was.top)))
        # What an editable installation adds to `sys.path` is not recorded; these two are what projects use.
        source = os.path.join(place, "src")
        found.append(source if os.path.isdir(source) else place)
    return list(dict.fromkeys(found))
