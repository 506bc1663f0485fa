"""Folders → listings → manifests: one stat for each path, links never followed.

A listing is the walk of a tree before anything is read. It has the shape in which `statcache`
remembers it, so that a whole folder that did not change is recognised by one comparison.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

import msgspec

from xt.collect.hashing import Stamp, stamp
from xt.collect.paths import shown, why
from xt.model.files import Entry, Kind, Manifest
from xt.model.text import Text, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.collect import Amount

#: Names that are never part of a tree or glob: stores and repositories describe themselves.
SKIPPED = (b".git", b".xt")
#: Path of the pseudo folder that holds what is behind links out of the tree; no relative path is that.
OUTSIDE = b"/"
#: Content of a path that has none to read; no digest is that short and no link target holds it.
NOTHING = b"\0"


class Folder(msgspec.Struct, array_like=True):
    """One folder of a listing: its names in the order the file system gives them."""

    path: bytes
    """Relative to the listing's top; empty for the top itself."""
    names: list[bytes]
    stamps: list[Stamp]
    contents: list[bytes]
    """Of a file its digest, of a link its target, NOTHING for other kinds; empty while unknown."""


class Note(msgspec.Struct):
    """What is odd about one path."""

    text: str
    unreadable: bool = False
    """Whether it could not be opened, so that only its name is known."""


class Listing:
    """The paths of a tree, a glob or a single file."""

    def __init__(self, top: str) -> None:
        """Begin an empty listing.

        Args:
            top: absolute folder that all paths are relative to.
        """
        self.top = top
        self.folders: list[Folder] = []
        self.notes: dict[bytes, Note] = {}
        self.links: list[bytes] = []
        """Relative paths of symbolic links that were met."""

    def absolute(self, folder: Folder, name: bytes) -> str:
        """Path of a member as the operating system takes it."""
        return f"{self.top.rstrip('/')}/{os.fsdecode(member(folder, name))}"

    def count(self) -> int:
        """Paths in it that are not folders."""
        return sum(
            1
            for folder in self.folders
            if folder.path != OUTSIDE
            for info in folder.stamps
            if not stat.S_ISDIR(info[4])
        )

    def size(self) -> int:
        """Bytes of all its regular files."""
        return sum(info[1] for folder in self.folders for info in folder.stamps if stat.S_ISREG(info[4]))


def join(folder: bytes, name: bytes) -> bytes:
    """Join two parts of a relative path."""
    return folder + b"/" + name if folder else name


def member(folder: Folder, name: bytes) -> bytes:
    """Relative path of a folder's member."""
    return name if folder.path == OUTSIDE else join(folder.path, name)


def scan(listing: Listing, path: bytes) -> Folder:
    """Stat every member of one folder; what cannot be is noted.

    Args:
        listing: takes the notes.
        path: relative to its top.
    """
    names: list[bytes] = []
    stamps: list[Stamp] = []
    contents: list[bytes] = []
    top = os.fsencode(listing.top)
    try:
        with os.scandir(top + b"/" + path if path else top) as members:
            for found in members:
                name = found.name
                if name in SKIPPED:
                    continue
                try:
                    info = found.stat(follow_symlinks=False)
                except OSError as error:
                    listing.notes[join(path, name)] = Note(why(error), unreadable=True)
                    continue
                mode = info.st_mode
                names.append(name)
                stamps.append((info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns, mode))
                if stat.S_ISLNK(mode):
                    listing.links.append(join(path, name))
                    contents.append(b"")
                else:
                    contents.append(b"" if stat.S_ISREG(mode) else NOTHING)
    except OSError as error:
        listing.notes[path] = Note(why(error), unreadable=True)
    return Folder(path, names, stamps, contents)


def walk(listing: Listing, path: bytes = b"", most: int | None = None) -> bool:
    """Add a folder and everything below it to a listing.

    Args:
        listing: to add to.
        path: of the folder, relative to its top.
        most: paths after which to stop.

    Returns:
        Whether all of it is in the listing.
    """
    waiting = [path]
    count = 0
    while waiting:
        folder = scan(listing, waiting.pop())
        listing.folders.append(folder)
        count += len(folder.names)
        if most is not None and count > most:
            return False
        waiting.extend(
            join(folder.path, name)
            for name, info in zip(folder.names, folder.stamps, strict=True)
            if stat.S_ISDIR(info[4])
        )
    return True


def look_outside(listing: Listing) -> None:
    """Add what is behind links that leave the tree, so that an input made of links is known by content too.

    Only regular files are; a folder behind a link is not entered, and the link gets a note.
    """
    if not listing.links:
        return
    taken = {join(folder.path, name) for folder in listing.folders for name in folder.names}
    outside = Folder(OUTSIDE, [], [], [])
    top = os.fsencode(listing.top)
    for path in listing.links:
        if path not in taken:
            continue
        whole = top + b"/" + path
        try:
            if not _leaves(os.readlink(whole), path, top):
                continue
            info = os.stat(whole)
        except OSError as error:
            listing.notes[path] = Note(f"a link that leads nowhere: {why(error)}")
            continue
        if stat.S_ISREG(info.st_mode):
            outside.names.append(path)
            outside.stamps.append(stamp(info))
            outside.contents.append(b"")
        else:
            listing.notes[path] = Note(f"a link out of the tree to a {kind_of(info.st_mode)}, not followed")
    if outside.names:
        listing.folders.append(outside)


def _leaves(target: bytes, path: bytes, top: bytes) -> bool:
    """Whether a link leads out of its tree, judged by its text."""
    there = os.path.normpath(os.path.join(top, os.path.dirname(path), target))
    return not (there == top or there.startswith(top.rstrip(b"/") + b"/"))


def single(path: str, info: os.stat_result) -> Listing:
    """List one file."""
    top, name = os.path.split(path)
    listing = Listing(top)
    listing.folders.append(Folder(b"", [os.fsencode(name)], [stamp(info)], [b""]))
    return listing


def fill(
    listing: Listing,
    read: Callable[[str, Stamp], tuple[bytes, Stamp, Note | None]],
    amount: Amount | None = None,
) -> None:
    """Find out every content that is still unknown.

    Args:
        listing: is changed in place.
        read: gets the absolute path of a regular file and its stamp; gives its digest (empty when it
            could not be had), the stamp that belongs to the digest, and what is odd about it.
        amount: counts the bytes, of files that are not read to their end, too.
    """
    if amount is not None:
        amount.total += _unknown(listing)
    for folder in listing.folders:
        if b"" not in folder.contents:
            continue
        for index, content in enumerate(folder.contents):
            if content:
                continue
            name = folder.names[index]
            path = listing.absolute(folder, name)
            if stat.S_ISLNK(folder.stamps[index][4]):
                try:
                    folder.contents[index] = os.fsencode(os.readlink(path))
                except OSError as error:
                    listing.notes[join(folder.path, name)] = Note(why(error), unreadable=True)
                continue
            if folder.path == OUTSIDE:
                path = os.path.realpath(path)
            after = amount.done + folder.stamps[index][1] if amount is not None else 0
            folder.contents[index], folder.stamps[index], note = read(path, folder.stamps[index])
            if amount is not None:
                amount.done = after
            if note is not None:
                listing.notes[member(folder, name)] = note


def _unknown(listing: Listing) -> int:
    """Bytes of the files whose content is still unknown."""
    return sum(
        info[1]
        for folder in listing.folders
        for info, content in zip(folder.stamps, folder.contents, strict=True)
        if not content and stat.S_ISREG(info[4])
    )


def manifest(listing: Listing) -> Manifest:
    """Write a filled listing as its content identity."""
    notes = dict(listing.notes)
    empty = {folder.path for folder in listing.folders if not folder.names}
    empty -= {path.rpartition(b"/")[0] for path in notes}
    rows: list[tuple[bytes, Entry]] = []
    behind: dict[bytes, tuple[Stamp, bytes]] = {}
    for folder in listing.folders:
        if folder.path == OUTSIDE:
            behind = dict(zip(folder.names, zip(folder.stamps, folder.contents, strict=True), strict=True))
    for folder in listing.folders:
        if folder.path == OUTSIDE:
            continue
        for name, info, content in zip(folder.names, folder.stamps, folder.contents, strict=True):
            path = join(folder.path, name)
            note = notes.pop(path, None) if notes else None
            mode = info[4]
            if stat.S_ISDIR(mode) and note is None and path not in empty:
                continue
            rows.append((path, _entry(path, info, content, note, behind.get(path) if behind else None)))
    for path, note in notes.items():
        if path:
            rows.append((path, Entry(_text(path), "unreadable", 0, note=note.text)))
    rows.sort(key=lambda row: row[0])
    return Manifest([entry for _, entry in rows])


def summary(listing: Listing) -> str:
    """Say in one line what is odd about which paths, three at most by name."""
    notes = sorted(listing.notes.items(), key=lambda item: item[0])
    if len(notes) == 1 and listing.count() == 1:
        return notes[0][1].text
    named = [f"{shown(os.fsdecode(path) or '.')} {note.text}" for path, note in notes[:3]]
    return "; ".join(named) + (f"; and {len(notes) - 3} more" if len(notes) > 3 else "")


def kind_of(mode: int) -> Kind:
    """What a path is, by the mode of its `lstat`."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "dir"
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISFIFO(mode):
        return "fifo"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def _entry(
    path: bytes, info: Stamp, content: bytes, note: Note | None, behind: tuple[Stamp, bytes] | None
) -> Entry:
    mode = info[4]
    bits = mode & 0o777
    text = None if note is None else note.text
    if note is not None and note.unreadable and not (stat.S_ISLNK(mode) and content):
        return Entry(_text(path), "unreadable", bits, info[1] if stat.S_ISREG(mode) else None, note=text)
    if stat.S_ISREG(mode):
        return Entry(
            _text(path), "file", bits, info[1], "blake3:" + content.hex() if content else None, None, text
        )
    if stat.S_ISLNK(mode):
        size = behind[0][1] if behind else None
        digest = "blake3:" + behind[1].hex() if behind and behind[1] else None
        return Entry(_text(path), "link", bits, size, digest, _text(content), text)
    return Entry(_text(path), kind_of(mode), bits, note=text)


def _text(path: bytes) -> Text:
    return to_text(os.fsdecode(path))
