"""Where the ranks of one launch find the run that rank 0 makes: a file whose name follows from the launch."""

from __future__ import annotations

import os

from blake3 import blake3

from xt import fsio
from xt.model import runid
from xt.store.live import Live

#: Bytes of such a file.
_LIMIT = 64


def path(store: str, key: str) -> str:
    """Path of the file for a launch."""
    return f"{store}/live/{blake3(key.encode('utf-8', 'surrogateescape')).hexdigest(length=16)}.launch"


def claim(store: str, key: str, live: Live, run_id: str) -> bool:
    """Say that this run is the launch's; the file goes with the run in flight.

    Returns:
        False when another run that is going on has said so.

    Raises:
        OSError: it cannot be written.
    """
    name = path(store, key)
    temporary = f"{live.folder}/launch"
    fsio.write_atomic(temporary, run_id.encode(), durable=False)
    try:
        while True:
            try:
                os.link(temporary, name)
                live.launch = name
                return True
            except FileExistsError:
                other = find(store, key)
                if other is not None and going_on(f"{store}/live/{other}"):
                    return False
                # Left by a run that was killed.
                os.unlink(name)
    except FileNotFoundError:
        return claim(store, key, live, run_id)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def find(store: str, key: str) -> str | None:
    """Id of the run of a launch; None while there is none."""
    try:
        text = fsio.read_file(path(store, key), limit=_LIMIT).decode("ascii", "replace")
    except OSError:
        return None
    return text if runid.is_id(text) else None


def going_on(folder: str) -> bool:
    """Whether whoever holds the lock in a folder lives; False where there is none.

    Raises:
        OSError: that cannot be told.
    """
    try:
        fd = os.open(f"{folder}/lock", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        with fsio.about(f"{folder}/lock"):
            return not fsio.try_lock(fd, shared=True)
    finally:
        os.close(fd)
