"""The code of every run: each object and pack of `code.git`, and that every tree can be read to its end.

Git says whether a tree is whole, many trees at a time, with what `code.git` borrows from the project. That
objects are what their names say is looked at here: git does not ask when it only walks along.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

from xt import fsio
from xt.collect import codestore, gitdir, packs
from xt.collect.codestore import CodeStore
from xt.collect.git import Git, GitError
from xt.context import Outside
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.ops.code_trees import borrowed
from xt.ops.elsewhere import not_brought
from xt.ops.repeat.places import tops
from xt.ops.upkeep import inventory
from xt.ops.upkeep.git_objects import FOLDERS, fault_of, is_sound
from xt.ops.upkeep.holds import Tree, trees
from xt.ops.upkeep.looking import LEFT, Look, One, Suspect, Unread
from xt.store import Store
from xt.store.objects import WHOLE

_LOOSE = re.compile(r"[^/]+/objects/([0-9a-f]{2})/([0-9a-f]{38}|[0-9a-f]{62})")
_PACK = re.compile(r"[^/]+/objects/pack/pack-[0-9a-f]{40,64}\.(pack|idx|rev)")
_OID = re.compile(r"\b[0-9a-f]{40,64}\b")


class _Group:
    """Trees that are read with the same borrowed objects."""

    def __init__(self) -> None:
        self.trees: dict[str, list[tuple[str, Tree, bool]]] = {}
        """Tree → run, how it names it, and whether it need not be here."""


class Code:
    """The check."""

    def __init__(self, look: Look) -> None:
        """Look at nothing yet."""
        self._look = look
        self._groups: dict[tuple[str, tuple[str, ...]], _Group] = {}
        self._around: dict[tuple[str | None, str, str], tuple[str, ...]] = {}
        self._bad: dict[str, Suspect] = {}
        """Objects that are damaged, by id."""
        self._missing: dict[str, Suspect] = {}
        """Trees that cannot be read."""
        self._own: dict[str, CodeStore] = {}
        self._special: set[str] = set()
        """Paths of what is no file and should be."""
        self._read: set[bytes] = set()
        """Objects that were read and are good."""

    def begin(self) -> None:
        """Nothing: code that is written meanwhile belongs to runs that are read later."""

    def run(self, one: One) -> None:
        """Note which trees a run needs."""
        snapshot = one.record.snapshot
        for tree in trees(snapshot):
            if not packs.is_id(tree.tree):
                continue
            key = snapshot.code.vcs, from_text(snapshot.context.project), tree.folder
            if key not in self._around:
                found = lenders(self._look.store, snapshot, tree.folder, self._look.outside)
                self._around[key] = tuple(dict.fromkeys(found))
            form = "sha256" if len(tree.tree) == 64 else "sha1"
            group = self._groups.setdefault((form, self._around[key]), _Group())
            group.trees.setdefault(tree.tree, []).append((one.run, tree, snapshot.code.partial))

    def end(self) -> None:
        """Look at all of it."""
        look = self._look
        try:
            for form, folder in FOLDERS.items():
                self._files(form, folder)
                self._objects(folder)
            done = 0
            total = sum(len(group.trees) for group in self._groups.values())
            for (form, around), group in self._groups.items():
                look.count("trees", len(group.trees))
                git = self._git(form, around)
                for some in _batches(list(group.trees)):
                    look.step("checking code", done, total)
                    done += len(some)
                    self._trees(git, group, some)
        except GitError as error:
            look.suspect("code-unchecked", None, f"code was not looked at: {error}")

    # --- git ---------------------------------------------------------------------------------------------

    def _git(self, form: str, around: tuple[str, ...]) -> Git:
        """Git in a repository elsewhere: nothing is made in the store, and nothing believed but objects."""
        if form not in self._own:
            self._own[form] = CodeStore(self._look.scratch(), form, self._look.outside.environ)
        own = self._own[form]
        git = own.git(None, [*around], objects=self._readable(FOLDERS[form], own))
        return git.with_settings(["core.bigFileThreshold=16m"])

    def _readable(self, folder: str, own: CodeStore) -> str | None:
        """The folder of a repository's objects; or one like it, without what git would wait for."""
        objects = self._look.path(f"{folder}/objects")
        if not os.path.isdir(objects):
            return None
        avoided = {path for path in self._special if path.startswith(objects)}
        if not avoided:
            return objects
        place = f"{own.path}/objects"
        for name in os.listdir(objects):
            inside = f"{objects}/{name}"
            if inside in avoided or os.path.lexists(f"{place}/{name}"):
                continue
            if not any(path.startswith(inside + "/") for path in avoided):
                os.symlink(inside, f"{place}/{name}")
                continue
            os.mkdir(f"{place}/{name}")
            for base in os.listdir(inside):
                if f"{inside}/{base}" not in avoided:
                    os.symlink(f"{inside}/{base}", f"{place}/{name}/{base}")
        return place

    # --- objects ---------------------------------------------------------------------------------------

    def _files(self, form: str, folder: str) -> None:
        """What makes it a repository of ours: without any of it, git would take it for another one."""
        look = self._look
        objects = look.path(f"{folder}/objects")
        if not os.path.isdir(objects):
            return
        if not look.there(f"{folder}/HEAD") and not os.listdir(objects):
            return  # its making was interrupted: the next run completes it
        for name in codestore.files(form):
            if not self._is_ours(form, folder, name):
                look.suspect(
                    "code-damaged",
                    f"{folder}/{name}",
                    "it does not say what it must",
                    lambda name=name: not self._is_ours(form, folder, name),  # type: ignore[misc]
                )

    def _is_ours(self, form: str, folder: str, name: str) -> bool:
        try:
            return codestore.is_ours(self._look.path(folder), form, name)
        except OSError as error:
            self._look.unreadable(f"{folder}/{name}", error.strerror or str(error))
            return True

    def _objects(self, folder: str) -> None:
        look = self._look
        for file in inventory.walk(look.store.path, f"{folder}/objects", look.unreadable):
            loose = _LOOSE.fullmatch(file.name)
            if loose is not None:
                self._one(file, loose[1] + loose[2])
            elif _PACK.fullmatch(file.name) is not None:
                self._one(file, None)
            elif not (file.is_folder or "/objects/info/" in file.name) and look.age(file.name) > LEFT:
                look.suspect("leftover", file.name, "what git was writing")

    def _one(self, file: inventory.File, oid: str | None) -> None:
        look = self._look
        look.count("code_objects")
        if not file.is_file:
            self._special.add(look.path(file.name))
        if file.size > WHOLE and not look.deep:
            look.count("code_by_size")
            look.count("code_by_size_bytes", file.size)
            return
        path = look.path(file.name)
        reason = fault_of(path, oid)
        if isinstance(reason, Unread):
            look.unreadable(file.name, reason)
        if reason is None or isinstance(reason, Unread):
            return
        found = look.suspect("code-damaged", file.name, reason, lambda: fault_of(path, oid) is not None)
        found.digest = oid
        for bad in [oid] if oid else self._packed(path):
            self._bad[bad] = found

    def _packed(self, path: str) -> list[str]:
        """Ids of what is in a damaged pack, as far as its index tells."""
        form = "sha256" if FOLDERS["sha256"] in path else "sha1"
        try:
            index = fsio.read_file(os.path.splitext(path)[0] + ".idx")
            rows = self._git(form, ()).run("show-index", f"--object-format={form}", data=index)
        except (GitError, OSError):
            return []
        return [words[1].decode() for words in map(bytes.split, rows.splitlines()) if len(words) > 1]

    # --- trees -----------------------------------------------------------------------------------------

    def _trees(self, git: Git, group: _Group, some: list[str]) -> None:
        """Look whether trees are whole; find those that are not by halves."""
        told = self._told(git, some)
        if told is None:
            return
        if len(some) > 1:
            middle = len(some) // 2
            self._trees(git, group, some[:middle])
            self._trees(git, group, some[middle:])
            return
        for run, tree, partial in group.trees[some[0]]:
            self._concerned(git, run, tree, told, partial=partial)

    def _told(self, git: Git, some: list[str]) -> list[Suspect] | str | None:
        """Damaged objects that trees reach; or why they cannot be read; None when all is well."""
        words = ["rev-list", "--objects", "--stdin"]
        words += ["--no-object-names"] if self._bad or self._look.deep else ["--quiet"]
        try:
            listing = git.run(*words, data="".join(f"{tree}\n" for tree in some).encode(), seconds=packs.LONG)
        except GitError as error:
            if str(error) == "git not found":
                raise
            # It ends at the first object that it cannot have.
            named = {oid for oid in _OID.findall(str(error)) if oid in self._bad}
            return [self._bad[oid] for oid in named] or str(error)
        oids = listing.decode().split()
        if self._look.deep:
            self._contents(git, oids)
        found = {self._bad[oid].path: self._bad[oid] for oid in oids if oid in self._bad}
        return [*found.values()] or None

    def _contents(self, git: Git, oids: list[str]) -> None:
        """Read objects wherever they lie, the project's too, unless that was done."""
        with contextlib.ExitStack() as held:
            dialogue = None
            for oid in oids:
                raw = bytes.fromhex(oid)
                if raw in self._read or oid in self._bad:
                    continue
                if dialogue is None:
                    dialogue = held.enter_context(contextlib.closing(git.blobs()))
                if is_sound(dialogue, oid):
                    self._read.add(raw)
                    continue
                dialogue = None  # git may have ended over it
                self._bad[oid] = self._look.suspect(
                    "code-damaged",
                    None,
                    f"git's object {oid} is not what its name says, where the project keeps it",
                    lambda oid=oid: not _is_sound_now(git, oid),  # type: ignore[misc]
                )
                self._bad[oid].digest = oid

    def _concerned(self, git: Git, run: str, tree: Tree, told: list[Suspect] | str, *, partial: bool) -> None:
        look = self._look
        part = f"code: {tree.folder}" if tree.folder else "code"
        if not isinstance(told, str):
            for found in told:
                found.concerns(run, part)
                found.trees.append((run, tree.folder))
            return
        away = not_brought(look.store, run, "code")
        if away is None and look.pulled_somehow(run):
            away = "whether it was brought with the run is not known"
        if partial or away is not None:
            code = "code-partial" if partial else "not-brought"
            found = look.suspect(code, None, away or "it was not whole when it was recorded", None)
        else:
            found = self._missing.get(tree.tree) or self._lost(git, tree.tree, told)
        found.concerns(run, part)
        found.trees.append((run, tree.folder))

    def _lost(self, git: Git, tree: str, told: str) -> Suspect:
        look = self._look

        def again() -> bool:
            there = any(look.there(f"runs/{run[:2]}/{run}.json") for run in found.runs)
            return there and not packs.is_complete(git, tree)

        found = look.suspect("code-missing", None, f"the tree {tree[:12]}… cannot be read: {told}", again)
        found.digest = tree
        self._missing[tree] = found
        return found


def lenders(store: Store, snapshot: Snapshot, folder: str, outside: Outside) -> Iterator[str]:
    """Object folders of the project's repositories, wherever it may lie.

    Args:
        store: that has the run.
        snapshot: its causes.
        folder: of the repository, relative to the top of the snapshot.
        outside: for where the project may be.
    """
    yield from borrowed(store, snapshot, folder)
    for top in tops(store, snapshot, outside):
        if fsio.is_inside(os.path.normpath(os.path.join(top, folder)), top):
            with contextlib.suppress(GitError, OSError):
                found = gitdir.find(os.path.join(top, folder)).objects
                if os.path.isdir(found):
                    yield found


def _is_sound_now(git: Git, oid: str) -> bool:
    with contextlib.closing(git.blobs()) as dialogue:
        return is_sound(dialogue, oid)


def _batches(found: list[str], size: int = 500) -> Iterator[list[str]]:
    for at in range(0, len(found), size):
        yield found[at : at + size]
