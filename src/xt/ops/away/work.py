"""The worker's side: claim a slot, make its repeat as `xt verify` makes one here, answer by a file."""

from __future__ import annotations

import os
import signal
import time

from msgspec.structs import replace

from xt import __version__
from xt.context import Outside
from xt.errors import XtError
from xt.ops.away.quiet import deferred
from xt.ops.away.slots import Claim, Plan, Said, Slots, Task
from xt.ops.repeat.workspace import first_of
from xt.ops.verify.nursery import Nursery
from xt.ops.verify.trials import Answer, Trials

#: What a worker ends with: it answered; somebody else has the slot (EX_TEMPFAIL); nobody wants it any more;
#: the folder cannot be read here (EX_OSFILE).
ANSWERED, CLAIMED, UNWANTED, BLIND = 0, 75, 76, 72
#: Seconds between two looks whether it is still wanted.
_LOOK = 0.5
#: So many beats of who waits may be missed before it counts as gone: it may be asleep for a while.
ABANDONED = 30


class EndedError(BaseException):
    """A signal ended the worker."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _UnwantedError(BaseException):
    """Nobody wants it any more."""


def work(slots: Slots, slot: int, outside: Outside) -> tuple[int, str | None]:
    """Make the repeat of a slot, unless somebody has.

    Args:
        slots: through which it is handed out.
        slot: its number.
        outside: of this process; its variables are those of the job.

    Returns:
        The status to end with, and why where that is not told by an answer.
    """
    host = os.uname().nodename
    try:
        plan, task = slots.plan(), slots.task(slot)
        job = outside.environ.get("SLURM_JOB_ID")
        if slots.stopped(slot) or not slots.claim(slot, Claim(host, os.getpid(), job)):
            return CLAIMED, f"slot {slot} is not to be made, or was claimed before"
    except (OSError, XtError) as error:
        return BLIND, f"{host}: `{slots.words[0]}` cannot be used there: {error}"
    wanted = _Wanted(slots, slot, plan.beat)
    if not wanted.at_first():
        return UNWANTED, "nobody waits for it any more"
    ended = False
    try:
        answer = _fits(plan, host) or _make(slots, plan, task, outside, wanted)
    except _UnwantedError:
        answer = Answer(error="cancelled", died=True)
    except EndedError as error:
        ended = True
        answer = Answer(error=f"its job was ended by {signal.Signals(error.number).name}", died=True)
    try:
        with deferred():
            slots.say(slot, Said(answer, host, ended))
    except (OSError, XtError) as error:
        return UNWANTED, f"its answer cannot be written: {error}"
    return ANSWERED, None


def opened(words: list[str], outside: Outside) -> Slots:
    """Open what a worker was started with: a folder, or a remote and a name.

    Raises:
        OSError, XtError: a remote cannot be reached from here.
    """
    if len(words) == 1:
        return Slots(words[0])
    from xt.ops.away.there import Working

    url, name = words
    return Working(url, name, outside)


def _fits(plan: Plan, host: str) -> Answer | None:
    """Say why this machine is not fit for it."""
    if plan.xt != __version__:
        return Answer(
            error=f"xt is {__version__} on {host}, and {plan.xt} where it was asked",
            hint="the same xt must be installed on all machines, under the same path",
        )
    for what, path in (("store", plan.store), ("folder", plan.cwd)):
        if not os.path.isdir(path):
            return Answer(
                error=f"{host} does not have the {what} `{path}`",
                hint="it must be on a file system that all machines have under the same path",
            )
    return None


def _make(slots: Slots, plan: Plan, task: Task, outside: Outside, wanted: _Wanted) -> Answer:
    os.umask(plan.umask)
    try:
        slots.bring(task, wanted.look)
    except XtError as error:
        return Answer(error=f"{os.uname().nodename}: {error.message}", hint=error.hint, died=True)
    here = Outside(plan.cwd, outside.environ, plan.umask)
    with Nursery(here) as nursery:
        trials = Trials(plan.store, nursery, 1, wanted.look, first_of(os.uname().nodename))
        making = trials.run(iter([replace(task.wish, away=True)]), task.terminals)
        try:
            for _, answer in making:
                return answer
        finally:
            making.close()
    return Answer(error="no answer", died=True)


class _Wanted:
    """Whether the repeat is still wanted; says now and then that it goes on."""

    def __init__(self, slots: Slots, slot: int, beat: float) -> None:
        self._slots, self._slot, self._every = slots, slot, beat
        self._claim = slots.path(slot, "claim")
        self._looked = self._beaten = self._alive = time.monotonic()
        self._seen = slots.touched(slots.beat)

    def at_first(self) -> bool:
        """Whether who waits has given a sign of life lately, by the clock of the file system itself."""
        claimed = self._slots.touched(self._claim)
        if claimed is None or self._seen is None:
            return False
        return claimed - self._seen < self._every * ABANDONED * 1e9

    def look(self) -> None:
        """Look, if it is time to.

        Raises:
            _UnwantedError: it is not wanted.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        if self._slots.stopped(self._slot):
            raise _UnwantedError
        if now - self._beaten < self._every:
            return
        self._beaten = now
        try:
            self._slots.alive(self._slot)
        except OSError:
            if not os.path.exists(self._claim):
                raise _UnwantedError from None
        seen = self._slots.touched(self._slots.beat)
        if seen != self._seen:
            self._seen, self._alive = seen, now
        elif now - self._alive > self._every * ABANDONED:
            raise _UnwantedError
