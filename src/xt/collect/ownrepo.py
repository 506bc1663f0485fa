"""A repository of its own for a folder that git checked files out into, written as plain files.

gitrepository-layout(5): HEAD, a branch, settings, and the folders of objects that are borrowed.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

#: What no name of a branch has (git-check-ref-format(1)), and a path below `refs/heads` must not.
_NO_BRANCH = re.compile(r"(^|/)\.|\.\.|//|^/|/$|^-|\.$|\.lock(/|$)|@\{|[\x00-\x20\x7f~^:?*\[\\]|^@?$")


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
    tags: bytes
    """In the form of `packed-refs`, sorted by name."""
    shallow: bytes
    """`.git/shallow`: commits whose parents are not there."""
    active: list[str]
    """Paths of submodules that are checked out."""


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
    if was.active:
        settings += "[submodule]\n"
        settings += "".join(f"\tactive = {_quoted(f':(literal){path}')}\n" for path in was.active)
    _file(f"{own}/config", settings)
    if was.tags:
        with open(f"{own}/packed-refs", "xb") as file:
            file.write(b"# pack-refs with: peeled fully-peeled sorted \n" + was.tags)
    if was.shallow:
        with open(f"{own}/shallow", "xb") as file:
            file.write(was.shallow)
    _file(f"{own}/objects/info/alternates", "".join(f"{_alternate(path)}\n" for path in borrowed))
    if was.head is not None and was.head_tree is not None:
        # There already, the next snapshot need not make it.
        os.makedirs(f"{own}/refs/xt/keep")
        _file(f"{own}/refs/xt/keep/{was.head}", f"{was.head_tree}\n")
    if was.branch is None or _NO_BRANCH.search(was.branch):
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
