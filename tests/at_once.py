"""xt called in the process of the tests, which takes a tenth of the time."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO

import pytest

from xt.cli.main import guarded

#: Commands that answer from what is recorded, or say something of it. What starts commands, repeats, copies
#: or waits is a process of its own.
ANSWERING = frozenset(
    (
        *("ls", "show", "logs", "diff", "audit", "trace", "noise", "cases", "bundle", "plot", "report"),
        *("tag", "name", "note", "rm", "baseline", "deploy", "observe", "prod", "blame", "rollback"),
        *("export", "init", "fsck"),
    )
)


def call(words: list[str], cwd: str, env: dict[str, str]) -> tuple[int, bytes, bytes]:
    """Call xt; give its status and what it wrote.

    Args:
        words: after `xt`.
        cwd: where.
        env: variables besides those that are set.
    """
    with pytest.MonkeyPatch.context() as around, _signals(), _streams() as (out, err):
        around.chdir(cwd)
        for name, value in env.items():
            around.setenv(name, value)
        code = guarded(words)
    return code, out(), err()


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Set signals back to what they were: what repeats runs ignores them when it is about to end."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@contextlib.contextmanager
def _streams() -> Iterator[list[Callable[[], bytes]]]:
    """Put files in the place of the standard streams, Python's and the process's; gives what they hold."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = [os.dup(fd) for fd in (0, 1, 2)]
    before = sys.stdin, sys.stdout, sys.stderr
    files = [os.fdopen(os.open(tempfile.gettempdir(), os.O_TMPFILE | os.O_RDWR), "w+b") for _ in (1, 2)]
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        for fd, new in enumerate((null, *(file.fileno() for file in files))):
            os.dup2(new, fd)
        sys.stdin, *_ = (os.fdopen(0, closefd=False),)
        sys.stdout, sys.stderr = (os.fdopen(fd, "w", closefd=False) for fd in (1, 2))
        yield [partial(_held, file) for file in files]
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        sys.stdin, sys.stdout, sys.stderr = before
        for fd, copy in enumerate(kept):
            os.dup2(copy, fd)
            os.close(copy)
        os.close(null)


def _held(file: IO[bytes]) -> bytes:
    with file:
        file.seek(0)
        return file.read()
