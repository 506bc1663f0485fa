"""Files whose bytes on disk are not those git stores: line ends, `ident`, encodings, filters, LFS.

Git calls such a file unchanged; what ran is nevertheless what is on disk. Finding them costs a look at
every file, so the answer is kept until the index or the attributes change; a file that was touched since
is taken from disk in any case.
"""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

import msgspec

from xt import codec, fsio
from xt.collect.attributes import CONVERTING
from xt.collect.worktree import Look
from xt.errors import DamagedError
from xt.model.code import LeftOut
from xt.model.text import Text, from_text, to_text


class Conversion(NamedTuple):
    """What to take as it is on disk, and what not."""

    forced: list[str]
    """Tracked paths to take from disk although git thinks they are unchanged."""
    pointers: int
    """Files tracked by Git LFS."""
    kept: set[str]
    """Of those: not to take from disk, their pointer says what is there."""
    over: set[str]
    """Of those: changed, and too large to store."""
    left_out: list[LeftOut]


class _Found(msgspec.Struct):
    """What was found for one state of the index."""

    state: str
    raw: list[Text]
    lfs: list[Text]


def converted(seen: Look, cache: str, max_file: int) -> Conversion:
    """Find tracked files to store as they are on disk.

    Args:
        seen: a working tree.
        cache: folder for what can be derived again.
        max_file: bytes; a larger converted file keeps the form git stores.

    Raises:
        GitError: git failed.
        OSError: the answer cannot be kept.
    """
    if not seen.rules and seen.settings.get("core.autocrlf", "false").lower() == "false":
        return Conversion([], 0, set(), set(), [])
    from xt.collect.lfs import sorted_out

    found = _found(seen, cache)
    by_lfs = {from_text(path) for path in found.lfs}
    forced: list[str] = []
    left: list[LeftOut] = []
    for path in dict.fromkeys([*map(from_text, found.raw), *seen.touched]):
        if path in by_lfs or path in seen.gitlinks:
            continue
        try:
            size = os.lstat(os.path.join(seen.top, path)).st_size
        except OSError:
            continue  # deleted or unreadable: the status says so already
        if size > max_file:
            reason = f"larger than code.max_file = {max_file} bytes: in the form git stores"
            left.append(LeftOut(to_text(path), reason, size))
        else:
            forced.append(path)
    changed = [path for path in (*(item.path for item in seen.items), *seen.hidden) if path in by_lfs]
    kept, over = sorted_out(seen, changed, max_file)
    for path, size in over.items():
        reason = f"changed, and larger than code.max_file = {max_file} bytes; its LFS pointer is out of date"
        left.append(LeftOut(to_text(path), reason, size))
    return Conversion(forced, len(by_lfs), kept, set(over), left)


def _found(seen: Look, cache: str) -> _Found:
    state = _state(seen)
    name = f"{cache}/conversion-{codec.digest(os.fsencode(seen.top))[7:23]}.json"
    try:
        found = codec.decode(fsio.read_file(name), _Found, name)
    except (OSError, DamagedError):
        found = None
    if found is None or found.state != state:
        found = _search(seen, state)
        # Where it cannot be kept, the next run searches again.
        with contextlib.suppress(OSError):
            os.makedirs(cache, fsio.PRIVATE_DIR, exist_ok=True)
            fsio.write_atomic(name, codec.encode(found), durable=False)
    return found


def _state(seen: Look) -> str:
    try:
        info = os.stat(f"{seen.places.own}/index") if seen.places else None
    except FileNotFoundError:
        info = None
    index = [info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns] if info else []
    return codec.digest_of([index, [codec.digest(data) for data in seen.rules], seen.settings])


def _search(seen: Look, state: str) -> _Found:
    """Ask git for line ends and attributes of every tracked file."""
    pointers: list[str] = []
    paths: list[bytes] = []
    for entry in seen.git.run("ls-files", "-z", "--stage").split(b"\0"):
        facts, _, path = entry.partition(b"\t")
        if facts.startswith(b"100"):
            paths.append(path)
    # What git stores cannot be looked at where it is left away: then all that is there comes from disk.
    raw = [os.fsdecode(path) for path in paths] if seen.partial() else _line_ends(seen)
    answer = seen.git.run(
        "check-attr", "-z", "--stdin", *CONVERTING, data=b"".join(path + b"\0" for path in paths)
    )
    answers = answer.split(b"\0")
    for path, name, value in zip(answers[0::3], answers[1::3], answers[2::3], strict=False):
        if value in (b"unspecified", b"unset"):
            continue
        if name == b"filter" and value == b"lfs":
            pointers.append(os.fsdecode(path))
        else:
            raw.append(os.fsdecode(path))
    return _Found(state, [to_text(path) for path in dict.fromkeys(raw)], [to_text(path) for path in pointers])


def _line_ends(seen: Look) -> list[str]:
    """Files whose line ends on disk are, or may be, others than git's (`ls-files --eol`)."""
    found = []
    for entry in seen.git.run("ls-files", "-z", "--eol").split(b"\0"):
        facts, _, path = entry.partition(b"\t")
        words = facts.split()
        stored, on_disk = (word.partition(b"/")[2] for word in words[:2]) if path else (b"", b"")
        # `text` is obeyed for what does not look like text, too; `text=auto` is not.
        told = len(words) > 2 and words[2].startswith(b"attr/text") and words[2] != b"attr/text=auto"
        if on_disk and (stored != on_disk or (told and stored in (b"-text", b"mixed"))):
            found.append(os.fsdecode(path))
    return found
