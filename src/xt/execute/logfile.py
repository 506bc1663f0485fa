"""The stored side of a stream: masked, hashed while written, timed, never a reason to stop the command."""

from __future__ import annotations

import contextlib
import os
import threading
import time

from blake3 import blake3

from xt import fsio
from xt.execute import Captured, Masker
from xt.redact import AROUND_MARKERS, MARKERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from xt.execute.tokens import Tokens

#: Output of one stream within this time is one line of the timing file.
RESOLUTION = 0.001
#: Timing lines are written at least this often while output comes.
FLUSH = 0.2
#: Written logs are handed to the disk in steps of this size, so that sealing has little left to flush.
DRAIN = 64 << 20
#: Bytes of a log up to which it is looked at without loading what knows secrets, for most runs say little.
SHORT = 1024


class Timing:
    """`SECONDS STREAM BYTES` per line: when output came, so that logs can be interleaved and replayed.

    STREAM is `o` or `e`; BYTES counts stored bytes. Shared by the streams of one run.
    """

    def __init__(self, path: str) -> None:
        """Write to `path`, made when the first bytes come."""
        self.path = path
        self.began = time.monotonic()
        self.problem: str | None = None
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._hasher = blake3()
        self._size = 0
        self._pending: list[str] = []
        self._flushed = self.began
        self._stream, self._at, self._bytes = "", 0.0, 0

    def add(self, stream: str, count: int) -> None:
        """Note that `count` bytes of a stream were stored now."""
        now = time.monotonic()
        with self._lock:
            if stream == self._stream and now - self.began - self._at < RESOLUTION:
                self._bytes += count
                return
            self._close_line()
            self._stream, self._at, self._bytes = stream, now - self.began, count
            if now - self._flushed > FLUSH:
                self._flush()
                self._flushed = now

    def finish(self) -> Captured | None:
        """Write the rest; None when there was no output."""
        with self._lock:
            try:
                self._close_line()
                self._flush()
            except Exception as error:  # the command has ended, and how is to be recorded
                self.problem = f"times of output are incomplete: {type(error).__name__}: {error}"
            if self._fd is None:
                return None
            try:
                os.close(self._fd)
            except OSError as error:  # network file systems tell of a full disk only now
                self.problem = f"times of output may be incomplete: {error.strerror}"
            self._fd = None
            return Captured("timing", self.path, "blake3:" + self._hasher.hexdigest(), self._size)

    def _close_line(self) -> None:
        if self._bytes:
            self._pending.append(f"{self._at:.6f} {self._stream} {self._bytes}\n")
            self._bytes = 0

    def _flush(self) -> None:
        data = "".join(self._pending).encode()
        self._pending.clear()
        if not data or self.problem:
            return
        try:
            if self._fd is None:
                self._fd = os.open(
                    self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, fsio.PRIVATE_FILE
                )
            fsio.write_all(self._fd, data)
        except OSError as error:
            self.problem = f"times of output are missing from here on: {error.strerror}"
            if self._fd is not None:
                os.ftruncate(self._fd, self._size)  # a torn line is not part of the digest
            return
        self._hasher.update(data)
        self._size += len(data)


def _is_plain(data: bytes) -> bool:
    """Whether nothing that looks like a secret is in a text, nor can begin in it."""
    return (
        data[-1:] == b"\n"
        and b"@" not in data
        and not any(marker.encode() in data for marker in MARKERS | AROUND_MARKERS)
    )


class LogFile:
    """The log of one stream."""

    def __init__(
        self,
        name: Literal["stdout", "stderr"],
        folder: str,
        timing: Timing,
        mask: Masker | None,
        limit: int,
        *,
        tokens: bool = False,
    ) -> None:
        """Write to `folder/name`, made when the first bytes come.

        Args:
            name: of the stream.
            folder: of the run in flight.
            timing: shared by all streams.
            mask: replaces secrets, or None when there are none to replace.
            limit: bytes to store at most.
            tokens: whether what looks like a secret is replaced, too.
        """
        self.name = name
        self.path = f"{folder}/{name}"
        self.size = 0
        self.stored = 0
        self.cut_at: int | None = None
        self.reason: str | None = None
        self._timing = timing
        self._mask = mask
        self._seeks = tokens
        self._tokens: Tokens | None = None  # made when there is something to look at
        self._missed = 0
        self._limit = limit
        self._finished = False
        self._fd: int | None = None
        self._hasher = blake3()
        self._draining = 0
        self._looked = 0

    @property
    def masked(self) -> int:
        """How many secrets were replaced."""
        return (self._mask.count if self._mask else 0) + sum(self.recognised.values())

    @property
    def recognised(self) -> dict[str, int]:
        """How many of them were not known, by what they look like."""
        return self._tokens.found if self._tokens else {}

    @property
    def unsearched(self) -> int:
        """Bytes that could not be looked at, most often because they came too fast."""
        return self._tokens.passed if self._tokens else self._missed

    def write(self, data: memoryview) -> None:
        """Store what the command wrote; a full or broken disk ends the storing, nothing else."""
        self.size += len(data)
        if self.cut_at is not None or self._finished:
            return
        self._store(self._seen(self._mask.feed(bytes(data)) if self._mask else data))

    def finish(self) -> Captured | None:
        """Store what the mask held back; None when nothing was stored."""
        self._finished = True
        try:
            if self.cut_at is None:
                self._store(self._seen(self._mask.feed(b"", final=True) if self._mask else b"", final=True))
        except Exception as error:  # as for `write`: the command has ended, and how is to be recorded
            self.give_up(f"{type(error).__name__}: {error}")
        if self._fd is None:
            return None
        if self.cut_at is not None:
            self._cut_back()
        try:
            os.close(self._fd)
        except OSError as error:  # network file systems tell of a full disk only now
            self.reason = f"may not have reached the disk: {error.strerror}"
        self._fd = None
        return Captured(self.name, self.path, "blake3:" + self._hasher.hexdigest(), self.stored)

    def give_up(self, reason: str) -> None:
        """Store nothing from here on."""
        if self.cut_at is None:
            self.cut_at = self.stored
        self.reason = reason

    def _seen(self, data: bytes | memoryview, final: bool = False) -> bytes | memoryview:
        """Replace what looks like a secret."""
        if self._tokens is None and self._needs_none(data):
            return data
        try:
            if self._tokens is None:
                from xt.execute.tokens import Tokens

                self._tokens = Tokens()
            return self._tokens.feed(data, final)
        except ImportError:  # xt itself was removed or replaced while the command runs
            if self._tokens is None:
                self._missed += len(data)
                return data
            return b"".join((self._tokens.stop(), self._tokens.feed(data, final)))

    def _needs_none(self, data: bytes | memoryview) -> bool:
        return not self._seeks or not data or (self.size < SHORT and _is_plain(bytes(data)))

    def _store(self, data: bytes | memoryview) -> None:
        if not data:
            return
        if self.stored + len(data) > self._limit:
            data = data[: self._limit - self.stored]
            self.cut_at, self.reason = self._limit, f"longer than max_log = {self._limit}"
        try:
            if self._fd is None:
                self._fd = os.open(
                    self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, fsio.PRIVATE_FILE
                )
            if self.stored + len(data) - self._looked > fsio.LOOK:
                self._looked = self.stored
                fsio.leave_room(self._fd, len(data))
            fsio.write_all(self._fd, data)
        except OSError as error:
            self.cut_at, self.reason = self.stored, error.strerror or str(error)
            return
        self._hasher.update(data)
        self.stored += len(data)
        self._timing.add("o" if self.name == "stdout" else "e", len(data))
        if self.stored - self._draining > DRAIN:
            self._draining = self.stored
            self._start_draining(self._fd)

    def _cut_back(self) -> None:
        """Keep the whole chunks that were stored; a torn last one is not part of the digest."""
        if self._fd is not None:
            try:
                os.ftruncate(self._fd, self.stored)
            except OSError as error:
                self.reason = f"{self.reason}; and it could not be cut back: {error.strerror}"

    def _start_draining(self, fd: int) -> None:
        # Without a thread or a descriptor to spare, sealing flushes it all.
        with contextlib.suppress(OSError, RuntimeError):
            threading.Thread(target=self._drain, args=(os.dup(fd),), daemon=True).start()

    def _drain(self, fd: int) -> None:
        try:
            os.fdatasync(fd) if hasattr(os, "fdatasync") else os.fsync(fd)
        except OSError as error:
            # The kernel tells each error once: the flush at sealing might not see it again.
            self.reason = f"may not have reached the disk: {error.strerror}"
        finally:
            os.close(fd)
