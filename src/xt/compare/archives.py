"""Archives, member by member: zip (APPNOTE.TXT) and tar, plain or packed with gzip, bzip2 or xz.

Nothing is extracted by its name. An archive may unpack to 1 GB, or to 200 times its own size when that is
more; archives inside it share four times that. Beyond, only its bytes are compared.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from xt.compare import Content, Rule, UnreadableError
from xt.compare.members import Entry, Kind, compare_members
from xt.compare.spooled import window
from xt.compare.tarred import MOST_MEMBERS, TarEntry, entries, unpacked
from xt.compare.zipped import budget, check_unpacked, open_member, opened, readable
from xt.model.delta import Delta

#: Bytes of the target of a link in a zip file.
_LONGEST_TARGET = 4096
_TAR_KINDS: dict[str, Kind] = {"0": "file", "1": "hard link", "2": "link", "5": "folder"}


def compare_zip(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare two zip files by their members.

    Raises:
        UnreadableError: a side is no sound zip file, names a member twice, or is too large unpacked.
    """
    with budget(max(left.size, right.size)), opened(left) as a, opened(right) as b:
        return compare_members(_zip_entries(a), _zip_entries(b), rule, path)


def _zip_entries(archive: zipfile.ZipFile) -> list[Entry]:
    return [_zip_entry(archive, info) for info in archive.infolist()]


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    bits = info.external_attr >> 16
    # Made on a system with other modes, or by a writer that gave none.
    mode = stat.S_IMODE(bits) if bits and info.create_system == 3 else None
    name = info.filename.rstrip("/")
    if info.is_dir():
        return Entry(name, "folder", 0, mode, "", None)
    if not readable(info):
        why = "encrypted" if info.flag_bits & 1 else "packed by an unknown method"
        return Entry(name, "file", info.file_size, mode, "", None, why)
    reopen = partial(open_member, archive, info)
    if bits and stat.S_ISLNK(bits) and info.create_system == 3:
        if info.file_size > _LONGEST_TARGET:
            raise UnreadableError(f"the target of the link `{name[:80]}` is too long")
        with reopen() as file:
            return Entry(name, "link", 0, None, file.read().decode("utf-8", "surrogateescape"), None)
    return Entry(name, "file", info.file_size, mode, "", reopen)


def compare_tar(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare two tar files by their members, packed or not.

    Raises:
        UnreadableError: a side is no sound tar file, names a member twice, is sparse, or is too large
            unpacked.
    """
    with budget(max(left.size, right.size)), unpacked(left) as a, unpacked(right) as b:
        sides = [_tar_entries(*side, content.size) for side, content in ((a, left), (b, right))]
        return compare_members(sides[0], sides[1], rule, path)


def _tar_entries(reopen: Callable[[], BinaryIO], size: int, packed: int) -> list[Entry]:
    found: list[Entry] = []
    with reopen() as file:
        for entry in entries(file, size):
            if len(found) == MOST_MEMBERS:
                raise UnreadableError(f"it has more than {MOST_MEMBERS} members")
            found.append(_tar_entry(entry, reopen))
    check_unpacked(sum(entry.size for entry in found), packed, count=0)
    return found


def _tar_entry(entry: TarEntry, reopen: Callable[[], BinaryIO]) -> Entry:
    kind = _TAR_KINDS.get(entry.type, "device")
    name = entry.name.removeprefix("./") or "."
    opener = partial(window, reopen, entry.start, entry.size) if kind == "file" else None
    mode = None if kind == "link" else entry.mode
    return Entry(name, kind, entry.size if kind == "file" else 0, mode, entry.target, opener)
