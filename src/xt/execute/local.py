"""Run a command on this machine, under the user's terminal, group and limits."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime

from xt import codec, fsio
from xt.context import timestamp
from xt.errors import reason
from xt.execute import Captured, Ended, Job
from xt.execute.meter import Meter
from xt.execute.spawn import FailedError, start
from xt.execute.streams import Streams
from xt.execute.watch import Watch
from xt.model.files import Problem
from xt.model.result import EXIT, Exit, Logs, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import resource


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
        status, used = _reap(pid)
        with faults:
            # At once: storing what came out may take long, and xt may be killed meanwhile.
            _note(job.folder, status, time.monotonic() - began - watch.stopped_s)
        with faults:
            if meter is not None and used is not None:
                usage = meter.finish(used, watch.stopped_s)
                if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and meter.out_of_memory():
                    faults.problems.append(Problem("command", KILLED))
        faults.twice(lambda: streams.ended(watch.received))
    finally:
        faults.twice(watch.release)
    with faults:
        logs, files = streams.logs()
    code, number = _meaning(status)
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
        self.problems.append(Problem("capture", reason(error)))
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


def _reap(pid: int) -> tuple[int, resource.struct_rusage | None]:
    """Take in how our child ended, which is not to be lost; and what it used, if that is told."""
    try:
        _, status, used = os.wait4(pid, 0)
    except OSError:
        seen = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert seen is not None  # without WNOHANG it waits
        if seen.si_code == os.CLD_EXITED:
            return seen.si_status << 8, None
        return seen.si_status | (0x80 if seen.si_code == os.CLD_DUMPED else 0), None
    return status, used


def _meaning(status: int) -> tuple[int | None, int | None]:
    """Exit code and signal, one of them None."""
    if os.WIFSIGNALED(status):
        return None, os.WTERMSIG(status)
    return os.waitstatus_to_exitcode(status), None


def _note(folder: str, status: int, wall_s: float) -> None:
    """Keep how the command ended beside the start; when there is no room for that, the record will say it."""
    code, number = _meaning(status)
    noted = Exit(timestamp(datetime.now(UTC)), round(max(wall_s, 0.0), 6), code, number)
    with contextlib.suppress(OSError):
        fsio.write_atomic(f"{folder}/{EXIT}", codec.encode(noted), durable=False)


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
