"""Many processes in one store at once, and what must be true of it afterwards."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

from tests.conftest import SOURCE
from xt.cli.app import COMMANDS
from xt.model.event import Tagged
from xt.store import Store, events
from xt.store.index import Index
from xt.store.objects import decompressed

#: Seconds after which a process that has not ended hangs.
LONG = 300.0
#: What nobody may be told who did nothing but share a store.
FRIGHTENING = re.compile(
    rb"(?i)locked|traceback|a bug in|damaged|corrupt|malformed|not recorded|no such file|error:"
)
#: What the second of two sweeps at once is told: one is enough.
BUSY = b"is at work in this store"
#: Contents that runs make: few, so that many make the same.
CONTENTS = 5


class Beside(NamedTuple):
    """A command that is called while runs go on."""

    words: list[str]
    statuses: frozenset[int] = frozenset((0,))
    optional: bool = False
    """Whether an xt without it does without."""


#: Adding a command is one row. `{n}` is a number that no other call has.
BESIDE = [
    Beside(["ls", "--json", "-n", "0"]),
    Beside(["baseline", "set", "first", "-m", "of the crowd {n}"]),
    Beside(["tag", "first", "crowd-{n}"]),
    Beside(["push", "--outputs"]),
    Beside(["show", "@", "--json"]),
    Beside(["ls", "tag:first"]),
    Beside(["gc"], optional=True),
    Beside(["fsck"], optional=True),
]


class Call(NamedTuple):
    """One process of the crowd."""

    words: list[str]
    process: subprocess.Popen[bytes]
    stem: Path
    """Of the files with what it says."""
    statuses: frozenset[int]
    number: int | None
    """Of a run; None for what is called beside."""

    def said(self, stream: str) -> bytes:
        """What it wrote so far.

        Args:
            stream: `out` or `err`.
        """
        return self.stem.with_suffix(f".{stream}").read_bytes()


class Crowd:
    """A project with one store, one remote, and all that was started in it."""

    def __init__(self, folder: Path) -> None:
        """Make the project, with one run that everybody knows."""
        self.path = folder / "project"
        self.remote = folder / "remote"
        self.files = folder / "said"
        self.calls: list[Call] = []
        for place in (self.path, self.remote, self.files):
            place.mkdir(parents=True)
        (self.path / "train.py").write_text("print('training')\n")
        self._git("init", "-q")
        self._git("add", "-A")
        self._git("-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", "first")
        self.wait([self.start(["remote", "add", "box", str(self.remote)])])
        self.wait([self.start(["run", "-q", "--tag", "first", "--", "true"])])
        self.users = self._users()

    def start(
        self, words: list[str], number: int | None = None, statuses: frozenset[int] = frozenset((0,))
    ) -> Call:
        """Start xt."""
        stem = self.files / str(len(self.calls))
        with stem.with_suffix(".out").open("wb") as out, stem.with_suffix(".err").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "xt", *words],
                cwd=self.path,
                env={**os.environ, "PYTHONPATH": SOURCE},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        call = Call(words, process, stem, statuses, number)
        self.calls.append(call)
        return call

    def run(self, number: int) -> Call:
        """Start a run: every second of the same recipe, the others each of its own."""
        script = f"echo {number}; " if number % 2 else "echo $XT_RUN_ID; "
        # In one step: what is read half-written is a problem of the command, not of xt.
        script += f"echo {number % CONTENTS if number % 2 else 0} > ../said/$XT_RUN_ID; "
        script += "mv ../said/$XT_RUN_ID out.txt; "
        script += f"exit {status_of(number)}"
        return self.start(
            ["run", "-q", "-o", "out.txt", "--", "sh", "-c", script],
            number,
            frozenset((status_of(number),)),
        )

    def beside(self, row: Beside, number: int) -> Call:
        """Start something else."""
        return self.start([word.format(n=number) for word in row.words], None, row.statuses)

    def wait(self, calls: Iterable[Call]) -> None:
        """Wait until they have ended.

        Raises:
            AssertionError: one hangs, ended otherwise, or said what frightens.
        """
        end = time.monotonic() + LONG
        for call in calls:
            try:
                status = call.process.wait(max(1.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{call.words} hangs") from None
            said = call.said("err")
            if status == 1 and call.words[0] == "gc" and BUSY in said:
                continue
            assert status in call.statuses, (call.words, status, said)
            assert not FRIGHTENING.search(said), (call.words, said)

    # --- what must be true -------------------------------------------------------------------------

    def check(self) -> None:
        """Look at everything.

        Raises:
            AssertionError: something was lost, doubled, mixed up or left behind.
        """
        self._check_runs()
        self._check_contents()
        self._check_events()
        self._check_index()
        self._check_remote()
        assert self._users() == self.users
        left = [*self.store.joinpath("live").iterdir(), *self.store.joinpath("tmp").iterdir()]
        left += self.store.rglob("*.tmp")
        assert not left
        if "fsck" in COMMANDS.rows:
            self.wait([self.start(["fsck"])])

    @property
    def store(self) -> Path:
        """Path of the store."""
        return self.path / ".xt"

    def _check_runs(self) -> None:
        store = Store.open(str(self.store))
        ids = list(store.ids())
        runs = [call for call in self.calls if call.words[0] == "run"]
        assert len(set(ids)) == len(ids) == len(runs)
        said: list[str] = []
        recipes: set[str | None] = set()
        for run_id in ids:
            record = store.record(run_id)
            if not record.result.outputs:
                continue
            log = store.objects.read(record.result.logs.streams[0].digest or "")
            text = log.decode().strip()
            said.append(text if text != run_id else "its id")
            output = record.result.outputs[0]
            assert output.digest is not None
            number = int(text) if text != run_id else None
            # Others write the same file, so which of the contents was there is chance.
            assert store.objects.read(output.digest).strip() in {b"%d" % n for n in range(CONTENTS)}
            if number is not None:
                assert record.result.exit_code == status_of(number)
            recipes.add(record.snapshot.recipe)
        numbers = [call.number for call in runs if call.number is not None]
        assert sorted(said) == sorted(str(number) if number % 2 else "its id" for number in numbers)
        kinds = {status_of(number) for number in numbers if number % 2 == 0}
        assert len(recipes) == sum(number % 2 for number in numbers) + len(kinds)
        # What a command printed came to its caller, too.
        for call in runs:
            if call.number is not None:
                printed = call.said("out").decode().strip()
                assert printed == str(call.number) if call.number % 2 else printed in ids

    def _check_contents(self) -> None:
        found: dict[str, str] = {}
        for folder, _, names in os.walk(self.store / "objects"):
            for name in names:
                stem = name.removesuffix(".zst")
                assert stem not in found, f"{stem} is there twice"
                found[stem] = name
                data = Path(folder, name).read_bytes()
                data = decompressed(data) if name.endswith(".zst") else data
                assert blake3(data).hexdigest() == stem
        if (self.store / "code.git").exists():
            self._git("--git-dir=.xt/code.git", "fsck", "--no-dangling")

    def _check_events(self) -> None:
        read = events.everything(str(self.store))
        assert not read.doubts
        wanted = sorted(call.words[2] for call in self.calls if call.words[0] == "tag")
        assert sorted(event.name for event in read.events if isinstance(event, Tagged)) == wanted
        pins = [call for call in self.calls if call.words[:2] == ["baseline", "set"]]
        assert len(events.pins(str(self.store), "baseline")) == len(pins)

    def _check_index(self) -> None:
        store = Store.open(str(self.store))
        kept = rows(store)
        (self.store / "cache" / "index.db").unlink(missing_ok=True)
        assert kept == rows(store)

    def _check_remote(self) -> None:
        self.wait([self.start(["push", "--outputs"])])
        there = {path.stem for path in self.remote.rglob("runs/**/*.json")}
        assert there == set(Store.open(str(self.store)).ids())

    def _users(self) -> list[str]:
        """What is the user's: it stays as it is."""
        return [
            self._git("status", "--porcelain", "--", "train.py"),
            self._git("for-each-ref", "refs/heads", "refs/tags", "refs/stash"),
            self._git("rev-parse", "HEAD"),
            self._git("ls-files", "--stage", "--debug").partition("ctime")[0],
        ]

    def _git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


def rows(store: Store) -> list[object]:
    """All rows of the index, as it is now."""
    index = Index(store)
    try:
        assert not index.doubts
        return [*index.newest(None, trials=True).rows, *index.words(), index.counts(trials=True)]
    finally:
        index.close()


def status_of(number: int) -> int:
    """What a run ends with."""
    return (0, 0, 0, 7, 0, 0, 9)[number % 7]


def offered() -> list[Beside]:
    """What this xt can be called for beside runs."""
    return [row for row in BESIDE if not row.optional or row.words[0] in COMMANDS.rows]


def for_long(crowd: Crowd, seconds: float, width: int, seed: int) -> Iterator[int]:
    """Keep so many processes going for a while; give how many were started, now and then."""
    chance = random.Random(seed)
    going: list[Call] = []
    number, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        number += 1
        if chance.random() < 0.7:
            going.append(crowd.run(number))
        else:
            going.append(crowd.beside(chance.choice(offered()), number))
        while len(going) >= width:
            done = [call for call in going if call.process.poll() is not None]
            crowd.wait(done)
            going = [call for call in going if call not in done]
            if not done:
                time.sleep(0.005)
        if number % 100 == 0:
            yield number
    crowd.wait(going)
