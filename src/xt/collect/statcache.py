"""File stat → digest: what did not change is not read again.

One file for each declared path below `<store>/cache/stat/`, replaced atomically. It is disposable: when it
is missing, damaged or of another version, everything is read again and it is written anew. Writers
that race lose each other's entries and nothing else.

An entry is trusted when inode, size, mtime, ctime and mode are what they were; ctime catches a
restored mtime. Git's racy rule is kept from the writing side: a path whose mtime or ctime was not
older than the moment reading began, by more than the clock's granularity, is not remembered, since a
later write in the same tick would leave the same stamp. So neither a file touched while xt ran nor
one dated in the future is ever trusted, and the cache file's own mtime plays no part.

Format: `MAGIC`, the BLAKE3 digest (32 bytes) of the rest, then `Memory` in MessagePack.
"""

from __future__ import annotations

import os

import msgspec
from blake3 import blake3

from xt import fsio
from xt.collect.hashing import Stamp
from xt.collect.tree import NOTHING, Folder, Listing, member

MAGIC = b"xtstat1\n"
#: Nanoseconds; one tick of the slowest kernel clock (100 Hz), twice.
TICK = 20_000_000
#: Nanoseconds; FAT keeps even seconds, ext3 and HFS+ whole ones.
COARSE_TICK = 2_000_000_000
#: Nanoseconds; a ctime that is a multiple of this is taken for one of a coarse clock (exFAT: 10 ms).
COARSE_UNIT = 10_000_000
#: Files kept; when a new one makes it more, the oldest half goes.
MOST = 512
#: Bytes; a larger cache file is not read.
LARGEST = 1 << 30


class Memory(msgspec.Struct, array_like=True):
    """What is remembered of one declared path."""

    began: int
    """When reading began, in nanoseconds since 1970; one in the future shows that the clock was set back."""
    manifest: str
    """Digest of the manifest, empty when a content was not remembered."""
    folders: list[Folder]


class StatCache:
    """The memory of one store, as of one moment."""

    def __init__(self, store: str, began: int) -> None:
        """Open without reading anything.

        Args:
            store: absolute path of `.xt`.
            began: nanoseconds since 1970 before the first stat.
        """
        self.folder = f"{store}/cache/stat"
        self.began = began

    def load(self, name: str) -> Memory | None:
        """Read what is remembered, or None for nothing that can be trusted."""
        try:
            data = fsio.read_file(self._path(name), LARGEST)
        except OSError:
            return None
        start = len(MAGIC) + 32
        if data[: len(MAGIC)] != MAGIC or blake3(data[start:]).digest() != data[len(MAGIC) : start]:
            return None
        try:
            memory = msgspec.msgpack.decode(memoryview(data)[start:], type=Memory)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None
        return memory if memory.began <= self.began else None

    def save(self, name: str, listing: Listing, manifest: str) -> None:
        """Remember a filled listing, less what may not be trusted.

        Args:
            name: as given to `load`.
            listing: with contents; it is not changed.
            manifest: digest of its manifest, empty if it has none.
        """
        folders = [self._trusted(folder, listing) for folder in listing.folders]
        if listing.notes or any(b"" in folder.contents for folder in folders):
            manifest = ""
        try:
            payload = msgspec.msgpack.encode(Memory(self.began, manifest, folders))
        except OverflowError:
            return  # a time stamp beyond 64 bits of nanoseconds
        path = self._path(name)
        try:
            os.makedirs(self.folder, fsio.PRIVATE_DIR, exist_ok=True)
            if not os.path.exists(path):
                self._make_room()
            fsio.write_atomic(path, MAGIC + blake3(payload).digest() + payload, durable=False)
        except OSError:
            return  # the next run reads again; that the store cannot be written is said elsewhere

    def alias(self, name: str, other: str) -> None:
        """Remember the same of another name: of what is mounted in two places, every stat is the same.

        Args:
            name: as given to `save`.
            other: takes the place of what was remembered of it.
        """
        try:
            fsio.write_atomic(self._path(other), fsio.read_file(self._path(name), LARGEST), durable=False)
        except OSError:
            return  # it is read again, then

    def _path(self, name: str) -> str:
        return f"{self.folder}/{blake3(os.fsencode(name)).hexdigest()[:32]}"

    def _trusted(self, folder: Folder, listing: Listing) -> Folder:
        contents = [
            content if content == NOTHING or settled(info, self.began) else b""
            for content, info in zip(folder.contents, folder.stamps, strict=True)
        ]
        if listing.notes:
            contents = [
                b"" if member(folder, name) in listing.notes else content
                for name, content in zip(folder.names, contents, strict=True)
            ]
        return Folder(folder.path, folder.names, folder.stamps, contents)

    def _make_room(self) -> None:
        with os.scandir(self.folder) as members:
            ages = sorted((entry.stat(follow_symlinks=False).st_mtime_ns, entry.path) for entry in members)
        if len(ages) >= MOST:
            for _, path in ages[: MOST // 2]:
                os.unlink(path)


def settled(info: Stamp, began: int) -> bool:
    """Whether any write after a moment is sure to change a stamp that was taken after it.

    Args:
        info: the stamp.
        began: the moment, in nanoseconds since 1970.
    """
    tick = COARSE_TICK if info[3] % COARSE_UNIT == 0 else TICK
    return max(info[2], info[3]) < began - tick


def recall(memory: Memory | None, listing: Listing) -> bool:
    """Fill in what is remembered of paths that did not change.

    Returns:
        Whether the listing is as it was, path by path, with every content known.
    """
    if memory is None:
        return False
    old_folders = {folder.path: folder for folder in memory.folders}
    same = len(old_folders) == len(listing.folders) and not listing.notes
    for folder in listing.folders:
        old = old_folders.get(folder.path)
        if old is None:
            same = False
        elif old.names == folder.names and old.stamps == folder.stamps:
            folder.contents = old.contents
            same = same and b"" not in old.contents
        else:
            same = False
            known = dict(zip(old.names, zip(old.stamps, old.contents, strict=True), strict=True))
            for index, name in enumerate(folder.names):
                hit = known.get(name)
                if hit is not None and hit[0] == folder.stamps[index]:
                    folder.contents[index] = hit[1]
    return same
