"""Try xt at each of its calls that change something: killed there, or told that it failed.

    python -m tests.faults                       kill `xt run` at every call of its own process
    python -m tests.faults --errors              let every call fail, with each error, once and from then on
    python -m tests.faults --scenario push       another writer (--list names them)
    python -m tests.faults --at 17 --show        one call, with what xt says
    python -m tests.faults --reading             let every call that only looks fail, of commands that read
    python -m tests.faults --sample others       what the suite tries of it (`runs`, `others`, `readings`)
    python -m tests.faults --strace              kill with strace, at calls of git's processes too (slow)

What must be so after it: every other run, the user's files, index, stash and references are as they were,
byte by byte; the run is finished and whole, or lost with its log, or never began; its command ran at most
once, and not before its start was on disk; the store is whole (`xt fsck`); the next `xt ls` and the same call
work. After an error: the command's output and exit code are those without xt, one message says what is not
recorded, and what was said to be recorded is.

A library counts the calls (shim.c). xt is loaded once and forked for each attempt, which so takes some
hundredths of a second.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

from tests.faults import preload
from tests.faults.attempts import KNOWN, try_readings
from tests.faults.preload import Action, Faults
from tests.faults.reading import READINGS
from tests.faults.scenarios import SCENARIOS, Before, Scenario, before, goes_on, wrong
from tests.faults.world import Ended, World

ERRORS = ("EIO", "ENOSPC", "EACCES", "EROFS", "EDQUOT", "EINTR")
#: What the suite tries: scenario, whether errors, every n-th attempt, after every n-th what is done next.
SAMPLES = {
    "runs": (
        ("run", False, 1, 24),
        ("first run", False, 9, 6),
        ("run", True, 37, 9),
        ("first run", True, 89, 9),
    ),
    "others": (
        ("tag", False, 1, 5),
        ("restore", False, 3, 4),
        ("pull", False, 19, 3),
        ("push", False, 19, 3),
        ("rerun", True, 211, 3),
        ("ls", True, 997, 3),
    ),
}
#: What strace counts: opening is left out, because what was made and is empty is as before a write.
TRACED = (
    *("write", "pwrite64", "rename", "link", "linkat", "unlink", "mkdir", "rmdir", "fsync", "syncfs"),
    *(
        "sync_file_range",
        "ftruncate",
        "fallocate",
        "flock",
        "chmod",
        "fchmod",
        "utimensat",
        "copy_file_range",
    ),
)


def main() -> int:
    """Try what was asked for; 1 when something is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--scenario", action="append", choices=[*SCENARIOS, *READINGS], help="by default `run`"
    )
    parser.add_argument("--reading", action="store_true", help="calls that only look, of commands that read")
    parser.add_argument("--list", action="store_true", help="name the scenarios and their calls")
    parser.add_argument("--errors", action="store_true", help="errors instead of kills")
    parser.add_argument("--sample", choices=[*SAMPLES, "readings"], help="what the suite tries")
    parser.add_argument("--every", type=int, default=1, help="every n-th attempt only")
    parser.add_argument("--next-every", type=int, default=1, help="what is done next, after every n-th only")
    parser.add_argument("--strace", action="store_true", help="kill with strace, git's processes too")
    parser.add_argument("--call", choices=TRACED, help="of this kind only (strace)")
    parser.add_argument("--at", type=int, help="one call only")
    parser.add_argument("--show", action="store_true", help="what xt says, at each")
    asked = parser.parse_args()
    reason = preload.missing()
    if reason is not None:
        parser.error(reason)
    if not preload.is_loaded():
        preload.reload()
    # Only this process is counted; git and the command need none of it.
    del os.environ["LD_PRELOAD"]
    bad = tried = 0
    if asked.reading or asked.sample == "readings":
        names = asked.scenario or list(READINGS)
        if asked.sample:
            # Those that went wrong before, and no others.
            asked.every, names = 0, list(dict.fromkeys(one.name for one in KNOWN))
        with _folder() as folder:
            tried, bad = try_readings(folder, names, asked)
    else:
        rows = SAMPLES.get(asked.sample) or [
            (name, asked.errors, asked.every, asked.next_every)
            for name in asked.scenario or (SCENARIOS if asked.list else ["run"])
        ]
        for name, asked.errors, asked.every, asked.next_every in rows:
            with _folder() as folder:
                counts = Trying(folder, name, SCENARIOS[name], asked).all()
            tried, bad = tried + counts[0], bad + counts[1]
    print(f"{tried} attempts, {bad} went wrong")
    return 1 if bad else 0


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="xt-faults-", dir=_memory())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> str | None:
    """A file system without a disk, where there is one: what is tested is no power failure."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Trying:
    """All attempts at one scenario."""

    def __init__(self, folder: str, name: str, scenario: Scenario, asked: argparse.Namespace) -> None:
        """Prepare the world, and load all that xt will load."""
        self.name, self.scenario, self.asked = name, scenario, asked
        self.world = World(folder, Faults())
        self.scope = os.path.normpath(f"{self.world.here}/{scenario.scope}")
        self.world.load(["run", "-q", "--", "true"])
        shutil.rmtree(self.world.store)
        scenario.prepare(self.world)
        self.world.keep()
        for words in (["ls"], ["fsck", "--deep", "--json"], scenario.words):
            self.world.load(words)
        # What is forked from here on shares all of it.
        gc.collect()
        gc.freeze()
        self.world.reset()
        self.was: Before = before(self.world)
        self.world.faults.plan(self.scope, without=scenario.without)
        self.calls = self.world.xt(scenario.words, setting=scenario.setting).calls

    def all(self) -> tuple[int, int]:
        """Try; give how many attempts, and how many went wrong."""
        if self.asked.list:
            print(f"{self.name}: {len(self.calls)} calls")
            print("\n".join(f"  {n} {call}" for n, call in enumerate(self.calls, 1)))
            return 0, 0
        if self.asked.strace:
            return self._all_traced()
        plans = [plan for plan in self._plans() if self.asked.at in (None, plan[0])]
        chosen = plans[:: self.asked.every]
        return len(chosen), sum(self._attempt(number, *plan) for number, plan in enumerate(chosen))

    def _all_traced(self) -> tuple[int, int]:
        """Kill at each n-th call of each kind, until there is nothing left to be killed."""
        world, scenario, bad, tried = self.world, self.scenario, 0, 0
        for call in [self.asked.call] if self.asked.call else TRACED:
            for at in itertools.count(self.asked.at or 1, self.asked.every):
                world.reset()
                ended, killed = world.traced(scenario.words, call, at)
                found = wrong(scenario, world, self.was, ended, code=True) + goes_on(scenario, world)
                tried, bad = tried + 1, bad + bool(found)
                self._tell(f"{call} {at} strace: {len(ended.calls)} killed", found, ended)
                if not killed or self.asked.at:
                    break
        return tried, bad

    def _plans(self) -> list[tuple[int, Action, int, bool]]:
        numbers = range(1, len(self.calls) + 1)
        if not self.asked.errors:
            writes = [n for n in numbers if self.calls[n - 1].split()[0] in ("write", "pwrite64")]
            return [(n, "kill", 0, False) for n in numbers] + [(n, "torn", 0, False) for n in writes]
        plans: list[tuple[int, Action, int, bool]] = []
        for at in numbers:
            for turn in range(len(ERRORS)):
                # Which error comes first is another at each call, so that every n-th attempt has all.
                number = getattr(errno, ERRORS[(at + turn) % len(ERRORS)])
                plans.append((at, "fail", number, False))
                if number != errno.EINTR:  # Python tries again for as long as it is interrupted
                    plans.append((at, "fail", number, True))
            if self.calls[at - 1].startswith(("write", "pwrite")):
                plans.append((at, "short", errno.ENOSPC, True))
        return plans

    def _attempt(self, number: int, at: int, action: Action, error: int, forever: bool) -> bool:
        world, scenario = self.world, self.scenario
        world.reset()
        world.faults.plan(self.scope, at, action, error, forever=forever, without=scenario.without)
        ended = world.xt(scenario.words, setting=scenario.setting)
        thorough = number % self.asked.next_every == 0
        found = wrong(scenario, world, self.was, ended, code=thorough)
        if thorough or found:
            found += goes_on(scenario, world)
        how = action if not error else f"{errno.errorcode[error]}{' from then on' if forever else ''}"
        where = ended.calls[at - 1] if len(ended.calls) >= at else "(not reached)"
        self._tell(f"{at} {how}: {where}", found, ended)
        return bool(found)

    def _tell(self, what: str, found: list[str], ended: Ended) -> None:
        if found or self.asked.show:
            print(f"{self.name} {what}")
            print("".join(f"    {line}\n" for line in dict.fromkeys(found)), end="")
        if self.asked.show:
            print("".join(f"    | {line}\n" for line in ended.err.splitlines()), end="")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
