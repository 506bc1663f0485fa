"""A sweep that is killed before each of the system calls by which it changes the store; run by a test.

python -m tests.upkeep.killed FOLDER
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from tests.upkeep.beside import child
from tests.upkeep.stores import Making
from xt.model.event import Removed, Swept
from xt.ops.statements import state
from xt.store import Store, events, trash

#: What Python tells of (docs.python.org/3/library/audit_events.html) that changes a folder.
CALLS = ("os.rename", "os.remove", "os.link", "os.rmdir", "os.utime", "os.mkdir", "os.truncate")
KILLED = 9


def template(folder: Path) -> tuple[Making, set[str], set[str]]:
    """A store with something of everything to sweep; what is to be left of runs and contents."""
    made = Making(folder)
    kept = made.seal(writes={"a": b"kept", "t": {"x": b"kept in a folder"}}, log=b"log")
    waiting = made.seal(writes={"a": b"named by a record in the trash"})
    wanted = made.objects()
    gone = [made.seal(writes={"a": b"kept", "b": bytes([number])}) for number in range(2)]
    for run in gone:
        state(made.store, made.outside, Removed, run=run, reason=None)
    needed = made.put(b"kept")
    nobody = [made.put(b"of nobody"), made.put(b"of nobody either")]
    (made.path / "tmp" / "4242.ab").write_bytes(b"left over")
    (made.path / "live" / ("k" * 16)).mkdir()
    (made.path / "live" / ("k" * 16) / "lock").write_bytes(b"")
    made.age()
    for digest in (needed, nobody[0]):
        trash.put(str(made.path), f"objects/{digest[7:9]}/{digest[7:]}")
    trash.put(str(made.path), f"runs/{waiting[:2]}/{waiting}.json")
    return made, {kept, waiting}, wanted


def sweep(folder: Path, at: int) -> None:
    """Sweep, and be killed before a call."""
    made = Making.__new__(Making)
    made.store, made.path, made.folder = Store(str(folder / ".xt")), folder / ".xt", folder
    made.outside = Making(folder).outside
    left = [at]

    def hook(event: str, words: tuple[object, ...]) -> None:
        changes = event in CALLS or (event == "open" and isinstance(words[2], int) and words[2] & os.O_CREAT)
        if changes and "cache" not in str(words[0]):
            left[0] -= 1
            if left[0] < 0:
                os._exit(KILLED)

    sys.addaudithook(hook)
    made.gc()


def main(folder: Path) -> None:
    made, runs, contents = template(folder / "template")
    made.gc(dry=True)  # with the cache, and all that is imported
    wrong = []
    for at in range(10**6):
        copy = folder / str(at)
        shutil.copytree(folder / "template", copy)
        _, status = os.waitpid(child(sweep, copy, at), 0)
        left = Making(copy)
        if os.waitstatus_to_exitcode(status) not in (0, KILLED):
            wrong.append([at, "it failed", status])
        if not contents <= left.objects() | in_trash(left):
            wrong.append([at, "something that is needed is gone"])
        left.gc()
        if left.ids() != runs or left.objects() != contents:
            wrong.append(
                [at, "after the next one", sorted(left.ids() ^ runs), sorted(left.objects() ^ contents)]
            )
        if in_trash(left) or [*trash.names(str(left.path))]:
            wrong.append([at, "something is in the trash"])
        if len({run for event in events.every(str(left.path), Swept) for run in event.runs}) != 2:
            wrong.append([at, "it is not recorded which runs were dropped"])
        again = left.gc()
        if again.freed or again.dropped or again.notes:
            wrong.append([at, "not all is done", str(again)])
        shutil.rmtree(copy)
        if os.waitstatus_to_exitcode(status) == 0:
            break
    print(json.dumps({"calls": at, "wrong": wrong}))


def in_trash(made: Making) -> set[str]:
    names = [name for name in trash.names(str(made.path)) if name.startswith("objects/")]
    return {"blake3:" + name.rpartition("/")[2].removesuffix(".zst") for name in names}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
