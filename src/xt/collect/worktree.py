"""Look at a git working tree: what differs from its commit, what is ignored, what is nested in it.

A few git processes run side by side and only read. `Look` is what they said.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from xt.collect import attributes, gitdir
from xt.collect.git import Git, GitError, Running
from xt.collect.gitdir import GitDir
from xt.model.code import ChangeKind

_CONFIG = (
    r"^(remote\..*\.(url|promisor)|branch\..*\.remote|filter\..*\.(clean|smudge|process|required)"
    r"|core\.(autocrlf|attributesfile|filemode|ignorecase|worktree)|extensions\.(partialclone|objectformat))$"
)
#: A look during which a commit or a `git add` happened is taken again this often.
_LOOKS = 4
_STATUS = (
    "status",
    "--porcelain=v2",
    "--branch",
    "-z",
    "--untracked-files=all",
    "--ignored=matching",
    "--no-renames",
)
#: Tracked paths whose lstat differs from the index, content not looked at.
_UNLIKE = ("diff-files", "-z", "--name-only", "--ignore-submodules=all")


class Item(NamedTuple):
    """A path that `git status` names."""

    path: str
    change: ChangeKind


class Look(msgspec.Struct, frozen=True):
    """The state of one working tree."""

    git: Git
    """To ask more about it, with its filters switched off."""
    top: str
    borrowed: list[str]
    """Folders of objects that its commits are in."""
    head: str | None = None
    head_tree: str | None = None
    branch: str | None = None
    items: list[Item] = []
    """Changed and untracked paths, relative to the top; a nested repository ends in `/`."""
    ignored: list[str] = []
    gitlinks: dict[str, str] = {}
    """Path → commit, of every submodule in the index."""
    hidden: list[str] = []
    """Tracked paths git was told not to look at (assume-unchanged, skip-worktree)."""
    rules: list[bytes] = []
    """Attribute files that can convert something."""
    touched: list[str] = []
    """With such rules: tracked paths not as git left them, which need not be a change in git's eyes."""
    settings: dict[str, str] = {}
    """The few settings of `_CONFIG`."""
    places: GitDir | None = None
    """None for a folder outside git."""
    modes: bool = True
    """Whether the executable bit means something here."""
    steady: bool = True
    """Whether the repository stood still meanwhile."""

    @property
    def object_format(self) -> str:
        """`sha1` or `sha256`."""
        return self.settings.get("extensions.objectformat", "sha1").lower()

    def remote(self) -> str | None:
        """URL of the remote the branch follows, else of `origin`, else of the only one."""
        names = [self.settings.get(f"branch.{self.branch}.remote"), "origin"]
        urls = {
            key.removeprefix("remote.").removesuffix(".url"): value
            for key, value in self.settings.items()
            if key.startswith("remote.") and key.endswith(".url")
        }
        for name in names:
            if name in urls:
                return urls[name]
        return next(iter(urls.values())) if len(urls) == 1 else None

    def partial(self) -> bool:
        """Whether objects are missing on purpose."""
        return "extensions.partialclone" in self.settings or any(
            key.endswith(".promisor") for key in self.settings
        )


def look(top: str, environ: Mapping[str, str]) -> Look:
    """Look at a working tree.

    Args:
        top: absolute.
        environ: for git.

    Raises:
        GitError: git refuses (not a repository after all, foreign owner), or fails.
        OSError: `.git` cannot be read.
    """
    places = gitdir.find(top)
    for _ in range(_LOOKS):
        before = places.state()
        seen = _ask(Git(top, environ), places, environ)
        if places.state() == before:
            return seen
    return msgspec.structs.replace(seen, steady=False)


def look_folder(git: Git) -> Look:
    """Look at a folder outside git, with `git` on our own repository: everything in it is untracked."""
    _, _, items, ignored = _status(git.run(*_STATUS))
    return Look(git, git.folder, [], items=items, ignored=ignored)


def _ask(git: Git, places: GitDir, environ: Mapping[str, str]) -> Look:
    top = git.folder
    running: list[Running] = []

    def start(*words: str) -> Running:
        running.append(git.start(*words))
        return running[-1]

    try:
        configured = start("config", "-z", "--get-regexp", _CONFIG)
        commit = start("rev-parse", "--show-prefix", "--revs-only", "HEAD", "HEAD^{tree}")
        listed = start("ls-files", "-z", "--stage", "-v")
        settings = _settings(configured.wait(may_fail=True))
        git = git.with_settings(_at_odds(settings, places))
        # Not before the settings are known: status runs the clean filter of every file that looks touched.
        status = start(*_STATUS, "--ignore-submodules=dirty")
        gitlinks, hidden, tracked = _listing(listed.wait())
        rules = attributes.rules(top, tracked, places.common, settings, environ)
        unlike = start(*_UNLIKE) if rules or "core.autocrlf" in settings else None
        prefix, *ids = os.fsdecode(commit.wait()).split("\n")
        head, branch, items, ignored = _status(status.wait())
        new = attributes.rules(top, _attribute_files(items, ignored))
        if new and unlike is None:
            unlike = start(*_UNLIKE)
        touched = _paths(unlike.wait()) if unlike else []
    finally:
        for process in running:
            process.end()
    if prefix:
        raise GitError(f"`{top}/.git` is not a usable repository")
    _check_worktree(top, places, settings)
    if branch is None and places.head() == b"ref: refs/heads/(detached)\n":
        branch = "(detached)"  # a legal name
    head_tree = ids[1] if head is not None and ids[0] == head else None
    if head is not None and head_tree is None:  # a commit came between
        head_tree = os.fsdecode(git.run("rev-parse", "--verify", f"{head}^{{tree}}")).strip()
    return Look(
        git=git,
        top=top,
        borrowed=[places.objects],
        head=head,
        head_tree=head_tree,
        branch=branch,
        items=items,
        ignored=ignored,
        gitlinks=gitlinks,
        hidden=hidden,
        rules=[*rules, *new],
        touched=touched,
        settings=settings,
        places=places,
        modes=not _off(settings.get("core.filemode")) or _keeps_modes(places),
    )


def _at_odds(settings: Mapping[str, str], places: GitDir) -> list[str]:
    """Settings to look with, where the repository's own would run something or look away."""
    chosen = []
    for name in {key[7:].rpartition(".")[0] for key in settings if key.startswith("filter.")}:
        if "=" in name:
            raise GitError(f"the filter `{name}` cannot be switched off")
        chosen += [f"filter.{name}.{part}=" for part in ("clean", "smudge", "process")]
        chosen.append(f"filter.{name}.required=false")
    if _off(settings.get("core.filemode")) and _keeps_modes(places):
        chosen.append("core.fileMode=true")
    if "core.ignorecase" in settings and not os.path.lexists(f"{places.common}/hEAD"):
        chosen.append("core.ignoreCase=false")
    return chosen


def _off(value: str | None) -> bool:
    return value is not None and value.lower() in ("false", "no", "off", "0", "")


def _keeps_modes(places: GitDir) -> bool:
    """Whether the file system has executable bits: where it has none, HEAD seems to be executable."""
    try:
        return not os.stat(f"{places.common}/HEAD").st_mode & 0o111
    except OSError:
        return True


def _check_worktree(top: str, places: GitDir, settings: Mapping[str, str]) -> None:
    if "core.worktree" in settings:
        chosen = os.path.join(places.own, settings["core.worktree"])
        if os.path.realpath(chosen) != os.path.realpath(top):
            raise GitError(f"the working tree of `{top}/.git` is elsewhere: {chosen}")


def _attribute_files(items: list[Item], ignored: list[str]) -> list[str]:
    paths = [item.path for item in items if item.change == "untracked"]
    name = ".gitattributes"
    # Not `basename`: there may be hundreds of thousands.
    return [path for path in (*paths, *ignored) if path.endswith(name) and f"/{path}".endswith(f"/{name}")]


def _status(data: bytes) -> tuple[str | None, str | None, list[Item], list[str]]:
    """Read git-status(1)'s porcelain format version 2, separated by NUL."""
    head = branch = None
    items: list[Item] = []
    ignored: list[str] = []
    for entry in os.fsdecode(data).split("\0"):
        sort = entry[:1]
        if sort == "1":
            _, _, _, _, _, in_worktree, _, _, path = entry.split(" ", 8)
            items.append(Item(path, _change(entry, in_worktree)))
        elif sort == "?":
            items.append(Item(entry[2:], "untracked"))
        elif sort == "!":
            ignored.append(entry[2:])
        elif sort == "u":
            items.append(Item(entry.split(" ", 10)[10], "unmerged"))
        elif entry.startswith("# branch.oid ") and not entry.endswith("(initial)"):
            head = entry[13:]
        elif entry.startswith("# branch.head ") and not entry.endswith(" (detached)"):
            branch = entry[14:]
    return head, branch, items, ignored


def _change(entry: str, in_worktree: str) -> ChangeKind:
    if in_worktree == "000000":
        return "deleted"
    letters = entry[2:4]
    if "A" in letters:
        return "added"
    return "typechange" if "T" in letters else "modified"


def _listing(data: bytes) -> tuple[dict[str, str], list[str], list[str]]:
    """Read `ls-files --stage -v -z`; nearly always nothing in it is of interest, and that is quick."""
    gitlinks: dict[str, str] = {}
    hidden: list[str] = []
    attributes: list[str] = []
    usual = data.count(b"\0H ") + data.startswith(b"H ")
    if b" 160000 " in data:
        for entry in data.split(b"\0"):
            if entry[2:8] == b"160000":
                meta, _, path = entry.partition(b"\t")
                gitlinks[os.fsdecode(path)] = meta.split(b" ")[2].decode()
    if usual != data.count(b"\0"):
        for entry in data.split(b"\0"):
            if entry[:1] == b"S" or entry[:1].islower():
                hidden.append(os.fsdecode(entry.partition(b"\t")[2]))
    if b".gitattributes\0" in data:
        for entry in data.split(b"\0"):
            path = entry.partition(b"\t")[2]
            if path == b".gitattributes" or path.endswith(b"/.gitattributes"):
                attributes.append(os.fsdecode(path))
    return gitlinks, hidden, attributes


def _paths(data: bytes) -> list[str]:
    return [path for path in os.fsdecode(data).split("\0") if path]


def _settings(data: bytes) -> dict[str, str]:
    r"""Read `config -z --get-regexp`: `KEY\nVALUE\0`; a key without a value means true."""
    found: dict[str, str] = {}
    for entry in _paths(data):
        key, separator, value = entry.partition("\n")
        if not (key.endswith(".url") and key in found):  # of several URLs git fetches from the first
            found[key] = value if separator else "true"
    return found
