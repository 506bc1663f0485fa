"""Write the exact tree that runs into `.xt/code.git`, borrowing what the project has committed.

`code.git` is private: the project's repository gets no object and no dirty content from us. Its own
`info/attributes`, which git ranks above all others (gitattributes(5)), turns every conversion off,
so blobs are the bytes on disk, whatever line-end, filter or encoding rules the project has.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from xt import fsio
from xt.collect.git import Git, GitError

_CONFIG = """\
[core]
\trepositoryformatversion = {version}
\tbare = false
\tfileMode = true
\tsymlinks = true
\tignoreCase = false
\tprecomposeUnicode = false
\tautocrlf = false
\tattributesFile = /dev/null
\tprotectNTFS = false
\tprotectHFS = false
\tsplitIndex = false
\tuntrackedCache = false
[gc]
\tauto = 0
[index]
\tsparse = false
"""
_ATTRIBUTES = "* -text -eol -crlf -ident -filter -working-tree-encoding\n"


class CodeStore:
    """The private repository, for one object format."""

    def __init__(self, store: str, object_format: str, environ: Mapping[str, str]) -> None:
        """Open it, making it if needed.

        Args:
            store: path of `.xt`.
            object_format: `sha1` or `sha256`, as the project's repository.
            environ: for git.

        Raises:
            OSError: it cannot be made.
        """
        self.path = f"{store}/code.git" if object_format == "sha1" else f"{store}/code.{object_format}.git"
        self.store = store
        self.object_format = object_format
        self._environ = environ
        if not os.path.exists(f"{self.path}/HEAD"):
            self._create()

    def _create(self) -> None:
        for folder in ("objects", "refs", "info"):
            os.makedirs(f"{self.path}/{folder}", fsio.PRIVATE_DIR, exist_ok=True)
        config = _CONFIG.format(version=0 if self.object_format == "sha1" else 1)
        if self.object_format != "sha1":
            config += f"[extensions]\n\tobjectFormat = {self.object_format}\n"
        fsio.write_atomic(f"{self.path}/config", config.encode(), durable=False)
        fsio.write_atomic(f"{self.path}/info/attributes", _ATTRIBUTES.encode(), durable=False)
        # Last: git takes a folder for a repository once HEAD is there.
        fsio.write_atomic(f"{self.path}/HEAD", b"ref: refs/heads/none\n", durable=False)

    def git(self, top: str | None, borrowed: list[str], index: str | None = None) -> Git:
        """Git on this repository.

        Args:
            top: working tree, for commands that need one.
            borrowed: object folders of other repositories to read from.
            index: path of the index to use.
        """
        extra = {"GIT_DIR": self.path}
        if borrowed:
            extra["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = ":".join(_quoted(path) for path in borrowed)
        if top is not None:
            extra["GIT_WORK_TREE"] = top
        if index is not None:
            extra["GIT_INDEX_FILE"] = index
        return Git(top or self.store, self._environ, extra)

    def write(
        self, top: str, borrowed: list[str], base: str | None, forced: list[str], paths: list[str]
    ) -> tuple[str, dict[str, str]]:
        """Write a tree: that of a commit, with some paths as they are on disk.

        The index is read afresh from the base, so git trusts no time stamp about the paths it is given:
        a file rewritten at the same size in the same second is stored as it is now.

        Args:
            top: working tree.
            borrowed: object folders to read from.
            base: tree to start from, None for an empty one.
            forced: paths to take anew although git thinks they are unchanged; also in `paths`.
            paths: files, links and submodules to take from disk; a missing one is removed.

        Returns:
            The id of the tree, and path → reason for those that could not be stored.

        Raises:
            GitError: no tree could be written.
        """
        index = f"{self.store}/tmp/{os.getpid()}.{os.urandom(6).hex()}.index"
        git = self.git(top, borrowed, index)
        try:
            if base is not None:
                self._read(git, index, base)
            failed = self._update(git, [*dict.fromkeys([*forced, *paths])])
            return os.fsdecode(git.run("write-tree")).strip(), failed
        finally:
            for name in (index, index + ".lock"):
                if os.path.exists(name):
                    os.unlink(name)

    def _read(self, git: Git, index: str, base: str) -> None:
        """Fill the index from a tree, or from the copy kept of the last time."""
        kept = f"{self.store}/cache/{base}.index"
        try:
            shutil.copyfile(kept, index)
        except FileNotFoundError:
            git.run("read-tree", base)
            for name in os.listdir(f"{self.store}/cache"):
                if name.endswith(".index"):
                    os.unlink(f"{self.store}/cache/{name}")
            fsio.write_atomic(kept, fsio.read_file(index))

    def _update(self, git: Git, paths: list[str]) -> dict[str, str]:
        if not paths:
            return {}
        words = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
        try:
            git.run(*words, data=b"".join(os.fsencode(path) + b"\0" for path in paths))
        except GitError as error:
            if len(paths) == 1:
                return {paths[0]: str(error)}
            # One that cannot be stored fails them all: find it, keep the others.
            middle = len(paths) // 2
            return self._update(git, paths[:middle]) | self._update(git, paths[middle:])
        return {}


def _quoted(path: str) -> str:
    """Quote a path for GIT_ALTERNATE_OBJECT_DIRECTORIES (git(1)) when it holds a separator or a quote."""
    if ":" not in path and not path.startswith('"'):
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
