"""The output streams of one run: which are captured and how, and what became of them."""

from __future__ import annotations

import fcntl
import math
import os
import signal
import sys
import time
from typing import Literal

from xt.context import sort_of
from xt.execute import Captured, Job, Masker
from xt.execute.carrier import Carrier
from xt.execute.logfile import LogFile, Timing
from xt.execute.pump import Pump
from xt.execute.watch import ENDING
from xt.model.files import Problem
from xt.model.result import Logs, Stream

Name = Literal["stdout", "stderr"]
NAMES: dict[int, Name] = {1: "stdout", 2: "stderr"}
#: Seconds that output written before a stop may take to the terminal.
SETTLE = 0.2
#: Seconds between looks whether xt is told to end although a reader has not taken everything.
LOOK = 0.2
#: fcntl(2) on Linux; Python's `fcntl` does not name them.
F_SETSIG, F_GETSIG = 10, 11
#: How the reason of a stream begins that has no log of its own.
JOINED = "joined to stdout (`2>&1`)"


class Streams:
    """Captures what it can; a stream that it cannot capture is the command's as it is ours."""

    def __init__(self, job: Job) -> None:
        """Make the ways, and start to carry. Signals must be blocked: threads inherit that."""
        self.problems: list[Problem] = []
        self.lost = False
        """Whether output did not arrive where the command had it sent (a full disk), and nobody told it."""
        self.replaced: dict[int, int] = {}
        """Descriptor of the command → descriptor of ours to become it."""
        self._job = job
        self._timing = Timing(f"{job.folder}/timing")
        self._carriers: dict[Name, Carrier] = {}
        self._left_out: dict[Name, str] = {}
        one = joined()
        for fd, name in NAMES.items():
            if name == "stderr" and one and "stdout" in self._carriers:
                self.replaced[fd] = self._carriers["stdout"].theirs
                self._left_out[name] = f"{JOINED}: its bytes are in that log, in their order"
            elif sort_of(fd) == "closed":
                self._left_out[name] = "closed by the caller"
            else:
                self._capture(fd, name)
        self._pumps = [pump for group in self._groups() if (pump := self._pump(group))]
        self._terminals = [carrier.terminal for carrier in self._carriers.values() if carrier.terminal]

    def started(self) -> None:
        """Let go of the command's ends, be it that the command did not start: then the streams end."""
        for carrier in self._carriers.values():
            carrier.started()

    def stopping(self) -> None:
        """Leave the terminal to the shell as the command left it."""
        for pump in self._pumps:
            pump.settle(SETTLE)
        for terminal in self._terminals:
            terminal.stopped()

    def resized(self) -> None:
        """Follow the user's terminal in size."""
        changed = [terminal for terminal in self._terminals if terminal.resize()]
        if changed:
            changed[0].tell_size()  # our own copy of the signal comes back here and finds nothing changed

    def ended(self, received: list[int]) -> None:
        """Wait until all that the command wrote has arrived, however slow its reader.

        Args:
            received: signals that reached xt so far: when it was told to end, it waits for the grace alone.
        """
        for pump in self._pumps:
            pump.ended()
        patience = time.monotonic() + self._job.grace if not ENDING.isdisjoint(received) else math.inf
        for pump in self._pumps:
            while not pump.join(LOOK):
                if time.monotonic() > patience or not ENDING.isdisjoint(signal.sigpending()):
                    names = " and ".join(carrier.log.name for carrier in pump.carriers)
                    self._log_problem(f"the end of {names} was not waited for: xt was told to end")
                    break

    def logs(self) -> tuple[Logs, list[Captured]]:
        """Close the logs, and say what they hold."""
        files: list[Captured] = []
        streams: list[Stream] = []
        for name in NAMES.values():
            if name in self._carriers:
                streams.append(self._finish(self._carriers[name], files))
            else:
                streams.append(Stream(name, self._via(name), 0, reason=self._left_out[name]))
        times = self._timing.finish()
        if times:
            files.append(times)
        if self._timing.problem:
            self._log_problem(self._timing.problem)
        held = [name for name, carrier in self._carriers.items() if carrier.open_at_end]
        if held:
            lost = [name for name in held if not self._carriers[name].carried_on]
            self._log_problem(
                f"a process left behind holds {' and '.join(held)} open; what it writes later "
                + (f"{'' if lost == held else f'to {lost[0]} '}is lost" if lost else "is not in the log"),
                "`idle_grace` and `grace` of [run] in xt.toml set how long xt reads on",
            )
        return Logs(streams, times.digest if times else None, bool(held)), files

    def _via(self, name: Name) -> Literal["pipe", "inherited"]:
        return "pipe" if name == "stderr" and 2 in self.replaced else "inherited"

    def _capture(self, fd: int, name: Name) -> None:
        log = LogFile(
            name,
            self._job.folder,
            self._timing,
            _mask(self._job),
            self._job.max_log,
            tokens=self._job.mask_tokens,
        )
        try:
            carrier = Carrier(fd, log)
        except OSError as error:
            self._not_captured(name, error.strerror or str(error))
            return
        self._carriers[name] = carrier
        self.replaced[fd] = carrier.theirs

    def _groups(self) -> list[list[Carrier]]:
        """Put the streams that go to one terminal together."""
        carriers = list(self._carriers.values())
        if len(carriers) == 2 and all(carrier.terminal for carrier in carriers):
            one, other = (os.fstat(carrier.sink).st_rdev for carrier in carriers)
            if one == other:
                return [carriers]
        return [[carrier] for carrier in carriers]

    def _pump(self, carriers: list[Carrier]) -> Pump | None:
        try:
            pump = Pump(carriers, self._job.grace, self._job.idle_grace)
            pump.start()
            return pump
        except (OSError, RuntimeError) as error:  # RuntimeError: no thread can be had
            for carrier in carriers:
                del self._carriers[carrier.log.name]
                for fd in [fd for fd, theirs in self.replaced.items() if theirs == carrier.theirs]:
                    del self.replaced[fd]
                    self._not_captured(NAMES[fd], getattr(error, "strerror", None) or str(error))
                carrier.started()
                carrier.close()
            return None

    def _not_captured(self, name: Name, why: str) -> None:
        """The command writes straight to where it would have without xt."""
        self._left_out[name] = why
        self._log_problem(f"{name} is not captured: {why}")

    def _finish(self, carrier: Carrier, files: list[Captured]) -> Stream:
        log = carrier.log
        captured = log.finish()
        if captured:
            files.append(captured)
        if log.reason:
            self._log_problem(f"{log.name}: {log.reason}")
        if carrier.sink_gone and not carrier.reader_left:
            self.lost = self.lost or carrier.terminal is None
            self._log_problem(f"{log.name} could not be passed on: {carrier.sink_gone}")
        return Stream(
            name=log.name,
            via="pty" if carrier.terminal else "pipe",
            size=log.size,
            digest=captured.digest if captured else None,
            stored=log.stored,
            masked=log.masked,
            recognised=log.recognised,
            unsearched=log.unsearched,
            cut_at=log.cut_at,
            reason=log.reason,
        )

    def _log_problem(self, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem("log", message, hint))


def _mask(job: Job) -> Masker | None:
    if not job.secrets:
        return None
    from xt.execute.mask import Mask

    mask = Mask(job.secrets)
    return mask if mask.active else None


def joined() -> bool:
    """Whether the caller made standard output and error one (`2>&1`), so that their order can be seen.

    Two descriptors of one open file share its signal number, which is of no other effect (fcntl(2)).
    Streams of one terminal, or that nobody reads, are kept apart all the same.
    """
    if sys.platform != "linux" or sort_of(1) in ("terminal", "null", "closed") or sort_of(2) == "closed":
        return False
    try:
        if not os.path.sameopenfile(1, 2):
            return False
        before = fcntl.fcntl(1, F_GETSIG)
        mark = signal.SIGRTMAX - (before == signal.SIGRTMAX)
        fcntl.fcntl(1, F_SETSIG, mark)
        try:
            return fcntl.fcntl(2, F_GETSIG) == mark
        finally:
            fcntl.fcntl(1, F_SETSIG, before)
    except OSError:
        return False
