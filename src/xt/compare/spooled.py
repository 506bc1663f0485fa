"""Bytes kept for a while: in memory while they are few, else in an unnamed file; and parts of files."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import BinaryIO, cast

#: Bytes held in memory.
_HELD = 4_000_000
#: Bytes a reader asks for at a time.
_BUFFER = 1 << 16


class Spool:
    """A content of its own, written once; it can be opened several times, also by threads."""

    def __init__(self, name: str) -> None:
        """Begin an empty one.

        Args:
            name: as a content's.
        """
        self.name = name
        self.size = 0
        import tempfile

        self._file = tempfile.SpooledTemporaryFile(_HELD)  # noqa: SIM115  # closed by __exit__
        self._lock = threading.Lock()

    def __enter__(self) -> Spool:
        """Hold it for a block; at its end the bytes are gone."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def fill(self, pieces: Iterable[bytes]) -> Spool:
        """Append pieces.

        Raises:
            OSError: there is no room for them.
        """
        for piece in pieces:
            self._file.write(piece)
            self.size += len(piece)
        return self

    def open(self) -> BinaryIO:
        """Open it for reading from the start."""
        return cast(BinaryIO, io.BufferedReader(_Part(self.read_at, self.size), _BUFFER))

    def read_at(self, at: int, count: int) -> bytes:
        """Read up to so many bytes from a place."""
        with self._lock:
            self._file.seek(at)
            return self._file.read(count)


def window(reopen: Callable[[], BinaryIO], start: int, size: int) -> BinaryIO:
    """Open a part of a file, which is closed with it.

    Args:
        reopen: opens the file.
        start: bytes from its start to the part.
        size: bytes of the part.
    """
    file = reopen()

    def read_at(at: int, count: int) -> bytes:
        file.seek(start + at)
        return file.read(count)

    return cast(BinaryIO, io.BufferedReader(_Part(read_at, size, file.close), _BUFFER))


class _Part(io.RawIOBase):
    """A reader with a place of its own."""

    def __init__(
        self, read_at: Callable[[int, int], bytes], size: int, done: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        self._read_at = read_at
        self._size = size
        self._done = done
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any buffer, as callers pass
        data = self._read_at(self._at, max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        if self._done is not None and not self.closed:
            self._done()
        super().close()
