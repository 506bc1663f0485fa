"""Ready-made contents: bytes at hand, a file, and what was unpacked into a file without a name."""

from __future__ import annotations

import io
import os
import weakref
from collections.abc import Iterable
from typing import BinaryIO

from xt import fsio
from xt.compare import Content, UnreadableError

#: Bytes read at a time; large enough for the speed of memory, small enough for any number of readers.
CHUNK = 1 << 20


class Held:
    """Bytes that are in memory already."""

    def __init__(self, name: str, data: bytes) -> None:
        """Name them as they were recorded."""
        self.name = name
        self.data = data
        self.size = len(data)

    def open(self) -> BinaryIO:
        """Open for reading from the start."""
        return io.BytesIO(self.data)


class FileContent:
    """A regular file that nobody changes."""

    def __init__(self, name: str, path: str) -> None:
        """Name a file.

        Args:
            name: as recorded.
            path: where the bytes are; not followed when it is a link.
        """
        self.name = name
        self.path = path
        self._size: int | None = None

    @property
    def size(self) -> int:
        """Bytes.

        Raises:
            OSError: the file is not there.
        """
        if self._size is None:
            self._size = os.stat(self.path, follow_symlinks=False).st_size
        return self._size

    def open(self) -> BinaryIO:
        """Open for reading from the start.

        Raises:
            OSError: it is not there, or is no regular file.
        """
        return os.fdopen(fsio.open_regular(self.path), "rb")


class Spooled:
    """Bytes in a file without a name, which is gone with this object, however the process ends."""

    def __init__(self, name: str, pieces: Iterable[bytes], limit: int | None = None) -> None:
        """Write them down.

        Args:
            name: as it would have been recorded.
            pieces: in order.
            limit: bytes.

        Raises:
            UnreadableError: there are more than `limit`.
        """
        self.name = name
        self.size = 0
        import tempfile

        self._fd, path = tempfile.mkstemp(prefix="xt-")
        weakref.finalize(self, os.close, self._fd)
        os.unlink(path)
        for piece in pieces:
            self.size += len(piece)
            if limit is not None and self.size > limit:
                raise UnreadableError(f"it unpacks to more than {limit // 1_000_000} MB")
            fsio.write_all(self._fd, piece)

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from an offset."""
        return os.pread(self._fd, count, offset)

    def open(self) -> BinaryIO:
        """Open for reading from the start; any number of readers have positions of their own."""
        return io.BufferedReader(_Positioned(self), CHUNK)


class _Positioned(io.RawIOBase):
    """A reader with its own position in a file that others read too."""

    def __init__(self, source: Spooled) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._source.read_at(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def read_up_to(stream: BinaryIO, count: int) -> bytes:
    """Read exactly `count` bytes, or all there are; a stream may give them in small pieces."""
    data = stream.read(count)
    if len(data) == count or not data:
        return data
    parts = [data]
    left = count - len(data)
    while left and (data := stream.read(left)):
        parts.append(data)
        left -= len(data)
    return b"".join(parts)


def read_all(content: Content, limit: int) -> bytes:
    """Read a content whole.

    Raises:
        UnreadableError: it is larger than `limit` bytes.
    """
    if content.size <= limit:
        with content.open() as stream:
            data = read_up_to(stream, limit + 1)
        if len(data) <= limit:
            return data
    raise UnreadableError("it is too large to compare by its parts")
