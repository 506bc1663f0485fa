"""What is tried of commands that read and tidy: a store that was lived in, and what they must say.

The disk, or the server behind it, fails at one call that only looks (open, read, stat, list, lock): once, for
that path from then on, or altogether. What is said must be as without it, or say what was not to be read; and
what was not to be read must not be taken for what is not there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tests.faults.judge import held, lasting
from tests.faults.scenarios import RUN
from tests.faults.world import Ended, World
from xt.store import Store

#: What a disk, a right and a server that was set up anew say.
ERRORS = ("EIO", "EACCES", "ESTALE")
#: How it goes on: once, every call from then on, every call about that path.
ONCE, ALWAYS, THERE = 0, 1, 2
#: Documented: `docs/reference/exit-codes.md`.
STATUSES = (0, 1, 2, 3, 4, 5, 125, 126, 127)
#: What a line has that says what could not be read.
_SAID = re.compile(r"disk I/O error|cannot (read|be (read|looked|told|listed))|unreadable")
_LENGTH = re.compile(r"\d+(\.\d+)? ?(ms|min|µs|s|h|d|KB|B|MB)\b")
_ID = re.compile(r"\b[k-z]{4,16}\b|\b[0-9a-f]{7,}\b|\d{20}-\w+")


class Reading(NamedTuple):
    """One command that reads."""

    words: list[str]
    status: int = 0
    prepare: Callable[[World], None] | None = None
    """Beyond the store that was lived in."""
    scope: str = "project/.xt"
    may_go: tuple[str, ...] = ()
    """Beginnings of paths of the store that it may take away."""
    without: str = "index.db"
    """Calls with this in them do not count: the index is a cache, and most of their number."""
    runs: bool = False
    """It makes runs."""


def lived_in(world: World) -> None:
    """Runs in git, two tagged, one pinned, one put away, one lost; a note, a content of nobody."""
    world.git()
    job = [*RUN[:-2], "sh", "-c", "sh job.sh || true"]
    plainly(world, job)
    world.write("data.csv", "a,b\n3,4\n")
    plainly(world, job)
    plainly(
        world,
        ["tag", "@~1", "first"],
        ["tag", "@", "second"],
        ["baseline", "set", "@~1", "-m", "good"],
        ["note", "@", "-m", "looks fine"],
        ["run", "-q", "-t", "plain", "--", "true"],
        ["run", "-q", "-t", "away", "-o", "away.txt", "--", "sh", "-c", "echo away > away.txt"],
        ["rm", "@"],
    )
    world.faults.plan(world.store)
    world.xt(["run", "-q", "-t", "lost", "--", "sh", "-c", "echo gone; kill -9 $PPID"])
    store = Store.open(world.store)
    store.objects.put_bytes(b"nobody's")
    store.objects.settle()
    world.sh("rm away.txt")
    plainly(world, ["push", "first", "--code", "--outputs"])
    world.sh("find .xt ../remote -exec touch -h -d '3 days ago' {} +")
    plainly(world, ["ls"])


def plainly(world: World, *lines: list[str], status: int = 0) -> None:
    """Call xt when nothing goes wrong."""
    world.faults.plan(world.store)
    for words in lines:
        done = world.xt(words)
        assert done.status == status and "bug" not in done.err, (words, done.status, done.err)


def _no_index(world: World) -> None:
    world.sh("rm -r .xt/cache")


def _removed(world: World) -> None:
    world.sh("rm -r model.bin plots")


def _emptied(world: World) -> None:
    world.sh("rm -r .xt; cp -a ../remote ../remote.new; git stash -q")
    plainly(world, ["run", "-q", "--", "true"])


READINGS = {
    "ls": Reading(["ls", "-a"]),
    "ls new": Reading(["ls", "-a"], prepare=_no_index),
    "ls query": Reading(["ls", "status:ok", "tag:first"]),
    "ls json": Reading(["ls", "-a", "--json"]),
    "ls index": Reading(["ls"], without=""),
    "show": Reading(["show", "first"]),
    "show newest": Reading(["show"]),
    "show code": Reading(["show", "first", "--code", "code.py"]),
    "diff": Reading(["diff", "first", "second"]),
    "logs": Reading(["logs", "first"]),
    "logs lost": Reading(["logs", "lost"]),
    "search": Reading(["ls", '"moaned"']),
    "fsck": Reading(["fsck"]),
    "fsck deep": Reading(["fsck", "--deep"]),
    "fsck repair": Reading(["fsck", "--repair"]),
    "du": Reading(["du"]),
    "du runs": Reading(["du", "--runs"]),
    "gc": Reading(["gc"], may_go=("objects/", "runs/", "events/")),
    "gc keep": Reading(["gc", "--keep", "tagged"], may_go=("objects/", "runs/", "events/")),
    "gc dry": Reading(["gc", "-n"]),
    "verify": Reading(["verify", "plain", "--repeat", "1"], runs=True),
    "rerun": Reading(["rerun", "first"], 0, runs=True),
    "stale": Reading(["stale"]),
    "stale files": Reading(["stale"], scope="project"),
    "trace": Reading(["trace", "first:model.bin"]),
    "trace file": Reading(["trace", "model.bin"], scope="project"),
    "restore": Reading(["restore", "first", "model.bin", "plots"], prepare=_removed),
    "restore code": Reading(["restore", "first", "code.py", "--to", "../restored"]),
    "push": Reading(["push", "second", "--code", "--outputs"]),
    "push there": Reading(["push", "second", "--code", "--outputs"], scope="remote"),
    "pull": Reading(["pull", "--code", "--outputs"], prepare=_emptied),
    "pull there": Reading(["pull", "--code", "--outputs"], prepare=_emptied, scope="remote"),
    "audit": Reading(["audit", "first"], 3),
    "tag": Reading(["tag", "plain", "good"]),
    "baseline": Reading(["baseline", "set", "second", "-m", "better"]),
    "noise": Reading(["noise", "first"]),
    "export": Reading(["export", "first", "--to", "json", "-o", "-"]),
    "report": Reading(["report", "first", "-o", "../page.html"]),
    "run": Reading(RUN, 3, runs=True),
    "run files": Reading(RUN, 3, runs=True, scope="project", without="/.xt/"),
    "reuse": Reading(["run", "--reuse", "-t", "plain", "--", "true"], runs=True),
}


def same_clock() -> None:
    """Have it be one moment for as long as the world is tried."""
    from xt.context import Outside

    moment = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
    Outside.now = lambda self: moment  # type: ignore[method-assign]


class Plainly(NamedTuple):
    """How it goes when nothing goes wrong, and what must be so after it whatever goes wrong."""

    ended: Ended
    before: dict[str, tuple[int, bytes]]
    after: dict[str, tuple[int, bytes]]
    project: dict[str, tuple[int, bytes]]
    listed: tuple[str, str]
    """What `xt ls` says before and after."""


MADE = (".xt", "model.bin", "plots", ".git/refs/xt", ".git/objects")


def plain_run(world: World, reading: Reading) -> Plainly:
    """Let it go well once; the world is put back before and after."""
    world.reset()
    world.faults.plan(world.store)
    before, project = lasting(world.store), held(world.project, MADE)
    listed = _listed(world)
    ended = world.xt(reading.words, setting=same_clock)
    assert ended.status == reading.status and "bug" not in ended.err, (reading.words, ended[:-1])
    result = Plainly(ended, before, lasting(world.store), project, (listed, _listed(world)))
    world.reset()
    return result


def _listed(world: World) -> str:
    world.faults.plan(world.store)
    return simple(world.xt(["ls", "-a", "--columns", "id,status,tags,name,said"], setting=same_clock).out)


def simple(text: str) -> str:
    """A text without what is another each time: lengths of time, ids."""
    text = text.replace("baseline ", "")  # which of two runs is pinned says nothing of how they differ
    return re.sub(r" +", " ", _ID.sub("ID", _LENGTH.sub("N", text)))


def wrong(
    reading: Reading, world: World, was: Plainly, ended: Ended, error: int, *, next_too: bool
) -> list[str]:
    """What is wrong after an attempt."""
    found = []
    if ended.hung:
        found.append("it hung")
    if "Traceback" in ended.err or "a bug in xt" in ended.err + ended.out or ended.status in (70, 99):
        found.append(f"it broke: {ended.err.strip().splitlines()[-2:]}")
    if ended.status not in (*STATUSES, reading.status):
        found.append(f"it ended with {ended.status}")
    same = simple(ended.out) == simple(was.ended.out)
    said = [line for line in ended.err.splitlines() if line.startswith(("xt: error", "xt: warning"))]
    everything = " ".join((ended.out + ended.err).split())
    told = bool(_SAID.search(everything)) or os.strerror(error) in everything
    if not same and not (told or said):
        found.append(f"another answer, and nothing said (status {ended.status})")
    elif not told and not same:
        found.append(f"the cause is not said: {said}")
    if ended.status != reading.status and not said and not told:
        found.append(f"it ended with {ended.status}, and said nothing")
    if any(line.startswith("xt: error") for line in said) and "xt: hint" not in ended.err:
        found.append(f"no hint: {said}")
    if reading.words is RUN and (ended.status, ended.out) != was.ended[:2]:
        found.append(f"the command ended with {ended.status}: {ended.out!r}")
    if len(said) > 4:
        found.append(f"it said too much: {said}")
    return found + _kept(reading, world, was) + (_next(reading, world, was) if next_too else [])


def _kept(reading: Reading, world: World, was: Plainly) -> list[str]:
    now, found = lasting(world.store), []
    for path, it in was.before.items():
        if now.get(path) == it:
            continue
        if path in was.after or not path.startswith(reading.may_go or ("\0",)):
            found.append(f"{path} was changed or lost")
    if os.path.isdir(f"{world.store}/quarantine") and any(
        n for _, _, n in os.walk(f"{world.store}/quarantine")
    ):
        found.append("something was put aside")
    after = held(world.project, MADE)
    return found + [
        f"{path} of the user was touched"
        for path in {*was.project, *after}
        if was.project.get(path) != after.get(path)
    ]


def _next(reading: Reading, world: World, was: Plainly) -> list[str]:
    """What is wrong with the next list, when nothing goes wrong any more."""
    listed = _listed(world)
    if listed in was.listed or reading.runs or reading.words[0] in ("gc", "pull"):
        return []
    return [f"the next `xt ls` is another: {listed}"]
