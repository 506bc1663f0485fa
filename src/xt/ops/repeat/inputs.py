"""The inputs of a repeat: brought from where they are unchanged, else made again from the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from xt import codec, fsio
from xt.collect import Capture
from xt.collect.reading import Reading
from xt.collect.statcache import StatCache
from xt.config import Settings
from xt.context import Outside
from xt.errors import NotStartedError, UnverifiableError, XtError
from xt.inside import Inside
from xt.model.files import Entry, Input, Manifest
from xt.model.request import InputSpec, RunRequest
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown
from xt.ops.repeat.bring import SMALL, Bringing
from xt.ops.repeat.places import Was
from xt.store import Store
from xt.store.objects import Objects

#: Missing inputs named one by one.
TOLD = 5


class Source(NamedTuple):
    """Where the content of an input is, unchanged."""

    path: str
    """Absolute."""
    size: int


class Inputs:
    """The inputs of one run, and where they can be had."""

    def __init__(
        self, store: Store, snapshot: Snapshot, host: str, was: Was, tops: list[str], outside: Outside
    ) -> None:
        """Look for them; what is unchanged by its stat is not read.

        Args:
            store: that has the run.
            snapshot: causes of the run.
            host: it ran on.
            was: where the project was.
            tops: folders in which the tree of the code may lie now.
            outside: of the caller.
        """
        self._store = store
        self._host = host
        self._was = was
        self._tops = tops
        self._outside = outside
        self.items = [item for item in snapshot.inputs if item.kind != "uri" and item.path is not None]
        self.missing: list[str] = []
        self.remarks: list[str] = []
        self._sources: dict[int, Source] = {}
        self._beyond: list[str] = []
        """Where links of the workspace lead that inputs are reached through, outside of it."""

    def look(self, top: str) -> bool:
        """Find the sources of what is not in the workspace already.

        Args:
            top: of the workspace, which holds the code.

        Returns:
            Whether a mount is of use: one of them is too large to be copied without a thought, or lies
            outside, where it is to be protected.
        """
        outside = False
        for number, item in enumerate(self.items):
            below = self._below(item)
            if item.digest is None:
                self._miss(item, "its content was not known when it was recorded")
            elif below is None:
                self._outside_project(number, item)
                outside = outside or number in self._sources
            elif (real := _led_out(top, below)) is not None:
                self._beyond.append(real)
            elif item.kind != "glob" and not os.path.lexists(os.path.join(top, below)):
                for place in self._tops:
                    path = os.path.join(place, below)
                    found = self._identify(path) if os.path.lexists(path) else None
                    if found is not None and found.digest == item.digest:
                        self._sources[number] = Source(path, found.size or 0)
                        break
        large = any(source.size > SMALL for source in self._sources.values())
        return large or outside or bool(self._beyond)

    def bring(self, top: str, bringing: Bringing) -> None:
        """Put them into the workspace.

        Raises:
            UnverifiableError: some are not to be had; all are named.
        """
        for real in dict.fromkeys(self._beyond):
            if not bringing.guard(real):
                self.remarks.append(f"`{to_shown(real)}` is read where it is, and not protected")
        cache = StatCache(self._store.path, int(self._outside.now().timestamp() * 1e9))
        for number, item in enumerate(self.items):
            below = self._below(item)
            source = self._sources.get(number)
            if item.digest is None:
                continue
            if below is None:
                if source is not None and not bringing.guard(source.path):
                    self.remarks.append(f"`{to_shown(source.path)}` is read where it is, and not protected")
                continue
            target = os.path.join(top, below)
            if source is not None:
                kind = "tree" if item.kind == "tree" else "file"
                bring = bringing.tree if kind == "tree" else bringing.file
                if not self._reachable(top, item, below):
                    continue
                if bring(source.path, target, source.size):
                    cache.alias(f"{kind} {os.path.realpath(source.path)}", f"{kind} {target}")
            elif item.kind == "file":
                if not os.path.lexists(target):
                    self._make(
                        top, item, Entry(item.path or "", "file", 0o644, item.size, item.digest), below
                    )
            else:
                self._make_all(top, item, below, bringing)
        if self.missing:
            more = f"; and {len(self.missing) - TOLD} more" if len(self.missing) > TOLD else ""
            noun = "an input is" if len(self.missing) == 1 else f"{len(self.missing)} inputs are"
            raise UnverifiableError(
                f"{noun} not to be had any more: {'; '.join(self.missing[:TOLD])}{more}",
                "bring it back to that place; `xt show` names its digest",
            )

    def _below(self, item: Input) -> str | None:
        """Where an input lies in the tree of the code; None outside of it."""
        path = os.path.normpath(os.path.join(self._was.root, from_text(item.path or "")))
        return fsio.relative_to(path, self._was.top) if fsio.is_inside(path, self._was.top) else None

    def _outside_project(self, number: int, item: Input) -> None:
        path = os.path.normpath(os.path.join(self._was.root, from_text(item.path or "")))
        found = self._identify(path, item) if os.path.lexists(path) else None
        if found is None or found.digest != item.digest:
            self._miss(item, "it changed since" if found else "it is gone")
        else:
            self._sources[number] = Source(path, found.size or 0)

    def _identify(self, path: str, item: Input | None = None) -> Input | None:
        """Tell what is there now, as a run would; None when that cannot be told."""
        objects = Objects(self._store.path)
        request = RunRequest(command=[], cwd=self._outside.cwd)
        capture = Capture(
            request, self._outside, self._outside.cwd, self._store.path, Settings(), objects, b""
        )
        if item is not None and item.kind == "glob":
            from xt.collect.globs import split

            path = os.path.join(path, split(from_text(item.declared))[1])
        found: dict[tuple[str, str], Input] = {}
        try:
            Reading(capture).add(InputSpec("data", path, self._outside.cwd), found)
        except NotStartedError:
            return None
        finally:
            objects.discard()
        return next(iter(found.values()), None)

    def _make_all(self, top: str, item: Input, below: str, bringing: Bringing) -> None:
        """Complete a tree or glob, path by path."""
        try:
            data = self._store.objects.read(item.digest or "")
            entries = codec.decode(data, Manifest, f"the manifest of {to_shown(below)}").entries
        except XtError as error:
            self._miss(item, f"which files it had is not known: {error.message}")
            return
        for entry in entries:
            name = from_text(entry.path)
            path = name if below == "." else f"{below}/{name}"
            if os.path.lexists(os.path.join(top, path)):
                continue
            if entry.kind == "file" and entry.digest is not None:
                source = self._found(path, entry)
                if source is None:
                    self._make(top, item, entry, path)
                elif self._reachable(top, item, path):
                    bringing.file(source, os.path.join(top, path), entry.size or 0)
            elif entry.kind == "link" and entry.target is not None:
                with Inside(top) as inside:
                    inside.link(path, from_text(entry.target), replace=False)
            elif entry.kind == "dir":
                with Inside(top) as inside:
                    inside.folder(path, entry.mode)
            else:
                self._miss(item, f"`{to_shown(name)}` in it: {entry.note or entry.kind}")

    def _found(self, below: str, entry: Entry) -> str | None:
        for place in self._tops:
            path = os.path.join(place, below)
            if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) == entry.size:
                found = self._identify(path)
                if found is not None and found.digest == entry.digest:
                    return path
        return None

    def _reachable(self, top: str, item: Input, below: str) -> bool:
        """Make the folders above a path; a link among them must not lead out of the workspace."""
        try:
            if above := os.path.dirname(below):
                with Inside(top) as inside:
                    inside.folder(above)
        except XtError as error:
            self._miss(item, error.message, below)
            return False
        return True

    def _make(self, top: str, item: Input, entry: Entry, below: str) -> None:
        """Write a file from the store."""
        digest = entry.digest or ""
        if not self._store.objects.has(digest):
            self._miss(item, self._why(below), below)
            return
        try:
            with Inside(top) as inside:
                inside.write(below, self._stream(digest), entry.mode or 0o644, replace=False)
        except XtError as error:
            self._miss(item, error.message, below)

    def _stream(self, digest: str) -> Iterator[bytes]:
        return self._store.objects.stream(digest)

    def _why(self, below: str) -> str:
        changed = any(os.path.lexists(os.path.join(place, below)) for place in self._tops)
        return "it changed since, and is not stored" if changed else "it is gone, and is not stored"

    def _miss(self, item: Input, why: str, below: str | None = None) -> None:
        place = os.path.join(self._was.top, below) if below is not None else None
        if place is None:
            place = os.path.normpath(os.path.join(self._was.root, from_text(item.path or "")))
        known = f" ({item.digest[:15]}…)" if item.digest and item.kind == "file" else ""
        self.missing.append(f"`{to_shown(place)}`{known} on {self._host}: {why}")


def _led_out(top: str, below: str) -> str | None:
    """Where a path of the workspace leads, if a link that is there leads out of it to something."""
    path = os.path.join(top, below)
    real = os.path.realpath(path)
    if fsio.is_inside(real, os.path.realpath(top)) or not os.path.exists(real):
        return None
    return real
