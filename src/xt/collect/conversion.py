"""Files whose bytes on disk are not those git stores: line ends, `ident`, encodings, filters, LFS.

Git calls such a file unchanged; what ran is nevertheless what is on disk. Finding them costs a look at
every file, so the answer is kept until the index or the attributes change.
"""

from __future__ import annotations

import os

import msgspec

from xt import codec, fsio
from xt.collect.git import Git
from xt.collect.worktree import Look
from xt.errors import DamagedError
from xt.model.code import LeftOut
from xt.model.text import Text, from_text, to_text

#: Attributes that make git store other bytes than those on disk (gitattributes(5)).
_CONVERTING = ("ident", "filter", "working-tree-encoding")
_WORDS = (b"text", b"eol", b"crlf", *(name.encode() for name in _CONVERTING))


class _Kept(msgspec.Struct):
    """What was found for one state of the index."""

    state: str
    raw: list[Text]
    lfs: int


def converted(git: Git, seen: Look, cache: str, max_file: int) -> tuple[list[str], int, list[LeftOut]]:
    """Find tracked files to store as they are on disk.

    Args:
        git: on the working tree.
        seen: its state.
        cache: folder for what can be derived again.
        max_file: bytes; a larger converted file keeps the form git stores.

    Returns:
        Paths to store raw; the number of files tracked by Git LFS, which keep their pointers; what is
        left in git's form, and why.

    Raises:
        GitError: git failed.
    """
    rules = _rules(seen)
    if not rules and seen.settings.get("core.autocrlf", "false").lower() == "false":
        return [], 0, []
    state = _state(seen, rules)
    name = f"{cache}/conversion.json"
    kept = _load(name, state)
    if kept is None:
        kept = _search(git, state)
        fsio.write_atomic(name, codec.encode(kept), durable=False)
    raw: list[str] = []
    left: list[LeftOut] = []
    for path in map(from_text, kept.raw):
        try:
            size = os.lstat(os.path.join(seen.top, path)).st_size
        except OSError:
            continue  # deleted or unreadable: the status says so already
        if size > max_file:
            reason = f"larger than code.max_file = {max_file} bytes: in the form git stores"
            left.append(LeftOut(to_text(path), reason, size))
        else:
            raw.append(path)
    return raw, kept.lfs, left


def _rules(seen: Look) -> list[bytes]:
    """Attribute files that can convert anything."""
    files = [os.path.join(seen.top, path) for path in seen.attributes]
    files.append(f"{seen.common_dir}/info/attributes")
    files.append(os.path.expanduser(seen.settings.get("core.attributesfile", "~/.config/git/attributes")))
    found = []
    for path in files:
        try:
            data = fsio.read_file(path, limit=10_000_000)
        except OSError:
            continue  # not there; git itself reads none either
        if any(word in data for word in _WORDS):
            found.append(data)
    return found


def _state(seen: Look, rules: list[bytes]) -> str:
    try:
        info = os.stat(f"{seen.git_dir}/index")
        index = [info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns]
    except FileNotFoundError:
        index = []
    return codec.digest_of([seen.top, index, [codec.digest(data) for data in rules], seen.settings])


def _load(name: str, state: str) -> _Kept | None:
    try:
        kept = codec.decode(fsio.read_file(name), _Kept, name)
    except (OSError, DamagedError):
        return None
    return kept if kept.state == state else None


def _search(git: Git, state: str) -> _Kept:
    """Ask git for line ends (`ls-files --eol`) and attributes of every tracked file."""
    raw: list[str] = []
    lfs: list[str] = []
    paths: list[bytes] = []
    for entry in git.run("ls-files", "-z", "--eol").split(b"\0"):
        facts, _, path = entry.partition(b"\t")
        if not path:
            continue
        paths.append(path)
        stored, on_disk = (word.partition(b"/")[2] for word in facts.split()[:2])
        if on_disk and stored != on_disk:
            raw.append(os.fsdecode(path))
    answer = git.run(
        "check-attr", "-z", "--stdin", *_CONVERTING, data=b"".join(path + b"\0" for path in paths)
    )
    words = answer.split(b"\0")
    for path, name, value in zip(words[0::3], words[1::3], words[2::3], strict=False):
        if value in (b"unspecified", b"unset"):
            continue
        if name == b"filter" and value == b"lfs":
            lfs.append(os.fsdecode(path))
        else:
            raw.append(os.fsdecode(path))
    pointers = set(lfs)
    return _Kept(state, [to_text(path) for path in dict.fromkeys(raw) if path not in pointers], len(pointers))
