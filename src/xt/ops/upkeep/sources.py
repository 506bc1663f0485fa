"""Where what is missing in a store can be had again: its trash, the project, its code, other places."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

from xt import fsio
from xt.collect.hashing import NotReadError, hash_file
from xt.context import Outside
from xt.errors import DamagedError, NotRecordedError, RemoteError, WrongContentError, XtError
from xt.model.result import Record
from xt.ops.code_trees import CodeFiles
from xt.ops.contents import Contents
from xt.ops.repeat.places import roots
from xt.ops.sync import knowing
from xt.ops.upkeep.check_objects import ZST, fault_of
from xt.ops.upkeep.looking import Suspect
from xt.store import Store, find_root, trash
from xt.store.objects import WHOLE
from xt.store.remote import Remote
from xt.store.remote.defined import Defined, connect, find, remotes
from xt.store.remote.objects import fetch

Answer = TypeVar("Answer")
#: Places in the project that are tried for one content.
_TRIED = 32


class Places:
    """The remotes that are asked; each is opened when it is first needed, and given up when it fails."""

    def __init__(self, outside: Outside, named: list[str] | None) -> None:
        """Find out which are meant.

        Args:
            outside: for the project and the variables.
            named: names or URLs; None: all that are defined and may be used.

        Raises:
            UsageError: there is none of a name.
            RemoteError: one that was named was not confirmed.
            ConfigError: the settings cannot be read.
        """
        self._outside = outside
        self._root = find_root(outside.cwd)
        self.doubts: list[str] = []
        self.asked: list[str] = []
        """Names of those that answered."""
        if named is None:
            every = remotes(outside, self._root)
            self._defined = [one for one in every if one.confirmed and one.problem is None]
            self.doubts += [
                f"the remote `{one.name}` was not asked: {one.problem or 'it was not confirmed'}"
                for one in every
                if one not in self._defined
            ]
        else:
            self._defined = [find(outside, self._root, name) for name in named]
        self._open: dict[str, Remote] = {}
        self._given_up: set[str] = set()

    def ask(self, question: Callable[[Remote], Answer | None]) -> tuple[Answer, Defined] | None:
        """Ask one after the other; give the first answer, and whose it is.

        Args:
            question: gives None for what a remote does not have.
        """
        for defined in self._defined:
            if defined.name in self._given_up:
                continue
            try:
                answer = question(self._opened(defined))
            except FileNotFoundError:
                continue
            except (WrongContentError, DamagedError) as error:
                self._doubt(f"remote `{defined.name}`: {error.message}")
                continue
            except XtError as error:
                self._doubt(f"the remote `{defined.name}` was not asked any more: {error.message}")
                self._given_up.add(defined.name)
                continue
            if answer is not None:
                return answer, defined
        return None

    def close(self) -> None:
        """End connections."""
        for remote in self._open.values():
            remote.close()

    def _opened(self, defined: Defined) -> Remote:
        if defined.name not in self._open:
            remote = connect(defined, self._outside, self._root)
            self._open[defined.name] = remote
            if not knowing.is_store(remote):
                raise RemoteError("there is no store on it")
            self.asked.append(defined.name)
        return self._open[defined.name]

    def _doubt(self, text: str) -> None:
        if text not in self.doubts:
            self.doubts.append(text)


class Sources:
    """All of them, for one store."""

    def __init__(self, store: Store, outside: Outside, places: Places, misplaced: list[Suspect]) -> None:
        """Look for nothing yet.

        Args:
            store: that lacks something.
            outside: for the project.
            places: remotes.
            misplaced: contents of the store that lie where nobody looks for them.
        """
        self._store, self._outside, self.places = store, outside, places
        self._misplaced = {one.digest: one for one in misplaced}
        self._records: dict[str, Record | None] = {}

    def bring(self, lacking: Suspect) -> str | None:
        """Bring a content; say where from, or None when it is not to be had. What came is in place, durably.

        Raises:
            OSError: the store cannot be written.
        """
        assert lacking.digest is not None
        ways = (self._from_trash, self._from_store, self._from_project, self._from_code, self._from_remote)
        try:
            for way in ways:
                found = way(lacking, lacking.digest)
                if found is not None:
                    self._store.objects.settle()
                    return found
        finally:
            self._store.objects.discard()
        return None

    def record(self, run: str) -> Record | None:
        """The record of a run; None when there is no whole one."""
        if run not in self._records:
            try:
                self._records[run] = self._store.record(run)
            except XtError:
                self._records[run] = None
        return self._records[run]

    def _from_trash(self, lacking: Suspect, digest: str) -> str | None:
        for suffix in ("", ZST):
            name = f"objects/{digest[7:9]}/{digest[7:]}{suffix}"
            path = trash.path(self._store.path, name)
            if fsio.is_there(path) and fault_of(path, digest) is None:
                trash.put_back(self._store.path, name)
                return "put back from the trash"
        return None

    def _from_store(self, lacking: Suspect, digest: str) -> str | None:
        found = self._misplaced.get(digest)
        if found is None or found.path is None:
            return None
        source = f"{self._store.path}/{found.path}"
        if not fsio.is_there(source) or fault_of(source, digest) is not None:
            return None
        suffix = ZST if source.endswith(ZST) else ""
        target = self._store.objects.name(digest) + suffix
        os.makedirs(os.path.dirname(target), fsio.PRIVATE_DIR, exist_ok=True)
        os.rename(source, target)
        fsio.fsync_dir(os.path.dirname(target))
        return f"moved from `{found.path}`"

    def _from_project(self, lacking: Suspect, digest: str) -> str | None:
        for path in self._candidates(lacking):
            try:
                size = os.lstat(path).st_size
                # Without a size, only what is quickly read is tried.
                if size != lacking.size if lacking.size is not None else size > WHOLE:
                    continue
                if "blake3:" + hash_file(path).digest.hex() != digest:
                    continue
                kept, _, changed = self._store.objects.put_file(path)
            except (OSError, NotReadError):
                continue
            if kept == digest and not changed:
                return f"taken from `{path}`"
            self._store.objects.discard()
        return None

    def _candidates(self, lacking: Suspect) -> Iterator[str]:
        seen: set[str] = set()
        for run, name in sorted(lacking.places):
            record = self.record(run)
            for root in roots(self._store, record.snapshot, self._outside) if record else ():
                path = os.path.normpath(os.path.join(root, name))
                if path not in seen and len(seen) < _TRIED:
                    seen.add(path)
                    if os.path.isfile(path) and not os.path.islink(path):
                        yield path

    def _from_code(self, lacking: Suspect, digest: str) -> str | None:
        for run, name in sorted(lacking.places)[:_TRIED]:
            record = self.record(run)
            if record is None:
                continue
            with CodeFiles(self._store, record.snapshot, self._outside) as code:
                try:
                    pieces = Contents(self._store, record.snapshot, code).pieces(digest, name)
                    if pieces is None:
                        continue
                    self._take(pieces)
                except (NotRecordedError, DamagedError):
                    continue
            if digest in self._store.objects.staged or self._store.objects.has(digest):
                return f"taken from the code of {run[:8]}"
        return None

    def _take(self, pieces: Iterator[bytes]) -> None:
        """Stage a content that comes in pieces."""
        path = f"{self._store.path}/tmp/{os.getpid()}.{os.urandom(6).hex()}"
        try:
            with open(path, "xb") as file:
                for piece in pieces:
                    file.write(piece)
            self._store.objects.put_file(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _from_remote(self, lacking: Suspect, digest: str) -> str | None:
        objects = self._store.objects
        found = self.places.ask(lambda remote: fetch(remote, objects, digest, lacking.size))
        if found is None:
            return None
        come, defined = found
        objects.arrived(come.digest, come.temporary, come.suffix)
        return f"brought from the remote `{defined.name}`"
