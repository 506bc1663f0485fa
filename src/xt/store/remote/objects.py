"""One object between a store and a remote: verified before it leaves, and while it arrives."""

from __future__ import annotations

import contextlib
import os
from typing import BinaryIO, NamedTuple

from blake3 import blake3

from xt import codec, fsio
from xt.errors import DamagedError, WrongContentError, XtError
from xt.store.objects import COMPRESS_FROM, COMPRESS_TO, Objects, decompressed
from xt.store.remote import Remote, names

#: Bytes of an object whose size no record tells: a log's timing, a manifest, points of a metric.
MOST_UNTOLD = 1 << 29
ZST = ".zst"


class Local(NamedTuple):
    """An object of a store, as it lies there."""

    path: str
    suffix: str
    size: int
    """As it is stored."""


class Arrived(NamedTuple):
    """An object that was fetched and verified, and is not in its place yet."""

    digest: str
    temporary: str
    suffix: str
    size: int
    """As it is stored."""


def local(objects: Objects, digest: str) -> Local | None:
    """Find an object of a store; None when it is not there.

    Raises:
        DamagedError: that is no digest.
    """
    for suffix in ("", ZST):
        path = objects.name(digest) + suffix
        with contextlib.suppress(FileNotFoundError):
            return Local(path, suffix, os.lstat(path).st_size)
    return None


def send(remote: Remote, objects: Objects, digest: str, found: Local) -> bool:
    """Copy an object that the remote does not have.

    Returns:
        Whether it was written; False when somebody else was quicker.

    Raises:
        DamagedError, NotRecordedError: it is not here, or is damaged here: nothing leaves.
        RemoteError: the remote did not take it.
    """
    name = names.of_object(digest, found.suffix)
    if found.size <= 2 * COMPRESS_TO:
        try:
            data = fsio.read_file(found.path, limit=2 * COMPRESS_TO)
        except OSError as error:
            raise DamagedError(f"object {digest[:15]}… cannot be read: {error.strerror}") from error
        if codec.digest(content(data, found.suffix) or b"") != digest:
            raise DamagedError(f"object {digest[:15]}… is damaged in this store", "nothing of it was sent")
        return remote.create(name, data)
    for _ in objects.stream(digest):
        pass  # the last step verifies it
    return remote.create(name, found.path)


def content(data: bytes, suffix: str) -> bytes | None:
    """The content of stored bytes; None when it is not what xt compresses."""
    try:
        return decompressed(data) if suffix else data
    except ValueError:
        return None


def fetch(
    remote: Remote, objects: Objects, digest: str, size: int | None, *, as_pack: bool = False
) -> Arrived | None:
    """Bring an object into the folder where a store stages what it will publish, and verify it.

    Args:
        remote: to read from.
        objects: of the store that gets it.
        digest: of its content.
        size: of its content, as a record tells it; None when none does.
        as_pack: it is a pack of code.

    Returns:
        None when the remote has none.

    Raises:
        WrongContentError: what it gives is something else, twice.
        RemoteError: it failed.
        OSError: it cannot be written here.
    """
    small = size is None or COMPRESS_FROM <= size <= COMPRESS_TO
    likely = [names.of_object(digest, suffix) for suffix in ((ZST, "") if small else ("",))]
    if as_pack:
        likely = [names.of_pack(digest)]
    wrong: XtError | None = None
    for name in likely:
        for _ in range(2):
            try:
                return _fetch(remote, objects, digest, size, name)
            except FileNotFoundError:
                break
            except WrongContentError as error:
                wrong = error
    if wrong is not None:
        raise wrong
    return None


def _fetch(remote: Remote, objects: Objects, digest: str, size: int | None, name: str) -> Arrived:
    suffix = ZST if name.endswith(ZST) else ""
    temporary = f"{objects.staging}/{os.getpid()}.{os.urandom(6).hex()}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(temporary, flags, fsio.PRIVATE_FILE), "w+b") as target:
            most = 2 * COMPRESS_TO if suffix else MOST_UNTOLD if size is None else size
            try:
                remote.fetch(name, target, most)
            except WrongContentError:
                raise _wrong(name, remote) from None
            target.flush()
            # Hashed where it lies, and not on its way: a place may begin anew when a connection breaks.
            if _digest(target, suffix) != digest:
                raise _wrong(name, remote)
            os.fchmod(target.fileno(), 0o444)
            return Arrived(digest, temporary, suffix, os.fstat(target.fileno()).st_size)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _digest(file: BinaryIO, suffix: str) -> str:
    """Digest of the content of what was written to a file."""
    file.seek(0)
    if suffix:
        data = file.read()
        found = content(data, suffix)
        return "" if found is None else codec.digest(found)
    hasher = blake3()
    while piece := file.read(fsio.CHUNK):
        hasher.update(piece)
    return "blake3:" + hasher.hexdigest()


def _wrong(name: str, remote: Remote) -> WrongContentError:
    return WrongContentError(
        f"`{name}` on `{remote.url}` is not what its name says",
        "nothing of it was taken: the remote is damaged, or somebody changed it",
    )
