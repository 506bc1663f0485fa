"""A project with a real git repository, and what a snapshot of it must equal."""

from __future__ import annotations

import os
import pickle
import shutil
import stat
import subprocess
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from xt.collect import Capture
from xt.collect.code import collect
from xt.collect.codestore import CodeStore
from xt.config import CodeSettings, Settings
from xt.context import Outside
from xt.model.code import Code
from xt.model.files import Problem
from xt.model.request import OutputRequest, RunRequest
from xt.model.text import from_text
from xt.store import Store

#: git's mode → what is on disk.
Entry = tuple[str, bytes]


class Project:
    """A folder, a home of its own, and the store."""

    def __init__(self, tmp: Path, name: str = "p", git: bool = True, *init: str) -> None:
        self.tmp = tmp
        self.home = tmp / "home"
        self.home.mkdir(exist_ok=True)
        self.root = tmp / name
        self.pwned = tmp / "pwned"
        self.problems: list[Problem] = []
        (self.home / ".gitconfig").write_text(
            "[user]\n\tname = N\n\temail = n@example.org\n[init]\n\tdefaultBranch = main\n"
            '[protocol "file"]\n\tallow = always\n[commit]\n\tgpgsign = false\n'
        )
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
        }
        self.root.mkdir(parents=True, exist_ok=True)
        if git:
            self.git("init", "-q", *init)

    # --- doing ---------------------------------------------------------------------------------------

    def git(self, *words: str | bytes, cwd: str | Path | None = None, **more: str) -> bytes:
        """Run git as the user would."""
        done = subprocess.run(
            ["git", *words], cwd=cwd or self.root, env=self.environ | more, capture_output=True, check=False
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def write(self, path: str, data: str | bytes = "x\n", mode: int | None = None) -> str:
        """Write a file; returns its absolute path."""
        name = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        if mode is not None:
            os.chmod(name, mode)
        return name

    def read(self, path: str) -> bytes:
        return Path(self.path(path)).read_bytes()

    def commit(self, message: str = "c", cwd: str | Path | None = None) -> str:
        """Commit everything."""
        self.git("add", "-A", cwd=cwd)
        self.git("commit", "-q", "--allow-empty", "-m", message, cwd=cwd)
        return self.git("rev-parse", "HEAD", cwd=cwd).decode().strip()

    def path(self, path: str) -> str:
        return os.path.join(self.root, path)

    # --- looking -------------------------------------------------------------------------------------

    def capture(
        self,
        root: str | Path | None = None,
        cwd: str | None = None,
        outputs: list[str] | None = None,
        environ: dict[str, str] | None = None,
        **code: object,
    ) -> Capture:
        """What `xt run` would give the collector."""
        folder = str(root or self.root)
        store = Store.create(f"{folder}/.xt")
        request = RunRequest(
            ["true"],
            cwd or folder,
            outputs=[OutputRequest("artifact", path, folder) for path in outputs or []],
        )
        settings = Settings(code=msgspec.convert(code, CodeSettings))
        outside = Outside(cwd or folder, self.environ | (environ or {}))
        return Capture(request, outside, folder, store.path, settings, store.objects, store.key())

    def collect(self, root: str | Path | None = None, **more: object) -> Code:
        """Collect the code; problems go to `self.problems`."""
        capture = self.capture(root, **more)  # type: ignore[arg-type]
        code = collect(capture)
        self.problems = capture.problems
        return code

    def tree(
        self, code: Code, tree: str | None = None, borrowed: list[str] | None = None
    ) -> dict[str, Entry]:
        """The snapshot read back: path → mode and bytes (of a submodule, the commit)."""
        tree = tree or code.tree
        assert tree
        if borrowed is None:
            borrowed = [self.objects()] if code.vcs else []
        return read_tree(f"{self.root}/.xt", tree, borrowed, self.environ)

    def objects(self, cwd: str | Path | None = None) -> str:
        top = str(cwd or self.root)
        line = self.git("rev-parse", "--git-path", "objects", cwd=top).rstrip(b"\n")
        return os.path.realpath(os.path.join(top, os.fsdecode(line)))

    def exact(self, code: Code, *away: str, links: dict[str, str] | None = None) -> dict[str, Entry]:
        """Assert that the snapshot is what is on disk, byte for byte and mode for mode.

        Args:
            code: to check.
            away: paths that must not be in it (ignored, left out); of a folder, everything below.
            links: path → commit of submodules.
        """
        assert code.status == "recorded", code.reason
        expected = on_disk(str(self.root), away)
        for path, head in (links or {}).items():
            expected = {name: entry for name, entry in expected.items() if not name.startswith(path + "/")}
            expected[path] = ("160000", head.encode())
        found = self.tree(code)
        assert found == expected
        return found

    def changes(self, code: Code) -> dict[str, str]:
        assert code.changed_total == len(code.changed)
        listed = [from_text(change.path) for change in code.changed]
        assert len(set(listed)) == len(listed), "a path is listed once"
        return {from_text(change.path): change.change for change in code.changed}

    def left_out(self, code: Code) -> dict[str, str]:
        assert code.left_out_total == len(code.left_out)
        return {from_text(entry.path): entry.reason for entry in code.left_out}

    def fingerprint(self, cwd: str | Path | None = None) -> dict[str, object]:
        """Everything in `.git` but our own refs, with times; and what the user sees of it."""
        top = str(cwd or self.root)
        common = os.path.join(
            top, os.fsdecode(self.git("rev-parse", "--git-common-dir", cwd=top).rstrip(b"\n"))
        )
        found: dict[str, object] = {}
        for folder, folders, files in os.walk(common):
            for name in [*files, *folders]:
                path = os.path.join(folder, name)
                inside = os.path.relpath(path, common)
                if inside.startswith("refs/xt"):
                    continue
                info = os.lstat(path)
                if stat.S_ISREG(info.st_mode):
                    # Git gives an object that is wanted again a new time: that keeps it from being pruned.
                    when = 0 if inside.startswith("objects/") else info.st_mtime_ns
                    found[inside] = (info.st_mode, when, info.st_ino, Path(path).read_bytes())
                else:
                    found[inside] = info.st_mode
        for words in (
            ("log", "--all", "--oneline", "--decorate"),
            ("--no-optional-locks", "status", "--porcelain=v2", "--branch"),
            ("stash", "list"),
            ("branch", "-avv"),
            ("show-ref", "--heads", "--tags"),
        ):
            done = subprocess.run(
                ["git", *words], cwd=top, env=self.environ, capture_output=True, check=False
            )
            found[" ".join(words)] = done.stdout
        return found


def on_disk(root: str, away: tuple[str, ...] = ()) -> dict[str, Entry]:
    """Walk a folder: what git can hold of it, path → mode and bytes."""
    found: dict[str, Entry] = {}
    for folder, folders, files in os.walk(root):
        if folder != root and (".git" in files or ".git" in folders):
            folders.clear()  # a repository of its own
            continue
        folders[:] = [name for name in folders if name not in (".git", ".xt")]
        for name in [*files, *(name for name in folders if os.path.islink(os.path.join(folder, name)))]:
            path = os.path.relpath(os.path.join(folder, name), root)
            if any(path == other or path.startswith(other.rstrip("/") + "/") for other in away):
                continue
            if folder == root and name == ".git":
                continue
            entry = entry_of(os.path.join(folder, name))
            if entry:
                found[path] = entry
    return found


def entry_of(name: str) -> Entry | None:
    """Mode and bytes of a path as a tree should have them."""
    mode = os.lstat(name).st_mode
    if stat.S_ISLNK(mode):
        return "120000", os.fsencode(os.readlink(name))
    if not stat.S_ISREG(mode):
        return None
    with open(name, "rb") as file:
        return "100755" if mode & 0o100 else "100644", file.read()


def read_tree(store: str, tree: str, borrowed: list[str], environ: dict[str, str]) -> dict[str, Entry]:
    """Read a tree back through `code.git`, each object in full."""
    git = CodeStore(store, "sha256" if len(tree) == 64 else "sha1", environ).git(None, borrowed)
    entries = []
    for line in git.run("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
        if line:
            facts, _, path = line.partition(b"\t")
            mode, kind, oid = facts.decode().split()
            entries.append((os.fsdecode(path), mode, kind, oid))
    wanted = "".join(f"{oid}\n" for _, _, kind, oid in entries if kind == "blob").encode()
    data = git.run("cat-file", "--batch", data=wanted)
    found: dict[str, Entry] = {}
    for path, mode, kind, oid in entries:
        if kind == "commit":
            found[path] = (mode, oid.encode())
            continue
        header, _, data = data.partition(b"\n")
        assert b" blob " in header, (path, header)
        size = int(header.split()[2])
        found[path] = (mode, data[:size])
        data = data[size + 1 :]
    return found


def touch_script(project: Project, name: str = "evil", tail: str = "exit 1") -> str:
    """A program that leaves a trace when it is run."""
    path = project.tmp / name
    path.write_text(f"#!/bin/sh\ntouch '{project.pwned}'\n{tail}\n")
    path.chmod(0o755)
    return str(path)


def remove(path: str) -> None:
    shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)


def as_nobody(work: Callable[[], Any]) -> Any:
    """Do something without root's powers, in a child process; returns what it returns.

    What it needs must be imported already: the child may not be able to read the sources.
    """
    if os.geteuid() != 0:
        return work()
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fork beside pytest's threads; the child only runs `work`
        child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with os.fdopen(writer, "wb") as file:
                pickle.dump(work(), file)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        data = file.read()
    assert os.waitpid(child, 0)[1] == 0
    return pickle.loads(data)


def own(folder: str | Path) -> None:
    """Give a folder to the user of `as_nobody`, and let it be reached."""
    if os.geteuid() != 0:
        return
    for above, folders, files in os.walk(folder):
        for name in (above, *(os.path.join(above, name) for name in (*folders, *files))):
            os.chown(name, 65534, 65534, follow_symlinks=False)
    above = str(folder)
    while above != "/":
        if not os.stat(above).st_mode & 0o001:
            os.chmod(above, os.stat(above).st_mode | 0o111)
        above = os.path.dirname(above)
