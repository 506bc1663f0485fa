"""Many writers, and two that sweep, in one store at once; run by a test, in a process of its own.

Contents that nobody names and that are old come into the store all the time (a feeder links them there), so
that writers find contents in the very moment in which they are swept. Every content that a record names must
be there in the end.

    python -m tests.upkeep.beside FOLDER WRITERS ROUNDS
    python -m tests.upkeep.beside FOLDER said          pins and deployments instead of writers
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
from xt.errors import NoSuchRunError, NotRecordedError, StoreError, XtError
from xt.model.event import Deployed, Removed
from xt.ops import baseline
from xt.ops.statements import standing, state
from xt.store import Store

#: Processes that pin at once.
PINNING = 2
NOTHING = "blake3:" + "0" * 64


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


def pin(made: Making, own: int, runs: list[str]) -> int:
    """Pin and deploy what is being dropped; how often that was refused."""
    refused = 0
    for at in range(own, len(runs), PINNING):
        try:
            if at % 3:
                baseline.pin(made.store, f"p{at}", runs[at], None, made.outside)
            else:
                state(
                    made.store, made.outside, Deployed, to=f"e{at}", run=runs[at], output="a", digest=NOTHING
                )
        except (NotRecordedError, NoSuchRunError):
            refused += 1
    return refused


def said(folder: str) -> None:
    """Runs that were put away are pinned while they are dropped."""
    made = Making(Path(folder))
    made.gc()
    runs = [made.seal() for _ in range(60)]
    for run in runs:
        state(made.store, made.outside, Removed, run=run, reason=None)
    pids = [child(lambda own=own: os._exit(pin(made, own, runs))) for own in range(PINNING)]
    dropped = 0
    for _ in range(6):
        dropped += len(made.gc().dropped)
    refused = sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)
    left, now = {*made.store.ids()}, standing(made.store)
    named = {one.run for one in now.pins.values()} | {*now.live()}
    print(json.dumps({"dangling": sorted(named - left), "refused": refused, "kept": len(named)}))


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


if __name__ == "__main__" and sys.argv[2] == "said":
    said(sys.argv[1])
elif __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
