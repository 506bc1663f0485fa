"""A repository of its own for a folder that git checked files out into, written as plain files.

gitrepository-layout(5): HEAD, a branch, settings, and the folders of objects that are borrowed.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

#: Branch names that are written as a path; others, legal in git too, are checked out detached.
_BRANCH = re.compile(r"[A-Za-z0-9_][\w+=@-]*([./][\w+=@-]+)*", re.ASCII)


class Described(NamedTuple):
    """What a repository was, as recorded."""

    head: str | None
    """The commit; None when there was none."""
    head_tree: str | None
    """Its tree."""
    branch: str | None
    """None when the head was detached."""
    remote: str | None
    object_format: str


def write(own: str, was: Described, borrowed: list[str]) -> None:
    """Make `.git`.

    Args:
        own: absolute path of the folder, which is there and holds at most an index.
        was: what it is to look like.
        borrowed: absolute folders of objects.
    """
    for folder in ("objects/info", "objects/pack", "refs/heads", "info"):
        os.makedirs(f"{own}/{folder}")
    version = 0 if was.object_format == "sha1" else 1
    settings = f"[core]\n\trepositoryformatversion = {version}\n\tbare = false\n\tfileMode = true\n"
    settings += "\tlogAllRefUpdates = false\n"
    if version:
        settings += f"[extensions]\n\tobjectFormat = {was.object_format}\n"
    if was.remote is not None:
        settings += f'[remote "origin"]\n\turl = {_quoted(was.remote)}\n'
    _file(f"{own}/config", settings)
    _file(f"{own}/objects/info/alternates", "".join(f"{_alternate(path)}\n" for path in borrowed))
    if was.head is not None and was.head_tree is not None:
        # There already, the next snapshot need not make it.
        os.makedirs(f"{own}/refs/xt/keep")
        _file(f"{own}/refs/xt/keep/{was.head}", f"{was.head_tree}\n")
    if was.branch is None or not _BRANCH.fullmatch(was.branch) or was.branch.endswith(".lock"):
        _file(f"{own}/HEAD", f"{was.head}\n" if was.head else "ref: refs/heads/main\n")
        return
    _file(f"{own}/HEAD", f"ref: refs/heads/{was.branch}\n")
    if was.head is not None:
        os.makedirs(os.path.dirname(f"{own}/refs/heads/{was.branch}"), exist_ok=True)
        _file(f"{own}/refs/heads/{was.branch}", f"{was.head}\n")


def _file(path: str, text: str) -> None:
    with open(path, "x", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def _quoted(value: str) -> str:
    """Quote a value of git-config(1)."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _alternate(path: str) -> str:
    """Write a line of `alternates`; git takes one that begins with a quote as C does a string."""
    if not path.startswith('"') and "\n" not in path:
        return path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
