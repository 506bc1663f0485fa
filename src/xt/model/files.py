"""What a run reads and writes: manifests, inputs, outputs."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.text import Text, check_digest

#: Roles an input can have. The default is the first.
INPUT_ROLES = ("data", "model", "tokenizer", "prompts", "policy", "harness", "benchmark", "config")
#: Roles an output can have. The default is the first.
OUTPUT_ROLES = ("artifact", "model", "report", "metrics", "cases")

#: What a path is, as `lstat` says; `unreadable` carries its errno in `note`.
Kind = Literal["file", "link", "dir", "fifo", "socket", "device", "unreadable"]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One path of a manifest."""

    path: Text
    """Relative to the manifest's root, `/` between parts."""
    kind: Kind
    mode: int
    """Permission bits, such as 0o644; set-user-id and sticky bits are not kept."""
    size: int | None = None
    """Bytes, for a file, and for an input's link out of its tree: of the file behind it."""
    digest: str | None = None
    """`blake3:<hex>` of the content, for a file that could be read, and for what is behind such a link."""
    target: Text | None = None
    """Where a symbolic link points, as it is written in the link."""
    note: str | None = None
    """Why the digest is missing, or what is odd: `changed while it was read`."""


class Manifest(msgspec.Struct, frozen=True):
    """The content identity of a tree: entries sorted by the bytes of their path.

    Empty folders are entries of kind `dir`; other folders are implied. Its canonical JSON is an
    object of the store, and the digest of that identifies the tree.
    """

    entries: list[Entry]
    schema: Literal["xt.manifest/1"] = "xt.manifest/1"


class Input(msgspec.Struct, frozen=True):
    """One declared input, as it was before the command started."""

    role: str
    declared: Text
    """What the user wrote, without the role: a path, glob or URI (credentials removed)."""
    kind: Literal["file", "tree", "glob", "uri"]
    status: Literal["verified", "unverified"]
    """`verified` when the content was read (or its unchanged stat vouches for it)."""
    path: Text | None = None
    """Relative to the project's root when inside it, absolute otherwise; None for a URI. Of a glob, the
    folder its pattern starts from, which its manifest is relative to."""
    digest: str | None = None
    """Of the content (file) or of the manifest (tree, glob)."""
    size: int | None = None
    """Bytes of all files together."""
    files: int | None = None
    """Number of entries of the manifest, 1 for a file."""
    revision: str | None = None
    """For a URI: the revision, etag or digest that is known locally."""
    reason: str | None = None
    """Why it is unverified, or what is odd about it."""

    def __post_init__(self) -> None:
        """Refuse nonsense; see `check_digest`."""
        check_digest(self.digest)


class Output(msgspec.Struct, frozen=True):
    """One declared output, as it was after the command ended."""

    role: str
    declared: Text
    kind: Literal["file", "tree", "glob", "link"]
    status: Literal["stored", "partial", "missing", "skipped"]
    """`partial`: something in the tree or glob was not stored; its manifest says what."""
    path: Text | None = None
    """As for an input."""
    digest: str | None = None
    """Of the content (file) or of the manifest (tree, glob); each file is an object of the store."""
    size: int | None = None
    files: int | None = None
    mode: int | None = None
    target: Text | None = None
    """Where the link points, for a declared output that is a symbolic link; never followed."""
    written: bool | None = None
    """False when it was there before the start and is as it was then: not an effect of this run."""
    reason: str | None = None
    """Why it was not stored, or what is odd about it."""

    def __post_init__(self) -> None:
        """Refuse nonsense; see `check_digest`."""
        check_digest(self.digest)


class Problem(msgspec.Struct, frozen=True):
    """Something that could not be captured, or was captured with a doubt: never a crash, never silent."""

    where: str
    """The section of the record: `code`, `inputs`, `environment`, `log`, `outputs`, `metrics`, …"""
    message: str
    hint: str | None = None
