"""Clear away what an xt left that was killed while it waited for repeats elsewhere."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

from xt import fsio
from xt.errors import DamagedError, XtError
from xt.execute.engines import Engine, Where
from xt.ops.away.slots import JOBS, Slots

#: Seconds of silence after which a folder of another host, whose lock says nothing here, is left over.
LONG = 86_400


def sweep(store: str, where: Where, reach: Callable[[str], Engine]) -> None:
    """Cancel the jobs and remove the folder of every one that nobody waits for.

    Args:
        store: path of `.xt`.
        where: the engine that is asked for now; jobs of another find nothing to do, by themselves.
        reach: makes the engine, of a name for its jobs.
    """
    try:
        names = sorted(os.listdir(f"{store}/{JOBS}"))
    except OSError:
        return
    for name in names:
        slots = Slots(f"{store}/{JOBS}/{name}")
        with contextlib.suppress(OSError, XtError):
            lock = os.open(f"{slots.folder}/lock", os.O_RDWR | os.O_CLOEXEC)
            try:
                if fsio.try_lock(lock) and left(slots):
                    if where.kind == "slurm" and slots.plan().engine == where.shown:
                        engine = reach(name)
                        engine.end_all()
                        engine.close()
                    slots.remove()
            finally:
                os.close(lock)


def left(slots: Slots) -> bool:
    """Whether nobody waits for it, given that nobody on this host holds its lock."""
    try:
        if slots.plan().host == os.uname().nodename:
            return True
    except (OSError, DamagedError):
        pass  # it is being made, or of no use
    touched = slots.touched(slots.folder)
    return touched is not None and time.time() - max(touched, slots.touched(slots.beat) or 0) / 1e9 > LONG
