"""The code that runs: an exact snapshot of the working tree, or the honest statement that there is none."""

from __future__ import annotations

import os

from xt.collect import Capture
from xt.collect.git import GitError
from xt.collect.gitdir import find_top
from xt.collect.shot import Shot, remote
from xt.collect.worktree import Look, look, look_folder
from xt.errors import reason
from xt.model.code import Code
from xt.model.text import to_text
from xt.redact import clean

#: Entries of each list in a record; the totals count all.
LISTED = 1000
#: Files looked at before a folder without git is called too large to snapshot.
FOLDER_FILES = 20_000


def collect(capture: Capture) -> Code:
    """Snapshot the code of the project.

    In a git repository it is the whole working tree the project's root is in; elsewhere the root.
    """
    top = find_top(capture.root)
    try:
        if top is None:
            return _folder(capture)
        return _repository(capture, top)
    except GitError as error:
        hint = None
        if "dubious ownership" in str(error):
            hint = f"git config --global --add safe.directory {top}"
        capture.problem("code", f"no snapshot: {error}", hint)
        return Code(status="none", reason=str(error))
    except OSError as error:
        capture.problem("code", f"no snapshot: {reason(error)}")
        return Code(status="none", reason=reason(error))


def _repository(capture: Capture, top: str) -> Code:
    seen = look(top, capture.outside.environ)
    shot = Shot(capture, seen)
    _warn_if_ignored(capture, seen)
    return Code(
        status="recorded",
        vcs="git",
        tree=shot.tree,
        object_format="sha256" if seen.object_format == "sha256" else "sha1",
        root=to_text(os.path.relpath(top, capture.root)),
        head=seen.head,
        branch=to_text(clean(seen.branch)) if seen.branch is not None else None,
        detached=seen.branch is None,
        remote=remote(seen, capture),
        dirty=bool(shot.changed),
        shallow=seen.places is not None and os.path.exists(f"{seen.places.common}/shallow"),
        worktree=seen.places is not None and seen.places.linked,
        partial=seen.partial(),
        changed=shot.changed[:LISTED],
        changed_total=len(shot.changed),
        raw=[to_text(path) for path in shot.raw[:LISTED]],
        lfs_pointers=shot.lfs_pointers,
        left_out=shot.left_out[:LISTED],
        left_out_total=len(shot.left_out),
        ignored_total=_count(seen.ignored),
        empty_dirs=[to_text(path) for path in shot.empty[:LISTED]],
        repositories=shot.repositories,
    )


def _folder(capture: Capture) -> Code:
    """Snapshot a folder outside git: the same, with nothing to borrow."""
    if _too_large(capture):
        reason = f"more than {FOLDER_FILES} files and no git repository"
        hint = "declare folders of data with `-i PATH`; or `git init`, and ignore what is not code"
        capture.problem("code", f"no snapshot: {reason}", hint)
        return Code(status="none", reason=reason)
    from xt.collect.codestore import CodeStore

    store = CodeStore(capture.store, "sha1", capture.outside.environ)
    seen = look_folder(store.git(capture.root, [], f"{capture.store}/tmp/none.index"))
    shot = Shot(capture, seen)
    return Code(
        status="recorded",
        reason="not a git repository: the folder as it is",
        tree=shot.tree,
        root=".",
        left_out=shot.left_out[:LISTED],
        left_out_total=len(shot.left_out),
        ignored_total=_count(seen.ignored),
        empty_dirs=[to_text(path) for path in shot.empty[:LISTED]],
        repositories=shot.repositories,
    )


def _too_large(capture: Capture) -> bool:
    """Whether there are too many files, not counting those of repositories and declared folders."""
    root = capture.root
    apart: set[str] = set()
    if capture.request.inputs:
        from xt.collect.apart import places

        apart = {declared.place for declared in places(capture) if declared.pattern is None}
    count = 0
    for folder, folders, files in os.walk(root):
        if folder in apart or (folder != root and (".git" in folders or ".git" in files)):
            folders.clear()
            continue
        folders[:] = [name for name in folders if name != ".xt"]
        count += len(files)
        if count > FOLDER_FILES:
            return True
    return False


def _warn_if_ignored(capture: Capture, seen: Look) -> None:
    """Say so when what runs is most likely not in the snapshot at all."""
    here = os.path.relpath(os.path.realpath(capture.request.cwd), os.path.realpath(seen.top))
    if any(path.endswith("/") and f"{here}/".startswith(path) for path in seen.ignored):
        capture.problem("code", f"`{here}` is ignored by git: nothing in it is in the snapshot")


def _count(ignored: list[str]) -> int:
    """Ignored paths, without those of the store itself."""
    return sum(1 for path in ignored if not path.startswith(".xt/") and "/.xt/" not in path)
