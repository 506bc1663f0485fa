"""Attempts at commands that read: which call fails, with which error, and how that goes on."""

from __future__ import annotations

import argparse
import errno
import fnmatch
import gc
import os
import sys
from typing import NamedTuple

from tests.faults.preload import Faults
from tests.faults.reading import (
    ALWAYS,
    ERRORS,
    ONCE,
    READINGS,
    THERE,
    lived_in,
    plain_run,
    same_clock,
    simple,
    wrong,
)
from tests.faults.world import World


class Known(NamedTuple):
    """One attempt of which it is known how it must end."""

    name: str
    call: str
    """As the library writes it; `*` stands for anything. The first that fits fails."""
    error: str
    how: int
    status: int
    told: bool = True
    """Whether anything is said of it."""


#: What went wrong before.
KNOWN = (
    # One run that cannot be read must not keep the others from the list.
    Known("ls", "flock ./live/*/lock", "EIO", THERE, 0),
    Known("ls", "open64 ./live/*/start.json", "EACCES", THERE, 0),
    Known("ls new", "open64 ./runs/*", "EIO", ONCE, 0),
    # Another run must not be taken for the newest.
    Known("show newest", "flock ./live/*/lock", "EIO", THERE, 1),
    # What was said of all runs, the secret of the store, its code and a run in flight must not be put aside.
    Known("fsck repair", "*stat64 ./events", "ESTALE", THERE, 1),
    Known("fsck repair", "*stat64 ./key", "EIO", ONCE, 1),
    Known("fsck repair", "open64 ./code.git/HEAD", "EIO", THERE, 1),
    Known("fsck repair", "open64 ./code.git/objects/*", "EACCES", THERE, 1),
    Known("fsck repair", "read ./objects/*", "EIO", THERE, 1),
    Known("fsck repair", "read ./live/*/start.json", "EIO", THERE, 1),
    Known("fsck", "*stat64 ./runs/*.json", "EIO", THERE, 1),
    # Nothing must go while it is not known what needs it.
    Known("gc", "read ./live/*/start.json", "ESTALE", THERE, 1),
    Known("gc", "open64 ./live/*/lock", "EIO", ONCE, 1),
    Known("gc", "readdir64 ./events/*", "EACCES", ONCE, 1),
    # What another host replaces while it is opened or read is tried again.
    Known("run files", "open64 ./data.csv", "ESTALE", ONCE, 3, told=False),
    Known("run files", "read ./model.bin", "ESTALE", ONCE, 3, told=False),
)


class TryingReading:
    """All attempts at one command that reads."""

    def __init__(self, world: World, name: str, asked: argparse.Namespace) -> None:
        """Prepare the world, and load all that xt will load."""
        self.name, self.reading, self.asked, self.world = name, READINGS[name], asked, world
        if self.reading.prepare is not None:
            self.reading.prepare(world)
        world.keep()
        for words in (["ls"], ["ls", "-a", "--columns", "id"], self.reading.words):
            world.load(words)
        gc.collect()
        gc.freeze()
        self.was = plain_run(world, self.reading)
        self._were: object = None
        self.scope = os.path.normpath(f"{world.here}/{self.reading.scope}")
        world.faults.plan(self.scope, without=self.reading.without, reading=True)
        self.calls = world.xt(self.reading.words, setting=same_clock).calls

    def all(self) -> tuple[int, int]:
        """Try; give how many attempts, and how many went wrong."""
        if self.asked.list:
            print(f"{self.name}: {len(self.calls)} calls")
            print("\n".join(f"  {n} {call}" for n, call in enumerate(self.calls, 1)))
            return 0, 0
        known = [one for one in KNOWN if one.name == self.name and self.asked.at is None]
        plans = [
            (at, ERRORS[(at + turn) % len(ERRORS)], (ONCE, THERE, ALWAYS)[turn])
            for at in range(1, len(self.calls) + 1)
            for turn in range(3)
            if (self.asked.at is None and self._tells(at)) or self.asked.at == at
        ]
        chosen = plans[:: self.asked.every] if self.asked.every else []
        bad = sum(self._known(one) for one in known)
        return len(chosen) + len(known), bad + sum(self._attempt(*plan) for plan in chosen)

    def _known(self, one: Known) -> bool:
        """Try one of which it is known how it must end."""
        fitting = [n for n, call in enumerate(self.calls) if fnmatch.fnmatchcase(call, one.call)]
        if not fitting:
            print(f"{self.name}: no call fits {one.call}: {self.calls}")
            return True
        # Counted by its path alone: what threads do beside is now before it and now after it.
        path = self.calls[fitting[0]].partition(" ")[2].removeprefix(".")
        before = [call.partition(" ")[2].removeprefix(".") for call in self.calls[: fitting[0] + 1]]
        at = sum(other == path or other.startswith(f"{path}/") for other in before)
        return self._attempt(at, one.error, one.how, one, path)

    def _attempt(self, at: int, error: str, how: int, known: Known | None = None, path: str = "") -> bool:
        world = self.world
        if self._stamps() != self._were:
            world.reset()
            self._were = self._stamps()
        code = getattr(errno, error)
        world.faults.plan(
            self.scope + path, at, "fail", code, forever=how, without=self.reading.without, reading=True
        )
        ended = world.xt(self.reading.words, setting=same_clock)
        found = wrong(self.reading, world, self.was, ended, code, next_too=True)
        if known is not None:
            told = os.strerror(code) in " ".join((ended.out + ended.err).split())
            if (ended.status, told) != (known.status, known.told):
                found.append(f"it ended with {ended.status}, and {'' if told else 'not '}why was said")
        if found or self.asked.show:
            where = ended.calls[at - 1] if len(ended.calls) >= at else "(not reached)"
            going_on = ("", " from then on", " there from then on")[how]
            print(f"{self.name} {path or at} {error}{going_on}: {where} -> {ended.status}")
            print("".join(f"    {line}\n" for line in dict.fromkeys(found)), end="")
        if self.asked.show:
            print("".join(f"    | {line}\n" for line in ended.err.splitlines()), end="")
            if simple(ended.out) != simple(self.was.ended.out):
                print("".join(f"    > {line}\n" for line in ended.out.splitlines()), end="")
        sys.stdout.flush()
        return bool(found)

    def _stamps(self) -> list[tuple[str, int, int]]:
        """What tells whether anything was changed since the world was put back."""
        return sorted(
            (path, info.st_ino, info.st_ctime_ns)
            for folder, _, names in os.walk(self.world.here)
            for path in (folder, *(f"{folder}/{name}" for name in names))
            for info in [os.lstat(path)]
        )

    def _tells(self, at: int) -> bool:
        """Whether it may go another way than at the calls before and after, which ask for the same."""
        return not self.calls[at - 1] == self.calls[at - 2] == self.calls[at % len(self.calls)]


def try_readings(folder: str, names: list[str], asked: argparse.Namespace) -> tuple[int, int]:
    """Try commands that read, in one world; give how many attempts, and how many went wrong."""
    world = World(folder, Faults())
    lived_in(world)
    world.keep("lived")
    tried = bad = 0
    for name in names:
        world.reset("lived")
        counts = TryingReading(world, name, asked).all()
        tried, bad = tried + counts[0], bad + counts[1]
    return tried, bad
