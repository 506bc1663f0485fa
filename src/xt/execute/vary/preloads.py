"""Variations and pins that are a library loaded into the command: clocks, entropy, the order of files.

Static programs are not reached by it, nor what makes its system calls itself, as Go does.
"""

from __future__ import annotations

import glob
import subprocess
import sys

from xt.execute.vary import Around, ImpossibleError, shim

#: Where Debian, Fedora and a build from source put it; the variant that is safe with threads.
FAKETIME = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
)
#: More than a year, and another day of the week and time of day.
LATER_DAYS, LATER_HOURS = 400, 5
#: 2024-01-01 00:00:00 UTC, in seconds since 1970, where the start of the recorded run is not known.
START = 1_704_067_200
SEED = 1


def clock(around: Around) -> str:
    """Set the wall clock forward by 400 days and 5 hours; it goes on from there. Others are left.

    With the shim; with libfaketime where there is no compiler for it. Not the other way round: libfaketime
    0.9.10, which Debian 12 has, makes every `time.sleep` of Python 3.11 fail with EINVAL when it leaves the
    monotonic clock alone, and hang when it does not. So one that does is not used either.

    Raises:
        ImpossibleError: neither can be had.
    """
    seconds = LATER_DAYS * 86_400 + LATER_HOURS * 3600
    try:
        shim.load(around, "XT_SHIM_CLOCK", f"+{seconds}")
        return f"{LATER_DAYS} days later"
    except ImpossibleError as error:
        if not sys.platform.startswith("linux"):
            raise
        found = next((path for pattern in FAKETIME for path in sorted(glob.glob(pattern))), None)
        if found is None:
            raise ImpossibleError(f"{error}, and no libfaketime is") from error
        settings = {"FAKETIME": f"+{seconds}", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
        if not _can_sleep(found, settings):
            raise ImpossibleError(f"{error}, and this libfaketime breaks programs that sleep") from error
    shim.preload(around, found)
    around.added.update(settings)
    return f"{LATER_DAYS} days later (libfaketime)"


def _can_sleep(library: str, settings: dict[str, str]) -> bool:
    """Whether a Python that is loaded with libfaketime can wait for a moment."""
    argv = [sys.executable, "-S", "-E", "-c", "import time; time.sleep(0.001)"]
    environ = {"LD_PRELOAD": library, **settings}
    try:
        return subprocess.run(argv, env=environ, capture_output=True, timeout=10, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def pin_clock(around: Around) -> str:
    """Let every clock begin at the same moment and only count: sleeping, and 1 us for each look at it.

    So times that are shown and durations that are measured repeat, and a program that waits for time to
    pass still comes to an end. It begins at the recorded start: in the past, so that nobody waits for a
    moment that real clocks have yet to reach.

    Raises:
        ImpossibleError: the shim cannot be had.
    """
    start = START if around.started is None else around.started
    shim.load(around, "XT_SHIM_CLOCK", f"@{start}")
    return "every clock counts from the same moment"


def pin_seed(around: Around) -> str:
    """Give the same entropy every time: what seeds a generator that the program does not seed, and XT_SEED.

    Not what the processor gives (rdrand), except through C++'s `std::random_device`.

    Raises:
        ImpossibleError: the shim cannot be had.
    """
    shim.load(around, "XT_SHIM_ENTROPY", str(SEED))
    if around.seed is None:
        around.seed = SEED
    return "the same entropy every time"


def fileorder(around: Around) -> str:
    """List the files of a folder in the reverse order.

    Raises:
        ImpossibleError: the shim cannot be had.
    """
    shim.load(around, "XT_SHIM_FILES", "reversed")
    return "folders listed in reverse"


def pin_fileorder(around: Around) -> str:
    """List the files of a folder by name.

    Raises:
        ImpossibleError: the shim cannot be had.
    """
    shim.load(around, "XT_SHIM_FILES", "sorted")
    return "folders listed by name"
