"""The code that runs: an exact snapshot of the working tree, or the honest statement that there is none."""

from __future__ import annotations

import os
from typing import Literal

import msgspec

from xt.collect import Capture
from xt.collect.codestore import CodeStore
from xt.collect.conversion import converted
from xt.collect.git import Git, GitError
from xt.collect.selection import choose, specials
from xt.collect.worktree import Look, find_top, look
from xt.model.code import Change, Code, LeftOut, Repository
from xt.model.text import Text, from_text, to_text
from xt.redact import clean_url

#: Entries of each list in a record; the totals count all.
LISTED = 1000
#: Repositories inside repositories are followed this deep.
DEPTH = 4
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
        capture.problem("code", f"no snapshot: {error.strerror}: {error.filename}")
        return Code(status="none", reason=f"{error.strerror}: {error.filename}")


def _repository(capture: Capture, top: str) -> Code:
    seen = look(Git(top, capture.outside.environ))
    if seen.head is not None:
        _protect(capture, seen)
    shot = _Shot(capture, seen, depth=0)
    return Code(
        status="recorded",
        vcs="git",
        tree=shot.tree,
        object_format="sha256" if seen.object_format == "sha256" else "sha1",
        root=to_text(os.path.relpath(top, capture.root)),
        head=seen.head,
        branch=to_text(seen.branch) if seen.branch is not None else None,
        detached=seen.branch is None,
        remote=_remote(seen),
        dirty=shot.tree != seen.head_tree if shot.tree else None,
        shallow=seen.shallow,
        worktree=seen.worktree,
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
    store = CodeStore(capture.store, "sha1", capture.outside.environ)
    count = 0
    for _, folders, files in os.walk(capture.root):
        folders[:] = [name for name in folders if name != ".xt"]
        count += len(files)
        if count > FOLDER_FILES:
            reason = f"more than {FOLDER_FILES} files and no git repository"
            capture.problem("code", f"no snapshot: {reason}", "`git init`, and ignore what is not code")
            return Code(status="none", reason=reason)
    git = store.git(capture.root, [], f"{capture.store}/tmp/none.index")
    listed = git.run("ls-files", "-z", "--others", "--exclude-standard")
    ignored = git.run("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    paths = [path for path in os.fsdecode(listed).split("\0") if path]
    nested = [path for path in paths if path.endswith("/")]
    ignored_paths = [path for path in os.fsdecode(ignored).split("\0") if path]
    files = [path for path in paths if not path.endswith("/")]
    kept, left = choose(capture.root, files, capture.settings.code, _outputs(capture))
    tree, failed = store.write(capture.root, [], None, [], kept)
    odd, empty = specials(capture.root, ignored_paths, nested)
    left = [
        *left,
        *odd,
        *(LeftOut(to_text(path), "a git repository of its own; run xt inside it") for path in nested),
        *(LeftOut(to_text(path), reason) for path, reason in failed.items()),
    ]
    return Code(
        status="recorded",
        reason="not a git repository: the folder as it is",
        tree=tree,
        root=".",
        left_out=left[:LISTED],
        left_out_total=len(left),
        ignored_total=_count(ignored_paths),
        empty_dirs=[to_text(path) for path in empty[:LISTED]],
    )


class _Shot:
    """The snapshot of one working tree, and of the repositories inside it."""

    def __init__(self, capture: Capture, seen: Look, depth: int) -> None:
        settings = capture.settings.code
        untracked = [item.path for item in seen.items if item.change == "untracked"]
        nested = [path.rstrip("/") for path in untracked if path.endswith("/")]
        modified = [item.path for item in seen.items if item.change != "untracked"]
        files = [path for path in untracked if not path.endswith("/")]
        kept, left = choose(seen.top, files, settings, _outputs(capture))
        # A path deleted from the index and still on disk is both; what `choose` left out stays out.
        refused = {entry.path for entry in left}
        modified = [path for path in modified if to_text(path) not in refused]
        self.raw, self.lfs_pointers, odd = converted(
            Git(seen.top, capture.outside.environ), seen, f"{capture.store}/cache", settings.max_file
        )
        self.tree = seen.head_tree
        failed: dict[str, str] = {}
        forced = [*seen.hidden, *self.raw]
        if modified or kept or forced or seen.head_tree is None:
            store = CodeStore(capture.store, seen.object_format, capture.outside.environ)
            self.tree, failed = store.write(
                seen.top, [seen.objects], seen.head_tree, forced, [*modified, *kept]
            )
        special, self.empty = specials(seen.top, seen.ignored, [*nested, *seen.gitlinks])
        self.left_out = [
            *left,
            *odd,
            *special,
            *(LeftOut(to_text(path), reason) for path, reason in failed.items()),
        ]
        self.changed = [
            Change(to_text(item.path), item.change) for item in seen.items if item.path[-1] != "/"
        ]
        self.repositories: list[Repository] = []
        for path, commit in seen.gitlinks.items():
            self._inside(capture, seen, path, commit, depth)
        for path in nested:
            self._inside(capture, seen, path, None, depth)

    def _inside(self, capture: Capture, outer: Look, path: str, commit: str | None, depth: int) -> None:
        """Snapshot a submodule (with the commit the outer index names) or a nested repository."""
        top = os.path.join(outer.top, path)
        kind: Literal["nested", "submodule"] = "nested" if commit is None else "submodule"
        if not os.path.lexists(os.path.join(top, ".git")):
            self.repositories.append(
                Repository(to_text(path), kind, "absent", commit, None, None, None, None, None)
            )
            return
        try:
            if depth >= DEPTH:
                raise GitError(f"more than {DEPTH} repositories inside each other")
            seen = look(Git(top, capture.outside.environ))
            shot = _Shot(capture, seen, depth + 1)
        except (GitError, OSError) as error:
            capture.problem("code", f"`{path}` is not in the snapshot: {error}")
            self.repositories.append(
                Repository(to_text(path), kind, "failed", commit, None, None, None, None, None, str(error))
            )
            return
        self.repositories.append(
            Repository(
                path=to_text(path),
                kind=kind,
                status="recorded",
                recorded_head=commit,
                head=seen.head,
                branch=to_text(seen.branch) if seen.branch is not None else None,
                dirty=shot.tree != seen.head_tree,
                tree=shot.tree,
                remote=_remote(seen),
            )
        )
        for entry in shot.left_out:
            self.left_out.append(LeftOut(_below(path, entry.path), entry.reason, entry.size))
        self.empty += [f"{path}/{folder}" for folder in shot.empty]
        for inner in shot.repositories:
            self.repositories.append(_moved(inner, path))


def _protect(capture: Capture, seen: Look) -> None:
    """Keep the base commit from the project's garbage collection, once per commit."""
    ref = f"refs/xt/keep/{seen.head}"
    if os.path.exists(os.path.join(seen.common_dir, ref)):
        return
    try:
        Git(seen.top, capture.outside.environ).run("update-ref", ref, str(seen.head))
    except GitError as error:
        capture.problem("code", f"commit {seen.head} is not protected from git's gc: {error}")


def _count(ignored: list[str]) -> int:
    """Ignored paths, without those of the store itself."""
    return sum(1 for path in ignored if not path.startswith(".xt/") and "/.xt/" not in path)


def _remote(seen: Look) -> Text | None:
    url = seen.remote()
    return to_text(clean_url(url)) if url is not None else None


def _outputs(capture: Capture) -> list[str]:
    return [os.path.normpath(os.path.join(item.base, item.path)) for item in capture.request.outputs]


def _below(path: str, inner: Text) -> Text:
    return to_text(f"{path}/{from_text(inner)}")


def _moved(inner: Repository, path: str) -> Repository:
    return msgspec.structs.replace(inner, path=_below(path, inner.path))
