"""Repeats that are handed out and answered through a remote, where machines share no file system.

    jobs/<name>/plan                  what all of them need
    jobs/<name>/over                  nobody waits any more
    jobs/<name>/slots/<slot>.<kind>   `task`, `claim`, `stop` and `answer`, as in the folder (`slots.py`)
    jobs/<name>/beat/<n>              the n-th sign of life of who waits
    jobs/<name>/going/<slot>/<n>      the n-th of a worker

Each side has such a folder of its own, and keeps it as the remote is: all else reads that folder. On a remote
nothing is changed or removed, so a claim is an entry that only one can create, and life is one more entry.
Runs travel as `xt push` and `xt pull` have them travel.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable

from msgspec.structs import replace

from xt import codec, fsio
from xt.context import Outside
from xt.errors import DamagedError, RemoteError, UnverifiableError, UsageError, XtError
from xt.model import runid
from xt.model.sync import Synced
from xt.ops.away.slots import JOBS, LONGEST, Claim, Plan, Said, Slots, Task, touch
from xt.ops.sync import knowing
from xt.ops.sync.pool import Pool
from xt.ops.sync.pull import Pull
from xt.ops.sync.pull import Wish as Brought
from xt.ops.sync.push import Push
from xt.ops.sync.push import Wish as Sent
from xt.ops.sync.scanning import suspect
from xt.ops.verify.trials import Answer
from xt.store import Store, find_root
from xt.store.remote import Remote
from xt.store.remote.address import parse
from xt.store.remote.defined import address_of, connect, find

#: Seconds between two looks at the remote.
_LOOK = 2.0
_SLOT = re.compile(r"([0-9]{1,9})\.(claim|answer)")


class Through(Slots):
    """What both sides have in common."""

    def __init__(self, folder: str, store: Store, remote: Remote, outside: Outside) -> None:
        """Name it; as `Waiting`."""
        super().__init__(folder)
        self._store, self._remote, self._outside = store, remote, outside
        self._top = f"{JOBS}/{os.path.basename(folder)}"
        self._every = 0.0
        self._looked = self._listened = self._lived = float("-inf")

    def _entry(self, slot: int, kind: str) -> str:
        return f"{self._top}/slots/{slot}.{kind}"

    def _create(self, name: str, data: bytes) -> bool:
        """Make an entry; False when somebody has.

        Raises:
            RemoteError: it failed, or cannot tell who was first.
        """
        made = self._remote.create(name, data)
        if self._remote.exclusive is not True:
            raise RemoteError(
                f"`{self._remote.url}` does not refuse a name that is taken: two could make one repeat",
                "`xt remote probe` says what a remote can do",
            )
        return made


class Waiting(Through):
    """The side of who waits: what it puts down goes to the remote, what workers say comes from it."""

    def __init__(self, folder: str, store: Store, remote: Remote, url: str, outside: Outside) -> None:
        """Name it.

        Args:
            folder: its own.
            store: that has the runs, and gets the repeats.
            remote: through which it goes; closed at the end.
            url: by which workers reach it.
            outside: of the caller.
        """
        super().__init__(folder, store, remote, outside)
        self.words = [url, os.path.basename(folder)]
        self.needs = f"all its machines must reach `{url}`, and have"
        self._sent: set[str] = set()
        self._of: dict[int, str] = {}
        self._came: set[str] = set()
        self._beats = 0
        self._heard: dict[int, int] = {}

    def create(self, plan: Plan) -> int:
        """See `Slots`; nothing of where we are is told.

        Raises:
            RemoteError: the remote does not answer, or is no place for it.
        """
        knowing.is_store(self._remote)
        lock = super().create(plan)
        try:
            self._create(f"{self._top}/plan", codec.pack(replace(plan, store="", cwd="")))
        except BaseException:
            os.close(lock)
            super().remove()
            raise
        self._every = plan.beat
        return lock

    def out(self, slot: int) -> str:
        """See `Slots`; there is no folder that could take it."""
        return os.devnull

    def put(self, slot: int, task: Task) -> None:
        """See `Slots`; the run goes before.

        Raises:
            UnverifiableError: it may not leave.
            RemoteError: the remote failed.
        """
        run = task.wish.run
        data = codec.pack(task)
        if suspect([data]) is not None:
            raise UnverifiableError(
                "something that looks like a secret is in what is asked: it does not leave",
                "`xt rerun` repeats it here",
            )
        if run not in self._sent:
            asked = ("code", "inputs")
            pushed = Push(
                self._store, self._remote, self._remote.url, Sent((run,), asked), self._outside, self._step
            )
            see(pushed.run(), run)
            self._sent.add(run)
        self._of[slot] = run
        super().put(slot, task)
        self._create(self._entry(slot, "task"), data)

    def claim(self, slot: int, claim: Claim) -> bool:
        """See `Slots`."""
        return self._create(self._entry(slot, "claim"), codec.encode(claim)) and super().claim(slot, claim)

    def stop(self, slot: int) -> None:
        """See `Slots`."""
        super().stop(slot)
        with contextlib.suppress(RemoteError):
            self._create(self._entry(slot, "stop"), b"\n")

    def alive(self, slot: int | None = None) -> None:
        """See `Slots`."""
        self._lived = time.monotonic()
        super().alive(slot)
        with contextlib.suppress(RemoteError):
            self._create(f"{self._top}/beat/{self._beats}", b"\n")
            self._beats += 1

    def names(self, *with_: str) -> set[str]:
        """See `Slots`."""
        self._look()
        return super().names(*with_)

    def said(self, slot: int) -> Said | None:
        """See `Slots`."""
        self._look()
        return super().said(slot)

    def refresh(self) -> None:
        """See `Slots`."""
        self._looked = float("-inf")

    def remove(self) -> None:
        """See `Slots`; on the remote it stays, and says that it is over."""
        with contextlib.suppress(RemoteError):
            self._create(f"{self._top}/over", b"\n")
        self._remote.close()
        super().remove()

    def _look(self) -> None:
        """Bring the folder up to date; a remote that fails is asked again later."""
        if time.monotonic() - self._looked < _LOOK:
            return
        try:
            folder = f"{self._top}/slots/"
            listed = [entry.name.removeprefix(folder) for entry in self._remote.entries(folder)]
            found = sorted((int(match[1]), match[2]) for name in listed if (match := _SLOT.fullmatch(name)))
            here = super().names()
            for slot, kind in found:
                if slot in self._of and f"{slot}.{kind}" not in here:
                    (self._take if kind == "answer" else self._note)(slot)
            ended = {slot for slot, kind in found if kind == "answer"}
            self._hear({slot for slot, _ in found} - ended)
        except (RemoteError, FileNotFoundError):
            pass
        finally:
            self._looked = time.monotonic()

    def _note(self, slot: int) -> None:
        """Note who has claimed a slot."""
        data = b""
        with contextlib.suppress(DamagedError):
            data = self._remote.read(self._entry(slot, "claim"), LONGEST)
        fsio.write_atomic(self.path(slot, "claim"), data, durable=False)

    def _take(self, slot: int) -> None:
        """Take an answer: the repeat comes first."""
        try:
            said = codec.unpack(self._remote.read(self._entry(slot, "answer"), LONGEST), Said, "an answer")
            if said.answer.run is not None:
                self._bring(slot, said.answer.run)
        except RemoteError:
            raise
        except XtError as error:
            said = Said(Answer(error=error.message, hint=error.hint, died=True), "")
        super().say(slot, said)

    def _bring(self, slot: int, run: str) -> None:
        url = self._remote.url
        if not runid.is_id(run) or run in self._came:
            raise DamagedError(f"an answer on `{url}` names no repeat of its own")
        wish = Brought((run,), ("code", "outputs"), alone=True)
        see(Pull(self._store, self._remote, url, wish, self._outside, self._step).run(), run)
        repeat = self._store.record(run).snapshot.repeat
        if repeat is None or repeat.of != self._of[slot]:
            raise DamagedError(f"{run} on `{url}` is no repeat of {self._of[slot]}")
        self._came.add(run)

    def _hear(self, going: set[int]) -> None:
        """Look for signs of life of workers."""
        now = time.monotonic()
        if now - self._listened < self._every:
            return
        self._listened = now
        wanted = {
            f"{self._top}/going/{slot}/{self._heard.get(slot, 0)}": slot for slot in going & {*self._of}
        }
        pool = Pool(self._step)
        try:
            for name in knowing.sizes(self._remote, pool, list(wanted)):
                slot = wanted[name]
                self._heard[slot] = self._heard.get(slot, 0) + 1
                with contextlib.suppress(OSError):
                    touch(self.path(slot, "claim"))
        finally:
            pool.close()

    def _step(self, doing: str, done: int, total: int) -> None:
        if time.monotonic() - self._lived >= self._every:
            with contextlib.suppress(OSError):
                self.alive()


def waiting(store: Store, outside: Outside, name: str) -> Callable[[str], Slots]:
    """Prepare to go through a remote.

    Args:
        store: that has the runs.
        outside: of the caller.
        name: of the remote, or its URL.

    Returns:
        Makes the slots, of their folder.

    Raises:
        UsageError: there is none of that name.
        RemoteError: it does not answer, or was not confirmed.
        UnsupportedError: what it needs is not installed.
    """
    root = find_root(outside.cwd)
    defined = find(outside, root, name)
    address = address_of(defined, root)
    if parse(address.shown, "/") != address:
        raise UsageError(
            f"--through: `{address.shown}` cannot be handed on to a worker", "another name for it"
        )
    remote = connect(defined, outside, root)
    return lambda folder: Waiting(folder, store, remote, address.shown, outside)


def see(found: Synced, run: str) -> None:
    """See that a run has arrived at the other side.

    Raises:
        RemoteError: the remote failed.
        UnverifiableError: it was refused.
    """
    if found.stopped is not None:
        raise RemoteError(found.stopped)
    for one in found.runs:
        if one.run == run and one.state in ("refused", "waiting"):
            verb = "pushed" if found.direction == "push" else "pulled"
            raise UnverifiableError(f"{run} cannot be {verb} through `{found.url}`: {one.reason}")
