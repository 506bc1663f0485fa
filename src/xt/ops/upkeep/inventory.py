"""What lies in a store, file by file: read as a stream, with nothing decoded that need not be.

Everything is given as a name relative to the store. What cannot be read is told to the caller's `doubt`, not
passed over in silence; what goes away while it is looked at was never there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from typing import NamedTuple

from xt import fsio
from xt.model import runid
from xt.ops.upkeep.holds import named
from xt.store.store import MAX_RECORD, Store

#: Is told the name of what could not be read, and why.
Doubt = Callable[[str, str], object]

#: A digest is never longer than this, with what stands before it: pieces of a file are joined by so much.
_OVERLAP = 128
#: Bytes of a block, as `st_blocks` counts them (stat(2)).
BLOCK = 512
#: Where contents are quarantined, and where repeats are handed out: whatever these name is held.
QUARANTINE, JOBS = "quarantine", "jobs"


class File(NamedTuple):
    """A file, a folder or whatever else lies in a store."""

    name: str
    """Relative to the store."""
    size: int
    disk: int
    """Bytes it takes on the disk."""
    mtime: int
    """Nanoseconds since 1970."""
    mode: int
    inode: tuple[int, int, int]
    """Device, number, and how many names it has."""

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)


class Object(NamedTuple):
    """A file below `objects/`."""

    digest: bytes | None
    """32 bytes; None for what is not named like an object of the folder it is in."""
    file: File

    @property
    def packed(self) -> bool:
        """Whether it is compressed."""
        return self.file.name.endswith(".zst")


class Raw(NamedTuple):
    """A record, start or event as it lies on disk."""

    name: str
    run: str
    """Of a record or start; of an event its id."""
    data: bytes | None
    reason: str | None = None
    """Why it cannot be read."""


def look(store: str, name: str) -> File | None:
    """One file or folder; None when it is not there."""
    try:
        return _file(name, os.lstat(f"{store}/{name}"))
    except (FileNotFoundError, NotADirectoryError):
        return None


def walk(store: str, name: str, doubt: Doubt) -> Iterator[File]:
    """All below a folder, links not followed; a folder comes before what is in it, itself it does not.

    Args:
        store: path of `.xt`.
        name: of the folder; empty for the whole store.
        doubt: is told what cannot be listed.
    """
    waiting = [name]
    while waiting:
        folder = waiting.pop()
        for file in listed(store, folder, doubt):
            yield file
            if file.is_folder:
                waiting.append(file.name)


def listed(store: str, name: str, doubt: Doubt) -> Iterator[File]:
    """What is in one folder; see `walk`."""
    try:
        with os.scandir(f"{store}/{name}" if name else store) as members:
            for member in members:
                try:
                    info = member.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield _file(f"{name}/{member.name}" if name else member.name, info)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        doubt(name, error.strerror or "it cannot be listed")


def objects(store: str, doubt: Doubt) -> Iterator[Object]:
    """All below `objects/`, folder after folder in order; only folders that do not belong are given."""
    for folder in sorted(listed(store, "objects", doubt)):
        prefix = os.path.basename(folder.name)
        if not (folder.is_folder and len(prefix) == 2 and _is_hex(prefix)):
            yield Object(None, folder)
            continue
        for file in listed(store, folder.name, doubt):
            yield Object(_digest(os.path.basename(file.name), prefix) if file.is_file else None, file)


def records(store: Store, doubt: Doubt) -> Iterator[Raw]:
    """All records of finished runs, with their bytes; nothing about them is checked."""
    for folder in sorted(listed(store.path, "runs", doubt)):
        prefix = os.path.basename(folder.name)
        if folder.is_folder and len(prefix) == 2:
            for run_id in sorted(store.ids_in(prefix)):
                raw = read(store.path, f"runs/{prefix}/{run_id}.json", run_id)
                if raw is not None:
                    yield raw


def starts(store: Store, doubt: Doubt) -> Iterator[Raw]:
    """All starts of runs in flight, lost ones too; also of runs that have a record by now."""
    for folder in sorted(listed(store.path, "live", doubt)):
        run_id = os.path.basename(folder.name)
        if folder.is_folder and runid.is_id(run_id):
            raw = read(store.path, f"{folder.name}/start.json", run_id)
            if raw is not None:
                yield raw


def events(store: str, doubt: Doubt) -> Iterator[Raw]:
    """All events, of unknown kinds too; no file that is being written."""
    for file in walk(store, "events", doubt):
        base = os.path.basename(file.name)
        if not file.is_folder and base.endswith(".json"):
            raw = read(store, file.name, base.partition(".")[0])
            if raw is not None:
                yield raw


def mentions(store: str, name: str) -> Iterator[set[bytes]]:
    """Digests that stand in a file of any size, in pieces; see `holds.named`.

    Raises:
        OSError: it cannot be read.
    """
    yield from _named_in(fsio.read_pieces(f"{store}/{name}"))


def mentions_of(store: Store, digest: str) -> Iterator[set[bytes]]:
    """Digests that stand in an object of any size, in pieces; the last step verifies it.

    Raises:
        NotRecordedError: it is not here.
        DamagedError: its bytes are not what its name says (raised after the last piece).
    """
    yield from _named_in(store.objects.stream(digest))


def _named_in(pieces: Iterator[bytes]) -> Iterator[set[bytes]]:
    before = b""
    for piece in pieces:
        data = before + piece
        # What ends with the piece may go on in the next one: it is looked at again there.
        yield named(data)
        before = data[-_OVERLAP:]


def read(store: str, name: str, run: str) -> Raw | None:
    """Read a record, start or event as it lies there; None when it is not there (any more)."""
    try:
        return Raw(name, run, fsio.read_file(f"{store}/{name}", limit=MAX_RECORD))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Raw(name, run, None, error.strerror or str(error))


def _file(name: str, info: os.stat_result) -> File:
    inode = info.st_dev, info.st_ino, info.st_nlink
    return File(name, info.st_size, info.st_blocks * BLOCK, info.st_mtime_ns, info.st_mode, inode)


def _digest(base: str, prefix: str) -> bytes | None:
    hexed = base.removesuffix(".zst")
    if len(hexed) != 64 or hexed[:2] != prefix or not _is_hex(hexed):
        return None
    return bytes.fromhex(hexed)


def _is_hex(text: str) -> bool:
    return set(text) <= set("0123456789abcdef")
