"""Run a command on this machine, under the user's terminal, group and limits."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from xt.execute import Captured, Ended, Job
from xt.execute.meter import Meter
from xt.execute.spawn import FailedError, start
from xt.execute.streams import Streams
from xt.execute.watch import Watch
from xt.model.files import Problem
from xt.model.result import Logs, Usage


def run(job: Job) -> Ended:
    """Start a command, carry its streams, wait for it, and say how it ended.

    The working directory is that of this process. Whatever goes wrong with logs or metering becomes a
    `Problem`; the command is not disturbed by it.

    Raises:
        KeyboardInterrupt: Ctrl-C came before the command was started.
    """
    watch, faults = Watch(), Faults()
    usage, logs = None, Logs([], None, False)
    files: list[Captured] = []
    try:
        streams = Streams(job)
        began = time.monotonic()
        try:
            pid = _start(job, streams, watch)
        except FailedError as error:
            streams.ended([])
            return _not_started(error)
        # From here on it runs: what fails of ours is a problem of the record, and not the command's.
        meter = None
        with faults:
            meter = Meter(pid, began)
            meter.begin()
        with faults:
            watch.stopping, watch.resized = streams.stopping, streams.resized
        _outlast(watch, pid, faults)
        with faults:
            if meter is not None:
                meter.end()
        _, status, used = os.wait4(pid, 0)
        with faults:
            if meter is not None:
                usage = meter.finish(used, watch.stopped_s)
                if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and meter.out_of_memory():
                    faults.problems.append(Problem("command", KILLED))
        faults.twice(lambda: streams.ended(watch.received))
    finally:
        faults.twice(watch.release)
    with faults:
        logs, files = streams.logs()
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    code = None if number else os.waitstatus_to_exitcode(status)
    return Ended(
        started=True,
        exit_code=code,
        signal=number,
        core_dumped=os.WCOREDUMP(status),
        # Without xt its own write would have failed; that it ended well must not hide that output is lost.
        xt_exit=128 + number if number else code or (1 if streams.lost else 0),
        received=watch.received,
        usage=usage
        or _unknown("it was not metered: see the problems of this record", time.monotonic() - began),
        logs=logs,
        files=files,
        problems=[*streams.problems, *faults.problems],
    )


#: Of a command that nobody ended but the kernel.
KILLED = "no memory was left: the kernel ended processes of this control group (out-of-memory killer)"


class Faults:
    """Takes errors of ours for problems of the record."""

    def __init__(self) -> None:
        """Begin without any."""
        self.problems: list[Problem] = []

    def __enter__(self) -> None:
        """Begin with what may fail."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Note an error, and go on."""
        if not isinstance(error, Exception):
            return False
        self.problems.append(Problem("capture", f"a bug in xt: {type(error).__name__}: {error}"))
        return True

    def twice(self, step: Callable[[], None]) -> bool:
        """Take a step, if need be once more: it goes on where it failed. Return whether it was taken."""
        for _ in range(2):
            with self:
                step()
                return True
        return False


def _outlast(watch: Watch, pid: int, faults: Faults) -> None:
    """Wait for the command's end, with signals passed on as long as that works."""
    if not faults.twice(lambda: watch.wait(pid)):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def _start(job: Job, streams: Streams, watch: Watch) -> int:
    try:
        if signal.SIGINT in signal.sigpending():
            raise KeyboardInterrupt
        return start(job.argv, job.environ, streams.replaced, watch.inherited_mask, job.own_pids)
    finally:
        streams.started()


def _not_started(error: FailedError) -> Ended:
    return Ended(
        started=False,
        exit_code=None,
        signal=None,
        core_dumped=False,
        xt_exit=error.status,
        received=[],
        usage=_unknown("the command did not start"),
        logs=Logs([], None, False),
        files=[],
        problems=[],
        reason=error.reason,
        no_room=error.no_room,
    )


def _unknown(reason: str, wall_s: float = 0.0) -> Usage:
    return Usage(round(wall_s, 6), 0.0, None, None, None, None, None, None, None, None, 0, reason)
