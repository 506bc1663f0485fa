"""A run in flight: its folder, its lock, and what readers can tell from them."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from typing import Literal

from xt import codec, fsio
from xt.errors import DamagedError
from xt.model.result import EXIT, Exit, Start, Supervisor

#: Bytes set aside so that the record still fits on a full disk.
RESERVE = 64 << 10

#: Bytes of the file that says how a command ended, which are some hundred.
MAX_EXIT = 4096
#: A file system without locks says so.
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)

State = Literal["running", "lost", "unknown"]


class Live:
    """The writer's side: `live/<id>/`, locked for as long as this process lives."""

    def __init__(self, folder: str, lock: int) -> None:
        """Hold what `begin` made."""
        self.folder = folder
        self.lock = lock
        self.launch: str | None = None
        """The file that leads other ranks here, see `store.launches`."""

    @classmethod
    def begin(cls, store: str, run_id: str) -> Live:
        """Claim a run id.

        Raises:
            FileExistsError: the id is taken.
            OSError: the store cannot be written.
        """
        folder = f"{store}/live/{run_id}"
        os.mkdir(folder, fsio.PRIVATE_DIR)
        lock = os.open(f"{folder}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, fsio.PRIVATE_FILE)
        # Before `start.json` is there no reader looks at the lock, so it is free; a sweep may, for a moment.
        for _ in range(100):
            if _try_lock(lock):
                break
            time.sleep(0.01)
        return cls(folder, lock)

    def path(self, name: str) -> str:
        """Path of a file of the run: `stdout`, `stderr`, `timing`, `metrics.jsonl`."""
        return f"{self.folder}/{name}"

    def publish(self, start: bytes) -> None:
        """Write `start.json`: from now on the run exists, and is `lost` if nothing follows."""
        reserve = os.open(self.path("reserve"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, fsio.PRIVATE_FILE)
        try:
            if hasattr(os, "posix_fallocate"):
                _set_aside(reserve)
        finally:
            os.close(reserve)
        fsio.write_atomic(self.path("start.json"), start, durable=False)

    def free_reserve(self) -> None:
        """Give the reserved bytes back, right before the record is written."""
        with contextlib.suppress(OSError):  # the record may fit all the same
            self._remove("reserve")

    def end(self) -> None:
        """Remove the folder: the record has everything, or nothing was started."""
        if self.launch is not None and os.path.lexists(self.launch):
            os.unlink(self.launch)
        _clear(self.folder)
        os.close(self.lock)

    def _remove(self, name: str) -> None:
        if os.path.lexists(self.path(name)):
            os.unlink(self.path(name))


def _set_aside(fd: int) -> None:
    try:
        os.posix_fallocate(fd, 0, RESERVE)
    except OSError as error:
        # A file system that cannot set anything aside is none that is full.
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise


def _clear(folder: str) -> None:
    """Remove a folder that holds files, and the folders of ranks."""
    with os.scandir(folder) as members:
        for member in members:
            if member.is_dir(follow_symlinks=False):
                _clear(member.path)
            else:
                os.unlink(member.path)
    os.rmdir(folder)


def supervisor() -> Supervisor:
    """Identify this process so that it cannot be mistaken for a later one with the same pid."""
    pid = os.getpid()
    return Supervisor(os.uname().nodename, boot_id(), pid, pid_started(pid), pid_namespace())


def boot_id() -> str | None:
    """Linux's id of this boot; None elsewhere."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


def pid_namespace() -> str | None:
    """The namespace that gives pids their meaning; None where there is none."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def pid_started(pid: int) -> int | None:
    """Clock ticks after boot at which a process started."""
    fields = _stat(pid)
    return None if fields is None else int(fields[19])


def state(folder: str, start: Start) -> State:
    """Tell whether a run that has no record is still going on.

    Args:
        folder: `live/<id>`.
        start: its `start.json`.

    Returns:
        `running`, `lost`, or `unknown` for a run of another host, whose lock says nothing here.
    """
    with contextlib.suppress(FileNotFoundError):
        fd = os.open(f"{folder}/lock", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if not _try_lock(fd, shared=True):
                return "running"
        finally:
            os.close(fd)
    if start.supervisor.host != os.uname().nodename:
        return "unknown"
    from xt.shares import is_shared

    # Where locks are the business of each mount, that of another mount on this host is not seen.
    return "running" if is_shared(folder) and _goes_on(start.supervisor) else "lost"


def exit_of(folder: str) -> Exit | None:
    """How the command of a run without a record has ended; None when it has not, or nothing says so.

    Args:
        folder: `live/<id>`.
    """
    try:
        return codec.decode(fsio.read_file(f"{folder}/{EXIT}", limit=MAX_EXIT), Exit, "the end of a command")
    except (OSError, DamagedError):
        return None


def _try_lock(fd: int, *, shared: bool = False) -> bool:
    """Take a lock; where there are none, say that it was free."""
    try:
        return fsio.try_lock(fd, shared=shared)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return True


def _goes_on(one: Supervisor) -> bool:
    """Whether that very process is there; one that was started at the same tick after another boot is not."""
    if one.boot is None or one.boot != boot_id() or one.pid_namespace != pid_namespace():
        return False
    fields = _stat(one.pid)
    return fields is not None and fields[0] not in (b"Z", b"X") and int(fields[19]) == one.pid_started


def _stat(pid: int) -> list[bytes] | None:
    """Fields of /proc/PID/stat from the third on (proc(5))."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in field 2 may hold spaces and parentheses: count from the last one.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return fields if len(fields) > 19 else None
