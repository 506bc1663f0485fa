"""Where an export goes: a file or a folder that appears whole or not at all, standard output, or a server."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

from xt import fsio
from xt.errors import NotWrittenError, UsageError

#: What is said where nothing is: `-o` is not needed by every format.
_NOWHERE = "`-o PATH` says where to write; `-o -` writes to standard output, where it is one file"
#: What a file system says that has no hard links.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class Target:
    """What `-o` named."""

    def __init__(
        self,
        given: str | None,
        cwd: str,
        umask: int,
        stdout: BinaryIO,
        *,
        force: bool,
        away: str | None = None,
    ) -> None:
        """Look at nothing yet.

        Args:
            given: as the user wrote it; `-` is standard output, None: nothing was said.
            cwd: the working directory, absolute.
            umask: for the permissions of what is new.
            stdout: standard output.
            force: replace what is there.
            away: absolute path of a folder in which nothing is written: the store.
        """
        self.given = given
        self._cwd = cwd
        self._umask = umask
        self._stdout = stdout
        self._force = force
        self._away = away

    @property
    def is_url(self) -> bool:
        """Whether it is a web address."""
        return self.given is not None and self.given.lower().startswith(("http://", "https://"))

    @property
    def shown(self) -> str:
        """The path as the user may want to read it: relative to the working directory if it is below."""
        return self.given if self.given == "-" else fsio.relative_to(self._path(), self._cwd)

    @property
    def near(self) -> str:
        """The folder it will be in, for temporary files."""
        return os.path.dirname(os.path.realpath(self._path()))

    @contextlib.contextmanager
    def file(self) -> Iterator[BinaryIO]:
        """Open a file for writing; it takes its place when the block ends well.

        Raises:
            UsageError: no place was named, or one in the store.
            NotWrittenError: something is there already, or the folder takes none.
        """
        if self.given == "-":
            yield self._stdout
            return
        path = self._path()
        with self._told():
            found = self._found(path)
            if found is not None and stat.S_ISDIR(found.st_mode):
                raise NotWrittenError(f"`{self.shown}` is a folder", "name a file in it")
            if found is not None and not stat.S_ISREG(found.st_mode):
                with open(path, "wb") as pipe:  # a pipe or a terminal, say
                    yield pipe
                return
            if found is not None and not self._force:
                raise self._taken()
            path = os.path.realpath(path)  # behind a link the file it points to is meant
            mode = 0o666 & ~self._umask if found is None else stat.S_IMODE(found.st_mode)
            temporary = _beside(path)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            try:
                with os.fdopen(os.open(temporary, flags, fsio.PRIVATE_FILE), "w+b") as file:
                    yield file
                    file.flush()
                    os.fchmod(file.fileno(), mode)
                    os.fsync(file.fileno())
                self._place(temporary, path)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary)

    @contextlib.contextmanager
    def folder(self, is_ours: Callable[[str], bool]) -> Iterator[str]:
        """Make a folder to fill; it takes its place when the block ends well.

        Args:
            is_ours: whether a folder that is there was written by this format, so that `--force` may
                replace it. An empty one is replaced anyway.

        Raises:
            UsageError, NotWrittenError: as for `file`.
        """
        if self.given == "-":
            raise UsageError("a folder does not go to standard output", "`-o PATH` says where to write")
        path = os.path.realpath(self._path())
        with self._told():
            found = self._found(path)
            if found is not None:
                self._check_folder(path, found, is_ours)
            made = tempfile.mkdtemp(prefix=f".{os.path.basename(path)[:100]}.", dir=os.path.dirname(path))
            try:
                yield made
                os.chmod(made, 0o777 & ~self._umask)
                fsio.fsync_dir(made)
                if found is not None and os.listdir(path):
                    old = tempfile.mkdtemp(dir=os.path.dirname(path), prefix=f"{os.path.basename(made)}.")
                    os.rename(path, os.path.join(old, "old"))
                    os.rename(made, path)
                    shutil.rmtree(old)
                else:
                    os.rename(made, path)  # refused by the kernel if somebody filled it meanwhile
                fsio.fsync_dir(os.path.dirname(path))
            except BaseException:
                shutil.rmtree(made, ignore_errors=True)
                raise

    def _path(self) -> str:
        if not self.given:
            raise UsageError("nothing says where to export to", _NOWHERE)
        if self.is_url:
            raise UsageError("this format does not go to a server", _NOWHERE)
        return os.path.normpath(os.path.join(self._cwd, self.given))

    def _found(self, path: str) -> os.stat_result | None:
        if self._away is not None and fsio.is_inside(os.path.realpath(path), os.path.realpath(self._away)):
            raise UsageError(f"`{self.shown}` is in the store itself", "any other folder will do")
        try:
            return os.stat(path)
        except FileNotFoundError:
            return None

    def _check_folder(self, path: str, found: os.stat_result, is_ours: Callable[[str], bool]) -> None:
        if not stat.S_ISDIR(found.st_mode):
            raise NotWrittenError(f"`{self.shown}` is a file", "name a folder, or a file that ends in `.zip`")
        if not os.listdir(path):
            return
        if not self._force:
            raise self._taken()
        if not is_ours(path):
            raise NotWrittenError(
                f"`{self.shown}` holds other things than an earlier export", "name a folder of its own"
            )

    def _place(self, temporary: str, path: str) -> None:
        """Give a finished file its name, and take no other's unless that is allowed."""
        if self._force:
            os.rename(temporary, path)
        else:
            try:
                os.link(temporary, path)
            except FileExistsError:
                raise self._taken() from None
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                if os.path.lexists(path):
                    raise self._taken() from None
                os.rename(temporary, path)
        fsio.fsync_dir(os.path.dirname(path))

    def _taken(self) -> NotWrittenError:
        return NotWrittenError(f"`{self.shown}` is there already", "`--force` replaces it")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise NotWrittenError(f"`{self.shown}` cannot be written: {reason}") from error


def _beside(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:100]}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
