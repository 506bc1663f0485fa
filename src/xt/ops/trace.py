"""`xt trace`: from a content, a run or a deployment to what it came from, and to what came of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal, TypeVar

import msgspec

from xt.config import Settings
from xt.context import Outside
from xt.model.lineage import Link, Trace, TracedRun
from xt.model.snapshot import Repeat
from xt.model.standing import Standing
from xt.model.text import to_shown
from xt.ops.lineage import Run, Uses
from xt.ops.named import Named, Namer
from xt.ops.statements import standing
from xt.ops.traced import Things
from xt.store import Store

Direction = Literal["up", "down", "both"]
T = TypeVar("T")
#: Links followed from one run or file, in one direction.
WIDE = 200
#: Runs in the whole graph.
RUNS = 2_000
#: Other names of a content, and other runs that made it, that are kept.
NAMES = 20
#: Words of a command.
WORDS = 12


def trace(
    store: Store,
    uses: Uses,
    word: str,
    outside: Outside,
    settings: Settings,
    *,
    direction: Direction = "both",
    depth: int | None = None,
) -> Trace:
    """Trace a thing.

    Args:
        store: that has the runs.
        uses: what they made and read.
        word: what to trace, as somebody typed it.
        outside: of the caller.
        settings: of the project.
        direction: to what it came from, to what came of it, or both.
        depth: runs away from it at most; None for all.

    Raises:
        NoSuchRunError, UsageError, XtError: as `Namer.find`.
    """
    said = standing(store)
    named = Namer(store, uses, said, outside, settings).find(word)
    graph = _Graph(store, uses, said, depth)
    start = graph.begin(named)
    if direction != "down":
        graph.climb(start)
    if direction != "up":
        graph.descend(start)
    return graph.whole(word, start, direction, named.notes)


class _Graph(Things):
    """The graph as it grows."""

    def __init__(self, store: Store, uses: Uses, said: Standing, depth: int | None) -> None:
        super().__init__(uses, said)
        self._store, self._depth = store, depth
        self._links: dict[Link, None] = {}
        self._damaged: dict[str, None] = {}
        """Runs that the index knows and whose record cannot be read: the ends of what can be followed."""
        self._cut: dict[str, int] = {}

    def begin(self, named: Named) -> str:
        """Put in what was asked for; give its key."""
        if named.deployment is not None:
            self.deployment(named.deployment)
            return named.deployment.id
        if named.run is not None:
            # `resolve` knows runs whose record cannot be read.
            run = self.uses.of_run(named.run)
            if run is None:
                self._store.record(named.run)
            else:
                self.runs[run.id] = run
            return named.run
        digest = named.digest or ""
        tree = named.tree or bool(self.uses.members(digest))
        if named.members:
            self.members[digest] = named.members
        self.file(digest, "tree" if tree else "file", named.path, named.size, named.files)
        return digest

    def climb(self, start: str) -> None:
        """Follow what things came from, nearest first."""
        waiting: deque[tuple[str, int, Run | None]] = deque([(start, 0, None)])
        seen = {start}
        while waiting:
            key, away, reader = waiting.popleft()
            found: list[tuple[Link, Run | None]]
            if key in self.events:
                found = [(link, None) for link in self.shipped(key)]
            elif key in self._damaged:
                continue
            elif key in self.runs:
                run = self.runs[key]
                found = [(self.read(run, item), run) for item in run.inputs]
            else:
                found = [(link, None) for link in self.makers(key, reader)]
                if found and self._too_far(key, away, len(found)):
                    continue
                away += 1
            for link, run_before in self._bounded(key, found):
                if not self._enter(link.source, key):
                    continue
                self._links[link] = None
                if link.source not in seen:
                    seen.add(link.source)
                    waiting.append((link.source, away, run_before))

    def descend(self, start: str) -> None:
        """Follow what came of things, nearest first."""
        waiting: deque[tuple[str, int]] = deque([(start, 0)])
        seen = {start}
        while waiting:
            key, away = waiting.popleft()
            if key in self.events or key in self._damaged:
                continue
            if key in self.runs:
                found = [self.made(self.runs[key], item) for item in self.runs[key].outputs]
            else:
                for event in self.deployed(key):
                    self._links[event] = None
                found = self.readers(key)
                if found and self._too_far(key, away, len(found)):
                    continue
                away += 1
            for link in self._bounded(key, found):
                if not self._enter(link.target, key):
                    continue
                self._links[link] = None
                if link.target not in seen:
                    seen.add(link.target)
                    waiting.append((link.target, away))

    def whole(self, word: str, start: str, direction: Direction, notes: Iterable[str]) -> Trace:
        """Write it down."""
        shown = self._store.shown_all(
            [*self.runs, *self._damaged, *(run for file in self.files.values() for run in file.makers)]
        )
        files = []
        for key, file in self.files.items():
            names = dict.fromkeys([*file.paths, *self.names.get(key, {})])
            files.append(msgspec.structs.replace(file, paths=list(names)[:NAMES]))
        known = bool(self._links) or start in self.runs or start in self.events
        return Trace(
            asked=to_shown(word),
            start=start,
            direction=direction,
            known=known or bool(self.uses.made(start) or self.uses.used(start)),
            runs=[
                *(self._described(run, shown[run.id]) for run in self.runs.values()),
                *(TracedRun(run, shown[run], "damaged", self.uses.started(run)) for run in self._damaged),
            ],
            files=files,
            deployments=list(self.events.values()),
            links=list(self._links),
            cut=self._cut,
            notes=list(notes),
            doubts=[
                *self.uses.doubts,
                *(f"the event `{path}` cannot be read" for path in self.said.doubts),
            ],
        )

    def _enter(self, key: str, beside: str) -> bool:
        """Whether there is room for a thing; a run is put in."""
        if key in self.runs or key in self.files or key in self.events:
            return True
        if len(self.runs) + len(self._damaged) >= RUNS:
            self._cut[beside] = self._cut.get(beside, 0) + 1
            return False
        run = self.uses.of_run(key)
        if run is None:
            self._damaged[key] = None
        else:
            self.runs[key] = run
        return True

    def _bounded(self, key: str, found: list[T]) -> list[T]:
        if len(found) > WIDE:
            self._cut[key] = self._cut.get(key, 0) + len(found) - WIDE
        return found[:WIDE]

    def _too_far(self, key: str, away: int, count: int) -> bool:
        if self._depth is None or away < self._depth:
            return False
        self._cut[key] = self._cut.get(key, 0) + count
        return True

    def _described(self, run: Run, shown: int) -> TracedRun:
        context, repeat = run.snapshot.context, run.snapshot.repeat or Repeat("")
        name = self.said.of(run.id).name(context.name)
        return TracedRun(
            id=run.id,
            shown=shown,
            status=run.status,
            started_at=run.started_at,
            purpose=context.purpose,
            name=name,
            task=context.task,
            command=run.snapshot.command.argv[:WORDS],
            trial=repeat.trial,
        )
