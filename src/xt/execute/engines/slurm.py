"""Slurm without Dask: an array of `sbatch`, `squeue` asked rarely, `scancel`.

Everything goes by the name of the jobs, which is theirs alone: what was submitted is found by it even when
`sbatch` was ended before it could say a number.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence

from xt import fsio
from xt.errors import EngineError, UsageError
from xt.execute.engines import FullError, State, Work

#: Seconds that a command of Slurm gets, and that the first one gets, which shows whether Slurm is there.
LONG, FIRST = 60.0, 15.0
#: Tasks of an array when the configuration cannot be asked; Slurm's default is one more.
ARRAY = 1000
#: Options of sbatch that xt sets itself, or that would make something else of it.
_OURS = {
    "array": "a",
    "clusters": "M",
    "error": "e",
    "help": "h",
    "input": "i",
    "job-name": "J",
    "output": "o",
    "parsable": "",
    "quiet": "Q",
    "test-only": "",
    "usage": "",
    "version": "V",
    "wait": "W",
    "wrap": "",
}
#: What sbatch says when there is no room, for now or under a limit.
_BUSY = re.compile(r"temporarily unable|MaxSubmit|submit job limit|job submit limit|QOS policy", re.I)
#: States of squeue(1) in which a job has ended: why, whether to try again, whether the command failed.
_ENDED: dict[str, tuple[str, bool, bool]] = {
    "BOOT_FAIL": ("its node did not boot", True, False),
    "CANCELLED": ("its job was cancelled", False, False),
    "COMPLETED": ("its job ended", True, False),
    "DEADLINE": ("its deadline was over", False, False),
    "FAILED": ("its job failed", True, True),
    "NODE_FAIL": ("its node failed", True, False),
    "OUT_OF_MEMORY": ("its job had no more memory (`--mem`)", False, False),
    "PREEMPTED": ("its job had to make room for another", True, False),
    "REVOKED": ("its job was revoked", True, False),
    "TIMEOUT": ("its time limit was over (`--time`)", False, False),
}
_WAITING = frozenset(("PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"))


def check(options: Sequence[str]) -> None:
    """See that options are options of sbatch, and none that is not for others to set.

    Raises:
        UsageError: one is not.
    """
    for option in options:
        name = option.partition("=")[0]
        if not re.match(r"-[A-Za-z]|--[a-z]", option):
            raise UsageError(
                f"`{option}` is no option of sbatch", "written as one word: `--partition=debug`, `-pdebug`"
            )
        if "\n" in option or "\0" in option:
            raise UsageError(f"`{option}`: an option of sbatch is one line")
        long, short = name[2:], name[1:2]
        # sbatch takes any beginning of a name that is unambiguous.
        if name.startswith("--"):
            clash = len(long) > 1 and any(own.startswith(long) for own in _OURS)
        else:
            clash = short in _OURS.values()
        if clash:
            raise UsageError(f"`{name}` is not for `--on slurm`: xt sets it, or cannot do with it")


class Slurm:
    """Jobs of one user under one name."""

    def __init__(self, address: str, name: str, options: Sequence[str], environ: Mapping[str, str]) -> None:
        """See that Slurm is there.

        Args:
            address: empty; which Slurm it is says its configuration.
            name: of all jobs.
            options: for sbatch.
            environ: of the caller.

        Raises:
            UsageError: an option is none.
            EngineError: Slurm's commands are not installed, or its controller does not answer.
        """
        if address:
            raise UsageError(f"--on slurm:{address}: Slurm has no address", "--on slurm")
        check(options)
        self._name, self._options, self._environ = name, list(options), dict(environ)
        self.pause = 1.0
        for program in ("sbatch", "squeue", "scancel"):
            if fsio.find_program(program, environ.get("PATH", os.defpath)) is None:
                raise EngineError(
                    f"`{program}` is not installed here", "`--on slurm` is for a machine that submits jobs"
                )
        self._most = self._array_size()
        self._jobs: dict[int, tuple[str, int]] = {}
        """Job and index in its array, by slot."""

    def submit(self, works: Sequence[Work]) -> None:
        """See `Engine`; arrays have as many tasks as this Slurm allows."""
        left, most = list(works), self._most
        while left:
            some = left[:most]
            try:
                job = self._sbatch(some)
            except FullError:
                # There may be room for some of them.
                if len(some) == 1:
                    raise
                most = len(some) // 2
                continue
            except _TooLargeError as error:
                if len(some) == 1:
                    raise EngineError(str(error), "see `scontrol show config`") from None
                self._most = most = len(some) // 2
                continue
            for index, work in enumerate(some):
                self._jobs[work.slot] = (job, index)
            left = left[len(some) :]

    def taken(self, slot: int) -> bool:
        """See `Engine`."""
        return slot in self._jobs

    def look(self, slots: Sequence[int]) -> dict[int, State]:
        """See `Engine`; one question for all."""
        words = ["squeue", "-h", "-r", "-t", "all", f"--name={self._name}", "-o", "%F|%K|%T|%r|%N"]
        done = self._call(words)
        if done is None or done.returncode:
            why = _last(done.stderr) if done is not None else f"`squeue` says nothing for {LONG:g} s"
            return dict.fromkeys(slots, State("unknown", why))
        found = {}
        for line in done.stdout.splitlines():
            job, index, state, reason, nodes = (line.split("|") + [""] * 5)[:5]
            found[job, index] = _state(state, reason, nodes)
        gone = State("ended", "Slurm knows its job no more")
        return {slot: found.get((job, str(index)), gone) for slot, (job, index) in self._of(slots)}

    def cancel(self, slots: Sequence[int]) -> None:
        """See `Engine`."""
        named = [f"{job}_{index}" for _, (job, index) in self._of(slots)]
        for at in range(0, len(named), 500):
            self._scancel(named[at : at + 500])

    def end_all(self) -> None:
        """See `Engine`."""
        self._scancel([f"--name={self._name}"])

    def close(self) -> None:
        """See `Engine`."""

    def _of(self, slots: Sequence[int]) -> list[tuple[int, tuple[str, int]]]:
        return [(slot, self._jobs[slot]) for slot in slots if slot in self._jobs]

    def _sbatch(self, works: list[Work]) -> str:
        """Submit one array; give its number.

        Raises:
            FullError, EngineError: as `Engine.submit`.
            _TooLargeError: the array has more tasks than are allowed.
        """
        command = shlex.join(works[0].argv[:-1])
        script = f'#!/bin/sh\nexec {command} "$(({works[0].slot} + SLURM_ARRAY_TASK_ID))"\n'
        folder = os.path.dirname(works[0].out).replace("%", "%%")
        out = os.devnull if works[0].out == os.devnull else f"{folder}/%A_%a.out"
        words = [
            "sbatch",
            # What is lost is made again by xt, under a claim of its own; their own options may say otherwise.
            "--no-requeue",
            *self._options,
            "--parsable",
            f"--job-name={self._name}",
            f"--array=0-{len(works) - 1}",
            f"--output={out}",
        ]
        # In a session of its own: Ctrl-C is ours alone.
        process = subprocess.Popen(
            words,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(script.encode("utf-8", "surrogateescape"))
                process.stdin.close()
            said = []
            for line in process.stderr:
                said.append(line.decode("utf-8", "replace").strip())
                if "sleeping and retrying" in said[-1]:
                    # It would try for minutes by itself; between two tries nothing is on its way.
                    raise FullError(_plain(said[-1]))
            answer = process.stdout.read().decode("ascii", "replace")
            status = process.wait()
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        job = answer.strip().partition(";")[0]
        if status == 0 and job.isdecimal():
            return job
        text = "; ".join(map(_plain, said[-2:])) or f"it ended with {status}"
        if _BUSY.search(text):
            raise FullError(text)
        if "Invalid job array" in text:
            raise _TooLargeError(text)
        raise EngineError(f"sbatch refuses: {text}", "options for it: `--on-opt=--partition=NAME`")

    def _scancel(self, words: list[str]) -> None:
        done = self._call(["scancel", "--quiet", *words])
        if done is None or done.returncode:
            why = _last(done.stderr) if done is not None else f"it says nothing for {LONG:g} s"
            raise EngineError(f"scancel: {why}", f"scancel --name={self._name}")

    def _array_size(self) -> int:
        """Tasks that an array may have.

        Raises:
            EngineError: the controller does not answer.
        """
        done = self._call(["scontrol", "show", "config"], FIRST)
        if done is None:
            raise EngineError(f"Slurm says nothing for {FIRST:g} s", "see `sinfo`")
        if done.returncode:
            raise EngineError(f"Slurm does not answer: {_last(done.stderr)}", "see `sinfo`")
        found = re.search(r"^MaxArraySize\s*=\s*(\d+)", done.stdout, re.M)
        return max(int(found[1]) if found else ARRAY, 1)

    def _call(self, words: list[str], longest: float = LONG) -> subprocess.CompletedProcess[str] | None:
        """Run one of Slurm's commands; None when it takes too long."""
        try:
            return subprocess.run(
                words,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=longest,
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return None
        except OSError as error:
            return subprocess.CompletedProcess(words, 127, "", f"{words[0]}: {error.strerror}")


class _TooLargeError(Exception):
    """An array has too many tasks."""


def _state(state: str, reason: str, nodes: str) -> State:
    if state in _ENDED:
        why, again, failed = _ENDED[state]
        return State("ended", f"{why} on {nodes}" if nodes else why, again=again, failed=failed)
    if state in _WAITING:
        return State("waiting", None if reason in ("None", "Priority", "Resources") else reason)
    return State("going", f"on {nodes}" if nodes else None)


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return _plain(lines[-1]) if lines else "it says nothing"


def _plain(text: str) -> str:
    return re.sub(r"\b\w+: (error|fatal): ", "", text).strip()
