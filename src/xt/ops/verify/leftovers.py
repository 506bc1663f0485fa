"""What a repeat left running, which nobody waits for: it is ended, so that it cannot disturb the next one."""

from __future__ import annotations

import contextlib
import os
import signal


def kill(run_id: str | None) -> None:
    """Kill every process that has the variable `XT_RUN_ID` of a run (proc(5); does nothing without /proc).

    Args:
        run_id: of a repeat that ended; None for one that has none.
    """
    if run_id is None or not os.path.exists("/proc/self/environ"):
        return
    mark = os.fsencode(f"XT_RUN_ID={run_id}")
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        # Of others it cannot be read, and some are gone by now.
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/environ", "rb") as file:
                found = mark in file.read().split(b"\0")
            if found:
                os.kill(int(name), signal.SIGKILL)
