"""What somebody means who names a thing to trace: a run, a deployment, a digest, a file."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from xt import codec
from xt.collect.paths import usable
from xt.collect.reading import Reading
from xt.config import Settings
from xt.context import Outside
from xt.errors import DamagedError, NoSuchRunError, NotStartedError, UnreadableError, UsageError
from xt.model import runid
from xt.model.event import Deployed
from xt.model.files import Entry, Input, Manifest
from xt.model.request import InputSpec, RunRequest
from xt.model.standing import Standing
from xt.model.text import Text, from_text, to_shown, to_text
from xt.ops.aside import beside, capture, exists
from xt.ops.find import resolve
from xt.ops.lineage import Run, Thing, Uses, inside
from xt.ops.narrowing import meant, nearest
from xt.store import Store, find_root

#: `blake3:<hex>` or its beginning, the name of the function left out or not.
_DIGEST = re.compile(r"(blake3[: ])?([0-9a-f]{6,64})…?")
#: The beginning of an event's id: the digits of a time.
_EVENT = re.compile(r"\d{8,20}(-[0-9a-f]{0,8})?")
#: How `xt prod` names a deployment: the end of its id, or the beginning of that.
_CHANCE = re.compile(r"[0-9a-f]{4,8}")
_POSITION = re.compile(r"@(~\d*)?")
#: Digests that are named when a beginning fits many.
_TOLD = 6


class Named(NamedTuple):
    """What was meant; one of the first three is set."""

    run: str | None = None
    deployment: Deployed | None = None
    digest: str | None = None
    tree: bool = False
    """Whether the digest is of a folder's manifest."""
    path: Text | None = None
    size: int | None = None
    files: int | None = None
    members: tuple[Entry, ...] = ()
    """Files of a folder on disk, whose manifest need not be recorded."""
    notes: tuple[str, ...] = ()


class Namer:
    """Finds out what is meant."""

    def __init__(
        self, store: Store, uses: Uses, standing: Standing, outside: Outside, settings: Settings
    ) -> None:
        """Prepare.

        Args:
            store: that has the runs.
            uses: what they made and read.
            standing: what was deployed.
            outside: of the caller.
            settings: of the project.
        """
        self._store, self._uses, self._standing = store, uses, standing
        self._outside, self._settings = outside, settings

    def find(self, word: str) -> Named:
        """Find what a word means. A file that is called like a run is written `./NAME`.

        Args:
            word: a path, a digest, a reference, `REF:OUTPUT`, an environment, or a deployment's id.

        Raises:
            NoSuchRunError: nothing is called so.
            UsageError: it may mean several things.
            UnreadableError: it is a file that cannot be read.
        """
        is_file = usable(word) and exists(word, self._outside.cwd)
        if "/" in word and is_file:
            return self._file(word)
        found = self._deployment(word) or self._run(word) or self._digest(word, is_file)
        if found is not None:
            if is_file:
                note = f"there is a file of that name too: `./{to_shown(word)}`"
                return found._replace(notes=(*found.notes, note))
            return found
        if is_file:
            return self._file(word)
        output = self._output(word)
        if output is not None:
            return output
        raise NoSuchRunError(
            f"`{to_shown(word)}` is no file here, and no run, digest or environment that is known",
            "a PATH, `blake3:` and 6 letters or more, a run, RUN:OUTPUT, or what `xt trace` shows",
        )

    def _deployment(self, word: str) -> Named | None:
        place = self._standing.places.get(word)
        if place is not None and place.live is not None:
            return Named(deployment=place.live)
        every = [event for place in self._standing.places.values() for event in place.deployments]
        if _EVENT.fullmatch(word):
            like = [event for event in every if event.id.startswith(word)]
        elif _CHANCE.fullmatch(word):
            like = [event for event in every if event.id.rpartition("-")[2].startswith(word)]
        else:
            return None
        if len(like) > 1:
            ids = ", ".join(event.id for event in like[:_TOLD])
            raise UsageError(f"`{word}` is the beginning of {len(like)} deployments", f"one of {ids}")
        return Named(deployment=like[0]) if like else None

    def _run(self, word: str) -> Named | None:
        if to_shown(word) != word:
            return None  # only paths can be other bytes than UTF-8
        try:
            return Named(run=resolve(self._store, word, self._outside))
        except NoSuchRunError as error:
            if _POSITION.fullmatch(word) or (runid.is_prefix(word) and "beginning of" in error.message):
                raise
            return None

    def _digest(self, word: str, is_file: bool) -> Named | None:
        found = _DIGEST.fullmatch(word)
        if found is None:
            return None
        like = self._uses.like(f"blake3:{found[2]}")
        if len(like) > 1:
            shown = ", ".join(digest[: len("blake3:") + len(found[2]) + 4] for digest in like[:_TOLD])
            raise UsageError(f"`{word}` is the beginning of {len(like)} digests", f"one of {shown}")
        if like:
            return Named(digest=like[0])
        if len(found[2]) == 64:
            return Named(digest=f"blake3:{found[2]}")
        if is_file:
            return None
        raise NoSuchRunError(
            f"no recorded content has a digest that begins with `{found[2]}`",
            "`xt show` has the digests of a run; a file is traced by its path",
        )

    def _output(self, word: str) -> Named | None:
        """`REF:OUTPUT`."""
        reference, colon, path = word.partition(":")
        if not colon or not path:
            return None
        named = self._run(reference)
        if named is None or named.run is None:
            return None
        run = self._uses.of_run(named.run)
        if run is None:
            raise DamagedError(f"what {named.run[:8]} wrote cannot be read", "`xt show` says more")
        known = dict(self._outputs(run))
        cwd, root = self._outside.cwd, find_root(self._outside.cwd)
        project = os.path.normpath(from_text(run.snapshot.context.project))
        exact = [from_text(item.path) for item in run.outputs]
        names = meant(path, exact, cwd, root, project)
        names = names if len(names) == 1 else meant(path, known, cwd, root, project)
        if path in names:
            names = {path}
        if len(names) != 1:
            near = nearest(path, known)
            hint = f"did you mean `{to_shown(near)}`?" if near else "`xt show` lists its outputs"
            what = "no output" if not names else f"{len(names)} outputs"
            raise NoSuchRunError(f"run {named.run[:8]} has {what} `{to_shown(path)}`", hint)
        name = names.pop()
        digest, size, files, tree = known[name]
        return Named(digest=digest, tree=tree, path=to_text(name), size=size, files=files)

    def _outputs(self, run: Run) -> list[tuple[str, tuple[str, int | None, int | None, bool]]]:
        found: list[tuple[str, tuple[str, int | None, int | None, bool]]] = []
        things: list[Thing] = [item for item in run.outputs if item.digest is not None]
        for item in things:
            for entry in self._uses.members(item.digest or ""):
                if entry.digest is not None:
                    found.append((from_text(inside(item, entry)), (entry.digest, entry.size, 1, False)))
        for item in things:
            facts = (item.digest or "", item.size, item.files, item.kind in ("tree", "glob"))
            found.append((from_text(item.path), facts))
        return found

    def _file(self, word: str) -> Named:
        """Read what lies at a path, as an input is read."""
        cwd = self._outside.cwd
        store = beside(self._store)
        request = RunRequest(command=["xt"], cwd=cwd)
        reading = Reading(capture(store, request, self._outside, find_root(cwd), self._settings))
        found: dict[tuple[str, str], Input] = {}
        # As `./NAME` it is a path, whatever it looks like.
        path = word if os.path.isabs(word) else f"./{word}"
        try:
            reading.add(InputSpec("data", path, cwd), found)
        except NotStartedError as error:
            raise UsageError(
                f"`{to_shown(word)}` is the store itself", "name what is in it by its digest"
            ) from error
        for item in found.values():
            if item.digest is None:
                raise UnreadableError(f"`{to_shown(word)}` cannot be read: {item.reason}")
            tree = item.kind != "file"
            members: tuple[Entry, ...] = ()
            if tree:
                members = tuple(codec.decode(store.objects.read(item.digest), Manifest, word).entries)
            notes = [item.reason] if item.reason else []
            if not item.size:
                notes.append("it is empty, which says nothing of where it came from")
            return Named(
                digest=item.digest,
                tree=tree,
                path=to_text(word),
                size=item.size,
                files=item.files,
                members=members,
                notes=tuple(notes),
            )
        raise UnreadableError(f"`{word}` cannot be read: {', '.join(reading.missing)}")
