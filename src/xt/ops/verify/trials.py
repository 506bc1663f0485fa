"""Trials: repeats of a run, each in a process of its own, several at a time if that is wanted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import selectors
import signal
import struct
import sys
import termios
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

import msgspec

from xt import codec
from xt.collect import unsaid
from xt.context import Outside
from xt.errors import DamagedError, XtError
from xt.execute.vary import ImpossibleError
from xt.ops.repeat.verb import Told, rerun
from xt.ops.repeat.wish import Wish
from xt.ops.repeat.workspace import sweep
from xt.ops.verify import leftovers
from xt.ops.verify.nursery import Nursery, Spec
from xt.store import Store

#: Rows and columns of a terminal where there is none to ask.
_SIZE = (24, 80)
#: What ends a verification. Held back while trials are begun and ended, so that none is forgotten.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds between two calls of `waiting`.
_TICK = 0.2


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
        done = rerun(store, spec.wish, outside, unsaid, begun)
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
    answer: int
    terminal: int | None
    parts: list[bytes]


class Trials:
    """Makes trials of one store."""

    def __init__(
        self, store: str, nursery: Nursery, jobs: int, waiting: Callable[[], None], first: int = 0
    ) -> None:
        """Prepare.

        Args:
            store: path of `.xt`.
            nursery: begins them; trials get its variables and folder.
            jobs: how many at a time.
            waiting: called now and then while they go on.
            first: number of the first place for their workspaces.
        """
        self._first = first
        self._store, self._nursery, self._jobs, self._waiting = store, nursery, jobs, waiting

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
                if not going:
                    return
                self._waiting()
                for number, status in self._ended(going):
                    with _undisturbed():
                        answer = self._finish(going.pop(number), status)
                    yield number, answer
        finally:
            with _undisturbed():
                self._end(list(going.values()))

    def _begin(self, number: int, wish: Wish, terminals: tuple[bool, bool]) -> Trial:
        read, write = os.pipe()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        ours, theirs = pty.openpty() if any(terminals) else (None, nowhere)
        try:
            if ours is not None:
                fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *_size(), 0, 0))
                _raw(theirs)
            out, err = (theirs if terminal else nowhere for terminal in terminals)
            self._nursery.begin(Spec(number, self._store, wish), write, out, err)
        except BaseException:
            for fd in (read, *([ours] if ours is not None else [])):
                os.close(fd)
            raise
        finally:
            for fd in {write, nowhere, theirs}:
                os.close(fd)
        os.set_blocking(read, False)
        return Trial(number, read, ours, [])

    def _ended(self, going: dict[int, Trial]) -> list[tuple[int, int]]:
        """Take what trials say, for a while; give the numbers of those that ended, and how they did."""
        over = False
        with selectors.DefaultSelector() as ready:
            ready.register(self._nursery, selectors.EVENT_READ)
            for trial in going.values():
                ready.register(trial.answer, selectors.EVENT_READ, trial)
                if trial.terminal is not None:
                    ready.register(trial.terminal, selectors.EVENT_READ)
            for key, _ in ready.select(_TICK):
                if key.fileobj is self._nursery:
                    over = True
                elif key.data is not None:
                    _take(key.data)
                else:
                    _drain(key.fd)
        if not over:
            return []
        ended = self._nursery.ended()
        if ended is not None:
            return [ended]
        # What ended the nursery did not end its trials: they were told by the kernel to end.
        status = self._nursery.end()
        return [(number, status) for number in going]

    def _finish(self, trial: Trial, status: int) -> Answer:
        """Take the answer of a trial that ended."""
        data = _rest(trial)
        _close(trial)
        try:
            answer = codec.unpack(data, Answer, "the answer of a trial")
            leftovers.kill(answer.run)
            return answer
        except DamagedError:
            sweep(self._store, self._first)
            how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
            return Answer(error=f"its process was ended {how}", died=True)

    def _end(self, trials: list[Trial]) -> None:
        """End trials nobody waits for; they seal their runs as interrupted and take their workspaces away."""
        if trials and self._nursery.end():
            sweep(self._store, self._first)
        for trial in trials:
            with contextlib.suppress(DamagedError):  # it has no run then
                leftovers.kill(codec.unpack(_rest(trial), Answer, "the answer of a trial").run)
            _close(trial)


def _take(trial: Trial) -> None:
    """Take what a trial has answered so far."""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(trial.answer, 1 << 16):
            trial.parts.append(data)


def _rest(trial: Trial) -> bytes:
    """All that a trial that ended has answered."""
    _take(trial)
    return b"".join(trial.parts)


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


def _drain(terminal: int) -> None:
    """Take what was written to the terminal."""
    with contextlib.suppress(OSError):  # nobody has it open any more
        os.read(terminal, 1 << 16)


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
