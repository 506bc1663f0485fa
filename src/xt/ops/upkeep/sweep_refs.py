"""Take away `refs/xt/keep/<commit>` in the project's repositories, where only dropped runs had it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from xt import fsio
from xt.collect import gitdir
from xt.collect.git import Git, GitError
from xt.collect.packs import is_id
from xt.collect.shot import KEPT, keep
from xt.context import Outside
from xt.ops.upkeep.survey import Survey
from xt.ops.upkeep.tally import Tally
from xt.store import Store
from xt.store.layout import FOLDER

#: Folders in which another store is looked for.
_MOST = 20_000


def references(
    store: Store,
    known: Survey,
    dropped: Iterable[str],
    commits: set[str],
    outside: Outside,
    cutoff: int,
    tally: Tally,
) -> int:
    """Remove the references that are needed no more.

    Args:
        store: of the project.
        known: its runs.
        dropped: those of them that count no more.
        commits: that dropped runs began with.
        outside: for git.
        cutoff: nanoseconds since 1970; a reference that is newer stays.
        tally: counts.

    Returns:
        How many went, or would go.
    """
    gone = {*dropped}
    needed = {tree.head for run in known.runs.values() if run.id not in gone for tree in run.code}
    commits = {commit for commit in commits - needed if is_id(commit)}
    folders = {""} | {tree.folder for run in known.runs.values() for tree in run.code}
    root = os.path.dirname(store.path)
    top = gitdir.find_top(root)
    if not commits or top is None:
        return 0
    count = 0
    for folder in sorted(folders):
        place = os.path.normpath(os.path.join(top, folder))
        try:
            count += _repository(store, known, place, commits, outside, cutoff, tally)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (GitError, OSError) as error:
            tally.notes.append(f"references of `{place}` were left alone: {error}")
    return count


def _repository(
    store: Store, known: Survey, top: str, commits: set[str], outside: Outside, cutoff: int, tally: Tally
) -> int:
    common = gitdir.find(top).common
    git = Git(top, outside.environ)
    listing = git.run("for-each-ref", "--format=%(refname) %(objectname)", KEPT).decode().splitlines()
    found = dict(row.removeprefix(KEPT).split(" ") for row in listing if row.startswith(KEPT))
    found = {commit: tree for commit, tree in found.items() if commit in commits}
    if not found:
        return 0
    other = _other_store(git, top, store.path)
    if other is not None:
        tally.notes.append(f"{len(found)} of `{KEPT}*` in `{top}` stay: {other} may need them")
        return 0
    gone = 0
    for commit, tree in found.items():
        with contextlib.suppress(FileNotFoundError):  # git packed it
            if os.lstat(f"{common}/{KEPT}{commit}").st_mtime_ns >= cutoff:
                continue
        if not tally.dry:
            git.run("update-ref", "-d", f"{KEPT}{commit}", tree)
        gone += 1
    if gone and not tally.dry and known.refresh():
        # A run that began meanwhile may have found one that went.
        for run in known.runs.values():
            for need in run.code:
                if need.head in found:
                    keep(git, common, need.head, found[need.head], KEPT)
    return gone


def _other_store(git: Git, top: str, own: str) -> str | None:
    """Another place that uses the repository and has a store, or could have one; None when there is none."""
    listing = git.run("worktree", "list", "--porcelain", "-z" if _knows_z(git) else "--porcelain")
    rows = listing.replace(b"\0", b"\n").split(b"\n")
    tops = [os.fsdecode(row[len(b"worktree ") :]) for row in rows if row.startswith(b"worktree ")]
    for other in tops:
        if os.path.realpath(other) != os.path.realpath(top):
            # One that is not there may be on a disk that is not mounted, or was moved without git.
            return f"the working tree `{other}`"
    above = os.path.realpath(top)
    while above != os.path.dirname(above):
        above = os.path.dirname(above)  # of a repository inside another the outer store has refs here too
        if _is_another(f"{above}/{FOLDER}", own):
            return f"the store `{above}/{FOLDER}`"
    unread: list[OSError] = []
    for looked, (folder, folders, _) in enumerate(os.walk(top, onerror=unread.append)):
        if unread:
            return f"what is in `{os.fsdecode(unread[0].filename)}`, which cannot be listed,"
        if looked > _MOST:
            return "another store below it"
        inside = os.path.join(folder, FOLDER)
        if _is_another(inside, own):
            return f"the store `{inside}`"
        folders[:] = [name for name in folders if name not in (".git", FOLDER, "node_modules", ".venv")]
    return None


def _is_another(store: str, own: str) -> bool:
    return fsio.is_there(f"{store}/format") and os.path.realpath(store) != os.path.realpath(own)


def _knows_z(git: Git) -> bool:
    """Whether `git worktree list` parts what it lists by NUL (since git 2.36)."""
    words = git.run("version").decode().split()
    parts = words[2].split(".") if len(words) > 2 else []
    numbers = [int(part) for part in parts[:2] if part.isdigit()]
    return numbers >= [2, 36]
