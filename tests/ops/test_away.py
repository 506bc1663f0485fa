"""The folder through which repeats are handed out elsewhere, and what is made of an engine's words."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.context import Outside
from xt.errors import DamagedError, UsageError
from xt.execute.engines import State
from xt.execute.engines.slurm import _state, check
from xt.ops.away.attempts import Ended, Going
from xt.ops.away.place import jobs_here, where
from xt.ops.away.slots import Claim, Plan, Said, Slots, Task
from xt.ops.away.watching import Watch
from xt.ops.away.work import BLIND, CLAIMED, UNWANTED, work
from xt.ops.repeat.wish import Wish
from xt.ops.verify.trials import ENDING, Answer

WISH = Wish(run="kwpztnlqsmvrxoyu")


class Never:
    """An engine that is not asked: there is an answer."""

    pause = 1.0


@pytest.fixture(autouse=True)
def signals():
    """A worker ignores, at its end, what would end it; what later tests start must not inherit that."""
    before = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def slots(tmp_path):
    made = Slots(str(tmp_path / "store/jobs/xt-1"))
    lock = made.create(Plan(str(tmp_path / "store"), str(tmp_path), 0o022, "0", "host", "slurm", 1.0))
    made.put(0, Task(WISH, (False, False), 0))
    yield made
    os.close(lock)


def test_one_of_many_has_a_slot(slots):
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda pid: slots.claim(0, Claim("host", pid)), range(8)))
    assert sum(won) == 1
    assert slots.claimed(0).pid == won.index(True)


def test_what_is_claimed_or_unwanted_is_not_begun(slots, tmp_path):
    outside = Outside(str(tmp_path), {})
    slots.claim(0, Claim("other", 1))
    assert work(slots, 0, outside)[0] == CLAIMED
    slots.put(1, Task(WISH, (False, False), 0))
    slots.stop(1)
    assert work(slots, 1, outside)[0] == CLAIMED
    slots.put(2, Task(WISH, (False, False), 0))
    os.utime(slots.beat, (1, 1))
    assert work(slots, 2, outside)[0] == UNWANTED
    slots.remove()
    assert work(slots, 3, outside)[0] == BLIND


def test_another_xt_is_refused(slots, tmp_path):
    assert work(slots, 0, Outside(str(tmp_path), {}))[0] == 0
    said = slots.said(0)
    assert "xt is " in said.answer.error
    assert not said.answer.died


def test_strings_of_the_system_come_as_they_are(slots):
    """Words and paths need not be UTF-8, here as in a run."""
    wish = Wish(run=WISH.run, extra=["w\udcff", "\\udcff", "\x1b"], purpose="a\udcffb")
    slots.put(1, Task(wish, (True, False), 2))
    assert slots.task(1) == Task(wish, (True, False), 2)
    slots.say(1, Said(Answer(error="no `in\udcfe`"), "node"))
    assert slots.said(1).answer.error == "no `in\udcfe`"
    with open(slots.path(1, "answer"), "wb") as file:
        file.write(b'{"answer": "\\udcff"}')
    with pytest.raises(DamagedError):
        slots.said(1)


@pytest.mark.parametrize("data", [b"", b"{", b'{"answer": 3}', b"\xff\xfe", b"[]"])
def test_damaged_files_are_said_to_be(slots, tmp_path, data):
    for kind in ("answer", "claim", "task"):
        with open(slots.path(7, kind), "wb") as file:
            file.write(data)
    assert slots.claimed(7) is None
    with pytest.raises(DamagedError):
        slots.said(7)
    assert work(slots, 7, Outside(str(tmp_path), {}))[0] == BLIND
    one = Going(7, 0, WISH, 0)
    (ended,) = Watch(slots, Never(), 1.0).ended({7: one})
    assert ended.said.answer.died
    assert ended.said.answer.error


def test_a_link_in_the_place_of_an_answer_is_not_followed(slots, tmp_path):
    slots.say(3, Said(Answer(), "host"))
    os.symlink(slots.path(3, "answer"), slots.path(4, "answer"))
    with pytest.raises(DamagedError):
        slots.said(4)


@pytest.mark.parametrize(
    ("state", "phase", "again"),
    [
        ("PENDING", "waiting", True),
        ("RUNNING", "going", True),
        ("COMPLETING", "going", True),
        ("SUSPENDED", "going", True),
        ("COMPLETED", "ended", True),
        ("NODE_FAIL", "ended", True),
        ("PREEMPTED", "ended", True),
        ("TIMEOUT", "ended", False),
        ("OUT_OF_MEMORY", "ended", False),
        ("CANCELLED", "ended", False),
        ("A_NEW_WORD", "going", True),
    ],
)
def test_words_of_slurm(state, phase, again):
    found = _state(state, "None", "node7")
    assert (found.phase, found.again) == (phase, again)


def test_what_is_made_again():
    one = Going(0, 0, WISH, 0)
    killed = Said(Answer(error="its job was ended by SIGTERM", died=True), "node7", ended=True)
    one.claimed = True
    assert Ended(one, State("ended"), killed).again(1)
    assert Ended(one, State("waiting"), killed).why == "its job was put back into the queue"
    assert Ended(one, State("ended"), killed).why == "its job was ended by SIGTERM on node7"
    over = Ended(one, _state("TIMEOUT", "TimeLimit", "node7"), killed)
    assert not over.again(1)
    assert over.why == "its time limit was over (`--time`) on node7"
    assert not Ended(one, State("unknown", "silent"), None).again(1)
    assert not Ended(one, State("ended"), Said(Answer(), "node7")).again(1)
    assert not Ended(Going(1, 0, WISH, 1), State("ended"), None).again(1)
    assert not Ended(Going(1, 0, WISH, 0), State("ended", failed=True), None).again(1), "it never began"


@pytest.mark.parametrize(
    "text", ["slurn", "slurm:", "dask", "dask://", "dask://a b", "dask:h:1", "local:0", "local:257"]
)
def test_what_is_no_place(text):
    with pytest.raises(UsageError):
        jobs_here(where(text))


@pytest.mark.parametrize("option", ["script.sh", "", "--wrap=id", "--arr=0-9", "-o/x", "-a1", "--mem=1\n#"])
def test_what_is_no_option_for_sbatch(option):
    with pytest.raises(UsageError):
        check(["--time=1", option])


@given(st.text())
def test_any_text_is_a_place_or_a_usage_error(text):
    try:
        found = where(text)
    except UsageError:
        return
    assert found.shown == text


@given(st.text())
def test_any_text_is_an_option_or_a_usage_error(text):
    try:
        check([text])
    except UsageError:
        return
    assert text.startswith("-")
    assert "\n" not in text
