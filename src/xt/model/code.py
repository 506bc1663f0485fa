"""The code that ran, as a snapshot."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.text import Text

ChangeKind = Literal["modified", "added", "deleted", "untracked", "typechange", "unmerged"]


class Change(msgspec.Struct, frozen=True):
    """A path whose content differs from the commit the run started from."""

    path: Text
    change: ChangeKind


#: How the reason begins why a file with a line like a secret is not in a snapshot.
KEPT_OUT = "secret-like"


class LeftOut(msgspec.Struct, frozen=True, omit_defaults=True):
    """A path that is not in the snapshot, and why."""

    path: Text
    reason: str
    size: int | None = None
    mtime_ns: int | None = None
    """Nanoseconds since 1970, of a file: all that is known of its content."""


class Repository(msgspec.Struct, frozen=True):
    """A git repository inside the project: a submodule, or one that is nested without being registered."""

    path: Text
    kind: Literal["submodule", "nested"]
    status: Literal["recorded", "absent", "failed"]
    """`absent` is a submodule that was never initialised."""
    recorded_head: str | None
    """The commit the outer repository names, for a submodule."""
    head: str | None
    """The commit that is checked out."""
    branch: Text | None
    dirty: bool | None
    tree: str | None
    """The exact tree that ran, in `code.git`; of a clean one, the tree of its head."""
    remote: Text | None
    reason: str | None = None


class Code(msgspec.Struct, frozen=True):
    """The exact tree that ran: tracked files as they were and untracked ones, without ignored ones."""

    status: Literal["recorded", "none"]
    """`none` when nothing could be snapshot; `reason` says why."""
    reason: str | None = None
    vcs: Literal["git"] | None = None
    """None outside a git repository: the snapshot is of the folder."""
    tree: str | None = None
    """Git's id of the tree, readable in `.xt/code.git` (which borrows the project's own objects)."""
    object_format: Literal["sha1", "sha256"] = "sha1"
    root: Text | None = None
    """Top of the snapshot relative to the project's root: `.` nearly always."""
    head: str | None = None
    """The commit, None when there is none yet."""
    branch: Text | None = None
    """None when the head is detached."""
    detached: bool = False
    remote: Text | None = None
    """URL of the remote the branch follows (else `origin`), without credentials."""
    dirty: bool | None = None
    """Whether anything of the user's differs from `head`: not git's own conversions (`raw`), nor what a
    sparse checkout leaves away on purpose."""
    shallow: bool = False
    worktree: bool = False
    """Whether it is a linked worktree of another checkout."""
    partial: bool = False
    """Whether objects are missing on purpose (a partial clone)."""
    changed: list[Change] = []
    """At most 1,000; `changed_total` counts all."""
    changed_total: int = 0
    raw: list[Text] = []
    """Files that differ from the commit's only, or also, because git converts them (line ends, filters)."""
    lfs_pointers: int = 0
    """Files tracked by Git LFS; an unchanged one stays a pointer, which names the content by SHA-256."""
    left_out: list[LeftOut] = []
    left_out_total: int = 0
    ignored_total: int | None = None
    """Paths (a whole folder counts once) left out because an ignore rule says so."""
    empty_dirs: list[Text] = []
    """Folders git cannot hold, which a repeat must make."""
    repositories: list[Repository] = []
