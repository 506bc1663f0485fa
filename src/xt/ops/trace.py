"""`xt trace`: from a content, a run or a deployment to what it came from, and to what came of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal, TypeVar

import msgspec

from xt.config import Settings
from xt.context import Outside
from xt.model.event import Deployed
from xt.model.files import Entry
from xt.model.lineage import Link, Trace, TracedDeployment, TracedFile, TracedRun
from xt.model.snapshot import Repeat
from xt.model.standing import Standing
from xt.model.text import Text, from_text, to_text
from xt.ops.lineage import Run, Thing, Use, Uses, joining
from xt.ops.named import Named, Namer
from xt.ops.statements import standing
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


class _Graph:
    """The graph as it grows."""

    def __init__(self, store: Store, uses: Uses, said: Standing, depth: int | None) -> None:
        self._store, self._uses, self._said, self._depth = store, uses, said, depth
        self._runs: dict[str, Run] = {}
        self._files: dict[str, TracedFile] = {}
        self._names: dict[str, dict[Text, None]] = {}
        self._events: dict[str, TracedDeployment] = {}
        self._links: dict[Link, None] = {}
        self._cut: dict[str, int] = {}
        self._members: dict[str, tuple[Entry, ...]] = {}

    def begin(self, named: Named) -> str:
        """Put in what was asked for; give its key."""
        if named.deployment is not None:
            self._deployment(named.deployment)
            return named.deployment.id
        if named.run is not None:
            # `resolve` knows runs whose record cannot be read.
            run = self._uses.of_run(named.run)
            if run is None:
                self._store.record(named.run)
            else:
                self._runs[run.id] = run
            return named.run
        digest = named.digest or ""
        tree = named.tree or bool(self._uses.members(digest))
        if named.members:
            self._members[digest] = named.members
        self._file(digest, "tree" if tree else "file", named.path, named.size, named.files)
        return digest

    def climb(self, start: str) -> None:
        """Follow what things came from, nearest first."""
        waiting: deque[tuple[str, int, Run | None]] = deque([(start, 0, None)])
        seen = {start}
        while waiting:
            key, away, reader = waiting.popleft()
            found: list[tuple[Link, Run | None]]
            if key in self._events:
                found = [(link, None) for link in self._shipped(key)]
            elif key in self._runs:
                run = self._runs[key]
                found = [(self._read(run, item), run) for item in run.inputs]
            else:
                found = [(link, None) for link in self._makers(key, reader)]
                if found and self._too_far(key, away, len(found)):
                    continue
                away += 1
            for link, run_before in self._bounded(key, found):
                self._links[link] = None
                if link.source not in seen and self._enter(link.source, key):
                    seen.add(link.source)
                    waiting.append((link.source, away, run_before))

    def descend(self, start: str) -> None:
        """Follow what came of things, nearest first."""
        waiting: deque[tuple[str, int]] = deque([(start, 0)])
        seen = {start}
        while waiting:
            key, away = waiting.popleft()
            if key in self._events:
                continue
            if key in self._runs:
                found = [self._made(self._runs[key], item) for item in self._runs[key].outputs]
            else:
                for event in self._deployed(key):
                    self._links[event] = None
                found = self._readers(key)
                if found and self._too_far(key, away, len(found)):
                    continue
                away += 1
            for link in self._bounded(key, found):
                self._links[link] = None
                if link.target not in seen and self._enter(link.target, key):
                    seen.add(link.target)
                    waiting.append((link.target, away))

    def whole(self, word: str, start: str, direction: Direction, notes: Iterable[str]) -> Trace:
        """Write it down."""
        shown = self._store.shown_all(
            [*self._runs, *(run for file in self._files.values() for run in file.makers)]
        )
        files = []
        for key, file in self._files.items():
            names = dict.fromkeys([*file.paths, *self._names.get(key, {})])
            files.append(msgspec.structs.replace(file, paths=list(names)[:NAMES]))
        known = bool(self._links) or start in self._runs or start in self._events
        return Trace(
            asked=word,
            start=start,
            direction=direction,
            known=known or bool(self._uses.made(start) or self._uses.used(start)),
            runs=[self._described(run, shown[run.id]) for run in self._runs.values()],
            files=files,
            deployments=list(self._events.values()),
            links=list(self._links),
            cut=self._cut,
            notes=list(notes),
            doubts=[
                *self._uses.doubts,
                *(f"the event `{path}` cannot be read" for path in self._said.doubts),
            ],
        )

    # --- things ------------------------------------------------------------------------------------

    def _file(
        self,
        key: str,
        kind: Literal["file", "tree"],
        path: Text | None,
        size: int | None = None,
        files: int | None = None,
    ) -> None:
        if path is not None:
            self._names.setdefault(key, {}).setdefault(path)
        if key in self._files:
            return
        makers = [use.run for use in self._uses.made(key) if not use.part or kind == "file"]
        source = not makers and not any(True for _ in self._parts(key))
        self._files[key] = TracedFile(
            key,
            kind,
            key,
            [path] if path is not None else [],
            size,
            files,
            source,
            list(dict.fromkeys(makers)),
        )

    def _thing(self, run: Run, item: Thing) -> str:
        if item.digest is not None:
            kind: Literal["file", "tree"] = "tree" if item.kind in ("tree", "glob") else "file"
            self._file(item.digest, kind, item.path, item.size, item.files)
            return item.digest
        key = f"{run.id}/{item.role}:{from_text(item.path)}".encode("utf-8", "backslashreplace").decode()
        reason = item.reason or "no reason is recorded"
        self._files[key] = TracedFile(key, "unknown", None, [item.path], reason=reason)
        return key

    def _enter(self, key: str, beside: str) -> bool:
        """Whether there is room for a thing; a run is put in."""
        run = None if key in self._runs or key in self._files else self._uses.of_run(key)
        if run is not None and len(self._runs) >= RUNS:
            self._cut[beside] = self._cut.get(beside, 0) + 1
            return False
        if run is not None:
            self._runs[key] = run
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
        name = self._said.of(run.id).name(context.name)
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

    # --- links -------------------------------------------------------------------------------------

    def _read(self, run: Run, item: Thing) -> Link:
        return Link("read", self._thing(run, item), run.id, item.role, item.path)

    def _made(self, run: Run, item: Thing) -> Link:
        return Link("made", run.id, self._thing(run, item), item.role, item.path)

    def _makers(self, key: str, reader: Run | None) -> list[Link]:
        """Who made a content: all of it, or else its files."""
        file = self._files[key]
        if file.digest is None:
            return []
        uses = [use for use in self._uses.made(key) if not use.part or file.kind == "file"]
        if uses:
            chosen = self._answering(uses, reader)
            others = [use.run for use in uses if use.run != chosen.run]
            order = list(dict.fromkeys([chosen.run, *others]))
            self._files[key] = msgspec.structs.replace(file, makers=order)
            return [Link("made", chosen.run, key, chosen.role, chosen.path)]
        common: dict[str, tuple[Use, set[str]]] = {}
        for digest in self._parts(key):
            use = self._answering(self._uses.made(digest), reader)
            common.setdefault(use.run, (use, set()))[1].add(digest)
        return [
            Link("made", run, key, use.role, use.path, len(digests))
            for run, (use, digests) in sorted(common.items(), key=lambda item: (-len(item[1][1]), item[0]))
        ]

    def _answering(self, uses: list[Use], reader: Run | None) -> Use:
        """Of several runs that made a content, the one that a reader most likely has it from.

        A run that started after the reader made the same again; else the newest that ended well.
        """
        if reader is None:
            return uses[0]
        before = [use for use in uses if use.run != reader.id and self._started(use) < reader.started_at]
        return next(iter(before), uses[0])

    def _started(self, use: Use) -> str:
        run = self._uses.of_run(use.run)
        return run.started_at if run is not None else ""

    def _entries(self, key: str) -> Iterable[Entry]:
        return self._members.get(key) or self._uses.members(key)

    def _parts(self, key: str) -> dict[str, Entry]:
        """Files of a tree that some run made."""
        return {digest: entry for digest, entry in joining(self._entries(key)) if self._uses.made(digest)}

    def _readers(self, key: str) -> list[Link]:
        """Who read a content, or files of a folder."""
        if self._files[key].digest is None:
            return []
        found: dict[tuple[str, str], Link] = {}
        for use in self._uses.used(key):
            found[use.run, use.role] = Link("read", key, use.run, use.role, use.path)
        common: dict[tuple[str, str], tuple[Use, set[str]]] = {}
        for digest, _ in joining(self._entries(key)):
            for use in self._uses.used(digest):
                if (use.run, use.role) not in found:
                    common.setdefault((use.run, use.role), (use, set()))[1].add(digest)
        for place, (use, digests) in common.items():
            found[place] = Link("read", key, use.run, use.role, use.path, len(digests))
        return list(found.values())

    def _deployment(self, event: Deployed) -> None:
        later = [other for other in self._said.places[event.to].deployments if other.id > event.id]
        until = later[0].at if later else None
        self._events[event.id] = TracedDeployment(event.id, event.to, event.at, event.by, until, event.reason)

    def _shipped(self, key: str) -> list[Link]:
        """What went live with a deployment."""
        event = next(
            event for place in self._said.places.values() for event in place.deployments if event.id == key
        )
        parts = [("artifact", event.path or event.output, event.digest)]
        for role, digest in (("prompts", event.prompts), ("policy", event.policy)):
            if digest is not None:
                parts.append((role, to_text(role), digest))
        parts += [("config", to_text(path), digest) for path, digest in event.config.items()]
        links = []
        for role, path, digest in parts:
            self._file(digest, "tree" if self._uses.members(digest) else "file", path)
            links.append(Link("deployed", digest, key, role, path))
        return links

    def _deployed(self, key: str) -> list[Link]:
        """Deployments of a content."""
        found = []
        for place in self._said.places.values():
            for event in place.deployments:
                if event.digest == key:
                    self._deployment(event)
                    found.append(Link("deployed", key, event.id, "artifact", event.path or event.output))
        return found
