"""Run a command on this machine, under the user's terminal, group and limits."""

from __future__ import annotations

import os
import signal
import time

from xt.execute import Ended, Job
from xt.execute.meter import Meter
from xt.execute.spawn import FailedError, start
from xt.execute.streams import Streams
from xt.execute.watch import Watch
from xt.model.result import Logs, Usage


def run(job: Job) -> Ended:
    """Start a command, carry its streams, wait for it, and say how it ended.

    The working directory is that of this process. Whatever goes wrong with logs or metering becomes a
    `Problem`; the command is not disturbed by it.

    Raises:
        KeyboardInterrupt: Ctrl-C came before the command was started.
    """
    watch = Watch()
    try:
        streams = Streams(job)
        began = time.monotonic()
        try:
            pid = _start(job, streams, watch)
        except FailedError as error:
            streams.ended([])
            return _not_started(error)
        meter = Meter(pid, began)
        meter.begin()
        watch.stopping, watch.resized = streams.stopping, streams.resized
        watch.wait(pid)
        status, usage = meter.finish(watch.stopped_s)
        streams.ended(watch.received)
    finally:
        watch.release()
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
        usage=usage,
        logs=logs,
        files=files,
        problems=streams.problems,
    )


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
        usage=Usage(0.0, 0.0, None, None, None, None, None, None, None, None, 0, "the command did not start"),
        logs=Logs([], None, False),
        files=[],
        problems=[],
        reason=error.reason,
    )
