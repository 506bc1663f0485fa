"""Whether a place refuses to create a name that is taken: many are let try at once, and one must win."""

from __future__ import annotations

import threading
from typing import NamedTuple

from xt.errors import RemoteError
from xt.store.remote import Remote

#: Threads that write the same name at the same time.
WRITERS = 4
#: Folder of what probes leave: nothing that reads a store looks there, and nothing is deleted for it.
FOLDER = "probe"


class Found(NamedTuple):
    """What a probe found."""

    won: int
    """Of `WRITERS`, how many were told that the name was theirs."""
    refused: bool
    """Whether one more, afterwards, was told that it is taken."""
    kept: bool
    """Whether what is read is what a winner wrote."""
    unlisted: str | None
    """Why it is not known what is there; None when the listing names it."""

    @property
    def exclusive(self) -> bool:
        """Whether many may write there at once."""
        return self.won == 1 and self.refused and self.kept


def probe(place: Remote, unique: str) -> Found:
    """Try it. One small object is left in `probe/`.

    Args:
        place: to try; what is found is kept in its `exclusive`.
        unique: a name that was never used.

    Raises:
        RemoteError: it cannot be written to, or read.
    """
    name = f"{FOLDER}/{unique}"
    place.exclusive = True  # what it says of itself is tried, not what is known
    won: list[bytes] = []
    failed: list[Exception] = []
    start = threading.Barrier(WRITERS)

    def write(number: int) -> None:
        content = b"xt probe, writer %d\n" % number
        start.wait()
        try:
            if place.create(name, content):
                won.append(content)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        place.exclusive = None
        raise failed[0]
    refused = not place.create(name, b"xt probe, once more\n")
    try:
        kept = place.read(name, 1000) in won
    except FileNotFoundError:
        raise RemoteError(f"`{place.url}`: what was written is not there when it is read") from None
    unlisted = None
    try:
        if name not in {entry.name for entry in place.entries(f"{FOLDER}/")}:
            unlisted = "the listing does not name what was just written"
    except RemoteError as error:
        unlisted = error.message
    found = Found(len(won), refused, kept, unlisted)
    place.exclusive = found.exclusive
    return found
