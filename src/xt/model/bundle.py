"""Prompts and tool policies as versioned artefacts: the files of one role of a run, as one thing.

A version is content alone: which bytes stand under which names. Names are relative to the deepest folder that
holds all files, so that a folder, a glob and the same files one by one are one version, wherever the folder
lies; a file that was renamed is another version. File modes, empty folders and the role do not count.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Literal

import msgspec

from xt import codec
from xt.model.delta import Delta
from xt.model.text import Text, from_text, to_text

#: Roles of inputs that form bundles.
BUNDLED = ("prompts", "policy")
#: Hex digits of a version that are shown at least.
SHORTEST = 6


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of a bundle."""

    path: Text
    """Within the bundle: relative to the deepest folder that holds all its files."""
    digest: str | None = None
    """`blake3:<hex>` of its content; None when that is not known."""
    size: int | None = None
    """Bytes."""
    place: Text | None = None
    """Where it lay: relative to the project's root when inside it, else absolute."""
    reason: str | None = None
    """Why its content is not known, or what is odd about it."""


class Bundle(msgspec.Struct, frozen=True, omit_defaults=True):
    """The files of one role of one run, or of a folder on disk."""

    role: str
    digest: str | None
    """Of the sorted pairs of path and content; None when not all of them are known."""
    members: list[Member]
    doubt: str | None = None
    """Why there is no version."""

    def version(self, letters: int = SHORTEST) -> str:
        """Its name: `prompts@3f9a2c`."""
        return version(self.role, self.digest, letters)

    @property
    def size(self) -> int:
        """Bytes of all its files of known size."""
        return sum(member.size or 0 for member in self.members)


def version(role: str, digest: str | None, letters: int = SHORTEST) -> str:
    """Name a version: `prompts@3f9a2c`, `prompts@unknown`."""
    return f"{role}@{hexadecimal(digest)[:letters] if digest is not None else 'unknown'}"


def hexadecimal(digest: str) -> str:
    """A digest without its kind."""
    return digest.partition(":")[2]


def letters_for(digests: Iterable[str | None]) -> int:
    """Hex digits that tell some versions apart, at least 6."""
    known = sorted({hexadecimal(digest) for digest in digests if digest is not None})
    letters = SHORTEST
    for one, other in itertools.pairwise(known):
        while one[:letters] == other[:letters]:
            letters += 1
    return letters


def bundle(role: str, files: Iterable[tuple[str, Member]], doubt: str | None = None) -> Bundle:
    """Make a bundle of files.

    Args:
        role: of the inputs.
        files: absolute path (PEP 383) of each, and what is known of it; its `path` is replaced by that within
            the bundle. The same path twice is one file.
        doubt: why not all contents are known; a member without a digest is such a reason too.
    """
    found = dict(files)
    folders = [name.split("/")[:-1] for name in found]
    shared = 0
    if folders:
        first, last = min(folders), max(folders)
        while shared < min(len(first), len(last)) and first[shared] == last[shared]:
            shared += 1
    members = [
        msgspec.structs.replace(member, path=to_text("/".join(name.split("/")[shared:])))
        for name, member in found.items()
    ]
    members.sort(key=lambda member: from_text(member.path).encode("utf-8", "surrogateescape"))
    lacking = next((member for member in members if member.digest is None), None)
    if doubt is None and lacking is not None:
        doubt = lacking.reason or "the content of a file is not known"
    if doubt is None and not members:
        doubt = "there is no file in it"
    digest = None if doubt else codec.digest_of([[member.path, member.digest] for member in members])
    return Bundle(role, digest, members, doubt)


class Use(msgspec.Struct, frozen=True):
    """A run that used a version."""

    run: str
    shown: int
    """Letters of the id that tell it from all others."""
    at: str
    """RFC 3339: when it started."""
    purpose: str | None = None


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version, and the runs that used it."""

    version: str
    """`prompts@3f9a2c`, as long as it takes to tell the versions that are listed apart."""
    role: str
    digest: str
    files: int
    size: int
    """Bytes of all files."""
    runs: int
    """Runs that used it, without those that `xt verify` made."""
    first: Use
    last: Use


class Unversioned(msgspec.Struct, frozen=True):
    """A bundle of a run whose version is not known, or a run that cannot be read."""

    run: str
    reason: str
    role: str | None = None


class Versions(msgspec.Struct, frozen=True):
    """What `xt bundle ls` reports: all versions of a store, the one used last first."""

    versions: list[Version]
    unknown: list[Unversioned] = []
    schema: Literal["xt.bundles/1"] = "xt.bundles/1"


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of a bundle with what there is to read."""

    path: Text
    digest: str | None = None
    size: int | None = None
    place: Text | None = None
    reason: str | None = None
    """Why its content is not known, or not to be had here."""
    held: bool = False
    """Whether its content can be had here."""
    text: str | None = None
    """Its content, where that was asked for and is text."""


class Shown(msgspec.Struct, frozen=True):
    """What `xt bundle show` reports."""

    version: str
    role: str
    digest: str | None
    files: list[Content]
    doubt: str | None = None
    """Why there is no version."""
    runs: int = 0
    """Runs of this store that used it."""
    first: Use | None = None
    last: Use | None = None
    schema: Literal["xt.bundle/1"] = "xt.bundle/1"


class Compared(msgspec.Struct, frozen=True):
    """What `xt bundle diff` reports."""

    left: str
    """Version."""
    right: str
    role: str
    delta: Delta
    """Its children are the files that differ."""
    schema: Literal["xt.bundle-diff/1"] = "xt.bundle-diff/1"
