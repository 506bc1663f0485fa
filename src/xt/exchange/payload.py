"""Files of a run on their way into a folder or a zip archive, hashed as they are copied."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import IO, Protocol

from xt import fsio
from xt.errors import NotRecordedError, NotWrittenError, XtError
from xt.exchange import Content
from xt.exchange.target import Target
from xt.inside import parts
from xt.model.text import to_shown

#: Bytes of one file kept in memory on the way into an archive.
_SPOOLED = 8 << 20
#: The earliest time a zip archive can hold.
_EPOCH = (1980, 1, 1, 0, 0, 0)

#: Bytes of one name, of nearly every file system.
_LONGEST = 255
#: What a file system says of a name, or of what is there under it.
_OF_NAMES = (
    *(errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.ELOOP),
)


def poured(content: Content, file: IO[bytes]) -> tuple[str, int]:
    """Copy a content into a file and hash it on the way.

    Returns:
        SHA-256 in hex, and bytes.

    Raises:
        NotRecordedError: it is not to be had here.
        DamagedError: it is not what its digest says; the file then holds what it is.
    """
    pieces = content.open() if content.open is not None else None
    if pieces is None:
        raise NotRecordedError(content.reason or "its content is not stored")
    hasher, size = hashlib.sha256(), 0
    for piece in pieces:
        hasher.update(piece)
        size += len(piece)
        file.write(piece)
    return hasher.hexdigest(), size


def sha256(content: Content) -> tuple[str, int]:
    """Hash a content that is not copied; raises as `poured` does."""
    with open(os.devnull, "wb") as nothing:
        return poured(content, nothing)


class Payload(Protocol):
    """A place that takes files. Names are relative, with `/`, and none is taken twice."""

    def add(self, name: str, content: Content) -> tuple[str, int]:
        """Copy a content; give its SHA-256 and size.

        Raises:
            XtError: it is not to be had, is damaged, or cannot go there; nothing of it stays.
        """
        ...

    def folder(self, name: str) -> None:
        """Make a folder, if it is not there."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Put a file of the format itself."""
        ...


@contextlib.contextmanager
def into(to: Target, moment: str, is_ours: Callable[[str], bool]) -> Iterator[Payload]:
    """Open what `-o` names: a zip archive where it ends in `.zip`, else a folder.

    Args:
        to: the place.
        moment: RFC 3339, for the members of an archive.
        is_ours: see `Target.folder`.
    """
    if to.given is not None and to.given.lower().endswith(".zip"):
        with to.file() as file, zipfile.ZipFile(file, "w") as archive:
            yield _Archive(archive, to.near, moment)
    else:
        with to.folder(is_ours) as path:
            yield _Folder(path)


class _Folder:
    def __init__(self, root: str) -> None:
        self._root = root

    def add(self, name: str, content: Content) -> tuple[str, int]:
        path = self._path(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        mode = 0o777 if (content.mode or 0) & 0o100 else 0o666
        with _named(name):
            fd = os.open(path, flags, mode)
        try:
            with os.fdopen(fd, "wb") as file:
                return poured(content, file)
        except XtError:
            os.unlink(path)
            raise

    def folder(self, name: str) -> None:
        with _named(name):
            os.makedirs(os.path.join(self._root, *parts(name)), exist_ok=True)

    def write(self, name: str, data: bytes) -> None:
        with open(self._path(name), "xb") as file:
            file.write(data)

    def _path(self, name: str) -> str:
        path = os.path.join(self._root, *parts(name))
        with _named(name):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        return path


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """What the name of one file makes impossible concerns that file alone."""
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_NAMES:
            raise
        raise NotWrittenError(f"`{to_shown(name)}` cannot be made here: {error.strerror}") from error


class _Archive:
    """The same bytes for the same files: names in the order they come, the time of the run."""

    def __init__(self, archive: zipfile.ZipFile, near: str, moment: str) -> None:
        self._archive = archive
        self._near = near
        self._folders: set[str] = set()
        self._above: set[str] = set()
        """Folders that what is in there implies."""
        self._files: set[str] = set()
        told = datetime.fromisoformat(moment).timetuple()[:6]
        self._time = max(told, _EPOCH)

    def add(self, name: str, content: Content) -> tuple[str, int]:
        self._check(name, is_file=True)
        # Whether it is whole is known when it has been read; what is in an archive cannot be taken out.
        with tempfile.SpooledTemporaryFile(_SPOOLED, dir=self._near) as spool:
            found = poured(content, spool)
            spool.seek(0)
            info = self._info(name, 0o755 if (content.mode or 0) & 0o100 else 0o644)
            info.file_size = found[1]
            with self._archive.open(info, "w") as member:
                shutil.copyfileobj(spool, member, fsio.CHUNK)
        return found

    def folder(self, name: str) -> None:
        if name not in self._folders:
            self._check(name, is_file=False)
            self._archive.writestr(self._info(name + "/", 0o40755, zipfile.ZIP_STORED), b"")

    def write(self, name: str, data: bytes) -> None:
        self._archive.writestr(self._info(name, 0o644), data)

    def _check(self, name: str, *, is_file: bool) -> None:
        """Refuse what a folder could not hold either: whoever unpacks it makes one."""
        found = parts(name)
        above = {"/".join(found[:end]) for end in range(1, len(found))}
        taken = (self._files, self._folders, self._above) if is_file else (self._files,)
        if any(name in some for some in taken) or not above.isdisjoint(self._files):
            raise NotWrittenError(f"`{to_shown(name)}` cannot be made here: another file is in its way")
        if max(len(part.encode("utf-8", "surrogateescape")) for part in found) > _LONGEST:
            raise NotWrittenError(
                f"`{to_shown(name)}` cannot be made here: {os.strerror(errno.ENAMETOOLONG)}"
            )
        self._above |= above
        (self._files if is_file else self._folders).add(name)

    def _info(self, name: str, mode: int, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._time)
        info.compress_type = method
        info.create_system = 3  # Unix, whose permissions these are
        info.external_attr = mode << 16
        return info
