"""Hash a huge file through a memory map, in a process of its own.

A map lets all cores hash without copying first; reading ahead in a thread while all cores hash was
tried and needs 1.5 times as long on two cores. But a file that is truncated while it is mapped kills
the process that touches it (SIGBUS), as does a failing disk. So a child takes that risk, and when the
child gives no digest, xt reads the file instead. Windows keep the child's memory flat.

This file is also the child's program: it is run by path, with an interpreter that loads nothing else.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable  # the child is to load nothing

#: Bytes; from here on the gain pays for starting an interpreter (15 ms). Measured on two cores.
WORTH = 128 << 20
#: Bytes mapped at a time.
WINDOW = 64 << 20


def hash_mapped(fd: int, size: int, told: Callable[[int], object] | None = None) -> bytes | None:
    """Have a child hash what a descriptor gives.

    Args:
        fd: of a regular file.
        size: bytes to hash from its start.
        told: gets bytes as they are done with.

    Returns:
        The 32 bytes of the digest, or None when the child could not start or did not survive.
    """
    import fcntl

    import blake3

    if not sys.executable or not os.path.isfile(__file__):
        return None
    library = os.path.dirname(os.path.dirname(blake3.__file__))
    try:
        ends = os.pipe()
        # Above 2: where xt was started with closed streams, low numbers would collide with the child's own.
        give, take, source = (fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3) for number in (*ends, fd))
        for number in ends:
            os.close(number)
    except OSError:
        return None
    try:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", __file__, library, str(size)],
            {name: value for name, value in os.environ.items() if name},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, source, 0),
                (os.POSIX_SPAWN_DUP2, take, 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
    except OSError:
        os.close(give)
        return None
    finally:
        os.close(take)
        os.close(source)
    windows = size // WINDOW  # of each full one it says that it is done
    answer = b""
    try:
        while part := os.read(give, 64):
            answer += part
            if told is not None and len(answer) <= windows:
                told(WINDOW * len(part))
    except BaseException:
        os.kill(pid, 9)
        raise
    finally:
        os.close(give)
        # ChildProcessError: whoever started xt ignores SIGCHLD. The answer alone tells: it is written last.
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
    return answer[windows:] if len(answer) == windows + 32 else None


def _child(library: str, size: int) -> None:
    """Hash standard input and write the digest to standard output."""
    import mmap
    import resource

    sys.path.insert(0, library)
    from blake3 import blake3

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # dying of SIGBUS is foreseen, not worth a core file
    hasher = blake3(max_threads=blake3.AUTO)
    for at in range(0, size, WINDOW):
        with mmap.mmap(
            0, min(WINDOW, size - at), flags=mmap.MAP_SHARED, prot=mmap.PROT_READ, offset=at
        ) as window:
            hasher.update(window)
        if size - at >= WINDOW:
            os.write(1, b".")
    os.write(1, hasher.digest())


if __name__ == "__main__":
    _child(sys.argv[1], int(sys.argv[2]))
