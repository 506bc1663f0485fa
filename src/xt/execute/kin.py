"""Who descends from whom among processes (proc(5)); where that cannot be told, nobody does."""

from __future__ import annotations

import os
from collections.abc import Iterator


def descends(pid: int) -> bool:
    """Whether a process is this one or below it."""
    ours = os.getpid()
    while pid > 1 and pid != ours:
        try:
            with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return False
    return pid == ours


def below(pid: int) -> Iterator[int]:
    """Walk all processes below one."""
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb", buffering=0) as file:
                for child in map(int, file.read().split()):
                    yield child
                    yield from below(child)
    except OSError:
        return  # it ended meanwhile
