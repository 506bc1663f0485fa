"""Content under its digest: immutable, read-only, verified when read.

`objects/3f/3f9a…` holds the bytes as they are, `objects/3f/3f9a….zst` compressed (RFC 8878) when that
saves a tenth or more. Writers stage temporary files and publish them together in `settle`, so that a
thousand small outputs cost one flush of the file system and not a thousand.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Container, Iterator
from typing import BinaryIO

from blake3 import blake3

from xt import fsio
from xt.errors import DamagedError, NotRecordedError, StoreError
from xt.store.copying import changed, copy_hashed

#: Smaller content is not worth a compressor's start-up.
COMPRESS_FROM = 4096
#: Larger content is stored as it is: the time would be felt, and models and images do not shrink.
COMPRESS_TO = 8 << 20
#: Files up to this size are read whole.
WHOLE = 8 << 20
#: Objects up to this size are compared before they are taken to be there.
COMPARED = 1 << 20
#: More staged objects than this are flushed together (`syncfs`), and leave others room as large ones do.
TOGETHER = 24


class Objects:
    """The content of one store. One instance belongs to one process and one thread at a time."""

    def __init__(self, root: str) -> None:
        """Open the objects of the store at `root` (the path of `.xt`)."""
        self.folder = f"{root}/objects"
        self.staging = f"{root}/tmp"
        self.staged: dict[str, tuple[str, str]] = {}  # digest → (temporary file, final name)

    def name(self, digest: str) -> str:
        """Final path of an object stored as it is.

        Raises:
            DamagedError: the digest is not one of this store's; nothing can be reached with it.
        """
        kind, _, hexed = digest.partition(":")
        if kind != "blake3" or len(hexed) != 64 or hexed.strip("0123456789abcdef"):
            raise DamagedError(f"`{digest}` is not a digest")
        return f"{self.folder}/{hexed[:2]}/{hexed}"

    def has(self, digest: str) -> bool:
        """Whether the content is here, staged or published.

        Raises:
            OSError: the disk, or the server behind it, cannot tell.
        """
        name = self.name(digest)
        return digest in self.staged or any(
            fsio.is_there(path, follow=True) for path in (name, name + ".zst")
        )

    def hold(self, digest: str) -> bool:
        """Whether the content is here, for whoever is going to name it in a record or event.

        It gets the time of now, by which a sweep that goes on beside knows that somebody wants it.
        """
        name = self.name(digest)
        return digest in self.staged or fsio.freshen(name) or fsio.freshen(name + ".zst")

    def put_bytes(self, data: bytes) -> str:
        """Keep bytes; return their digest."""
        digest = "blake3:" + blake3(data).hexdigest()
        self._stage(digest, data)
        return digest

    def put_file(self, path: str, told: Callable[[int], object] | None = None) -> tuple[str, int, bool]:
        """Keep a regular file, hashed once while it is copied. See `collect.Keeper`."""
        return fsio.patiently(lambda: self._put_file(path, told))

    def _put_file(self, path: str, told: Callable[[int], object] | None) -> tuple[str, int, bool]:
        source = fsio.open_regular(path)
        try:
            before = os.fstat(source)
            if before.st_size <= WHOLE:
                data = os.read(source, before.st_size + 1)
                digest = self.put_bytes(data)
                return digest, len(data), changed(before, os.fstat(source)) or len(data) != before.st_size
            temporary, target = self._temporary()
            try:
                hexed, size = copy_hashed(source, target, told)
            except BaseException:
                os.unlink(temporary)
                raise
            finally:
                os.close(target)
            self._accept("blake3:" + hexed, temporary, size, "")
            return "blake3:" + hexed, size, changed(before, os.fstat(source)) or size != before.st_size
        finally:
            os.close(source)

    def adopt(self, path: str, digest: str, size: int) -> None:
        """Take over a file that is ours already and was hashed while it was written, such as a log.

        Args:
            path: on the store's file system; a large one is moved away when it settles, and one of which no
                copy can be made, on a full disk.
            digest: of its whole content.
            size: in bytes.

        Raises:
            fsio.ChangedError: somebody else wrote to it; of a large one only its size tells.
            OSError: it cannot be read.
        """
        if os.stat(path).st_size != size:
            raise fsio.ChangedError(path)
        if size <= COMPRESS_TO:
            data = fsio.read_file(path)
            if "blake3:" + blake3(data).hexdigest() != digest:
                raise fsio.ChangedError(path)
            try:
                self._stage(digest, data)
                return
            except OSError:
                pass
        self._accept(digest, path, size, "")

    def arrived(self, digest: str, temporary: str, suffix: str) -> None:
        """Take over a file of the staging folder whose content was verified; see `store.remote.objects`.

        Args:
            digest: of its content.
            temporary: its path.
            suffix: `.zst` when it is compressed.
        """
        if digest in self.staged:
            os.unlink(temporary)
        else:
            self.staged[digest] = (temporary, self.name(digest) + suffix)

    def settle(self) -> None:
        """Make everything staged durable, then visible.

        Raises:
            NotFlushedError: all is visible, and may not survive a power failure.
            OSError: nothing that failed became visible; staged files stay staged.
        """
        if not self.staged:
            return
        from xt import flushing  # not for those who only read

        together = len(self.staged) > TOGETHER and self._flush_all()
        if not together and len(self.staged) > 1:
            flushing.begin_flush(staged for staged, _ in self.staged.values())
        folders = set()
        for digest, (staged, final) in list(self.staged.items()):
            temporary = staged if together else self._flush(digest)
            folder = final.rpartition("/")[0]
            os.chmod(temporary, 0o444)
            try:
                os.rename(temporary, final)
            except FileNotFoundError:
                os.makedirs(folder, fsio.PRIVATE_DIR, exist_ok=True)
                os.rename(temporary, final)
            folders.add(folder)
            del self.staged[digest]
        if together:
            try:
                if flushing.syncfs(self.folder):
                    return
            except OSError as error:
                raise fsio.NotFlushedError(error, self.folder) from error
        for folder in (*folders, self.folder):
            fsio.fsync_dir(folder)

    def _flush_all(self) -> bool:
        """Flush the file system; False when what is staged is to be flushed one by one."""
        from xt import flushing

        try:
            return flushing.syncfs(self.folder)
        except OSError:
            # Which of them it was is not said, and flushed again each would seem well.
            for digest in self.staged:
                self._write_anew(digest)
            return False

    def _flush(self, digest: str) -> str:
        """Make what is staged durable; give its path."""
        for attempt in (1, 2):
            fd = os.open(self.staged[digest][0], os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
                break
            except OSError as error:
                if error.errno != errno.EIO or attempt == 2:
                    raise
            finally:
                os.close(fd)
            # What a disk refused once the kernel counts as written: flushed again it would seem well.
            self._write_anew(digest)
        return self.staged[digest][0]

    def _write_anew(self, digest: str) -> None:
        """Stage a fresh copy of what is staged.

        Raises:
            OSError: it cannot be read or written, or is not any more what it was.
        """
        old, final = self.staged[digest]
        temporary, target = self._temporary()
        try:
            source = fsio.open_regular(old)
            try:
                hexed, _ = copy_hashed(source, target)
            finally:
                os.close(source)
            if final.endswith(".zst"):
                hexed = blake3(decompressed(fsio.read_file(temporary))).hexdigest()
            if "blake3:" + hexed != digest:
                raise ValueError
        except ValueError as error:
            os.unlink(temporary)
            raise OSError(errno.EIO, os.strerror(errno.EIO), old) from error
        except BaseException:
            os.unlink(temporary)
            raise
        finally:
            os.close(target)
        self.staged[digest] = (temporary, final)
        if old.startswith(self.staging):
            os.unlink(old)

    def discard(self, keep: Container[str] = ()) -> None:
        """Remove what was staged and will not be published, but not what is to be kept."""
        for digest, (temporary, _) in list(self.staged.items()):
            if digest in keep:
                continue
            del self.staged[digest]
            # An adopted log stays where it is: it may be all that is left of a run.
            if temporary.startswith(self.staging) and os.path.exists(temporary):
                os.unlink(temporary)

    def read(self, digest: str) -> bytes:
        """Read an object whole, and verify it.

        Raises:
            NotRecordedError: it is not here.
            DamagedError: its bytes are not what its name says.
        """
        return b"".join(self.stream(digest))

    def stream(self, digest: str) -> Iterator[bytes]:
        """Read an object in pieces; the last step verifies it.

        Raises:
            NotRecordedError: it is not here.
            DamagedError: its bytes are not what its name says (raised after the last piece).
        """
        hasher = blake3()
        for piece in self._pieces(self.name(digest), digest):
            hasher.update(piece)
            yield piece
        if "blake3:" + hasher.hexdigest() != digest:
            raise DamagedError(
                f"object {digest[:15]}… is damaged", "another copy of the store may still have it"
            )

    def open(self, digest: str) -> BinaryIO:
        """Open an object for reading back and forth; one up to `WHOLE` bytes is verified before.

        A larger one is not read twice for that: its size and place are all that is checked.

        Raises:
            NotRecordedError: it is not here.
            DamagedError: its bytes are not what its name says.
        """
        try:
            fd = fsio.open_regular(self.name(digest))
        except OSError:
            # Compressed, gone or unreadable: `read` tells them apart.
            return io.BytesIO(self.read(digest))
        if os.fstat(fd).st_size > WHOLE:
            # Without a buffer, whoever reads line by line would ask the kernel for every byte.
            return os.fdopen(fd, "rb", buffering=1 << 16)
        os.close(fd)
        return io.BytesIO(self.read(digest))

    def _pieces(self, name: str, digest: str) -> Iterator[bytes]:
        try:
            yield from fsio.read_pieces(name)
        except FileNotFoundError:
            yield from self._decompressed(name + ".zst", digest)
        except OSError as error:
            raise DamagedError(f"object {digest[:15]}… cannot be read: {error.strerror}") from error

    def _decompressed(self, name: str, digest: str) -> Iterator[bytes]:
        try:
            data = fsio.read_file(name, limit=2 * COMPRESS_TO)
        except FileNotFoundError:
            raise NotRecordedError(f"object {digest[:15]}… is not in this store") from None
        except OSError as error:
            raise DamagedError(f"object {digest[:15]}… cannot be read: {error.strerror}") from error
        try:
            yield decompressed(data)
        except ValueError as error:
            raise DamagedError(f"object {digest[:15]}… is damaged: {error}") from error

    def _stage(self, digest: str, data: bytes) -> None:
        final = self.name(digest)
        if COMPRESS_FROM <= len(data) <= COMPRESS_TO:
            packed = _compressed(data)
            if packed is not None:
                data, final = packed, final + ".zst"
        if digest in self.staged or self._sound(final, len(data), data):
            return
        temporary, fd = self._temporary()
        try:
            if len(data) > fsio.LOOK or len(self.staged) > TOGETHER:
                fsio.leave_room(fd, len(data))
            fsio.write_all(fd, data)
        except BaseException:
            os.unlink(temporary)
            raise
        finally:
            os.close(fd)
        self.staged[digest] = (temporary, final)

    def _accept(self, digest: str, temporary: str, size: int, suffix: str) -> None:
        final = self.name(digest) + suffix
        if digest in self.staged or self._sound(final, size):
            os.unlink(temporary)
        else:
            self.staged[digest] = (temporary, final)

    def _sound(self, final: str, size: int, data: bytes | None = None) -> bool:
        """Whether the object is there as it must be; a torn or damaged one is written again.

        Args:
            final: its path.
            size: in bytes, as stored.
            data: what is stored, to compare a small one with; a large one is taken by its size.
        """
        try:
            info = os.lstat(final)
            if not stat.S_ISREG(info.st_mode) or info.st_size != size or not fsio.freshen(final):
                return False
            return data is None or size > COMPARED or fsio.read_file(final) == data
        except OSError:
            return False

    def _temporary(self) -> tuple[str, int]:
        path = f"{self.staging}/{os.getpid()}.{os.urandom(6).hex()}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return path, os.open(path, flags, fsio.PRIVATE_FILE)
        except FileNotFoundError:
            raise StoreError(f"the store lost its folder `{self.staging}`") from None


def decompressed(data: bytes) -> bytes:
    """The content of a compressed object.

    Raises:
        ValueError: it is not what xt compresses, which is never larger than `COMPRESS_TO`.
    """
    import zstandard

    try:
        # What the data says of its size is believed by the library, whatever bound it is given.
        if zstandard.frame_content_size(data) > COMPRESS_TO:
            raise ValueError("it is larger than what is compressed here")
        return zstandard.ZstdDecompressor().decompress(
            data, max_output_size=COMPRESS_TO, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


def _compressed(data: bytes) -> bytes | None:
    try:
        import zstandard
    except ImportError:
        return None  # removed while xt waited for a command: what it left is kept as it is

    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
    if len(data) > 1 << 17:
        # A look at the middle decides for the whole: random-like content is the rule for models.
        middle = len(data) // 2
        sample = data[middle : middle + (1 << 16)]
        if len(compressor.compress(sample)) > 0.9 * len(sample):
            return None
    packed = compressor.compress(data)
    return packed if len(packed) <= 0.9 * len(data) else None
