"""Bring code back that is damaged or missing: from the project, from a remote, from the working tree."""

from __future__ import annotations

import os
from collections.abc import Iterator

from xt import fsio
from xt.collect import codestore, packs
from xt.collect.codestore import CodeStore
from xt.collect.git import Git, GitError
from xt.errors import DamagedError
from xt.model.snapshot import Snapshot
from xt.ops.code_trees import repository, trees
from xt.ops.repeat.places import tops
from xt.ops.sync.code import Code
from xt.ops.upkeep.aside import put_aside
from xt.ops.upkeep.check_code import lenders
from xt.ops.upkeep.git_objects import FOLDERS, fault_of
from xt.ops.upkeep.looking import Suspect, Unread
from xt.ops.upkeep.mending import Mending
from xt.store.remote import Remote

#: Files that are taken from the working tree for one run.
_MOST = 10_000
_LINK = "120000"


def damaged(mending: Mending, suspect: Suspect) -> None:
    """Put a damaged object or pack aside, and bring what it held to those that need it."""
    if suspect.path is None:
        suspect.hint = "it is an object of the project: `git fsck` there says more"
        return
    store, name = mending.store.path, suspect.path
    for form, folder in FOLDERS.items():
        if name in {f"{folder}/{one}" for one in codestore.files(form)}:
            suspect.aside = put_aside(store, name)
            fsio.write_atomic(f"{store}/{name}", codestore.files(form)[name.removeprefix(f"{folder}/")])
            suspect.repaired = "written again"
            return
    # All of them, before git is asked anything: it would wait for a FIFO, say.
    for other in mending.look.suspects:
        if other.code == suspect.code and other.aside is None and other.path is not None:
            _aside(mending, other)
    if suspect.repaired is None and not suspect.trees:
        suspect.repaired = "no run needs it"
    elif suspect.repaired is None:
        missing(mending, suspect)


def _aside(mending: Mending, suspect: Suspect) -> None:
    store, name = mending.store.path, suspect.path
    assert name is not None
    stem, ending = os.path.splitext(name)
    if "/objects/" not in name:
        return
    if isinstance(fault_of(f"{store}/{name}", suspect.digest), Unread):
        raise DamagedError("it cannot be read: the disk, or the server behind it, fails")
    if ending in (".idx", ".rev") and os.path.isfile(f"{store}/{stem}.pack"):
        suspect.aside = put_aside(store, name)
        if _indexed(mending, f"{store}/{stem}.pack"):
            suspect.repaired = "made anew from the pack"
            return
    oid = suspect.digest
    suspect.aside = put_aside(store, name, lambda moved: _may_be_good(moved, oid)) or suspect.aside
    if ending == ".pack":
        for other in (".idx", ".rev"):
            put_aside(store, stem + other)


def _may_be_good(path: str, oid: str | None) -> bool:
    reason = fault_of(path, oid)
    return reason is None or isinstance(reason, Unread)


def missing(mending: Mending, suspect: Suspect) -> None:
    """Bring what runs lack of their code."""
    ways: dict[tuple[str, str], str] = {}
    needed = list(dict.fromkeys(suspect.trees))
    for run, folder in needed:
        record = mending.sources.record(run)
        way = None if record is None else _completed(mending, record.snapshot, folder)
        if way is not None:
            ways[run, folder] = way
    if len(ways) == len(needed):
        suspect.repaired = ", ".join(dict.fromkeys(filter(None, ways.values()))) or "the project has it"
        return
    suspect.hint = "`xt push --code` from a store that has it, or a commit that has it, heals it"
    lacking = {run for run, folder in needed if (run, folder) not in ways}
    suspect.runs = {run: parts for run, parts in suspect.runs.items() if run in lacking}


def _completed(mending: Mending, snapshot: Snapshot, folder: str) -> str | None:
    """Make a tree whole; say how (empty: it is already), or None when it is not."""
    store, outside = mending.store, mending.look.outside
    tree = trees(snapshot).get(folder)
    if tree is None:
        return None
    own = repository(store, tree, outside)
    git = own.git(None, list(dict.fromkeys(lenders(store, snapshot, folder, outside))))
    if packs.is_complete(git, tree):
        return ""

    def question(remote: Remote) -> bool | None:
        Code(store, remote, outside).pull(snapshot)
        return packs.is_complete(git, tree) or None

    found = mending.sources.places.ask(question)
    if found is not None:
        return f"brought from the remote `{found[1].name}`"
    for top in tops(store, snapshot, outside) or [os.path.dirname(store.path)]:
        _take(own, git, tree, os.path.join(top, folder))
        if packs.is_complete(git, tree):
            return f"taken from `{top}`"
    return None


def _take(own: CodeStore, git: Git, tree: str, top: str) -> None:
    """Take from a working tree what has the right content still."""
    try:
        files = dict(_files(git, tree))
        asked = "".join(f"{oid}\n" for oid in files).encode()
        lines = git.run("cat-file", "--batch-check", data=asked).decode().splitlines()
    except GitError:
        return
    lacking = [line.split(" ")[0] for line in lines if line.endswith(" missing")]
    for oid in lacking[:_MOST]:
        mode, path = files[oid]
        place = os.path.join(top, path)
        words = ["hash-object", "-t", "blob", "--no-filters"]
        try:
            if mode == _LINK:
                data, told = os.fsencode(os.readlink(place)), ["--stdin"]
            elif os.path.isfile(place) and not os.path.islink(place):
                data, told = b"", ["--", os.path.abspath(place)]
            else:
                continue
            if own.git(None, []).run(*words, *told, data=data).decode().strip() == oid:
                own.git(None, []).run(*words, "-w", *told, data=data)
        except (GitError, OSError):
            continue


def _files(git: Git, tree: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for row in git.run("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")[:-1]:
        facts, _, name = row.partition(b"\t")
        mode, kind, oid = facts.decode().split(" ")
        if kind == "blob":
            yield oid, (mode, os.fsdecode(name))


def _indexed(mending: Mending, pack: str) -> bool:
    form = "sha256" if f"/{FOLDERS['sha256']}/" in pack else "sha1"
    try:
        CodeStore(mending.store.path, form, mending.look.outside.environ).git(None, []).run(
            "index-pack", pack, seconds=packs.LONG
        )
    except GitError:
        return False
    return True
