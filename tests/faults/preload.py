"""The library that counts calls and lets one of them go wrong: compiled, loaded, armed."""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import os
import subprocess
import sys
import tempfile
from typing import Literal

from xt.fsio import find_program

SOURCE = os.path.join(os.path.dirname(__file__), "shim.c")
#: What becomes of the call. Torn: half is written, then the process is killed. Short: half is written, and
#: every later call fails.
Action = Literal["count", "kill", "torn", "fail", "short"]
ACTIONS: tuple[Action, ...] = ("count", "kill", "torn", "fail", "short")


class _Plan(ctypes.Structure):
    """`struct plan` of shim.c."""

    _fields_ = (
        ("at", ctypes.c_int64),
        ("action", ctypes.c_int32),
        ("error", ctypes.c_int32),
        ("forever", ctypes.c_int32),
        ("length", ctypes.c_int32),
        ("count", ctypes.c_int64),
        ("prefix", ctypes.c_char * 1024),
        ("except", ctypes.c_char * 64),
        ("calls", ctypes.c_char * (1 << 16)),
        ("reading", ctypes.c_int32),
    )


class Faults:
    """The library in this process, which was loaded with it."""

    def __init__(self) -> None:
        """Find it; nothing is armed."""
        self._arm = ctypes.CDLL(None).faults_arm
        self._memory = mmap.mmap(-1, ctypes.sizeof(_Plan))
        self._plan = _Plan.from_buffer(self._memory)

    def plan(
        self, prefix: str, at: int = 0, action: Action = "count", error: int = 0, *, forever: int = 0,
        without: str = "", reading: bool = False,
    ) -> None:  # fmt: skip
        """Say what is to happen in whoever is armed next.

        Args:
            prefix: folder, absolute, without links; only calls about what is in it count.
            at: which call, from 1; 0 for none.
            action: what becomes of it.
            error: errno, for `fail` and `short`.
            forever: 1: every later call fails too; 2: every later one about that path.
            without: text; a call with it in its line (`name ./path`) does not count.
            reading: what counts is calls that only look, and not those that change something.
        """
        plan = self._plan
        plan.at, plan.action, plan.error, plan.forever = at, ACTIONS.index(action), error, forever
        plan.reading = reading
        plan.prefix = os.fsencode(prefix)
        setattr(plan, "except", os.fsencode(without))
        plan.length = plan.count = 0

    def arm(self) -> None:
        """From here on this process, and no other, does as planned."""
        self._arm(ctypes.byref(self._plan))

    def calls(self) -> list[str]:
        """`name ./path` of each call that was made, also by a process that is dead now."""
        at = ctypes.addressof(self._plan) + _Plan.calls.offset
        return os.fsdecode(ctypes.string_at(at, self._plan.length)).splitlines()


def missing() -> str | None:
    """Why nothing can be loaded here; None when it can."""
    if sys.platform != "linux" or sys.maxsize < 1 << 32 or not hasattr(os, "posix_spawn"):
        return "only on 64-bit Linux"
    if find_program("cc", os.environ.get("PATH", os.defpath)) is None:
        return "there is no C compiler `cc`"
    return None


def library() -> str:
    """Path of the compiled library, made when it is not there."""
    with open(SOURCE, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:16]
    folder = os.path.join(tempfile.gettempdir(), f"xt-faults-{os.getuid()}")
    os.makedirs(folder, 0o700, exist_ok=True)
    path = f"{folder}/{digest}.so"
    if not os.path.exists(path):
        draft = f"{path}.{os.getpid()}"
        words = [
            "cc",
            "-O1",
            "-fPIC",
            "-shared",
            "-Wall",
            "-fvisibility=default",
            "-o",
            draft,
            SOURCE,
            "-ldl",
        ]
        subprocess.run(words, check=True)
        os.rename(draft, path)
    return path


def is_loaded() -> bool:
    """Whether this process was loaded with it."""
    return hasattr(ctypes.CDLL(None), "faults_arm")


def reload() -> None:
    """Begin this process anew, with the library."""
    os.environ["LD_PRELOAD"] = library()
    os.execv(sys.executable, sys.orig_argv)
