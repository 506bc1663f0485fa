"""Variations and pins of what the kernel and the file system show; `enter` and the workspace make them so."""

from __future__ import annotations

import os
import sys

from xt.execute.vary import Around, ImpossibleError
from xt.execute.vary.variables import usable

#: personality(2)
ADDR_NO_RANDOMIZE = 0x0040000
#: 2001-09-09 01:46:40 UTC, in seconds since 1970.
LONG_AGO = 1_000_000_000


def cpus(around: Around) -> str:
    """Run on half of the processors.

    Raises:
        ImpossibleError: there is only one, or the system has no such limit.
    """
    count = usable()
    if count < 2:
        raise ImpossibleError("only one processor can be used")
    return _limit(around, count // 2)


def pin_cpus(around: Around) -> str:
    """Run on one processor.

    Raises:
        ImpossibleError: the system has no such limit.
    """
    return _limit(around, 1)


def _limit(around: Around, count: int) -> str:
    if not hasattr(os, "sched_setaffinity"):
        raise ImpossibleError("only on Linux")
    around.cpus = count
    return f"{count} of {usable()} processors"


def umask(around: Around) -> str:
    """Take other permissions from new files."""
    old = around.umask
    if old is None:
        old = os.umask(0o077)
        os.umask(old)
    around.umask = 0o027 if old != 0o027 else 0o022
    return f"umask {around.umask:03o} instead of {old:03o}"


def hostname(around: Around) -> str:
    """Give the machine another name, for the command alone.

    Raises:
        ImpossibleError: not on Linux.
    """
    _linux()
    new = "another-host" if os.uname().nodename != "another-host" else "other-host"
    around.namespaces.add("host")
    around.hostname = new
    if "HOSTNAME" in around.environ:
        around.environ["HOSTNAME"] = new
    return f"hostname {new}"


def path(around: Around) -> str:
    """Work in a folder of another name, and of another length."""
    around.folder_name = "a-folder-of-another-name"
    return f"in `{around.folder_name}`"


def pin_path(around: Around) -> str:
    """Work at the recorded path, by mounting the workspace over it, seen by the command alone.

    Raises:
        ImpossibleError: not on Linux.
    """
    _linux()
    around.namespaces.add("mount")
    around.moved = True
    return "at the recorded path"


def times(around: Around) -> str:
    """Give every file of the workspace a modification time of long ago."""
    around.file_times = LONG_AGO
    return "files modified 2001-09-09"


pin_times = times


def network(around: Around) -> str:
    """Take the network away; the loopback stays.

    Raises:
        ImpossibleError: not on Linux.
    """
    _linux()
    around.namespaces.add("network")
    return "no network but the loopback"


pin_network = network


def addresses(around: Around) -> str:
    """Switch the randomisation of addresses off.

    Raises:
        ImpossibleError: not on Linux.
    """
    _linux()
    around.personality |= ADDR_NO_RANDOMIZE
    return "addresses not randomised"


pin_addresses = addresses


def pin_pid(around: Around) -> str:
    """Make the command process 1 of its own, and what it starts 2, 3, ….

    Raises:
        ImpossibleError: not on Linux.
    """
    _linux()
    around.own_pids = True
    return "process 1 of its own pid namespace"


def _linux() -> None:
    if not sys.platform.startswith("linux"):
        raise ImpossibleError("only on Linux")
