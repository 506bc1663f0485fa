"""Read what a run wrote: sealed, lost or still going on; interleaved by time of arrival."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Literal, NamedTuple

from xt import fsio
from xt.errors import DamagedError, NotRecordedError
from xt.model.result import Logs, Result
from xt.store import Store

Name = Literal["stdout", "stderr"]
#: Seconds between looks at a run that is followed.
LOOK = 0.2
_LETTERS: dict[str, Name] = {"o": "stdout", "e": "stderr"}


class Piece(NamedTuple):
    """Bytes of one stream, in order."""

    stream: Name
    at: float | None
    """Seconds after the command started; None when that is not known."""
    data: bytes


def pieces(store: Store, run_id: str, wanted: set[Name], *, follow: bool, rank: int = 0) -> Iterator[Piece]:
    """Read the logs of a run.

    Args:
        store: that has it.
        run_id: whole.
        wanted: streams to read; both are interleaved.
        follow: wait for what a run still going on will write.
        rank: of a run of several processes, which of them.

    Raises:
        NotRecordedError: there is no such run, or no such rank of it.
        DamagedError: a log is not what its digest says (raised after the last piece).
    """
    folder = store.live_folder(run_id)
    if os.path.exists(f"{folder}/start.json"):
        folder += f"/rank-{rank}" if rank else ""
        if rank and not os.path.exists(folder):
            raise NotRecordedError(f"no rank {rank} has begun")
        nothing = True
        for piece in _live(store, run_id, folder, wanted, follow=follow):
            nothing = False
            yield piece
        if not nothing or not store.is_sealed(run_id):
            return  # else it ended before a file was opened
    logs = _logs(store.record(run_id).result, rank)
    sources = {
        stream.name: _Source(store.objects.stream(stream.digest))
        for stream in logs.streams
        if stream.digest is not None and stream.name in wanted
    }
    if logs.timing is not None and len(sources) > 0:
        for at, name, count in _times(store.objects.stream(logs.timing)):
            if name in sources:
                yield from (Piece(name, at, data) for data in sources[name].take(count))
    for name, source in sources.items():
        yield from (Piece(name, None, data) for data in source.take(None))


def _logs(result: Result, rank: int) -> Logs:
    if rank == 0:
        return result.logs
    found = next((one for one in result.ranks if one.rank == rank), None)
    if found is None:
        many = f"its ranks are 0 to {len(result.ranks) - 1}" if result.ranks else "it is one process"
        raise NotRecordedError(f"the run has no rank {rank}", many)
    if found.logs is None:
        raise NotRecordedError(f"rank {rank} left no log: {found.reason}")
    return found.logs


class _Source:
    """Bytes that come in pieces of their own choosing, taken in counts."""

    def __init__(self, pieces_of_it: Iterator[bytes]) -> None:
        self._pieces = pieces_of_it
        self._rest = b""

    def take(self, count: int | None) -> Iterator[bytes]:
        """Take so many bytes, or all that are left."""
        while count is None or count > 0:
            if not self._rest:
                self._rest = next(self._pieces, b"")
                if not self._rest:
                    return
            data = self._rest if count is None else self._rest[:count]
            self._rest = self._rest[len(data) :]
            if count is not None:
                count -= len(data)
            yield data


def _times(source: Iterator[bytes]) -> Iterator[tuple[float, Name, int]]:
    """Read timing lines; a torn last one of a lost run is passed over."""
    rest = b""
    for data in source:
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            words = line.decode("ascii", "replace").split()
            if len(words) != 3 or words[1] not in _LETTERS:
                continue
            try:
                yield float(words[0]), _LETTERS[words[1]], int(words[2])
            except ValueError as error:
                raise DamagedError("the times of this log are damaged") from error


def _live(store: Store, run_id: str, folder: str, wanted: set[Name], *, follow: bool) -> Iterator[Piece]:
    """Read the files of a run in flight; descriptors stay valid when sealing takes the files away."""
    names: tuple[Name, ...] = ("stdout", "stderr")
    files: dict[str, int] = {}
    ahead: dict[str, int] = {"stdout": 0, "stderr": 0}
    """Bytes given out before their line of the timing file was there."""
    while True:
        # Before reading: what is written until the run ends is then read in this round.
        going_on = follow and _running(store, run_id)
        for name in ("timing", *(name for name in names if name in wanted)):
            if name not in files:
                try:
                    files[name] = fsio.open_regular(f"{folder}/{name}")
                except FileNotFoundError:
                    continue
        if "timing" in files:
            for at, name, count in _times(_rest(files["timing"])):
                if name in files:
                    known = min(ahead[name], count)
                    ahead[name] -= known
                    yield from (Piece(name, at, data) for data in _read(files[name], count - known))
        for name in names:
            if name in files:
                for data in _read(files[name], None):
                    ahead[name] += len(data)
                    yield Piece(name, None, data)
        if not going_on:
            break
        time.sleep(LOOK)
    for fd in files.values():
        os.close(fd)


def _running(store: Store, run_id: str) -> bool:
    try:
        return store.live(run_id)[1] == "running"
    except NotRecordedError:
        return False


def _rest(fd: int) -> Iterator[bytes]:
    while data := os.read(fd, fsio.CHUNK):
        yield data


def _read(fd: int, count: int | None) -> Iterator[bytes]:
    while count is None or count > 0:
        data = os.read(fd, fsio.CHUNK if count is None else min(count, fsio.CHUNK))
        if not data:
            return
        if count is not None:
            count -= len(data)
        yield data
