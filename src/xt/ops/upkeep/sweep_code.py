"""Sweep `code.git`: what no tree of a run reaches. Git says what is reached, and removes nothing itself."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from functools import partial

from xt import fsio
from xt.collect import gitdir
from xt.collect.codestore import CodeStore
from xt.collect.git import Git, GitError
from xt.collect.packs import LONG, is_id
from xt.context import Outside
from xt.errors import is_passing
from xt.ops.upkeep import inventory
from xt.ops.upkeep.inventory import File
from xt.ops.upkeep.survey import Survey, unlisted
from xt.ops.upkeep.tally import Tally
from xt.store import Store, pulled, trash

#: Folder of the store → how git calls its objects, and the length of their names.
REPOSITORIES = {"code.git": ("sha1", 40), "code.sha256.git": ("sha256", 64)}
_TREE = re.compile(rb'"tree":"([0-9a-f]{40}(?:[0-9a-f]{24})?)"')
#: Bytes; longer than what it looks for.
_OVERLAP = 128
_PACK = re.compile(r"(pack-(?:[0-9a-f]{40}|[0-9a-f]{64}))\.(idx|pack|rev)")


def code(
    store: Store, known: Survey, dropped: Iterable[str], outside: Outside, cutoff: int, tally: Tally
) -> None:
    """Remove what no kept run needs and is older than the cutoff."""
    gone = {*dropped}
    wanted: dict[str, str] = {}
    folders: set[str] = {""}
    for run in known.runs.values():
        if run.id not in gone:
            for tree in run.code:
                wanted.setdefault(tree.tree, run.id)
                folders.add(tree.folder)
    for oid in _half_known(store):
        wanted.setdefault(oid, "")
    for name, (sort, length) in REPOSITORIES.items():
        if fsio.is_there(f"{store.path}/{name}/objects"):
            own = {tree: run_id for tree, run_id in wanted.items() if len(tree) == length and is_id(tree)}
            _Repository(store, name, cutoff, tally).sweep(own, sort, folders, outside)


def _half_known(store: Store) -> set[str]:
    """Trees that are named by what is no whole record: what was quarantined, torn, or left in the trash."""
    found: set[str] = set()
    names = [file.name for file in inventory.walk(store.path, inventory.QUARANTINE, unlisted) if file.is_file]
    names += [raw.name for raw in inventory.starts(store, unlisted)]
    for name in trash.names(store.path):
        if name.startswith("runs/"):
            names.append(os.path.relpath(trash.path(store.path, name), store.path))
    for name in names:
        before = b""
        try:
            for piece in fsio.read_pieces(f"{store.path}/{name}"):
                found |= {tree.decode() for tree in _TREE.findall(before + piece)}
                before = piece[-_OVERLAP:]
        except OSError as error:
            if is_passing(error):
                raise
    return found


class _Repository:
    """One private repository."""

    def __init__(self, store: Store, name: str, cutoff: int, tally: Tally) -> None:
        self._store, self._name, self._cutoff, self._tally = store, name, cutoff, tally
        self._loose: dict[str, File] = {}
        self._packs: dict[str, list[File]] = {}
        for folder in inventory.listed(store.path, f"{name}/objects", unlisted):
            if folder.is_folder:
                for file in inventory.listed(store.path, folder.name, unlisted):
                    self._take(os.path.basename(folder.name), file)

    def _take(self, folder: str, file: File) -> None:
        base = os.path.basename(file.name)
        old = file.mtime < self._cutoff
        if folder == "pack" and (pack := _PACK.fullmatch(base)):
            self._packs.setdefault(pack[1], []).append(file)
        elif file.is_file and is_id(folder + base):
            self._loose[folder + base] = file
        elif file.is_file and base.startswith("tmp_") and old:
            self._tally.take("temporary files", file, partial(self._remove, file.name))

    def sweep(self, wanted: dict[str, str], sort: str, folders: set[str], outside: Outside) -> None:
        everything = [*self._loose.values(), *(file for files in self._packs.values() for file in files)]
        if all(file.mtime >= self._cutoff for file in everything):
            return
        git = CodeStore(self._store.path, sort, outside.environ).git(None, borrowed(self._store, folders))
        try:
            packed = {name: self._members(git, name) for name in self._packs}
            unreached = {*self._loose}.union(*packed.values())
            self._discard_reached(git, wanted, unreached)
        except GitError as error:
            self._tally.notes.append(f"nothing of `.xt/{self._name}` was removed: {error}")
            return
        for oid in sorted(unreached & self._loose.keys()):
            file = self._loose[oid]
            if file.mtime >= self._cutoff:
                self._tally.wait(file)
            else:
                remove = partial(trash.sweep, self._store.path, file.name, self._cutoff)
                self._tally.take("code", file, remove)
        for name, members in packed.items():
            if members <= unreached:
                self._sweep_pack(self._packs[name])

    def _members(self, git: Git, name: str) -> set[str]:
        index = next((file for file in self._packs[name] if file.name.endswith(".idx")), None)
        if index is None:
            return set()  # of a move that was killed: git does not read it
        with open(f"{self._store.path}/{index.name}", "rb") as file:
            rows = git.run("show-index", data=file.read(), seconds=LONG).decode().splitlines()
        return {row.split(" ")[1] for row in rows}

    def _discard_reached(self, git: Git, wanted: dict[str, str], unreached: set[str]) -> None:
        """Take away what some tree reaches.

        Raises:
            GitError: not all of them can be read to the end, so that it cannot be told.
        """
        listing = "".join(f"{tree}\n" for tree in wanted)
        answer = git.run("cat-file", "--batch-check", data=listing.encode(), seconds=LONG).decode()
        lacking = {row.split(" ")[0] for row in answer.splitlines() if row.endswith(" missing")}
        for tree in lacking:
            # One that lies here was brought: git calls missing what it cannot read.
            if tree in unreached or (wanted[tree] and pulled.of(self._store, wanted[tree]) is None):
                whose = wanted[tree] or "a run that was put aside"
                raise GitError(f"the code of {whose} cannot be read, so what it needs is not known")
        words = ("rev-list", "--objects", "--no-object-names", "--missing=print", "--stdin")
        listing = "".join(f"{tree}\n" for tree in wanted if tree not in lacking)
        if not listing:
            return
        for row in git.run(*words, data=listing.encode(), seconds=LONG).decode().splitlines():
            if row.startswith("?"):
                raise GitError("something of the code of a run is missing, so what it needs is not known")
            unreached.discard(row)

    def _sweep_pack(self, files: list[File]) -> None:
        # Git reads a pack by its index: that goes first, and comes back last.
        files = sorted(files, key=lambda file: (not file.name.endswith(".idx"), file.name))
        if max(file.mtime for file in files) >= self._cutoff:
            for file in files:
                self._tally.wait(file)
            return
        if self._tally.dry:
            for file in files:
                self._tally.count("code", file)
            return
        moved: list[File] = []
        try:
            for file in files:
                seen = trash.put(self._store.path, file.name)
                moved += [file] if seen is not None else []
                if seen is not None and seen.st_mtime_ns >= self._cutoff:
                    raise InterruptedError("it is in use")
        except BaseException as error:
            for file in reversed(moved):
                trash.put_back(self._store.path, file.name)
            if not isinstance(error, OSError):
                raise
            if not isinstance(error, InterruptedError):
                self._tally.fail(f"`.xt/{files[0].name}` could not be removed: {error.strerror}")
            return
        for file in moved:
            trash.drop(self._store.path, file.name)
            self._tally.count("code", file)

    def _remove(self, name: str) -> bool:
        os.unlink(f"{self._store.path}/{name}")
        return True


def borrowed(store: Store, folders: Iterable[str]) -> list[str]:
    """Object folders of the project's repositories in which trees may go on.

    Args:
        store: of the project.
        folders: of repositories, relative to the top; empty for the outer one.
    """
    root = os.path.dirname(store.path)
    found: dict[str, None] = {}
    for top in dict.fromkeys((gitdir.find_top(root) or root, root)):
        for folder in folders:
            with contextlib.suppress(GitError, OSError, ValueError):
                found[gitdir.find(os.path.normpath(os.path.join(top, folder))).objects] = None
    return [path for path in found if os.path.isdir(path)]
