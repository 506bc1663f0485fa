"""Time whole processes, in rounds that take turns.

Why not hyperfine: it runs all of A and then all of B, so a machine that gets slower meanwhile makes B look
slow. Here each round runs A, B, C, …; figures are computed within a round and their median over the rounds is
given, so that what slows a whole round falls out. Peak memory and processor time come with it, and a step may
be a function.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Sample(NamedTuple):
    """One process, or one call."""

    wall_s: float
    cpu_s: float
    """User and system time, descendants that were waited for included."""
    peak_bytes: int
    """Resident memory of the largest of its processes; not less than that of the process that measures."""


class Step(NamedTuple):
    """Something that is measured once in each round."""

    name: str
    run: Callable[[], Sample]
    prepare: Callable[[], object] | None = None
    """Called before each run, and not measured."""


class Spread(NamedTuple):
    """Median and quartiles over the rounds."""

    median: float
    low: float
    high: float


class Series(NamedTuple):
    """The samples of one step, in the order of the rounds."""

    samples: list[Sample]

    @property
    def wall(self) -> Spread:
        return spread([sample.wall_s for sample in self.samples])

    @property
    def cpu(self) -> Spread:
        return spread([sample.cpu_s for sample in self.samples])

    @property
    def peak(self) -> Spread:
        return spread([float(sample.peak_bytes) for sample in self.samples])


class FailedError(Exception):
    """A measured process did not end as it must: its figures would be of something else."""


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high)


def paired(figure: Callable[..., float], *series: Series) -> Spread:
    """Compute a figure within each round.

    Args:
        figure: takes the seconds of each of the series in one round.
        series: of the same call of `rounds`.
    """
    walls = [[sample.wall_s for sample in one.samples] for one in series]
    return spread([figure(*values) for values in zip(*walls, strict=True)])


def process(argv: list[str], environ: dict[str, str], cwd: str, stderr: str) -> Callable[[], Sample]:
    """Make a step of a command, with nothing to read and nobody who reads.

    Args:
        argv: the first word is a path, or looked up along PATH.
        environ: all of its variables.
        cwd: where it runs; this process goes there.
        stderr: file that takes its standard error, to quote it.

    Raises:
        FailedError: when run, if it does not end with 0.
    """
    program = argv[0] if "/" in argv[0] else _found(argv[0], environ["PATH"])
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]

    def run() -> Sample:
        os.chdir(cwd)
        began = time.perf_counter()
        pid = os.posix_spawn(program, argv, environ, file_actions=actions)
        _, status, used = os.wait4(pid, 0)
        wall = time.perf_counter() - began
        if status != 0:
            with open(stderr, encoding="utf-8", errors="replace") as file:
                raise FailedError(f"{argv} ended with {os.waitstatus_to_exitcode(status)}: {file.read()}")
        return Sample(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)

    return run


def call(function: Callable[[], object]) -> Callable[[], Sample]:
    """Make a step of a function of this process."""

    def run() -> Sample:
        before, began = time.process_time(), time.perf_counter()
        function()
        wall = time.perf_counter() - began
        return Sample(
            wall, time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        )

    return run


def rounds(steps: list[Step], count: int, warm: int = 1) -> dict[str, Series]:
    """Measure steps in turns.

    Args:
        steps: in the order in which each round runs them.
        count: rounds that count.
        warm: rounds before them that do not: caches fill, bytecode is written.

    Returns:
        By the steps' names.
    """
    series = {step.name: Series([]) for step in steps}
    for number in range(-warm, count):
        for step in steps:
            if step.prepare is not None:
                step.prepare()
            sample = step.run()
            if number >= 0:
                series[step.name].samples.append(sample)
    return series


def _found(name: str, path: str) -> str:
    for folder in path.split(":"):
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    raise FailedError(f"`{name}` is not on PATH")
