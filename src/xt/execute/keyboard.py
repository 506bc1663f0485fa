"""Hand keys to a program that reads them from where it writes.

`less` opens the terminal of its standard error anew to read keys from it; `vim -` and `more` read them
from their standard error itself. With xt that is a pseudo-terminal, which nobody types at: what is typed
at the user's has to be carried there, while such a program is there, and not a key that is another's.
"""

from __future__ import annotations

import fcntl
import os
import select
import sys
import termios
from collections.abc import Iterator

from xt.execute.kin import below

#: Bytes taken at a time.
KEYS = 1024
#: Number of the system call `read`, by `uname -m`.
READ = {"x86_64": 0, "aarch64": 63, "riscv64": 63}


class Keyboard:
    """Keys on their way from the user's terminal to that of one stream."""

    def __init__(self, real: int, master: int, name: str) -> None:
        """Prepare; `name` is the path of the pseudo-terminal whose other side is `master`."""
        self._real, self._master, self._name = real, master, name
        self._wanted = False

    def carry(self, raw: bool) -> bool:
        """Carry what was typed, if it is for this terminal; return whether more may be.

        Args:
            raw: whether the command put this terminal in a mode for single keys. Else nothing is taken.

        Raises:
            OSError: the user's terminal is gone, or not for reading.
        """
        if not raw:
            self._wanted = False
            return False
        ready = select.poll()
        ready.register(self._real, select.POLLIN)
        if not any(event & select.POLLIN for _, event in ready.poll(0)):
            return self._wanted
        readers = list(self._holders())
        self._wanted = self._wanted or any(fd == 0 or _for_reading(pid, fd) for pid, fd in readers)
        # `more` waits for keys at its standard input, and then reads them from its standard error.
        if not self._wanted and not any(_waits(pid, fd) for pid, fd in readers):
            return False
        # Between the look and the reading somebody else may have taken it; then reading would wait.
        count = int.from_bytes(fcntl.ioctl(self._real, termios.FIONREAD, bytes(4)), sys.byteorder)
        if count:
            os.write(self._master, os.read(self._real, min(count, KEYS)))
        return self._wanted

    def _holders(self) -> Iterator[tuple[int, int]]:
        """List the processes below us that have this terminal, with each descriptor of it."""
        for pid in below(os.getpid()):
            try:
                for fd in map(int, os.listdir(f"/proc/{pid}/fd")):
                    if os.readlink(f"/proc/{pid}/fd/{fd}") == self._name:
                        yield pid, fd
            except OSError:
                continue  # it ended meanwhile, or is somebody else's


def _for_reading(pid: int, fd: int) -> bool:
    """Whether a descriptor was opened for reading alone (proc(5), fdinfo)."""
    try:
        with open(f"/proc/{pid}/fdinfo/{fd}", "rb", buffering=0) as file:
            fields = dict(line.split(b":", 1) for line in file.read().splitlines() if b":" in line)
        return int(fields[b"flags"], 8) & os.O_ACCMODE == os.O_RDONLY
    except (OSError, KeyError):
        return False


def _waits(pid: int, fd: int) -> bool:
    """Whether a process waits in `read` for what comes from a descriptor (proc(5), syscall)."""
    try:
        with open(f"/proc/{pid}/syscall", "rb", buffering=0) as file:
            call = file.read().split()[:2]
        return len(call) == 2 and int(call[0]) == READ.get(os.uname().machine) and int(call[1], 16) == fd
    except (OSError, ValueError):
        return False
