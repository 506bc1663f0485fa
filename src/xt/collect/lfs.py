"""Git LFS: a file that is its pointer's content stays a pointer, which names the content by its SHA-256."""

from __future__ import annotations

import os
import re

from xt import fsio
from xt.collect.worktree import Look

_SHA256 = re.compile(rb"sha256:[0-9a-f]{64}")
_VERSION = b"version https://git-lfs.github.com/spec/v1\n"


def sorted_out(seen: Look, changed: list[str], max_file: int) -> tuple[set[str], dict[str, int]]:
    """Find which changed LFS files need not, or must not, be stored.

    Git calls one changed when it was merely touched, because we do not let it run the LFS filter.

    Args:
        seen: the working tree.
        changed: paths of files tracked by LFS.
        max_file: bytes; a changed file over it is left out.

    Returns:
        Paths whose pointer stays; path → size in bytes of those over the limit.
    """
    kept: set[str] = set()
    over: dict[str, int] = {}
    pointers = _pointers(seen, changed)
    for path in changed:
        name = os.path.join(seen.top, path)
        try:
            size = os.lstat(name).st_size
        except OSError:
            continue  # deleted
        if path in pointers and pointers[path][1] == size and sha256(name) == pointers[path][0]:
            kept.add(path)
        elif size > max_file:
            over[path] = size
    return kept, over


def _pointers(seen: Look, paths: list[str]) -> dict[str, tuple[str, int]]:
    """SHA-256 and size that the commit has for each path (the LFS specification's pointer file)."""
    asked = [path for path in paths if "\n" not in path]
    if not asked or seen.head is None:
        return {}
    data = b"".join(os.fsencode(f"{seen.head}:{path}\n") for path in asked)
    answer = seen.git.run("cat-file", "--batch", data=data)
    found = {}
    for path in asked:
        header, _, answer = answer.partition(b"\n")
        words = header.rsplit(b" ", 2)
        if len(words) < 3 or words[1] != b"blob" or not words[2].isdigit():
            continue  # not in the commit
        length = int(words[2])
        text, answer = answer[:length], answer[length + 1 :]
        named = pointer(text)
        if named is not None:
            found[path] = named
    return found


def pointer(text: bytes) -> tuple[str, int] | None:
    """Read a pointer file.

    Returns:
        SHA-256 in hexadecimal, and size in bytes; None when it is no pointer.
    """
    fields = dict(line.split(b" ", 1) for line in text[:1024].splitlines() if b" " in line)
    oid, size = fields.get(b"oid", b""), fields.get(b"size", b"")
    if text.startswith(_VERSION) and _SHA256.fullmatch(oid) and size.isdigit():
        return oid[7:].decode(), int(size)
    return None


def sha256(name: str) -> str | None:
    """Hash a regular file; None when it cannot be read."""
    import hashlib

    try:
        fd = fsio.open_regular(name)
    except OSError:
        return None
    try:
        state = hashlib.sha256()
        while part := os.read(fd, fsio.CHUNK):
            state.update(part)
        return state.hexdigest()
    finally:
        os.close(fd)
