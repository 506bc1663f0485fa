"""Write the exact tree that runs into `.xt/code.git`, borrowing what the project has committed.

`code.git` is private: the project's repository gets no object and no dirty content from us. Its own
`info/attributes`, which git ranks above all others (gitattributes(5)), turns every conversion off,
so blobs are the bytes on disk, whatever line-end, filter or encoding rules the project has.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from xt import codec, fsio
from xt.collect import keptindex
from xt.collect.codestage import Stage
from xt.collect.git import TIMEOUT, Git, GitError, StoppedError
from xt.collect.keptindex import Kept
from xt.errors import is_passing

_CONFIG = """\
[core]
\trepositoryformatversion = {version}
\tbare = false
\tsharedRepository = 0600
\tfileMode = true
\tsymlinks = true
\tignoreCase = false
\tprecomposeUnicode = false
\tautocrlf = false
\tattributesFile = /dev/null
\tprotectNTFS = false
\tprotectHFS = false
\tsparseCheckout = false
\tsplitIndex = false
\tuntrackedCache = false
[gc]
\tauto = 0
[index]
\tsparse = false
"""
#: Bytes for which git is given more time than for all else: so many a second.
_LARGE, _SLOWEST = 50_000_000, 5_000_000
_ATTRIBUTES = "* -text -eol -crlf -ident -filter -working-tree-encoding\n"
#: The tree without entries, which every git knows.
_EMPTY = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


class Written(NamedTuple):
    """A snapshot that was written."""

    tree: str
    failed: dict[str, str]
    """Path → why it is not in the tree."""
    differing: dict[str, str]
    """Path → git's letter (A, M, D, T): what is unlike the base."""


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
        for folder in ("", "/objects", "/refs", "/info"):  # one by one: those above get the umask's mode
            os.makedirs(f"{self.path}{folder}", fsio.PRIVATE_DIR, exist_ok=True)
        for name, data in files(self.object_format).items():
            fsio.write_atomic(f"{self.path}/{name}", data)

    def git(
        self,
        top: str | None,
        borrowed: list[str],
        index: str | None = None,
        *,
        modes: bool = True,
        objects: str | None = None,
    ) -> Git:
        """Git on this repository.

        Args:
            top: working tree, for commands that need one.
            borrowed: object folders of other repositories to read from.
            index: path of the index to use.
            modes: whether the executable bit on disk means something.
            objects: folder to write objects to, and to read them from, instead of its own.
        """
        extra = {"GIT_DIR": self.path}
        if objects is not None:
            extra["GIT_OBJECT_DIRECTORY"] = objects
        if borrowed:
            extra["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = ":".join(_quoted(path) for path in borrowed)
        if top is not None:
            extra["GIT_WORK_TREE"] = top
        if index is not None:
            extra["GIT_INDEX_FILE"] = index
        git = Git(top or self.store, self._environ, extra)
        return git if modes else git.with_settings(["core.fileMode=false"])

    def write(
        self,
        top: str,
        borrowed: list[str],
        base: str | None,
        paths: Iterable[str],
        gone: Iterable[str] = (),
        *,
        modes: bool = True,
    ) -> Written:
        """Write a tree: that of a commit, with some paths as they are on disk.

        Args:
            top: working tree.
            borrowed: object folders to read from; those of the base, not needed without one.
            base: tree to start from, None for an empty one.
            paths: files, links and submodules to take from disk; what is not there is removed.
            gone: paths to remove whether they are on disk or not.
            modes: whether the executable bit on disk means something.

        Raises:
            GitError: no tree could be written.
            OSError: the store cannot be written.
        """
        base = base or _EMPTY[self.object_format]
        paths = list(dict.fromkeys(paths))
        ready, failed, removed, size = _sorted(top, paths)
        removed = [*dict.fromkeys([*removed, *gone])]
        told = {*paths, *removed}
        name = f"{self.store}/cache/code-{codec.digest(os.fsencode(top))[7:23]}.index"
        kept = keptindex.load(name)
        if kept and not (kept.base == base and kept.modes == modes and told.issuperset(_split(kept.paths))):
            kept = None
        if kept and self._lacking(kept.objects):
            kept = None
        os.makedirs(f"{self.store}/tmp", fsio.PRIVATE_DIR, exist_ok=True)
        ours = f"{self.store}/tmp/{os.getpid()}.{os.urandom(6).hex()}"
        index = f"{ours}.index"
        stage = Stage(f"{ours}.objects", f"{self.path}/objects")
        git = self._staging(stage, top, borrowed, index, modes=modes)
        try:
            if kept:
                kept.restore(index)
            elif base != _EMPTY[self.object_format]:
                git.run("read-tree", base)
            before = _signature(index)
            # Git writes the index anew even for the removal of what is not in it.
            done = (
                {os.fsdecode(path) for path, letter in kept.differing.items() if letter == "D"}
                if kept
                else set()
            )
            failed |= self._update(
                git,
                stage,
                [path for path in ready if path not in done or os.path.lexists(os.path.join(top, path))],
                TIMEOUT + size / _SLOWEST if size > _LARGE else None,
            )
            removed = [path for path in (*removed, *failed) if path not in done]
            if removed:
                git.run("update-index", "--force-remove", "-z", "--stdin", data=_joined(removed))
            if not kept or _signature(index) != before:
                kept = self._finish(git, base, index, modes, stage)
                kept.paths = _joined(told)
                keptindex.save(name, kept)
            differing = {os.fsdecode(path): letter for path, letter in kept.differing.items()}
            return Written(kept.tree, failed, differing)
        finally:
            stage.remove()
            for name in (index, index + ".lock"):
                if os.path.exists(name):
                    os.unlink(name)

    def _staging(
        self,
        stage: Stage,
        top: str | None = None,
        borrowed: Iterable[str] = (),
        index: str | None = None,
        *,
        modes: bool = True,
    ) -> Git:
        """Git that writes to a stage, and flushes nothing."""
        git = self.git(top, [f"{self.path}/objects", *borrowed], index, modes=modes, objects=stage.folder)
        return git.with_settings(["core.fsync=none"])

    def _finish(self, git: Git, base: str, index: str, modes: bool, stage: Stage) -> Kept:
        """Write the tree of an index, with everything that the base does not give it."""
        tree = os.fsdecode(git.run("write-tree")).strip()
        differing: dict[bytes, str] = {}
        objects = [] if tree == base else [tree]
        words = git.run("diff-tree", "-r", "-t", "-z", "--raw", "--no-renames", base, tree).split(b"\0")
        for facts, path in zip(words[0::2], words[1::2], strict=False):
            _, mode, _, new, letter = facts.decode().split(" ")
            if mode not in ("160000", "000000"):
                objects.append(new)
            if mode != "040000":
                differing[path] = letter
        # Git writes nothing that it finds in the project too. There it may be no commit's, only staged or
        # left over, and go away with the project's next gc: so it is brought here.
        lacking = self._lacking(objects, stage)
        if lacking:
            pack = git.run(
                "pack-objects", "-q", "--stdout", data="".join(f"{oid}\n" for oid in lacking).encode()
            )
            self._staging(stage).run("unpack-objects", "-q", data=pack)
        stage.publish(reversed(objects))  # `diff-tree` names a folder before what is in it
        mtime = os.stat(index).st_mtime_ns if os.path.exists(index) else 0
        data = fsio.read_file(index) if mtime else b""
        return Kept(base, modes, b"", tree, differing, objects, mtime, data)

    def _lacking(self, objects: list[str], stage: Stage | None = None) -> list[str]:
        """Objects that are neither staged nor in this repository itself, where they stay, as written now."""
        folder = f"{self.path}/objects"
        away = [
            oid
            for oid in objects
            if not (stage is not None and stage.has(oid))
            and not fsio.freshen(f"{folder}/{oid[:2]}/{oid[2:]}")
        ]
        packs = [f"{folder}/pack"] if stage is None else [f"{folder}/pack", f"{stage.folder}/pack"]
        if not away or not any(os.path.isdir(name) for name in packs):
            return away
        with fsio.absent():
            for name in os.listdir(f"{folder}/pack"):
                fsio.freshen(f"{folder}/pack/{name}")
        git = self.git(None, []) if stage is None else self._staging(stage)
        answer = git.run("cat-file", "--batch-check", data="".join(f"{oid}\n" for oid in away).encode())
        return [line.split(" ")[0] for line in answer.decode().splitlines() if line.endswith(" missing")]

    def _update(self, git: Git, stage: Stage, paths: list[str], seconds: float | None) -> dict[str, str]:
        if not paths:
            return {}
        words = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
        try:
            git.run(*words, data=_joined(paths), seconds=seconds)
        except StoppedError:
            raise  # none of them is at fault
        except GitError as error:
            stage.tidy()
            if len(paths) == 1:
                return {paths[0]: str(error)}
            # One that cannot be stored fails them all: find it, keep the others.
            middle = len(paths) // 2
            halves = (paths[:middle], paths[middle:])
            return {
                path: why for half in halves for path, why in self._update(git, stage, half, seconds).items()
            }
        return {}


def files(object_format: str) -> dict[str, bytes]:
    """The files that make a folder a private repository: name → content, in the order to write them."""
    config = _CONFIG.format(version=0 if object_format == "sha1" else 1)
    if object_format != "sha1":
        config += f"[extensions]\n\tobjectFormat = {object_format}\n"
    # HEAD is the last: git takes a folder for a repository once it is there.
    return {
        "config": config.encode(),
        "info/attributes": _ATTRIBUTES.encode(),
        "HEAD": b"ref: refs/heads/none\n",
    }


def is_ours(path: str, object_format: str, name: str) -> bool:
    """Whether one of these files says what it must.

    Args:
        path: of the repository.
        object_format: its.
        name: of the file.

    Raises:
        OSError: it cannot be told.
    """
    try:
        return fsio.read_file(f"{path}/{name}", limit=1 << 16) == files(object_format)[name]
    except OSError as error:
        if is_passing(error):
            raise
        return False


def _sorted(top: str, paths: list[str]) -> tuple[list[str], dict[str, str], list[str], int]:
    """Divide paths into what git can take (or sees missing), what cannot be read, and what is gone.

    Gone are a path below a symbolic link, which is another file's, and one that is now no file at all.

    Returns:
        Those, and the bytes of what git can take.
    """
    size = 0
    ready: list[str] = []
    failed: dict[str, str] = {}
    gone: list[str] = []
    linked: dict[str, bool] = {"": False}

    def beyond_link(folder: str) -> bool:
        if folder not in linked:
            linked[folder] = beyond_link(os.path.dirname(folder)) or os.path.islink(os.path.join(top, folder))
        return linked[folder]

    for path in paths:
        name = os.path.join(top, path)
        if beyond_link(os.path.dirname(path)):
            gone.append(path)
            continue
        try:
            info = os.lstat(name)
            mode = info.st_mode
        except (FileNotFoundError, NotADirectoryError):
            ready.append(path)
            continue
        except OSError as error:
            failed[path] = f"unreadable: {error.strerror}"
            continue
        if _unnameable(path, mode):
            failed[path] = "a name that git cannot hold"
        elif stat.S_ISREG(mode) and not os.access(name, os.R_OK):
            failed[path] = "unreadable: Permission denied"
        elif stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode):
            ready.append(path)
            size += info.st_size
        else:
            gone.append(path)
    return ready, failed, gone, size


def _unnameable(path: str, mode: int) -> bool:
    """Whether git passes over a path in silence (`verify_path` in its read-cache.c)."""
    parts = path.lower().split("/")
    return ".git" in parts or (stat.S_ISLNK(mode) and ".gitmodules" in parts)


def _joined(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _split(paths: bytes) -> list[str]:
    return os.fsdecode(paths).split("\0")[:-1]


def _signature(name: str) -> tuple[int, int] | None:
    """What changes when git replaces an index."""
    try:
        info = os.stat(name)
    except FileNotFoundError:
        return None
    return info.st_ino, info.st_mtime_ns


def _quoted(path: str) -> str:
    """Quote a path for GIT_ALTERNATE_OBJECT_DIRECTORIES (git(1)) when it holds a separator or a quote."""
    if ":" not in path and not path.startswith('"'):
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
