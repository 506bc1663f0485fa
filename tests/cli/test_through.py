"""Repeats through a remote, on machines that do not see the store."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.cli.test_engines import CALL
from tests.cli.verifying import processes, wait_for
from tests.conftest import SOURCE
from tests.schemas import validator
from tests.services import dask, shared, slurm
from tests.services.fixtures import moto, s3_variables
from xt import __version__, codec
from xt.context import Outside
from xt.errors import RemoteError, UnverifiableError
from xt.ops.away.slots import Claim, Plan, Said, Task
from xt.ops.away.there import Working
from xt.ops.away.through import Waiting
from xt.ops.away.work import CLAIMED
from xt.ops.repeat.wish import Wish
from xt.ops.verify.trials import Answer
from xt.store import Store
from xt.store.remote.folder import Folder

__all__ = ["moto"]
#: Mounts what a hidden folder holds over an empty one, for one command alone.
ONLY_HERE = 'mount --bind "$1" "$2" && cd "$2" && shift 2 && exec "$@"'


class Hidden:
    """A recorded run in a folder that others see empty."""

    def __init__(self, folder, tmp_path):
        self.folder, self.calls_path, self.remote = folder, tmp_path / "calls", tmp_path / "remote"
        self.place, self.away = folder.path, tmp_path / "away"
        self.remote.mkdir()

    def record(self, code, settings="", data="some data"):
        self.folder.write("call.py", CALL)
        self.folder.write("data.txt", data)
        if settings:
            self.folder.write("xt.toml", settings)
        words = ("-q", "-i", "data.txt", "-o", "out.txt")
        done = self.folder.run(*words, "--", sys.executable, "call.py", str(self.calls_path), code)
        assert done.code == 0, done.err
        self.run = self.folder.record()["id"]
        return self

    @property
    def calls(self):
        """How often it was called after the run itself."""
        return self.calls_path.stat().st_size - 1

    def hide(self):
        """Nobody sees it any more."""
        self.place.rename(self.away)
        self.place.mkdir()

    def show(self):
        """Everybody sees it again; nobody has written to where it was."""
        self.place.rmdir()
        self.away.rename(self.place)

    def started(self, *words, command="verify", through=None, **env):
        """`xt verify`, which alone sees it."""
        self.hide()
        words = (command, self.run, "--through", through or str(self.remote), *words)
        places = (str(self.away), str(self.place))
        return subprocess.Popen(
            ["unshare", "-m", "sh", "-c", ONLY_HERE, "-", *places, *self.folder.command(*words)],
            cwd=self.away.parent,
            env={**os.environ, "PYTHONPATH": SOURCE, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def entries(self, pattern):
        return [path.name for path in self.remote.glob(f"jobs/xt-*/{pattern}")]


@pytest.fixture
def hidden(folder, tmp_path):
    return Hidden(folder, tmp_path)


@pytest.fixture(scope="session")
def mounting():
    if subprocess.run(["unshare", "-m", "mount", "--bind", "/tmp", "/tmp"], capture_output=True).returncode:
        pytest.skip("mounting takes rights that this user has not")


@pytest.fixture(scope="session")
def a_slurm(tmp_path_factory, mounting):
    with shared(tmp_path_factory, "slurm", slurm.start) as facts:
        yield facts


@pytest.fixture(scope="session")
def a_dask(tmp_path_factory, mounting):
    with shared(tmp_path_factory, "dask", dask.start) as facts:
        yield facts


def test_repeats_where_the_store_is_not(hidden, a_dask):
    """One worker is killed, and its repeat made again; all that came of the others is here afterwards."""
    left = "open(calls + '.left', 'w').write(os.getcwd().partition('/.xt/')[0])"
    code = f"assert open('data.txt').read() == 'some data'\nn == 2 and ({left}, os.kill(worker(), 9))"
    hidden.record(code)
    process = hidden.started(
        "--json", "--no-diagnose", "--on", f"dask://{a_dask['address']}", "--repeat", "3"
    )
    out, err = process.communicate(timeout=90)
    assert (process.returncode, err) == (0, b""), out
    hidden.show()
    found = json.loads(out)
    validator("verify").validate(found)
    (found,) = found["verifications"]
    assert found["level"] == "identical"
    assert "drift" not in found
    assert [note for note in found["notes"] if "lost" in note] == [
        "a repeat was lost (it was ended by signal 9) and made again"
    ]
    runs = set(found["columns"][0]["runs"])
    assert len(runs) == 3
    assert hidden.calls == 4
    for run in runs:
        record = hidden.folder.record(run)
        assert record["snapshot"]["repeat"]["of"] == hidden.run
        (output,) = record["result"]["outputs"]
        digest = output["digest"].removeprefix("blake3:")
        assert (hidden.place / ".xt/objects" / digest[:2] / digest).read_bytes() == b"same"
    assert list((hidden.place / ".xt/jobs").glob("*")) == []
    assert hidden.entries("over") == ["over"]
    assert len(hidden.entries("slots/*.answer")) == 3
    # What a killed worker had stays.
    shutil.rmtree(hidden.calls_path.with_suffix(".left").read_text())


def test_ended_in_the_middle_nothing_goes_on_there(hidden, a_dask):
    hidden.record("n and time.sleep(60)")
    process = hidden.started("--on", f"dask://{a_dask['address']}", "--repeat", "4")
    wait_for(lambda: hidden.calls)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert err == b"xt: interrupted: 0 repeats are recorded and kept, 4 cancelled\n"
    wait_for(lambda: str(hidden.calls_path) not in processes())
    hidden.show()
    assert list((hidden.place / ".xt/jobs").glob("*")) == []


def test_rerun_on_slurm_through_a_bucket(project, tmp_path, a_slurm, moto):
    """Which refuses names that are taken only where that was tried; of a project with git."""
    hidden = Hidden(project, tmp_path)
    hidden.record("n == 0 or (print('out', n), sys.exit(7))")
    environ = {**a_slurm["environ"], **s3_variables(moto)}
    url = f"s3://{moto['bucket']}/{os.urandom(6).hex()}"
    process = hidden.started("--on", "slurm", command="rerun", through=url, **environ)
    out, err = process.communicate(timeout=90)
    assert (process.returncode, out) == (7, b"out 1\n"), err
    hidden.show()
    record = hidden.folder.record()
    assert record["snapshot"]["repeat"]["of"] == hidden.run
    assert record["snapshot"]["context"]["slurm"]["job"]
    assert hidden.calls == 1


# --- both sides, without an engine ----------------------------------------------------------------

NAME = "xt-0123456789ab"


@pytest.fixture
def waits(hidden):
    """Begin to wait, as `xt verify` does."""
    ends = []

    def begin(code="pass", beat=60.0, version=__version__, **more):
        hidden.record(code, **more)
        store = Store.open(f"{hidden.place}/.xt")
        outside = Outside(str(hidden.place), dict(os.environ))
        remote = Folder(str(hidden.remote))
        slots = Waiting(f"{store.path}/jobs/{NAME}", store, remote, remote.url, outside)
        lock = slots.create(Plan(store.path, str(hidden.place), 0o022, version, "host", "slurm", beat))
        ends.append(lambda: os.close(lock))
        slots.alive()
        return slots

    yield begin
    for end in ends:
        end()


def look(slots):
    """See what came."""
    slots.refresh()
    return slots.names()


def workers(hidden, slot, count):
    """Start some that see neither the store nor the folder; give how they end."""
    hidden.hide()
    home = hidden.away.parent / "there"
    home.mkdir(exist_ok=True)
    argv = [sys.executable, "-P", "-m", "xt.cli.worker", str(hidden.remote), NAME, str(slot)]
    environ = {**os.environ, "PYTHONPATH": SOURCE, "HOME": str(home), "TMPDIR": str(home)}
    begun = [subprocess.Popen(argv, cwd=home, env=environ, stderr=subprocess.PIPE) for _ in range(count)]
    ended = sorted(process.wait(60) for process in begun)
    for process in begun:
        process.stderr.close()
    assert list(home.iterdir()) == [], "what they had is gone with them"
    hidden.show()
    return ended


def test_one_of_two_makes_it(hidden, waits):
    slots = waits()
    slots.put(0, Task(Wish(run=hidden.run, trial=True), (False, False), 0))
    assert workers(hidden, 0, 2) == [0, CLAIMED]
    assert {"0.claim", "0.answer"} <= look(slots)
    said = slots.said(0)
    assert (said.answer.error, said.answer.drift) == (None, [])
    assert slots.claimed(0).host == os.uname().nodename
    store = Store.open(f"{hidden.place}/.xt")
    record = store.record(said.answer.run)
    assert record.snapshot.repeat.of == hidden.run
    assert record.snapshot.recipe == store.record(hidden.run).snapshot.recipe
    (out,) = record.result.outputs
    assert store.objects.read(out.digest) == b"same"
    assert hidden.calls == 1


def test_what_is_stopped_or_over_is_not_begun(hidden, waits):
    slots = waits()
    for slot in (0, 1, 2):
        slots.put(slot, Task(Wish(run=hidden.run, trial=True), (False, False), 0))
    slots.stop(0)
    assert workers(hidden, 0, 1) == [CLAIMED]
    assert slots.claim(1, Claim("here", 1))
    assert not slots.claim(1, Claim("here", 1))
    assert workers(hidden, 1, 1) == [CLAIMED]
    slots.remove()
    assert workers(hidden, 2, 1) == [CLAIMED]
    assert hidden.calls == 0


def test_nobody_works_for_one_that_is_gone(hidden, waits):
    slots = waits("n and time.sleep(60)", beat=0.02)
    slots.put(0, Task(Wish(run=hidden.run, trial=True), (False, False), 0))
    assert workers(hidden, 0, 1) == [0]
    look(slots)
    assert slots.said(0).answer.error == "cancelled"


def test_another_xt_is_refused(hidden, waits):
    slots = waits(version="0")
    slots.put(0, Task(Wish(run=hidden.run, trial=True), (False, False), 0))
    assert workers(hidden, 0, 1) == [0]
    look(slots)
    assert "xt is " in slots.said(0).answer.error


def test_signs_of_life_arrive(hidden, waits):
    slots = waits(beat=0.0)
    slots.put(0, Task(Wish(run=hidden.run), (False, False), 0))
    there = Working(str(hidden.remote), NAME, slots._outside)
    there.plan()
    assert there.claim(0, Claim("there", 7))
    look(slots)
    claim, beat = slots.path(0, "claim"), there.beat
    os.utime(claim, (1, 1))
    os.utime(beat, (1, 1))
    assert not there.stopped(0)
    assert there.touched(beat) == 1_000_000_000, "it was there before"
    look(slots)
    assert slots.touched(claim) == 1_000_000_000
    there.alive(0)
    slots.alive()
    look(slots)
    assert slots.touched(claim) > 1_000_000_000
    there._looked = float("-inf")
    assert not there.stopped(0)
    assert there.touched(beat) > 1_000_000_000
    there.done()
    assert not os.path.exists(there.folder)


def test_damaged_entries_are_said_to_be(hidden, waits):
    slots = waits()
    damaged = (b"", b"{", b'{"answer": 3}', b"\xff\xfe", b"[]")
    there = hidden.remote / "jobs" / NAME / "slots"
    for slot, data in enumerate(damaged):
        slots.put(slot, Task(Wish(run=hidden.run), (False, False), 0))
        for name in (f"{slot}.claim", f"{slot}.answer"):
            (there / name).write_bytes(data)
    strange = {"x.answer", "99999999.answer", "0.more"}
    for name in strange:
        (there / name).write_bytes(b"{}")
    assert not strange & look(slots)
    for slot in range(len(damaged)):
        assert slots.claimed(slot) is None
        said = slots.said(slot)
        assert said.answer.died
        assert said.answer.error


def test_an_answer_that_names_another_run_is_none(hidden, waits):
    slots = waits()
    for slot, run in enumerate((hidden.run, "../../etc", "kkkkkkkkkkkkkkkk")):
        slots.put(slot, Task(Wish(run=hidden.run), (False, False), 0))
        said = Said(Answer(run=run), "there")
        (hidden.remote / "jobs" / NAME / "slots" / f"{slot}.answer").write_bytes(codec.pack(said))
    look(slots)
    answers = [slots.said(slot).answer for slot in range(3)]
    assert [answer.run for answer in answers] == [None] * 3
    assert "is no repeat of" in answers[0].error
    assert "names no repeat" in answers[1].error
    assert "no run of the remote" in answers[2].error


def test_secrets_do_not_leave(hidden, waits):
    slots = waits(data="ghp_" + "a1B2" * 9)
    with pytest.raises(UnverifiableError, match="looks like a secret"):
        slots.put(0, Task(Wish(run=hidden.run), (False, False), 0))
    with pytest.raises(UnverifiableError, match="looks like a secret"):
        slots.put(0, Task(Wish(run=hidden.run, extra=["ghp_" + "a1B2" * 9]), (False, False), 0))


def test_a_remote_that_overwrites_is_refused(hidden, waits, monkeypatch):
    monkeypatch.setattr(Folder, "exclusive", False)
    with pytest.raises(RemoteError, match="does not refuse a name that is taken"):
        waits()
    assert list((hidden.place / ".xt/jobs").iterdir()) == []


def test_a_remote_that_is_gone_is_nothing_heard(hidden, waits):
    slots = waits()
    slots.put(0, Task(Wish(run=hidden.run), (False, False), 0))
    hidden.remote.rename(hidden.remote.parent / "unmounted")
    assert "0.answer" not in look(slots)
    slots.alive()
    slots.stop(0)


def test_what_makes_no_sense(hidden, at_once):
    hidden.record("pass", settings='[remote.theirs]\nurl = "/srv/theirs"\n')
    for words, code, said in (
        (("verify", "@", "--through", "x"), 2, "--through is for repeats on an engine"),
        (("verify", "@", "--on", "local:2", "--through", "x"), 2, "--through is for an engine"),
        (("rerun", "@", "--in-place", "--on", "slurm", "--through", "x"), 2, "leave --through out"),
        (("verify", "@", "--on", "slurm", "--through", "nowhere"), 2, "no remote `nowhere`"),
        (("verify", "@", "--on", "slurm", "--through", "s3://a:b@c/d"), 2, "holds credentials"),
        (("verify", "@", "--on", "slurm", "--through", "theirs"), 4, "you have not confirmed it"),
        (("verify", "@", "--on", "slurm", "--through", "/nowhere"), 4, "cannot be used"),
    ):
        done = at_once(hidden.place).xt(*words)
        assert (done.code, done.out) == (code, b""), words
        assert said in done.err
