"""Run a command on this machine, under the user's terminal, group and limits."""

from __future__ import annotations

import os
import signal
from typing import Literal

from xt.context import sort_of
from xt.execute import Captured, Ended, Job, Masker
from xt.execute.logfile import LogFile, Timing
from xt.execute.meter import Meter
from xt.execute.spawn import FailedError, start
from xt.execute.stream import Carrier
from xt.execute.terminal import Terminal
from xt.execute.watch import Watch
from xt.model.files import Problem
from xt.model.result import Logs, Stream, Usage

NAMES: dict[int, Literal["stdout", "stderr"]] = {1: "stdout", 2: "stderr"}


def run(job: Job) -> Ended:
    """Start a command, carry its streams, wait for it, and say how it ended.

    The working directory is that of this process. Whatever goes wrong with logs or metering becomes a
    `Problem`; the command is not disturbed by it.

    Raises:
        KeyboardInterrupt: Ctrl-C came before the command was started.
    """
    problems: list[Problem] = []
    timing = Timing(f"{job.folder}/timing")
    watch = Watch()
    try:
        if signal.SIGINT in signal.sigpending():
            raise KeyboardInterrupt
        carriers = _carriers(job, timing, problems)
        streams = {1 if carrier.log.name == "stdout" else 2: carrier.theirs for carrier in carriers}
        try:
            pid = start(job.argv, job.environ, streams, watch.inherited_mask)
        except FailedError as error:
            return _not_started(error)
        meter = Meter(pid)
        for carrier in carriers:
            carrier.started()
            carrier.start()
        meter.start()
        terminals = [carrier.terminal for carrier in carriers if carrier.terminal]
        watch.stopping = lambda: _mirror(terminals)
        watch.resized = lambda: _resize(terminals)
        watch.wait(pid)
        status, usage = meter.finish(watch.stopped_s)
        for carrier in carriers:
            carrier.ended()
        for carrier in carriers:
            carrier.join()
    finally:
        watch.release()
    logs, files = _logs(carriers, timing, problems)
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    code = None if number else os.waitstatus_to_exitcode(status)
    return Ended(
        started=True,
        exit_code=code,
        signal=number,
        core_dumped=os.WCOREDUMP(status),
        xt_exit=128 + number if number else code or 0,
        received=watch.received,
        usage=usage,
        logs=logs,
        files=files,
        problems=problems,
    )


def _carriers(job: Job, timing: Timing, problems: list[Problem]) -> list[Carrier]:
    carriers = []
    for fd, name in NAMES.items():
        if sort_of(fd) == "closed":
            continue
        log = LogFile(name, job.folder, timing, _mask(job), job.max_log)
        try:
            carriers.append(Carrier(fd, log, job.grace, job.idle_grace))
        except OSError as error:
            # The command writes straight to where it would have without xt.
            problems.append(Problem("log", f"{name} is not captured: {error.strerror}"))
    return carriers


def _mask(job: Job) -> Masker | None:
    if not job.secrets:
        return None
    from xt.execute.mask import Mask

    mask = Mask(job.secrets)
    return mask if mask.active else None


def _mirror(terminals: list[Terminal]) -> None:
    for terminal in terminals:
        terminal.mirror()


def _resize(terminals: list[Terminal]) -> None:
    """Follow the user's terminal; then tell the command, which may have asked too early."""
    changed = [terminal.resize() for terminal in terminals]
    if any(changed):
        # The terminal told the whole group when it changed, but ours had the old size until now. Our own
        # copy of this signal comes back here and finds nothing changed.
        os.killpg(os.getpgrp(), signal.SIGWINCH)


def _logs(carriers: list[Carrier], timing: Timing, problems: list[Problem]) -> tuple[Logs, list[Captured]]:
    files: list[Captured] = []
    streams = []
    for carrier in carriers:
        log = carrier.log
        captured = log.finish()
        if captured:
            files.append(captured)
        streams.append(
            Stream(
                name=log.name,
                via="pty" if carrier.terminal else "pipe",
                size=log.size,
                digest=captured.digest if captured else None,
                stored=log.stored,
                masked=log.masked,
                cut_at=log.cut_at,
                reason=log.reason,
            )
        )
        if log.reason:
            problems.append(Problem("log", f"{log.name}: {log.reason}"))
        if carrier.sink_gone and not carrier.reader_left:
            problems.append(Problem("log", f"{log.name} could not be passed on: {carrier.sink_gone}"))
    times = timing.finish()
    if times:
        files.append(times)
    if timing.problem:
        problems.append(Problem("log", timing.problem))
    held = [carrier.log.name for carrier in carriers if carrier.open_at_end]
    if held:
        problems.append(
            Problem(
                "log",
                f"a process left behind holds {' and '.join(held)} open; what it writes later is lost",
                "`[run] grace` in xt.toml sets how long xt reads on",
            )
        )
    return Logs(streams, times.digest if times else None, bool(held)), files


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
