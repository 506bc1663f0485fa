"""Look at a git working tree: what differs from its commit, what is ignored, what is nested in it.

Four git processes run side by side and only read. `Look` is what they said.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from xt.collect.git import Git, GitError
from xt.model.code import ChangeKind

_CONFIG = (
    r"^(remote\..*\.(url|promisor)|branch\..*\.remote"
    r"|core\.(autocrlf|attributesfile)|extensions\.partialclone)$"
)


class Item(NamedTuple):
    """A path that `git status` names."""

    path: str
    change: ChangeKind


class Look(NamedTuple):
    """The state of one working tree."""

    top: str
    git_dir: str
    common_dir: str
    objects: str
    shallow: bool
    object_format: str
    head: str | None
    head_tree: str | None
    branch: str | None
    items: list[Item]
    """Changed and untracked paths, relative to the top; a nested repository ends in `/`."""
    ignored: list[str]
    gitlinks: dict[str, str]
    """Path → commit, of every submodule in the index."""
    hidden: list[str]
    """Tracked paths git was told not to look at (assume-unchanged, skip-worktree)."""
    attributes: list[str]
    """Tracked `.gitattributes` files."""
    settings: dict[str, str]
    """The few settings of `_CONFIG`, the last value of each."""

    @property
    def worktree(self) -> bool:
        """Whether it is a linked worktree."""
        return os.path.realpath(self.git_dir) != os.path.realpath(self.common_dir)

    def remote(self) -> str | None:
        """URL of the remote the branch follows, else of `origin`, else of the only one."""
        names = [self.settings.get(f"branch.{self.branch}.remote"), "origin"]
        urls = {
            key.removeprefix("remote.").removesuffix(".url"): value
            for key, value in self.settings.items()
            if key.startswith("remote.") and key.endswith(".url")
        }
        for name in names:
            if name in urls:
                return urls[name]
        return next(iter(urls.values())) if len(urls) == 1 else None

    def partial(self) -> bool:
        """Whether objects are missing on purpose."""
        return "extensions.partialclone" in self.settings or any(
            key.endswith(".promisor") for key in self.settings
        )


def find_top(folder: str) -> str | None:
    """Find the working tree a folder is in: the nearest one upwards with `.git`.

    Args:
        folder: absolute.
    """
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def look(git: Git) -> Look:
    """Look at the working tree `git` runs in (its top).

    Raises:
        GitError: git refuses (not a repository after all, foreign owner), or fails.
    """
    where = git.start(
        "rev-parse",
        "--absolute-git-dir",
        "--git-common-dir",
        "--git-path",
        "objects",
        "--is-shallow-repository",
        "--show-object-format",
        "--is-bare-repository",
    )
    tree = git.start("rev-parse", "--quiet", "--verify", "HEAD^{tree}")
    status = git.start(
        "status",
        "--porcelain=v2",
        "--branch",
        "-z",
        "--untracked-files=all",
        "--ignored=matching",
        "--no-renames",
        "--ignore-submodules=none",
    )
    listing = git.start("ls-files", "-z", "--stage", "-v")
    config = git.start("config", "-z", "--get-regexp", _CONFIG)
    failure: GitError | None = None
    answers: list[bytes] = []
    for running, may_fail in (
        (where, False),
        (tree, True),
        (status, False),
        (listing, False),
        (config, True),
    ):
        # All are waited for, whatever the first of them says: none is left behind.
        try:
            answers.append(running.wait())
        except GitError as error:
            answers.append(b"")
            if not may_fail:
                failure = failure or error
    if failure:
        raise failure
    git_dir, common_dir, objects, shallow, object_format, bare = _lines(answers[0])
    if bare == "true":
        raise GitError("a bare repository has no working tree")
    head, branch, items, ignored = _status(answers[2])
    gitlinks, hidden, attributes = _listing(answers[3])
    return Look(
        top=git.folder,
        git_dir=git_dir,
        common_dir=os.path.join(git.folder, common_dir),
        objects=os.path.realpath(os.path.join(git.folder, objects)),
        shallow=shallow == "true",
        object_format=object_format,
        head=head,
        head_tree=os.fsdecode(answers[1]).strip() or None,
        branch=branch,
        items=items,
        ignored=ignored,
        gitlinks=gitlinks,
        hidden=hidden,
        attributes=attributes,
        settings=_config(answers[4]),
    )


def _lines(data: bytes) -> list[str]:
    return os.fsdecode(data).removesuffix("\n").split("\n")


def _status(data: bytes) -> tuple[str | None, str | None, list[Item], list[str]]:
    """Read git-status(1)'s porcelain format version 2, separated by NUL."""
    head = branch = None
    items: list[Item] = []
    ignored: list[str] = []
    for entry in os.fsdecode(data).split("\0"):
        sort = entry[:1]
        if sort == "1":
            _, _, _, _, _, in_worktree, _, _, path = entry.split(" ", 8)
            items.append(Item(path, _change(entry, in_worktree)))
        elif sort == "?":
            items.append(Item(entry[2:], "untracked"))
        elif sort == "!":
            ignored.append(entry[2:])
        elif sort == "u":
            items.append(Item(entry.split(" ", 10)[10], "unmerged"))
        elif entry.startswith("# branch.oid ") and not entry.endswith("(initial)"):
            head = entry[13:]
        elif entry.startswith("# branch.head ") and not entry.endswith(" (detached)"):
            branch = entry[14:]
    return head, branch, items, ignored


def _change(entry: str, in_worktree: str) -> ChangeKind:
    if in_worktree == "000000":
        return "deleted"
    letters = entry[2:4]
    if "A" in letters:
        return "added"
    return "typechange" if "T" in letters else "modified"


def _listing(data: bytes) -> tuple[dict[str, str], list[str], list[str]]:
    """Read `ls-files --stage -v -z`; nearly always nothing in it is of interest, and that is quick."""
    gitlinks: dict[str, str] = {}
    hidden: list[str] = []
    attributes: list[str] = []
    framed = b"\0" + data
    if b" 160000 " in data:
        for entry in data.split(b"\0"):
            if entry[2:8] == b"160000":
                meta, _, path = entry.partition(b"\t")
                gitlinks[os.fsdecode(path)] = meta.split(b" ")[2].decode()
    if b"\0S " in framed or any(b"\0%c " % letter in framed for letter in b"hsmrck"):
        for entry in data.split(b"\0"):
            if entry[:1] == b"S" or entry[:1].islower():
                hidden.append(os.fsdecode(entry.partition(b"\t")[2]))
    if b".gitattributes\0" in data:
        for entry in data.split(b"\0"):
            path = entry.partition(b"\t")[2]
            if path == b".gitattributes" or path.endswith(b"/.gitattributes"):
                attributes.append(os.fsdecode(path))
    return gitlinks, hidden, attributes


def _config(data: bytes) -> dict[str, str]:
    r"""Read `config -z --get-regexp`: `KEY\nVALUE\0`; a key without a value means true."""
    found = {}
    for entry in os.fsdecode(data).split("\0"):
        if entry:
            key, separator, value = entry.partition("\n")
            found[key] = value if separator else "true"
    return found
