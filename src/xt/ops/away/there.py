"""The worker's side of repeats that go through a remote; see `through.py`."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Callable

from msgspec.structs import replace

from xt import codec, fsio
from xt.context import Outside
from xt.errors import RemoteError, UsageError, XtError
from xt.ops.away.slots import JOBS, LONGEST, Claim, Plan, Said, Task, touch
from xt.ops.away.through import Through, see
from xt.ops.repeat.workspace import remove
from xt.ops.sync.pull import Pull
from xt.ops.sync.pull import Wish as Brought
from xt.ops.sync.push import Push
from xt.ops.sync.push import Wish as Sent
from xt.ops.verify.trials import Answer
from xt.store import Store
from xt.store.remote.defined import connect, find

#: Seconds between two looks whether it is to stop.
_LOOK = 4.0
_NAME, _NUMBER = re.compile(r"xt-[0-9a-f]{12}"), re.compile("[0-9]{1,9}")


class Working(Through):
    """The side of a worker: a folder and a store of its own, which are gone when it has ended."""

    def __init__(self, url: str, name: str, outside: Outside) -> None:
        """Reach the remote.

        Args:
            url: of it; what credentials it takes come from the variables.
            name: of what is handed out there.
            outside: of this process.

        Raises:
            UsageError, UnsupportedError, RemoteError: it cannot be reached from here.
            OSError: there is no place for it here.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"`{name[:80]}` is nothing that was handed out")
        remote = connect(find(outside, "/", url), outside, "/")
        self._scratch = tempfile.mkdtemp(prefix="xt-")
        store = Store.create(f"{self._scratch}/.xt")
        super().__init__(f"{store.path}/{JOBS}/{name}", store, remote, outside)
        os.makedirs(self.folder, fsio.PRIVATE_DIR)
        fsio.write_atomic(self.beat, b"", durable=False)
        self.words = [url, name]
        self._unwanted = False
        self._beat: int | None = None
        self._beats = 0

    def plan(self) -> Plan:
        """See `Slots`; the store and the folder are those that were made here.

        Raises:
            RemoteError: the remote failed.
        """
        plan = codec.unpack(self._remote.read(f"{self._top}/plan", LONGEST), Plan, "the plan")
        self._every = plan.beat
        return replace(plan, store=self._store.path, cwd=self._scratch)

    def task(self, slot: int) -> Task:
        """See `Slots`.

        Raises:
            RemoteError: the remote failed.
        """
        return codec.unpack(self._remote.read(self._entry(slot, "task"), LONGEST), Task, "the task")

    def claim(self, slot: int, claim: Claim) -> bool:
        """See `Slots`."""
        return self._create(self._entry(slot, "claim"), codec.encode(claim)) and super().claim(slot, claim)

    def stopped(self, slot: int) -> bool:
        """See `Slots`; a remote that fails is asked again later."""
        now = time.monotonic()
        if self._unwanted or now - self._looked < _LOOK:
            return self._unwanted
        self._looked = now
        with contextlib.suppress(RemoteError):
            self._unwanted = self._has(self._entry(slot, "stop")) or self._listen()
        return self._unwanted

    def alive(self, slot: int | None = None) -> None:
        """See `Slots`."""
        self._lived = time.monotonic()
        with contextlib.suppress(RemoteError):
            self._create(f"{self._top}/going/{slot}/{self._beats}", b"\n")
            self._beats += 1

    def bring(self, task: Task, waiting: Callable[[], None]) -> None:
        """See `Slots`."""
        wish = Brought((task.wish.run,), ("code", "inputs"), alone=True)
        url = self._remote.url
        pull = Pull(self._store, self._remote, url, wish, self._outside, lambda *_: waiting())
        see(pull.run(), task.wish.run)

    def say(self, slot: int, said: Said) -> None:
        """See `Slots`; the repeat goes before.

        Raises:
            RemoteError: the remote failed.
        """
        run = said.answer.run

        def step(doing: str, done: int, total: int) -> None:
            if time.monotonic() - self._lived >= self._every:
                self.alive(slot)

        if run is not None:
            wish = Sent((run,), ("code", "outputs"))
            try:
                see(Push(self._store, self._remote, self._remote.url, wish, self._outside, step).run(), run)
            except XtError as error:
                said = replace(said, answer=Answer(error=error.message, hint=error.hint, died=True))
        self._create(self._entry(slot, "answer"), codec.pack(said))

    def done(self) -> None:
        """See `Slots`."""
        self._remote.close()
        with contextlib.suppress(OSError, XtError):
            remove(self._scratch)

    def _has(self, name: str) -> bool:
        return self._remote.size(name) is not None

    def _listen(self) -> bool:
        """Look for signs of life of who waits; whether it said that it is over."""
        now = time.monotonic()
        if now - self._listened < self._every:
            return False
        self._listened = now
        folder = f"{self._top}/beat/"
        if self._beat is None:
            numbers = (entry.name.removeprefix(folder) for entry in self._remote.entries(folder))
            self._beat = max((int(number) for number in numbers if _NUMBER.fullmatch(number)), default=-1)
        while self._has(f"{folder}{self._beat + 1}"):
            self._beat += 1
            touch(self.beat)
        return self._has(f"{self._top}/over")
