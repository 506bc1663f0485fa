"""The outside: working directory, variables, clock, chance, streams. Tests replace it whole.

Nothing else below `cli` and `execute` asks the operating system for these.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from datetime import UTC, datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    Sort = Literal["terminal", "pipe", "file", "null", "socket", "closed", "other"]

#: Any of these, set and not off, says that a provider of continuous integration runs this.
CI_VARIABLES = (
    *("CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "BUILDKITE", "CIRCLECI", "TF_BUILD", "TRAVIS"),
    *("DRONE", "BITBUCKET_BUILD_NUMBER", "TEAMCITY_VERSION"),
)
#: What a variable is set to that says no.
OFF = frozenset(("", "0", "false", "no", "off"))


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether the variables say that this is a job of continuous integration."""
    return any(environ[name].lower() not in OFF for name in CI_VARIABLES if name in environ)


def deaf() -> None:
    """Keep signals from the calling thread, which may live on when nobody waits for it any more.

    Of the threads of a process the kernel picks any that does not block a signal. One that tells of the end
    of a command would be thrown away there, and whoever waits for it would wait for ever.
    """
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def end_by_sigint() -> None:
    """End as a command that Ctrl-C ended; at a mere 130 a shell does not break its loop."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.kill(os.getpid(), signal.SIGINT)


class Outside:
    """All that a verb may know of the world around it."""

    def __init__(self, cwd: str, environ: Mapping[str, str], umask: int = 0o022) -> None:
        """Describe a world.

        Args:
            cwd: absolute path of the working directory.
            environ: the variables, decoded with `os.fsdecode`.
            umask: of the calling process.
        """
        self.cwd = cwd
        self.environ = environ
        self.umask = umask

    @classmethod
    def real(cls, cwd: str | None = None) -> Outside:
        """Describe the process as it is.

        Raises:
            FileNotFoundError: if the working directory was deleted.
        """
        umask = os.umask(0o077)
        os.umask(umask)
        return cls(cwd or os.getcwd(), _environ(), umask)

    def now(self) -> datetime:
        """Current time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps."""
        return time.monotonic()

    def random_bytes(self, count: int) -> bytes:
        """Unpredictable bytes."""
        return os.urandom(count)


def _environ() -> Mapping[str, str]:
    """The variables as the caller set them: in the C locale Python adds one of its own (PEP 538)."""
    if os.environ.get("LC_CTYPE") not in ("C.UTF-8", "C.utf8", "UTF-8"):
        return os.environ
    try:
        with open("/proc/self/environ", "rb", buffering=0) as file:
            given = file.read()
    except OSError:
        return os.environ
    if b"\0LC_CTYPE=" in b"\0" + given:
        return os.environ
    return {name: value for name, value in os.environ.items() if name != "LC_CTYPE"}


def with_variable(name: str, value: str, work: Callable[[], object]) -> None:
    """Do something while a variable is set, for a library that reads it as it is loaded.

    Args:
        name: of the variable; what the user set it to stays.
        value: of the variable.
        work: what is done.
    """
    ours = name not in os.environ
    if ours:
        os.environ[name] = value
    try:
        work()
    finally:
        if ours:
            del os.environ[name]


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: `2026-11-23T09:30:00.000000Z`. Sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def sort_of(fd: int) -> Sort:
    """What a descriptor is connected to; a standard one that `cli` plugged counts as closed."""
    try:
        info = os.fstat(fd)
        if fd <= 2 and not os.get_inheritable(fd):
            return "closed"
    except OSError:
        return "closed"
    mode = info.st_mode
    if stat.S_ISCHR(mode):
        if os.isatty(fd):
            return "terminal"
        null = os.stat(os.devnull)
        return "null" if info.st_rdev == null.st_rdev else "other"
    if stat.S_ISFIFO(mode):
        return "pipe"
    if stat.S_ISSOCK(mode):
        return "socket"
    return "file" if stat.S_ISREG(mode) else "other"
