"""Who descends from whom among processes."""

from __future__ import annotations

import os


def descends(pid: int) -> bool:
    """Whether a process is this one or below it; False when that cannot be told (proc(5), stat)."""
    ours = os.getpid()
    while pid > 1 and pid != ours:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return False
    return pid == ours
