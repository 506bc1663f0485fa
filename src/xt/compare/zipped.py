"""Zip files of strangers: opened only when their directory and their unpacked size stay within bounds."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import BinaryIO, cast

from xt.compare import Content, UnreadableError

#: Bytes of the directory at a file's end, which is read whole: some 50 000 members.
LONGEST_DIRECTORY = 4_000_000
#: Unpacked bytes that are accepted whatever the packed size, and the ratio beyond.
ALWAYS_UNPACKED = 1_000_000_000
LARGEST_RATIO = 200

_END = struct.Struct("<4s4H2LH")
_END64_PLACE = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}


#: Bytes that may still be unpacked by everything inside the outermost archive.
_LEFT: ContextVar[list[int] | None] = ContextVar("left", default=None)


@contextmanager
def budget(packed: int) -> Iterator[None]:
    """Bound what an archive and all archives inside it unpack together; the outermost one decides.

    Args:
        packed: bytes of the larger side.
    """
    if _LEFT.get() is not None:
        yield
        return
    token = _LEFT.set([4 * max(ALWAYS_UNPACKED, LARGEST_RATIO * packed)])
    try:
        yield
    finally:
        _LEFT.reset(token)


def check_unpacked(unpacked: int, packed: int, *, count: int | None = None) -> None:
    """Refuse what would unpack beyond 1 GB and 200 times its size.

    Args:
        unpacked: bytes of one archive, so far or as declared.
        packed: bytes of its file.
        count: bytes of these that were not yet taken from the budget; all by default.

    Raises:
        UnreadableError: it would, or the budget of the outermost archive is spent.
    """
    left = _LEFT.get()
    if left is not None:
        left[0] -= unpacked if count is None else count
    if unpacked > max(ALWAYS_UNPACKED, LARGEST_RATIO * packed) or (left is not None and left[0] < 0):
        raise UnreadableError(
            f"too large to compare by its members: {unpacked / 1e6:.0f} MB or more from {packed / 1e6:.1f} MB"
        )


@contextmanager
def opened(content: Content) -> Iterator[zipfile.ZipFile]:
    """Open a zip file whose members can be read within bounds.

    Sizes are those its directory declares, and reading a member stops there.

    Raises:
        UnreadableError: it is not a zip file, is damaged, or is too large unpacked.
    """
    with content.open() as file:
        _check_directory(file, content.size)
        with reading():
            archive = zipfile.ZipFile(file)
        with archive:
            members = archive.infolist()
            if any(info.header_offset < 0 for info in members):
                raise UnreadableError("it is not a sound zip file: a member begins before its beginning")
            if not all(info.filename for info in members):
                raise UnreadableError("it is not a sound zip file: a member has no name")
            check_unpacked(sum(info.file_size for info in members), content.size)
            yield archive


@contextmanager
def reading() -> Iterator[None]:
    """Turn whatever a zip reader meets in a hostile file into one error.

    Raises:
        UnreadableError: with what it is.
    """
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, ValueError) as error:
        raise UnreadableError(f"it is not a sound zip file: {str(error) or type(error).__name__}") from error
    except (NotImplementedError, RuntimeError, OverflowError) as error:
        # Encrypted members and methods of packing that the standard library does not know.
        raise UnreadableError(f"its members cannot be read: {error}") from error
    except Exception as error:
        if type(error).__name__ != "LZMAError":
            raise
        raise UnreadableError(f"it is not a sound zip file: {error}") from error


def readable(info: zipfile.ZipInfo) -> bool:
    """Whether a member is neither encrypted nor packed by an unknown method."""
    return not info.flag_bits & 1 and info.compress_type in _METHODS


class Member(io.RawIOBase):
    """One unpacked member that turns what is wrong with it into `UnreadableError`."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        """Open it.

        Raises:
            UnreadableError: its entry is damaged.
        """
        super().__init__()
        with reading():
            self._file = archive.open(info)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is, at the cost of unpacking again when going back."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any buffer, as callers pass
        """Unpack at most as many bytes as there is room for.

        Raises:
            UnreadableError: it is damaged.
        """
        with reading():
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place.

        Raises:
            UnreadableError: it is damaged before that.
        """
        with reading():
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The place reached."""
        return self._file.tell()

    def close(self) -> None:
        """Close the member; the archive stays open."""
        self._file.close()
        super().close()


def open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    """Open a member of an archive to read and to go to places in it."""
    return cast(BinaryIO, io.BufferedReader(Member(archive, info), 1 << 16))


def _check_directory(file: BinaryIO, size: int) -> None:
    """Refuse a directory too long to be read whole (APPNOTE.TXT 6.3, 4.3.14 to 4.3.16)."""
    tail_size = min(size, 65_535 + _END.size)
    file.seek(size - tail_size)
    tail = file.read(tail_size)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + _END.size > len(tail):
        raise UnreadableError("it is not a zip file: it has no directory at its end")
    length = _END.unpack_from(tail, at)[5]
    place = size - tail_size + at - _END64_PLACE.size
    if place >= 0:
        file.seek(place)
        found = _END64_PLACE.unpack(file.read(_END64_PLACE.size))
        if found[0] == b"PK\6\7":
            # Where the record is said to be, and right before, where the standard library looks.
            for where in (found[2], place - _END64.size):
                if 0 <= where <= size - _END64.size:
                    file.seek(where)
                    record = _END64.unpack(file.read(_END64.size))
                    if record[0] == b"PK\6\6":
                        length = record[8] if length == 0xFFFFFFFF else max(length, record[8])
    if length > LONGEST_DIRECTORY:
        raise UnreadableError(f"its directory is longer than {LONGEST_DIRECTORY} bytes")
    file.seek(0)
