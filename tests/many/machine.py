"""A store, rules that use it in any order, and a model that knows what must come of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from tests import builders
from tests.at_once import call
from tests.many.crowd import rows
from xt import codec
from xt.cli.app import COMMANDS
from xt.context import timestamp
from xt.errors import DamagedError, NotRecordedError, StoreError
from xt.model import runid
from xt.model.files import Output
from xt.model.result import Logs, Stream
from xt.store import Store

CONTENTS = st.integers(0, 3)
#: Which of the runs there are, counted from the last.
WHICH = st.integers(0, 5)
WORDS = st.sampled_from(["good", "paper", "nightly"])


@dataclass
class Run:
    """What the model knows of a run."""

    id: str
    contents: set[str] = field(default_factory=set)
    lost: bool = False
    tags: set[str] = field(default_factory=set)
    name: str | None = None
    away: bool = False
    damaged: bool = False
    vague: bool = False
    """Whether it came back, so that what was said of it may be more or less."""


def content(number: int) -> bytes:
    """One of a few contents; the last is large enough to be compressed."""
    return b"%d\n" % number * (5000 if number == 3 else 1)


def digest(data: bytes) -> str:
    """As it is named."""
    return "blake3:" + blake3(data).hexdigest()


class Machine(RuleBasedStateMachine):
    """One project with one store and one remote."""

    def __init__(self) -> None:
        """Make them."""
        super().__init__()
        self.top = Path(tempfile.mkdtemp(prefix="xt-machine-"))
        self.path = self.top / "project"
        self.path.mkdir()
        (self.top / "remote").mkdir()
        (self.path / "mine.txt").write_text("mine\n")
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", "first")
        self.users = self.git("status", "--porcelain"), self.git("for-each-ref"), self.git("stash", "list")
        self.runs: list[Run] = []
        self.gone: dict[str, Run] = {}
        """Dropped by a sweep, or put aside by a repair; a pull may bring them back."""
        self.aside: set[str] = set()
        """Records that were put aside, and none came in their place."""
        self.pinned: str | None = None
        self.damaged: set[str] = set()
        self.pushed: set[str] = set()
        self.spoilt = False
        """Whether a page of the index may be garbage that nobody has come across."""
        self.count = 0

    @initialize()
    def begin(self) -> None:
        """A store with a remote."""
        self.store = Store.create(str(self.path / ".xt"))
        self.xt("remote", "add", "box", str(self.top / "remote"))

    def teardown(self) -> None:
        """All is so at the end, and the user's own is as it was."""
        try:
            if self.runs:
                self.contents_are_there()
                self.the_index_is_a_view_of_the_records()
            shutil.rmtree(self.path / ".xt", ignore_errors=True)
            now = self.git("status", "--porcelain"), self.git("for-each-ref"), self.git("stash", "list")
            assert now == self.users
            assert (self.path / "mine.txt").read_text() == "mine\n"
        finally:
            shutil.rmtree(self.top)

    # --- what is done ------------------------------------------------------------------------------

    @rule(output=CONTENTS, log=CONTENTS)
    def run(self, output: int, log: int) -> None:
        """A run ends well; content that was damaged and is made again is whole again."""
        record = self._record(output, log)
        live = self.store.begin(record.id)
        live.publish(codec.encode(builders.start(record.snapshot, record.id)))
        for number in (output, log):
            self.store.objects.put_bytes(content(number))
        self.store.seal(live, record)
        live.end()
        made = {digest(content(number)) for number in (output, log)}
        self.damaged -= made
        self.runs.append(Run(record.id, made))

    @rule(output=CONTENTS)
    def kill(self, output: int) -> None:
        """A run does not end."""
        record = self._record(output, output)
        start = builders.start(record.snapshot, record.id)
        here = replace(start.supervisor, host=os.uname().nodename)
        live = self.store.begin(record.id)
        live.publish(codec.encode(replace(start, supervisor=here)))
        Path(live.path("stdout")).write_bytes(content(output))
        os.close(live.lock)
        self.runs.append(Run(record.id, lost=True))

    @rule(which=WHICH, word=WORDS, off=st.booleans())
    def tag(self, which: int, word: str, off: bool) -> None:
        """A tag is put on or taken off."""
        run = self._one(which)
        if run is None:
            return
        self.xt("tag", run.id, word, *(["-d"] if off and word in run.tags else []))
        run.tags = run.tags - {word} if off and word in run.tags else run.tags | {word}

    @rule(which=WHICH, word=WORDS)
    def name(self, which: int, word: str) -> None:
        """A run gets a name."""
        run = self._one(which)
        if run is not None:
            self.xt("name", run.id, word)
            run.name = word

    @rule(which=WHICH)
    def note(self, which: int) -> None:
        """Something is said of a run."""
        run = self._one(which)
        if run is not None:
            self.xt("note", run.id, "-m", "it is good")

    @rule(which=WHICH, off=st.booleans())
    def pin(self, which: int, off: bool) -> None:
        """The baseline is set, or taken away."""
        run = self._one(which)
        if off and self.pinned is not None:
            self.xt("baseline", "rm", "-m", "no more")
            self.pinned = None
        elif run is not None and not run.damaged and not run.away:
            self.xt("baseline", "set", run.id, "-m", "a good one")
            self.pinned = run.id

    @rule(which=WHICH)
    def put_away_or_bring_back(self, which: int) -> None:
        """A run is put away, or back."""
        run = self._one(which, lost=True)
        if run is None or run.id == self.pinned:
            return
        self.xt("rm", run.id, *(["--undo"] if run.away else []))
        run.away = not run.away

    @precondition(lambda self: not self.damaged and not any(run.damaged for run in self.runs))
    @rule()
    def push(self) -> None:
        """Everything goes to the remote."""
        if any(not run.lost and not run.away for run in self.runs):
            self.xt("push", "--outputs")
            self.pushed |= {run.id for run in self.runs if not run.lost and not run.away}

    @precondition(lambda self: self.pushed)
    @rule()
    def pull(self) -> None:
        """It comes back: what is damaged here is not made worse by it."""
        code, _, said = self.said("pull", "--outputs")
        assert code == 0 or self.damaged or any(run.damaged for run in self.runs), said
        self._returned()
        assert code or not self.gone.keys() & self.pushed

    @rule(which=WHICH, at=st.integers(0, 10**6))
    def damage_a_content(self, which: int, at: int) -> None:
        """A bit of a content turns."""
        there = sorted({one for run in self.runs if not run.lost for one in run.contents} - self.damaged)
        if not there:
            return
        one = there[which % len(there)]
        name = self.store.objects.name(one)
        turn(name if os.path.exists(name) else f"{name}.zst", at)
        self.damaged.add(one)

    @rule(which=WHICH, at=st.integers(0, 10**6))
    def damage_a_record(self, which: int, at: int) -> None:
        """A bit of a record turns."""
        run = self._one(which)
        if run is None or run.damaged or run.id == self.pinned:
            return
        turn(f"{self.store.path}/runs/{run.id[:2]}/{run.id}.json", at)
        run.damaged = True

    @rule(how=st.sampled_from(["gone", "empty", "garbage", "a page"]), at=st.integers(0, 10**6))
    def spoil_the_index(self, how: str, at: int) -> None:
        """The index is no more, or no index."""
        path = Path(self.store.path, "cache", "index.db")
        if not path.exists():
            return
        self.spoilt = how == "a page"
        if how == "gone":
            path.unlink()
        elif how == "a page":
            data = bytearray(path.read_bytes())
            page = at % max(1, len(data) // 4096) * 4096
            data[page : page + 4096] = os.urandom(4096) if at % 2 else bytes(4096)
            path.write_bytes(data)
        else:
            path.write_bytes(b"garbage" * 999 if how == "garbage" else b"")
        # What was spoilt is noticed by whoever asks first, and is then made anew.
        for _ in range(2):
            code, _, said = self.said("ls", "--json", "-n", "0")
            assert code == 0 or "index" in said
        assert code == 0

    @precondition(lambda self: "gc" in COMMANDS.rows)
    @rule(rules=st.sampled_from([[], ["--keep", "last 2"], ["--keep", "tagged"]]))
    def sweep(self, rules: list[str]) -> None:
        """What nobody needs goes; a damaged record keeps everything where it is."""
        past = time.time() - 30 * 86400
        for folder, _, names in os.walk(self.store.path):
            for name in names:
                if "/cache" not in folder:
                    os.utime(f"{folder}/{name}", (past, past))
        code, _, said = self.said("gc", *rules)
        if any(run.damaged for run in self.runs):
            assert code != 0
            return
        there = {run.id for run in self.runs if self.store.is_sealed(run.id)}
        dropped = [run for run in self.runs if not run.lost and run.id not in there]
        for run in dropped:
            assert run.id != self.pinned
            assert run.away or (rules and not ("tagged" in rules[1] and run.tags)), said
        self.gone |= {run.id: run for run in dropped}
        live = set(self.store.live_ids())
        self.runs = [run for run in self.runs if run.id in there or run.id in live]
        self.damaged &= {one for run in self.runs for one in run.contents}

    @precondition(lambda self: "fsck" in COMMANDS.rows)
    @rule()
    def look_through(self) -> None:
        """What is damaged is named, and nothing else is."""
        code, out, said = self.said("fsck", "--json")
        found = [one for one in json.loads(out)["findings"] if one.get("fault")]
        names = {one["path"].rpartition("/")[2].partition(".")[0] for one in found if one["path"]}
        used = {one for run in self.runs if not run.damaged for one in run.contents}
        records = {run.id for run in self.runs if run.damaged} | self.aside
        least = {one.partition(":")[2] for one in self.damaged & used} | records
        most = {one.partition(":")[2] for one in self.damaged} | records
        assert least <= names - {"index"} <= most, (found, said)
        assert "index" not in names or self.spoilt, found
        assert code == (1 if names else 0)

    @precondition(lambda self: "fsck" in COMMANDS.rows)
    @rule()
    def repair(self) -> None:
        """What can be had comes back; what cannot is named, and lies aside."""
        self.said("fsck", "--repair", "--json")
        self.spoilt = False
        for run in [run for run in self.runs if run.damaged]:
            run.damaged = False
            if not self.store.is_sealed(run.id):
                self.runs.remove(run)
                self.gone[run.id] = run
                self.aside.add(run.id)
        self._returned()
        self.damaged = {one for one in self.damaged if not whole(self.store, one)}

    # --- what must be so, whenever it is asked ----

    @rule()
    def contents_are_there(self) -> None:
        """Every content of a finished run is there and whole, or the model damaged it."""
        for run in self.runs:
            for one in () if run.lost or run.damaged else run.contents:
                assert whole(self.store, one) == (one not in self.damaged), (run.id, one)

    @rule()
    def the_index_is_a_view_of_the_records(self) -> None:
        """It says what a new one says, and what the model knows."""
        other = self.top / "scan"
        other.mkdir()
        try:
            for name in ("runs", "events", "live", "format"):
                (other / name).symlink_to(Path(self.store.path, name))
            (other / "cache").mkdir()
            try:
                now = rows(self.store)
            except StoreError:
                assert self.spoilt
                now = rows(self.store)
            new = rows(Store(str(other)))
        finally:
            shutil.rmtree(other)
        # A record that is damaged after the index took it in is found when it is read, and by fsck.
        damaged = {run.id for run in self.runs if run.damaged}
        assert now == new or damaged
        listed, again = ({row.id: row for row in one if hasattr(row, "status")} for one in (now, new))
        assert {**listed, **dict.fromkeys(damaged)} == {**again, **dict.fromkeys(damaged)}
        for run in self.runs:
            if run.lost:
                assert self.store.live(run.id)[1] == "lost"
            elif run.damaged:
                assert again[run.id].status == "damaged"
            elif run.vague:
                assert run.away or listed[run.id].status == "ok"
            elif run.away:
                assert run.id not in listed
            else:
                row = listed[run.id]
                assert (row.status, set(row.tags), row.name) == ("ok", run.tags, run.name)

    # --- means -------------------------------------------------------------------------------------

    def xt(self, *words: str) -> bytes:
        """Call xt; it must succeed."""
        code, out, said = self.said(*words)
        if self.spoilt and "the index of the store was damaged" in said:
            code, out, said = self.said(*words)
        assert code == 0, (words, said)
        return out

    def said(self, *words: str) -> tuple[int, bytes, str]:
        """Call xt; whatever it comes to, it is no bug."""
        code, out, err = call(list(words), str(self.path), {})
        said = err.decode("utf-8", "replace")
        assert code != 70, (words, said)
        return code, out, said

    def git(self, *words: str) -> str:
        """Call git."""
        return subprocess.run(
            ["git", *words], cwd=self.path, capture_output=True, text=True, check=True
        ).stdout

    def _returned(self) -> None:
        """Take note of runs that are back."""
        for run in [run for run in self.gone.values() if self.store.is_sealed(run.id)]:
            del self.gone[run.id]
            self.aside.discard(run.id)
            run.vague = True
            self.runs.append(run)
        self.damaged = {one for one in self.damaged if not whole(self.store, one)}

    def _one(self, which: int, *, lost: bool = False) -> Run | None:
        """A run that is there."""
        there = [run for run in self.runs if (lost or not run.lost) and not run.damaged and not run.vague]
        return there[-1 - which % len(there)] if there else None

    def _record(self, output: int, log: int):
        self.count += 1
        run_id = runid.make(blake3(b"%d" % self.count).digest()[: runid.LENGTH // 2])
        made, said = content(output), content(log)
        whole = builders.bare()
        result = replace(
            whole.result,
            outputs=[Output("artifact", "out", "file", "stored", "out", digest(made), len(made), 1, 0o644)],
            logs=Logs([Stream("stdout", "pipe", len(said), digest(said), len(said))], None, False),
        )
        at = timestamp(builders.NOW.replace(minute=self.count % 60, hour=self.count // 60))
        return replace(whole, id=run_id, started_at=at, result=result)


def whole(store: Store, one: str) -> bool:
    """Whether a content is there as it must be."""
    try:
        store.objects.read(one)
    except (DamagedError, NotRecordedError):
        return False
    return True


def turn(path: str, at: int) -> None:
    """Turn a bit of a file, in place."""
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        data[at % len(data)] ^= 1 << at % 8
        file.seek(0)
        file.write(data)
