"""The folder through which repeats elsewhere are handed out and answered: `jobs/<name>/` in the shared store.

    lock             held by the xt that waits for them
    beat             touched by it now and then: nobody is to work for one that is gone
    plan.json        what all of them need
    <slot>.task      one attempt at a repeat
    <slot>.claim     made once, by the worker that makes it, and touched by it while it does
    <slot>.stop      nobody wants it any more
    <slot>.answer    what came of it
    <slot>.out       what was printed by a worker that did not even begin

A claim is made with O_EXCL, so however often an engine starts a slot, what it asks for is begun once at most.
Times are those that the file system stamps, never compared with a clock of another machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable

import msgspec

from xt import codec, fsio
from xt.errors import DamagedError
from xt.ops.repeat.wish import Wish
from xt.ops.verify.trials import Answer

#: Folder of the store that holds one for each xt that waits.
JOBS = "jobs"
#: Bytes of an answer that are read.
LONGEST = 16 << 20
#: Bytes of the end of what a worker printed, to say why it did not begin.
TAIL = 2000


class Plan(msgspec.Struct, frozen=True):
    """What every worker of one waiting xt needs."""

    store: str
    cwd: str
    umask: int
    xt: str
    """Version of the xt that waits."""
    host: str
    """Where it waits."""
    engine: str
    beat: float
    """Seconds between two touches, of workers and of who waits."""


class Task(msgspec.Struct, frozen=True):
    """One attempt."""

    wish: Wish
    terminals: tuple[bool, bool]
    attempt: int


class Claim(msgspec.Struct, frozen=True):
    """Who makes it."""

    host: str
    pid: int
    job: str | None = None
    """Number of the job at the engine, where it has one."""


class Said(msgspec.Struct, frozen=True):
    """What a worker says at its end."""

    answer: Answer
    host: str
    ended: bool = False
    """Whether it was ended from outside, so that it says nothing of the repeat."""


class Slots:
    """One such folder."""

    def __init__(self, folder: str) -> None:
        """Name it.

        Args:
            folder: absolute path.
        """
        self.folder = folder
        self.words = [folder]
        """By which a worker finds it."""
        self.needs = f"all its machines must have `{os.path.dirname(os.path.dirname(folder))}` and"
        """What a machine must have besides the interpreter."""

    def path(self, slot: int, kind: str) -> str:
        """Path of a file of a slot: `task`, `claim`, `stop`, `answer`, `out`."""
        return f"{self.folder}/{slot}.{kind}"

    def out(self, slot: int) -> str:
        """Path of a file for what the worker of a slot prints."""
        return self.path(slot, "out")

    @property
    def beat(self) -> str:
        """Path of what is touched by who waits."""
        return f"{self.folder}/beat"

    def create(self, plan: Plan) -> int:
        """Make it; give the descriptor of the lock, which is held until it is closed.

        Raises:
            OSError: the store cannot be written.
        """
        os.makedirs(os.path.dirname(self.folder), fsio.PRIVATE_DIR, exist_ok=True)
        os.mkdir(self.folder, fsio.PRIVATE_DIR)
        lock = os.open(f"{self.folder}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, fsio.PRIVATE_FILE)
        fsio.try_lock(lock)
        fsio.write_atomic(self.beat, b"", durable=False)
        fsio.write_atomic(f"{self.folder}/plan.json", codec.pack(plan), durable=False)
        return lock

    def plan(self) -> Plan:
        """Read what all need.

        Raises:
            OSError, DamagedError: it cannot be read.
        """
        return codec.unpack(fsio.read_file(f"{self.folder}/plan.json", LONGEST), Plan, "the plan")

    def put(self, slot: int, task: Task) -> None:
        """Write what is to be done."""
        fsio.write_atomic(self.path(slot, "task"), codec.pack(task), durable=False)

    def task(self, slot: int) -> Task:
        """Read what is to be done.

        Raises:
            OSError, DamagedError: it cannot be read.
        """
        return codec.unpack(fsio.read_file(self.path(slot, "task"), LONGEST), Task, "the task")

    def claim(self, slot: int, claim: Claim) -> bool:
        """Take a slot, once and for all; False when somebody has.

        Raises:
            OSError: the folder is gone, or cannot be written.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            fd = os.open(self.path(slot, "claim"), flags, fsio.PRIVATE_FILE)
        except FileExistsError:
            return False
        try:
            fsio.write_all(fd, codec.encode(claim))
        finally:
            os.close(fd)
        return True

    def claimed(self, slot: int) -> Claim | None:
        """Who has it; None when that is not (yet) readable."""
        try:
            return codec.decode(fsio.read_file(self.path(slot, "claim"), LONGEST), Claim, "a claim")
        except (OSError, DamagedError):
            return None

    def stop(self, slot: int) -> None:
        """Say that nobody wants it."""
        with contextlib.suppress(OSError):
            fsio.write_atomic(self.path(slot, "stop"), b"", durable=False)

    def stopped(self, slot: int) -> bool:
        """Whether nobody wants it; so it is when the folder is gone."""
        return os.path.exists(self.path(slot, "stop")) or not os.path.exists(self.beat)

    def say(self, slot: int, said: Said) -> None:
        """Write what came of it.

        Raises:
            OSError: the folder is gone, or cannot be written.
        """
        fsio.write_atomic(self.path(slot, "answer"), codec.pack(said), durable=False)

    def said(self, slot: int) -> Said | None:
        """What came of it, None when there is no answer.

        Raises:
            DamagedError: it cannot be read.
        """
        try:
            data = fsio.read_file(self.path(slot, "answer"), LONGEST)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DamagedError(f"an answer cannot be read: {error.strerror}") from error
        return codec.unpack(data, Said, "an answer")

    def printed(self, slot: int) -> str | None:
        """The last line that a worker printed; None for nothing."""
        for name in (f"{slot}.out", *sorted(self.names("_", ".out"))):
            with contextlib.suppress(OSError):
                data = fsio.read_file(f"{self.folder}/{name}", LONGEST)[-TAIL:]
                lines = [line for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
                if lines:
                    return lines[-1].strip()
        return None

    def names(self, *with_: str) -> set[str]:
        """Names in it that hold all of these.

        Raises:
            OSError: it is gone.
        """
        return {name for name in os.listdir(self.folder) if all(part in name for part in with_)}

    def refresh(self) -> None:
        """Make a network file system look at the folder anew, which it may remember as it was."""
        with contextlib.suppress(OSError):
            path = f"{self.folder}/look.{os.urandom(4).hex()}"
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, fsio.PRIVATE_FILE))
            os.unlink(path)

    def alive(self, slot: int | None = None) -> None:
        """Give a sign of life: of who waits, or of the worker that makes a slot.

        Raises:
            OSError: the folder is gone.
        """
        touch(self.beat if slot is None else self.path(slot, "claim"))

    def bring(self, task: Task, waiting: Callable[[], None]) -> None:
        """Bring what a worker needs to where it is: here it is there already.

        Args:
            task: what it is to do.
            waiting: called now and then.

        Raises:
            XtError: it is not to be had.
        """

    def done(self) -> None:
        """Take away what a worker alone had."""

    def touched(self, path: str) -> int | None:
        """When a file was touched, as its file system says; None when it is gone."""
        try:
            return os.stat(path).st_mtime_ns
        except OSError:
            return None

    def remove(self) -> None:
        """Remove it; workers that have not begun find nothing to do."""
        # A worker may write its last answer meanwhile.
        for _ in range(5):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not os.path.lexists(self.folder):
                return


def touch(path: str) -> None:
    """Touch a file by the clock of its file system.

    Raises:
        OSError: it is gone.
    """
    os.utime(path)
