"""A sweep that is killed before each of the calls by which it changes the store, or told that one failed.

    python -m tests.upkeep.killed FOLDER [EVERY]

With EVERY only every so-manieth attempt is made. Run by a test.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sys
from pathlib import Path

from tests.faults import preload
from tests.faults.preload import Action, Faults
from tests.upkeep.beside import child
from tests.upkeep.stores import Making
from xt.errors import XtError
from xt.model.event import Removed, Swept
from xt.ops.statements import state
from xt.store import Store, events, trash

ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT)


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


def sweep(folder: Path, faults: Faults) -> None:
    """Sweep, while something goes wrong. That it says so is well; anything else is not."""
    made = Making.__new__(Making)
    made.store, made.path, made.folder = Store(str(folder / ".xt")), folder / ".xt", folder
    made.outside = Making(folder).outside
    faults.arm()
    with contextlib.suppress(XtError):
        made.gc()


def attempts(calls: list[str]) -> list[tuple[int, Action, int, bool]]:
    """Each call killed, and each failing in one way, once or with all that follow."""
    found: list[tuple[int, Action, int, bool]] = []
    for at in range(1, len(calls) + 1):
        found += [(at, "kill", 0, False), (at, "fail", ERRORS[at % len(ERRORS)], at % 2 == 0)]
    return found


def main(folder: Path, every: int) -> None:
    _, runs, contents = template(folder / "template")
    Making(folder / "template").gc(dry=True)  # with the cache, and all that is imported
    faults = Faults()
    where = folder / "copy"
    plans: list[tuple[int, Action, int, bool]] = [(0, "count", 0, False)]
    calls: list[str] = []
    wrong = []
    while plans:
        at, action, error, forever = plans.pop()
        shutil.rmtree(where, ignore_errors=True)
        shutil.copytree(folder / "template", where)
        faults.plan(str(where / ".xt"), at, action, error, forever=forever, without="/cache/")
        _, status = os.waitpid(child(sweep, where, faults), 0)
        if action == "count":
            calls = faults.calls()
            plans = attempts(calls)[::every]
        said = []
        if os.waitstatus_to_exitcode(status) != (-9 if action == "kill" else 0):
            said.append(f"it ended with {status}")
        left = Making(where)
        if not contents <= left.objects() | in_trash(left):
            said.append("something that is needed is gone")
        left.gc()
        if left.ids() != runs or left.objects() != contents:
            said.append(f"after the next one {left.ids() ^ runs}, {left.objects() ^ contents}")
        if [*trash.names(str(left.path))]:
            said.append("something is in the trash")
        if len({run for event in events.every(str(left.path), Swept) for run in event.runs}) != 2:
            said.append("it is not recorded which runs were dropped")
        again = left.gc()
        if again.freed or again.dropped or again.notes:
            said.append(f"not all is done: {again}")
        if said:
            wrong.append([at, action, error, forever, calls[at - 1], said])
    print(json.dumps({"calls": len(calls), "wrong": wrong}))


def in_trash(made: Making) -> set[str]:
    names = [name for name in trash.names(str(made.path)) if name.startswith("objects/")]
    return {"blake3:" + name.rpartition("/")[2].removesuffix(".zst") for name in names}


if __name__ == "__main__":
    if not preload.is_loaded():
        preload.reload()
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
