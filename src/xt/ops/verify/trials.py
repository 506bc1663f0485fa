"""Trials: repeats of a run, each in a process of its own, several at a time if that is wanted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import selectors
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

import msgspec

from xt import codec
from xt.context import Outside
from xt.errors import DamagedError, XtError
from xt.execute.vary import ImpossibleError
from xt.ops.repeat.verb import Told, rerun
from xt.ops.repeat.wish import Wish
from xt.ops.repeat.workspace import sweep
from xt.ops.verify import leftovers
from xt.store import Store

#: The module that makes one; started by name so that it can have surroundings of its own.
MODULE = "xt.cli.trial"
#: Rows and columns of a terminal where there is none to ask.
_SIZE = (24, 80)
#: What ends a verification. Held back while trials are begun and ended, so that none is forgotten.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds between two calls of `waiting`, and that a trial gets to end by itself.
_TICK, _GRACE = 0.2, 10.0


class Spec(msgspec.Struct, frozen=True):
    """What a trial is told."""

    store: str
    wish: Wish
    answer: int
    """Descriptor to answer on."""


class Answer(msgspec.Struct):
    """What came of a trial."""

    run: str | None = None
    """Id of the repeat."""
    error: str | None = None
    """Why there is none: a precondition is missing, or it could not be recorded."""
    hint: str | None = None
    impossible: str | None = None
    """Why a variation or pin cannot be had here."""
    died: bool = False
    """Whether the trial itself was killed or broke down, which says nothing of the next one."""
    drift: list[str] = []
    adjusted: list[str] = []


def make(spec: Spec, outside: Outside) -> Answer:
    """Make one trial, in this process, which is good for nothing else then.

    Args:
        spec: what to do.
        outside: of the caller.
    """
    told = Told([], [])

    def begun(known: Told) -> None:
        nonlocal told
        told = known

    try:
        store = Store.open(spec.store, foreign=True)
        done = rerun(store, spec.wish, outside, lambda doing: None, begun)
        trouble = done.report.trouble
        answer = Answer(done.report.record.id if trouble is None else None, trouble)
    except ImpossibleError as error:
        answer = Answer(impossible=str(error))
    except XtError as error:
        answer = Answer(error=error.message, hint=error.hint)
    except OSError as error:
        answer = Answer(error=f"{error.strerror}: {error.filename or ''}")
    except KeyboardInterrupt:
        answer = Answer(error="interrupted")
    answer.drift, answer.adjusted = told.drift, told.adjusted
    return answer


class Trial(NamedTuple):
    """One that goes on."""

    number: int
    process: subprocess.Popen[bytes]
    answer: int
    terminal: int | None
    parts: list[bytes]


class Trials:
    """Makes trials of one store."""

    def __init__(
        self, store: str, outside: Outside, jobs: int, waiting: Callable[[], None], first: int = 0
    ) -> None:
        """Prepare.

        Args:
            store: path of `.xt`.
            outside: of the caller: trials get its variables and folder.
            jobs: how many at a time.
            waiting: called now and then while they go on.
            first: number of the first place for their workspaces.
        """
        self._first = first
        self._store, self._outside, self._jobs, self._waiting = store, outside, jobs, waiting

    def run(self, wishes: Iterator[Wish], terminals: tuple[bool, bool]) -> Generator[tuple[int, Answer]]:
        """Make trials as they are wished, and give their answers as they come.

        A caller that has seen enough closes the iterator: no further trial is begun, those that go on are
        ended by SIGTERM, and are gone when it returns.

        Args:
            wishes: taken one by one, when there is room.
            terminals: whether standard output and error of the command were terminals, and are to be.

        Yields:
            Number of the wish, from 0, and the answer.
        """
        going: dict[int, Trial] = {}
        ready = selectors.DefaultSelector()
        numbers = iter(range(sys.maxsize))
        more = True
        try:
            while True:
                while more and len(going) < self._jobs:
                    wish = next(wishes, None)
                    if wish is None:
                        more = False
                        break
                    with _undisturbed():
                        trial = self._begin(next(numbers), wish, terminals)
                        going[trial.number] = trial
                    ready.register(trial.answer, selectors.EVENT_READ, trial)
                    if trial.terminal is not None:
                        ready.register(trial.terminal, selectors.EVENT_READ, trial)
                if not going:
                    return
                self._waiting()
                for key, _ in ready.select(_TICK):
                    trial = key.data
                    if trial.number not in going:
                        continue  # it ended just before, in this round
                    if key.fd == trial.terminal:
                        if not _drained(trial.terminal):
                            ready.unregister(trial.terminal)
                        continue
                    data = os.read(trial.answer, 1 << 16)
                    if data:
                        trial.parts.append(data)
                        continue
                    ready.unregister(trial.answer)
                    if trial.terminal is not None:
                        with contextlib.suppress(KeyError):
                            ready.unregister(trial.terminal)
                    with _undisturbed():
                        del going[trial.number]
                        answer = self._finish(trial)
                    yield trial.number, answer
        finally:
            with _undisturbed():
                self._end(list(going.values()))
            ready.close()

    def _begin(self, number: int, wish: Wish, terminals: tuple[bool, bool]) -> Trial:
        read, write = os.pipe()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        ours, theirs = pty.openpty() if any(terminals) else (None, nowhere)
        try:
            if ours is not None:
                fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *_size(), 0, 0))
                _raw(theirs)
            spec = codec.pack(Spec(self._store, wish, write)).decode()
            process = subprocess.Popen(
                # Nothing of the folder that it begins in is meant by our own imports.
                [sys.executable, "-P", "-m", MODULE, spec],
                cwd=self._outside.cwd,
                env=dict(self._outside.environ),
                stdin=subprocess.DEVNULL,
                stdout=theirs if terminals[0] else nowhere,
                stderr=theirs if terminals[1] else nowhere,
                pass_fds=[write],
                # Nobody answers it on a terminal, and what it started can be ended with it.
                start_new_session=True,
            )
        finally:
            for fd in {write, nowhere, theirs}:
                os.close(fd)
        return Trial(number, process, read, ours, [])

    def _finish(self, trial: Trial) -> Answer:
        """Take the answer of a trial that closed its end."""
        died = os.waitid(os.P_PID, trial.process.pid, os.WEXITED | os.WNOWAIT)
        if died is not None and died.si_code != os.CLD_EXITED:
            _kill(trial)  # its command goes on without it
        status = trial.process.wait()
        _close(trial)
        try:
            answer = codec.unpack(b"".join(trial.parts), Answer, "the answer of a trial")
            leftovers.kill(answer.run)
            return answer
        except DamagedError:
            sweep(self._store, self._first)
            how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
            return Answer(error=f"its process was ended {how}", died=True)

    def _end(self, trials: list[Trial]) -> None:
        """End trials nobody waits for; they seal their runs as interrupted and take their workspaces away."""
        for trial in trials:
            trial.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + _GRACE
        for trial in trials:
            try:
                trial.process.wait(timeout=max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                _kill(trial)
                trial.process.wait()
                sweep(self._store, self._first)
            with contextlib.suppress(DamagedError):  # it has no run then
                leftovers.kill(codec.unpack(_rest(trial), Answer, "the answer of a trial").run)
            _close(trial)


def _kill(trial: Trial) -> None:
    """Kill a trial that was not waited for yet, with all that it started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(trial.process.pid, signal.SIGKILL)


def _rest(trial: Trial) -> bytes:
    """All that a trial that ended has answered."""
    parts = list(trial.parts)
    os.set_blocking(trial.answer, False)
    with contextlib.suppress(BlockingIOError):  # somebody else still has it open
        while data := os.read(trial.answer, 1 << 16):
            parts.append(data)
    return b"".join(parts)


def _close(trial: Trial) -> None:
    os.close(trial.answer)
    if trial.terminal is not None:
        os.close(trial.terminal)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back what ends a verification; a trial that is begun meanwhile lets it through itself."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _drained(terminal: int) -> bool:
    """Take what was written to the terminal; False when nobody has it open any more."""
    try:
        return bool(os.read(terminal, 1 << 16))
    except OSError:
        return False


def _size() -> tuple[int, int]:
    for fd in (1, 2, 0):
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(fd)
            return size.lines, size.columns
    return _SIZE


def _raw(fd: int) -> None:
    """No output processing: nobody looks at it."""
    attributes = termios.tcgetattr(fd)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
