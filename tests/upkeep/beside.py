"""Many writers, and two that sweep, in one store at once; run by a test, in a process of its own.

Contents that nobody names and that are old come into the store all the time (a feeder links them there), so
that writers find contents in the very moment in which they are swept. Every content that a record names must
be there in the end.

    python -m tests.upkeep.beside FOLDER WRITERS ROUNDS
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from contextlib import suppress
from pathlib import Path

from blake3 import blake3

from tests.upkeep.stores import OLD, Making
from xt.errors import StoreError, XtError
from xt.store import Store


def content(own: int, at: int, which: int) -> bytes:
    """One that only one run will name, so that it is old and nobody's until then."""
    return f"content {own} {at} {which} ".encode() * 40


def feed(made: Making, writers: int, rounds: int) -> None:
    """Let old contents appear, where there are none, for as long as anybody works."""
    chance = random.Random(0)
    while True:
        data = content(chance.randrange(writers), chance.randrange(rounds), chance.randrange(4))
        digits = blake3(data).hexdigest()
        temporary = made.path / "tmp" / f"feeder.{os.getpid()}"
        temporary.write_bytes(data)
        temporary.chmod(0o444)
        os.utime(temporary, (OLD, OLD))
        (made.path / "objects" / digits[:2]).mkdir(exist_ok=True)
        with suppress(FileExistsError):
            # Unlike a rename it never takes the place of what a writer has in hand.
            os.link(temporary, made.path / "objects" / digits[:2] / digits)
        temporary.unlink()


def sweep(made: Making) -> None:
    """Sweep all the time."""
    while True:
        with suppress(StoreError):
            made.gc()


def write(made: Making, own: int, rounds: int) -> None:
    """Seal runs with contents that others have too."""
    for at in range(rounds):
        made.store = Store(str(made.path))
        made.count = own * 100 + at
        some = [content(own, at, which) for which in range(4)]
        made.seal(writes={"a": some[0], "t": {"x": some[1], "y": some[2]}}, reads={"i": some[3]})


def child(job, *words) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            job(*words)
            status = 0
        finally:
            os._exit(status)
    return pid


def main(folder: str, writers: int, rounds: int) -> None:
    made = Making(Path(folder))
    made.gc()  # what is imported now need not be imported in every process
    others = [child(feed, made, writers, rounds), child(sweep, made), child(sweep, made)]
    pids = [child(write, made, own, rounds) for own in range(writers)]
    failed = sum(os.waitpid(pid, 0)[1] != 0 for pid in pids)
    for pid in others:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    made.gc()  # what the killed ones left in the trash is settled by the next
    store = Store(str(made.path))
    lost = []
    for run_id in store.ids():
        record = store.record(run_id)
        for item in (*record.snapshot.inputs, *record.result.outputs):
            try:
                for digest in [item.digest, *listed(store, item)]:
                    store.objects.read(digest)
            except XtError as error:
                lost.append([run_id, error.message])
    print(json.dumps({"failed": failed, "runs": len([*store.ids()]), "lost": lost}))


def listed(store: Store, item) -> list[str]:
    if item.kind != "tree":
        return []
    return [entry["digest"] for entry in json.loads(store.objects.read(item.digest))["entries"]]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
