"""The recorded interpreter where it lay inside the project: an environment of packages is no code.

It is not copied into the workspace but found through a link; and what it has installed as editable from the
project must come from the workspace, not from the user's working tree.
"""

from __future__ import annotations

import ast
import os
from typing import NamedTuple

from xt import fsio
from xt.execute import mounts
from xt.model.environment import Python
from xt.model.text import from_text, to_shown
from xt.ops.repeat.places import Was

#: Bytes of a file of site-packages that is looked at.
_LIMIT = 1_000_000


class Linked(NamedTuple):
    """The folder of an interpreter in a workspace."""

    source: str
    """Absolute, in the user's project."""
    target: str
    """Absolute: a link to it."""
    below: str
    """Relative to the top of the code."""


def link(python: Python | None, was: Was, top: str, tops: list[str]) -> tuple[Linked | None, list[str]]:
    """Link the folder of an interpreter that lay inside the project into a workspace that lacks it.

    Args:
        python: as recorded.
        was: where the project was.
        top: of the workspace.
        tops: folders in which the project may lie now.

    Returns:
        The link, if one was made, and what is lacking in sentences.

    Raises:
        OSError: the link cannot be made.
    """
    if python is None or python.prefix is None:
        return None, []
    prefix = os.path.normpath(from_text(python.prefix))
    if prefix == was.top or not fsio.is_inside(prefix, was.top):
        return None, []
    below = fsio.relative_to(prefix, was.top)
    target = os.path.join(top, below)
    if os.path.lexists(target):
        return None, []
    for place in tops:
        source = os.path.join(place, below)
        if os.path.isdir(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.symlink(source, target)
            _ignore(top, below)
            return Linked(source, target, below), []
    return None, [f"`{to_shown(below)}`, the recorded environment, is not here any more"]


def protect(linked: Linked, scratch: str, *, may_mount: bool) -> str:
    """Mount the folder instead of linking it, so that what is installed into it is gone after the repeat.

    Args:
        linked: as `link` made it.
        scratch: folder for what is written to it.
        may_mount: whether this process has a mount namespace of its own.

    Returns:
        What it is, in a sentence.

    Raises:
        OSError: the link cannot be made again.
    """
    name = f"`{to_shown(linked.below)}`"
    if may_mount:
        os.unlink(linked.target)
        os.mkdir(linked.target)
        try:
            mounts.overlay(linked.source, linked.target, f"{scratch}/environment")
            return f"{name} is that of the project; what is written to it is gone after the repeat"
        except OSError:
            os.rmdir(linked.target)
            os.symlink(linked.source, linked.target)
    return f"{name} is a link to that of the project: what is installed into it stays"


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


def shadows(python: Python | None, was: Was, top: str) -> tuple[list[str], list[str]]:
    """Folders of the workspace that must come before what the environment has as editable from the project.

    Args:
        python: as recorded.
        was: where the project was.
        top: of the workspace, with the code in it.

    Returns:
        The folders, and names of packages of which it is not known where their code is imported from.
    """
    found: list[str] = []
    unknown: list[str] = []
    told: list[str] | None = None
    for package in python.packages if python is not None else []:
        folder = None if package.editable is None else os.path.normpath(from_text(package.editable))
        if python is None or folder is None or not fsio.is_inside(folder, was.top):
            continue
        if told is None:
            told = _told(from_text(python.prefix) if python.prefix is not None else "")
        places = [
            os.path.normpath(os.path.join(top, fsio.relative_to(path, was.top)))
            for path in told
            if fsio.is_inside(path, folder)
        ]
        there = [path for path in places if os.path.isdir(path)]
        found += there
        unknown += [] if there else [package.name]
    return list(dict.fromkeys(found)), unknown


def _told(prefix: str) -> list[str]:
    """Folders that an environment's editable installations add: in `.pth` files, or known to a finder.

    The finder is that of setuptools, which writes its `MAPPING` of packages to folders into a module.
    """
    found: list[str] = []
    import glob

    for site in glob.glob(f"{glob.escape(prefix)}/lib*/*/site-packages"):
        for name in sorted(os.listdir(site)):
            try:
                if name.endswith(".pth"):
                    lines = fsio.read_file(os.path.join(site, name), _LIMIT).decode(errors="replace")
                    found += [os.path.normpath(line) for line in lines.splitlines() if line.startswith("/")]
                elif name.startswith("__editable__") and name.endswith("_finder.py"):
                    found += _mapped(fsio.read_file(os.path.join(site, name), _LIMIT).decode())
            except (OSError, ValueError, SyntaxError):
                continue  # as Python would be without it
    return found


def _mapped(source: str) -> list[str]:
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and target.id == "MAPPING" and value is not None:
            mapping = ast.literal_eval(value)
            return [os.path.dirname(os.path.normpath(path)) for path in mapping.values()]
    return []
