"""A snapshot's tree back on disk: a folder of its own, whose repository looks as it did when the run started.

Files are written by git from `.xt/code.git` with every conversion off, so they are the bytes that ran. The
folder gets a repository of its own, with the recorded commit and branch and an index as after that commit, so
that `git status`, `git describe` and the next snapshot see what the run saw. Its objects are borrowed; the
user's repository gets nothing but the reference that keeps the commit's content from its gc.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping

from xt import fsio
from xt.collect import gitdir, ownrepo
from xt.collect.codestore import CodeStore
from xt.collect.git import Git, GitError
from xt.collect.gitdir import GitDir
from xt.collect.ownrepo import Described
from xt.collect.shot import keep, reference
from xt.errors import NotWrittenError
from xt.inside import Inside
from xt.model.code import Code, Repository
from xt.model.text import Text, from_text

#: Tags as `packed-refs` has them: an annotated one has its commit in the next line.
_TAGS = "%(objectname) %(refname)%(if)%(*objectname)%(then)%0a^%(*objectname)%(end)"
_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


class Checkout:
    """One checkout: what it is made of, and from where."""

    def __init__(self, store: str, environ: Mapping[str, str], code: Code, sources: Iterable[str]) -> None:
        """Prepare.

        Args:
            store: path of `.xt`.
            environ: for git.
            code: the snapshot.
            sources: absolute tops of working trees whose repositories may have what was committed.
        """
        self._store = store
        self._environ = environ
        self._code = code
        self._sources = list(dict.fromkeys(sources))
        self.remarks: list[str] = []
        """What is not as it was, one clause each."""

    def write(self, top: str) -> None:
        """Write the tree, those of the repositories inside it, and empty folders.

        Args:
            top: an empty folder.

        Raises:
            GitError: a tree, or a file of it, is not to be had any more.
            OSError: it cannot be written.
        """
        code = self._code
        if code.tree is None:
            raise GitError(f"the code was not recorded: {code.reason}")
        outer = Repository(
            ".", "nested", "recorded", None, code.head, code.branch, code.dirty, code.tree, code.remote
        )
        self._tree(top, outer, git=code.vcs is not None)
        for inner in sorted(code.repositories, key=lambda item: from_text(item.path).count("/")):
            folder = _made(top, inner.path)
            if inner.tree is not None:
                self._tree(folder, inner, git=True)
            elif inner.status == "failed":
                self.remarks.append(f"`{from_text(inner.path)}` was not recorded: {inner.reason}")
        for empty in code.empty_dirs:
            _made(top, empty)

    def _tree(self, folder: str, was: Repository, *, git: bool) -> None:
        places = self._places(was.path)
        tree = _oid(was.tree)
        store = CodeStore(self._store, "sha256" if len(tree) == 64 else "sha1", self._environ)
        borrowed = [place.objects for place in places]
        head = _oid(was.head) if was.head else None
        known, head_tree = _known(store.git(None, borrowed), tree, head)
        if not known:
            where = "the code" if was.path == "." else f"`{from_text(was.path)}`"
            commit = f" of commit {head[:12]}" if head else ""
            raise GitError(f"{where}{commit} is not here any more: no repository has the tree {tree[:12]}")
        own = f"{folder}/.git" if git else f"{self._store}/tmp/{os.getpid()}.{os.urandom(6).hex()}"
        os.makedirs(own, fsio.PRIVATE_DIR)
        index = f"{own}/index"
        run = store.git(folder, borrowed, index)
        try:
            run.run("read-tree", "--reset", "-u", tree)
            if git:
                if head is not None and head_tree is None:
                    self.remarks.append(
                        f"the commit {head[:12]} is not here any more: its files are, its history is not"
                    )
                    head, head_tree = _stand_in(run, tree), tree
                objects = [f"{store.path}/objects", *borrowed]
                ownrepo.write(own, self._described(was, head, head_tree, places, store), objects)
                if head_tree is not None and head_tree != tree:
                    # Entries that stay the same keep their stat, so that nothing is hashed again.
                    run.run("read-tree", "--reset", head_tree)
            if not git or head_tree is None:
                os.unlink(index)
        finally:
            if not git:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(index)
                os.rmdir(own)

    def _described(
        self, was: Repository, head: str | None, head_tree: str | None, places: list[GitDir], store: CodeStore
    ) -> Described:
        """Say what a repository was: as recorded, and its tags and depth as they are where the commit is."""
        branch = None if was.branch is None else from_text(was.branch)
        remote = None if was.remote is None else from_text(was.remote)
        tags, shallow = b"", b""
        place = None
        if was.head is not None and head == was.head and head_tree is not None:
            place = self._keep(places, was.head, head_tree)
        if place is not None:
            git = Git(place.common, self._environ, {"GIT_DIR": place.common})
            tags = git.run("for-each-ref", f"--format={_TAGS}", "refs/tags/")
            with contextlib.suppress(FileNotFoundError):
                shallow = fsio.read_file(f"{place.common}/shallow")
        above = "" if was.path == "." else f"{from_text(was.path)}/"
        inner = [from_text(item.path) for item in self._code.repositories if item.kind == "submodule"]
        active = [path.removeprefix(above) for path in inner if path.startswith(above) and path != above[:-1]]
        return Described(head, head_tree, branch, remote, store.object_format, tags, shallow, active)

    def _keep(self, places: list[GitDir], head: str, head_tree: str) -> GitDir | None:
        """Keep the commit's content from the gc of the repository that has it, as for the run itself."""
        for place in places:
            with contextlib.suppress(GitError):  # of another repository, or read only: the next may do
                below = reference(os.path.dirname(place.common), self._store)
                keep(Git(place.common, self._environ), place.common, head, head_tree, below)
                return place
        return None

    def _places(self, path: Text) -> list[GitDir]:
        """Repositories at a path below the sources, as far as they are there."""
        found: list[GitDir] = []
        for source in self._sources:
            with contextlib.suppress(GitError, OSError):
                place = gitdir.find(_below(source, path))
                if os.path.isdir(place.objects):
                    found.append(place)
        return found


def _made(top: str, path: Text) -> str:
    """Make a folder below the top; no link that was checked out leads out of it.

    Raises:
        GitError: one would.
    """
    folder = _below(top, path)
    if folder != top:
        try:
            with Inside(top) as inside:
                inside.folder(from_text(path))
        except NotWrittenError as error:
            raise GitError(f"the record names a folder that cannot be made: {error.message}") from error
    return folder


def _below(top: str, path: Text) -> str:
    """Join a recorded path to a folder that it must not leave.

    Raises:
        GitError: it does.
    """
    name = from_text(path)
    if name == ".":
        return top
    parts = name.split("/")
    if not name or os.path.isabs(name) or "\0" in name or not {".", "..", ""}.isdisjoint(parts):
        raise GitError("the record names a path outside of the code")
    return os.path.join(top, name)


def _oid(text: str | None) -> str:
    """Take an id of git's as one, and nothing that it could take for an option.

    Raises:
        GitError: it is none.
    """
    if text is None or not _OID.fullmatch(text):
        raise GitError("the record names something that is no object of git's")
    return text


def _known(git: Git, tree: str, head: str | None) -> tuple[bool, str | None]:
    """Whether a tree is to be had, and the tree of the commit if that is."""
    names = [tree, f"{head}^{{tree}}"] if head else [tree]
    lines = git.run("cat-file", "--batch-check", data="".join(f"{name}\n" for name in names).encode())
    found = [line.split(" ") for line in lines.decode("ascii", "replace").splitlines()]
    return found[0][1] == "tree", found[1][0] if head and found[1][1] == "tree" else None


def _stand_in(git: Git, tree: str) -> str:
    """Make a commit of our own, in `code.git`, in the place of one that is gone."""
    named = git.with_settings(["user.name=xt", "user.email=xt@localhost"])
    message = "stands in for a commit that is not here any more"
    return named.run("commit-tree", "-m", message, tree).decode().strip()
