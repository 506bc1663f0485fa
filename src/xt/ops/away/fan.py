"""Fan repeats out on an engine, take their answers; nothing is lost in silence, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

from xt import __version__
from xt.config import EngineSettings
from xt.context import Outside
from xt.errors import EngineError, StoreError, XtError
from xt.execute.engines import Engine, FullError, Where, Work
from xt.ops.away.attempts import Ended, Going
from xt.ops.away.quiet import blocked, deferred
from xt.ops.away.slots import JOBS, Claim, Plan, Slots, Task
from xt.ops.away.sweeping import sweep
from xt.ops.away.watching import Watch
from xt.ops.repeat.wish import Wish
from xt.ops.verify.trials import Answer
from xt.store import Store

#: The module that an engine starts.
MODULE = "xt.cli.worker"
#: Seconds between two looks into the folder: at first, and when nothing has come for a while.
_SOON, _SELDOM = 0.1, 2.0
#: Seconds that workers get to end what they make; each gives its command 10.
_GRACE = 15.0
#: Seconds until an engine that took no more is asked again.
_AGAIN = 30.0
#: Makes an engine: of a name for its jobs.
Reach = Callable[[str], Engine]


class _Item(NamedTuple):
    """A repeat that is to be handed over."""

    number: int
    wish: Wish
    attempt: int


class _Reached(NamedTuple):
    """An engine that was reached, and the folder through which it works."""

    engine: Engine
    slots: Slots
    watch: Watch
    lock: int


class Fan:
    """Makes repeats elsewhere; in the place of `ops.verify.trials.Trials`."""

    def __init__(
        self,
        store: Store,
        where: Where,
        reach: Reach,
        settings: EngineSettings,
        outside: Outside,
        jobs: int,
        slots: Callable[[str], Slots] = Slots,
    ) -> None:
        """Prepare; nothing is reached yet.

        Args:
            store: that has the runs.
            where: as written, for messages.
            reach: makes the engine.
            settings: how patient to be.
            outside: of the caller.
            jobs: how many at a time.
            slots: makes what they are handed out and answered through, of its folder in the store.
        """
        self._slots = slots
        self._store, self._where, self._reach, self._settings = store, where, reach, settings
        self._outside, self._jobs = outside, jobs
        self._reached: _Reached | None = None
        self._next = 0
        self._gone: EngineError | None = None
        """Why it takes no more, once it has taken some."""
        self._full_until = 0.0
        self._beat = settings.lost_after / 6
        self._beaten = 0.0
        self.going = self.waiting = self.made = self.cancelled = 0
        """Repeats by how they are now; of the last two all there ever were."""
        self.notes: list[str] = []
        """What a reader must know."""

    def run(
        self, wishes: Iterator[Wish], terminals: tuple[bool, bool], waiting: Callable[[], None]
    ) -> Generator[tuple[int, Answer]]:
        """As `Trials.run`; every wish that is taken is answered once, also one that was lost.

        Args:
            wishes: taken one by one, when there is room.
            terminals: whether standard output and error of the command were terminals, and are to be.
            waiting: called now and then.

        Raises:
            EngineError: the engine cannot be reached, or takes nothing at all.
            StoreError: the store cannot be written.
        """
        reached = self._open()
        going: dict[int, Going] = {}
        held: deque[_Item] = deque()
        numbers = iter(range(sys.maxsize))
        more, pause = True, _SOON
        try:
            while True:
                while more and len(going) + len(held) < self._jobs:
                    wish = next(wishes, None)
                    if wish is None:
                        more = False
                        break
                    held.append(_Item(next(numbers), wish, 0))
                if self._gone is not None:
                    while held:
                        yield held.popleft().number, Answer(error=self._gone.message, hint=self._gone.hint)
                self._hand_over(reached, held, going, terminals)
                if not going and not held and not more:
                    return
                self._tell(going, held)
                waiting()
                self._touch(reached)
                ended = reached.watch.ended(going)
                for each in ended:
                    del going[each.one.slot]
                    self._full_until = 0.0
                    if each.again(self._settings.retries):
                        self.notes.append(f"a repeat was lost ({each.why}) and made again")
                        held.append(_Item(each.one.number, each.one.wish, each.one.attempt + 1))
                        continue
                    answer = self._answer(reached, each)
                    self.made += answer.run is not None
                    self._tell(going, held)
                    yield each.one.number, answer
                pause = _SOON if ended else min(pause * 1.2, _SELDOM)
                if not ended:
                    time.sleep(pause)
        finally:
            with deferred():
                self._end(reached, going)
                self.cancelled += len(going) + len(held)
                self.going = self.waiting = 0

    def close(self) -> None:
        """Let go of the engine; nothing that was submitted stays."""
        if self._reached is None:
            return
        with deferred():
            reached, self._reached = self._reached, None
            try:
                if self._next:
                    reached.engine.end_all()
            except EngineError as error:
                hint = f": `{error.hint}`" if error.hint else ""
                self.notes.append(f"jobs may be left, which will find nothing to do: {error.message}{hint}")
            reached.engine.close()
            reached.slots.remove()
            os.close(reached.lock)

    @property
    def shown(self) -> str:
        """Where it is, as written."""
        return self._where.shown

    @property
    def reached(self) -> bool:
        """Whether anything was handed over."""
        return self._next > 0

    def take_notes(self) -> list[str]:
        """What a reader must know, each kind of it once and counted."""
        notes, self.notes = self.notes, []
        counts = {note: notes.count(note) for note in notes}
        return [note if count == 1 else f"{count}×: {note}" for note, count in counts.items()]

    def kept(self) -> str:
        """What an interrupted verification leaves, in a clause."""
        noun = "repeat is" if self.made == 1 else "repeats are"
        return f"{self.made} {noun} recorded and kept, {self.cancelled} cancelled"

    def _open(self) -> _Reached:
        """Reach the engine and make the folder, once."""
        if self._reached is not None:
            return self._reached
        sweep(self._store.path, self._where, self._reach)
        name = f"xt-{os.urandom(6).hex()}"
        with blocked():
            engine = self._reach(name)
        slots = self._slots(f"{self._store.path}/{JOBS}/{name}")
        plan = Plan(
            store=self._store.path,
            cwd=self._outside.cwd,
            umask=self._outside.umask,
            xt=__version__,
            host=os.uname().nodename,
            engine=self._where.shown,
            beat=self._beat,
        )
        try:
            with _writing():
                lock = slots.create(plan)
        except XtError:
            engine.close()
            raise
        self._reached = _Reached(engine, slots, Watch(slots, engine, self._settings.lost_after), lock)
        return self._reached

    def _hand_over(
        self,
        reached: _Reached,
        held: deque[_Item],
        going: dict[int, Going],
        terminals: tuple[bool, bool],
    ) -> None:
        """Hand over what is held; what the engine does not take now stays held.

        Raises:
            EngineError: it takes nothing, and nothing of ours goes on.
        """
        if not held or self._gone is not None or time.monotonic() < self._full_until:
            return
        works, items = [], {}
        for item in held:
            slot, self._next = self._next, self._next + 1
            items[slot] = item
            with _writing():
                reached.slots.put(slot, Task(item.wish, terminals, item.attempt))
            argv = [sys.executable, "-P", "-m", MODULE, *reached.slots.words, str(slot)]
            works.append(Work(slot, argv, reached.slots.out(slot)))
        refused: EngineError | None = None
        try:
            reached.engine.submit(works)
        except FullError as error:
            refused = EngineError(f"{self._where.shown} takes no more jobs: {error}")
            self._full_until = time.monotonic() + _AGAIN
        except EngineError as error:
            refused = error
            self._gone = error
        finally:
            # Also when a signal came in the middle: what was taken must be cancelled.
            for slot, item in items.items():
                if reached.engine.taken(slot):
                    going[slot] = Going(slot, item.number, item.wish, item.attempt)
                    held.remove(item)
        if refused is not None and not going and not self.made:
            raise refused

    def _answer(self, reached: _Reached, ended: Ended) -> Answer:
        if ended.said is not None and not ended.lost:
            return ended.said.answer
        if ended.never_began:
            printed = reached.slots.printed(ended.one.slot)
            return Answer(
                error=f"no worker could begin at {self._where.shown}: {printed or ended.why}",
                hint=f"{reached.slots.needs} `{sys.executable}`",
            )
        attempts = ended.one.attempt + 1
        times = f", {attempts} times" if attempts > 1 else ""
        return Answer(error=f"a repeat was lost{times}: {ended.why}", died=True)

    def _tell(self, going: dict[int, Going], held: deque[_Item]) -> None:
        self.going = sum(one.claimed for one in going.values())
        self.waiting = len(going) - self.going + len(held)

    def _touch(self, reached: _Reached) -> None:
        now = time.monotonic()
        if now - self._beaten >= self._beat:
            self._beaten = now
            with contextlib.suppress(OSError):
                reached.slots.alive()

    def _end(self, reached: _Reached, going: dict[int, Going]) -> None:
        """End what nobody waits for any more, and see that it has ended."""
        if not going:
            return
        mine = Claim(os.uname().nodename, os.getpid())
        begun = []
        for slot in going:
            reached.slots.stop(slot)
            with contextlib.suppress(OSError, XtError):
                # What has not begun never will.
                if not reached.slots.claim(slot, mine):
                    begun.append(slot)
        try:
            reached.engine.cancel(list(going))
        except EngineError as error:
            self.notes.append(error.message)
        until = time.monotonic() + _GRACE
        while begun and time.monotonic() < until:
            begun = [slot for slot in begun if not reached.watch.over(slot)]
            if begun:
                time.sleep(_SOON)
        if begun:
            places = sorted({claim.host for slot in begun if (claim := reached.slots.claimed(slot))})
            at = f" on {', '.join(places)}" if places else ""
            self.notes.append(f"{len(begun)} of the cancelled repeats had not ended yet{at}")


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Within it, a store that cannot be written is an error that says so."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{error.strerror}: {error.filename}", "the store must be writable") from error
