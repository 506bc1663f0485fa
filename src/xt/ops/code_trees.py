"""The trees of a run's code snapshot: that of the project, and those of the repositories inside it.

They lie in the store's private repository, which borrows what the project's own repositories still have.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple

from xt import fsio
from xt.collect import gitdir
from xt.collect.codestore import CodeStore
from xt.collect.git import Dialogue, Git, GitError
from xt.collect.gitdir import find_top
from xt.context import Outside
from xt.errors import DamagedError, NotRecordedError
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.store import Store

_LINK = "120000"
_REPOSITORY = "160000"


class Place(NamedTuple):
    """A path in one of a snapshot's trees."""

    git: Git
    tree: str
    path: str
    inner: list[tuple[str, Place]]
    """Trees of repositories below the path, with where they are, relative to it."""

    def read(self) -> bytes | None:
        """The file's bytes, or the folder's listing; None when there is neither."""
        kind, oid = b"tree", self.tree
        if self.path:
            entry = self.git.run("ls-tree", "-z", "--full-tree", self.tree, "--", self.path)
            if not entry:
                return None
            _, kind, rest = entry.split(b" ", 2)
            oid = rest.partition(b"\t")[0].decode()
        if kind == b"blob":
            return self.git.run("cat-file", "blob", oid)
        return b"".join(name + b"\n" for name in self._names(oid)) if kind == b"tree" else None

    def _names(self, tree: str) -> list[bytes]:
        listing = self.git.run("ls-tree", "-r", "--name-only", "--full-tree", "-z", tree)
        names = set(listing.split(b"\0")[:-1])
        for folder, place in self.inner:
            prefix = os.fsencode(folder)
            names.discard(prefix)
            names.update(prefix + b"/" + name for name in place._names(place.tree))
        return sorted(names)


def trees(snapshot: Snapshot) -> dict[str, str]:
    """Ids of the trees of a snapshot, by where they are below its top, `` for the outer one; none without."""
    code = snapshot.code
    if code.tree is None:
        return {}
    return {"": code.tree} | {from_text(inner.path): inner.tree for inner in code.repositories if inner.tree}


def places(store: Store, snapshot: Snapshot, path: str, outside: Outside) -> list[Place]:
    """Trees that may hold a path: that of the innermost repository first, the outer one last."""
    found_trees = trees(snapshot)
    places = {
        folder: Place(reader(store, snapshot, folder, tree, outside), tree, "", [])
        for folder, tree in found_trees.items()
    }
    found = []
    for folder in sorted(found_trees, key=len, reverse=True):
        if folder == "" or fsio.is_inside(path, folder):
            name = path[len(folder) :].lstrip("/")
            prefix = path + "/" if path else ""
            inner = [
                (other[len(prefix) :], place)
                for other, place in places.items()
                if other.startswith(prefix) and other not in (folder, path)
            ]
            found.append(places[folder]._replace(path=name, inner=inner))
    return found


def reader(store: Store, snapshot: Snapshot, folder: str, tree: str, outside: Outside) -> Git:
    """Git that can read a tree of a snapshot.

    Args:
        store: that has the run.
        snapshot: its causes.
        folder: of the repository whose tree it is, relative to the top of the snapshot; `` for that itself.
        tree: its id.
        outside: for git.

    Raises:
        GitError: that is not the id of a tree.
    """
    if len(tree) not in (40, 64) or not set(tree) <= set("0123456789abcdef"):
        raise GitError(f"`{tree}` is not the id of a tree")
    return repository(store, tree, outside).git(None, borrowed(store, snapshot, folder))


def repository(store: Store, tree: str, outside: Outside) -> CodeStore:
    """The private repository for trees with ids of that length; it is made if need be."""
    return CodeStore(store.path, "sha256" if len(tree) == 64 else "sha1", outside.environ)


def borrowed(store: Store, snapshot: Snapshot, folder: str) -> list[str]:
    """Object folders of the project's own repositories that may have a tree of a snapshot; see `reader`."""
    root = os.path.dirname(store.path)
    top = find_top(root) if snapshot.code.vcs else root
    found = []
    if top is not None and fsio.is_inside(os.path.normpath(os.path.join(top, folder)), top):
        # Where there is none any more, git says which object is missing.
        with contextlib.suppress(GitError, OSError):
            found = [gitdir.find(os.path.join(top, folder)).objects]
    return [path for path in found if os.path.isdir(path)]


class CodeFile(NamedTuple):
    """A file or link of a snapshot."""

    path: str
    """Relative to the snapshot's top."""
    mode: int
    """0o644 or 0o755; of a link 0o777."""
    is_link: bool
    """Its content is then where it points."""
    oid: str
    """Git's id of the content."""
    folder: str
    """Repository it is in, relative to the top."""


class CodeFiles:
    """All files of a run's snapshot, and their content, by one git for each repository in it.

    Use it in a `with` statement, or `close` it.
    """

    def __init__(self, store: Store, snapshot: Snapshot, outside: Outside) -> None:
        """Read nothing yet.

        Args:
            store: that has the run.
            snapshot: its causes.
            outside: for git.
        """
        self._store = store
        self._snapshot = snapshot
        self._outside = outside
        self._dialogues: dict[str, Dialogue] = {}
        self._files: dict[str, CodeFile] | None = None

    def __enter__(self) -> CodeFiles:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the gits."""
        self.close()

    def close(self) -> None:
        """End the gits."""
        for dialogue in self._dialogues.values():
            dialogue.close()
        self._dialogues.clear()

    def files(self) -> dict[str, CodeFile]:
        """List all files and links, by path relative to the snapshot's top; none without a snapshot.

        Raises:
            NotRecordedError: a tree cannot be read here (any more).
        """
        if self._files is None:
            found: dict[str, CodeFile] = {}
            try:
                for folder in trees(self._snapshot):
                    found.update((file.path, file) for file in self._listed(folder))
            except (GitError, OSError) as error:
                raise NotRecordedError(f"the code as it ran cannot be read: {error}") from error
            self._files = found
        return self._files

    def pieces(self, file: CodeFile) -> Iterator[bytes]:
        """Read the content of one; the last step verifies it. One is read at a time, to its end.

        Raises:
            NotRecordedError: it is not to be had here.
            DamagedError: it is not what git's id says (raised after the last piece).
        """
        import hashlib  # every trial is a process that loads this module, and few read files by it

        hasher = hashlib.sha1(usedforsecurity=False) if len(file.oid) == 40 else hashlib.sha256()
        try:
            size, pieces = self._dialogue(file.folder).blob(file.oid)
            hasher.update(b"blob %d\0" % size)
            for piece in pieces:
                hasher.update(piece)
                yield piece
        except GitError as error:
            raise NotRecordedError(f"the content of `{file.path}` is not to be had here: {error}") from error
        if hasher.hexdigest() != file.oid:
            raise DamagedError(f"git's object {file.oid[:12]}… is damaged")

    def _listed(self, folder: str) -> Iterator[CodeFile]:
        tree = trees(self._snapshot)[folder]
        git = reader(self._store, self._snapshot, folder, tree, self._outside)
        for row in git.run("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")[:-1]:
            facts, _, name = row.partition(b"\t")
            mode, _, oid = facts.decode().split(" ")
            if mode == _REPOSITORY:
                continue
            path = os.fsdecode(name)
            is_link = mode == _LINK
            bits = 0o777 if is_link else int(mode, 8) & 0o777
            yield CodeFile(f"{folder}/{path}" if folder else path, bits, is_link, oid, folder)

    def _dialogue(self, folder: str) -> Dialogue:
        if folder not in self._dialogues:
            tree = trees(self._snapshot)[folder]
            git = reader(self._store, self._snapshot, folder, tree, self._outside)
            self._dialogues[folder] = git.blobs()
        return self._dialogues[folder]
