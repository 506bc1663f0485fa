"""Make for this process what variations and pins have written down; what it starts inherits it."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from typing import TypeVar

from xt.execute import mounts, namespaces
from xt.execute.vary import Around, ImpossibleError

FLAGS = {
    "mount": namespaces.CLONE_NEWNS,
    "host": namespaces.CLONE_NEWUTS,
    "network": namespaces.CLONE_NEWNET,
}
#: capabilities(7): what unshare and setns ask for.
CAP_SYS_ADMIN = 21
#: personality(2): only ask.
ASK = 0xFFFFFFFF
_T = TypeVar("_T")


def enter(around: Around) -> None:
    """Put this process into the surroundings: umask, processors, personality, namespaces.

    There is no way back: the process is good for one run. It must not have a second thread yet. Variables
    (`environ`, `added`), the workspace (`folder_name`, `file_times`, `moved`) and `own_pids` are the
    caller's.

    Raises:
        ImpossibleError: the kernel refuses something; what came before it is in force then.
    """
    if around.own_pids and not _may_administer():
        raise ImpossibleError("a pid namespace of its own takes root's rights")
    if around.umask is not None:
        os.umask(around.umask)
    if around.cpus is not None:
        _limit(around.cpus)
    if around.personality:
        _personality(around.personality)
    if around.namespaces:
        _namespaces(around)


def _limit(count: int) -> None:
    if not hasattr(os, "sched_setaffinity"):
        raise ImpossibleError("only on Linux")
    usable = sorted(os.sched_getaffinity(0))
    # The first ones: neighbours share caches, and the same are taken every time.
    _tried("the processors cannot be limited", lambda: os.sched_setaffinity(0, usable[:count]))


def _personality(bits: int) -> None:
    if not sys.platform.startswith("linux"):
        raise ImpossibleError("only on Linux")
    libc = ctypes.CDLL(None, use_errno=True)
    now = libc.personality(ctypes.c_ulong(ASK))
    if now == -1 or libc.personality(ctypes.c_ulong(now | bits)) == -1:
        raise ImpossibleError(f"the kernel refuses personality: {os.strerror(ctypes.get_errno())}")
    if libc.personality(ctypes.c_ulong(ASK)) & bits != bits:
        raise ImpossibleError("the kernel does not keep the personality")


def _namespaces(around: Around) -> None:
    if not sys.platform.startswith("linux"):
        raise ImpossibleError("only on Linux")
    names = ", ".join(sorted(around.namespaces))
    flags = sum(FLAGS[name] for name in around.namespaces)
    # Without rights the user's own namespace has to come first; with root's and no rights (a container) too.
    if not _may_administer():
        _tried("user namespaces are not permitted here", namespaces.become_owner)
    _tried(f"namespaces ({names}) are not permitted here", lambda: namespaces.unshare(flags))
    if "mount" in around.namespaces:
        _tried("mounts cannot be kept private", mounts.make_private)
    if "network" in around.namespaces:
        _tried("the loopback cannot be switched on", namespaces.loopback_up)
    if around.hostname is not None:
        name = around.hostname
        import socket

        _tried("the hostname cannot be set", lambda: socket.sethostname(name))


def _tried(what: str, act: Callable[[], _T]) -> _T:
    try:
        return act()
    except OSError as error:
        hint = ""
        if error.errno == errno.EINVAL and what.startswith("user"):
            hint = " (the process has more than one thread)"
        raise ImpossibleError(f"{what}: {error.strerror or error}{hint}") from error


def _may_administer() -> bool:
    """Whether this process has CAP_SYS_ADMIN, root's right to do most of this."""
    try:
        with open("/proc/self/status") as file:
            held = next((line.split()[1] for line in file if line.startswith("CapEff:")), "0")
    except OSError:
        return False
    return bool(int(held, 16) >> CAP_SYS_ADMIN & 1)
