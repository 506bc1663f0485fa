"""The snapshot of one working tree, and of the repositories inside it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal

import msgspec

from xt import fsio
from xt.collect import Capture
from xt.collect.conversion import converted
from xt.collect.git import Git, GitError
from xt.collect.selection import HINT, KEY, choose, is_key, specials
from xt.collect.worktree import Look, look
from xt.model.code import Change, ChangeKind, LeftOut, Repository
from xt.model.text import Text, from_text, to_text
from xt.redact import clean, clean_url, taken

#: References that protect what runs began with.
KEPT = "refs/xt/keep/"
#: Repositories inside repositories are followed this deep.
DEPTH = 4
#: How the reasons begin why a file was never offered to git; all others say that it could not be stored.
NEVER_OFFERED = ("unreadable", "a name that git cannot hold")
_LETTERS: dict[str, ChangeKind] = {"A": "added", "D": "deleted", "T": "typechange"}


class Shot:
    """What a snapshot of one working tree holds; made by being constructed."""

    def __init__(self, capture: Capture, seen: Look, depth: int = 0) -> None:
        """Write the tree, then those of the repositories inside.

        Args:
            capture: the run's.
            seen: the working tree.
            depth: repositories around this one.

        Raises:
            GitError: no tree could be written.
            OSError: the store cannot be written.
        """
        settings = capture.settings.code
        if not seen.steady:
            capture.problem(
                "code",
                f"`{seen.top}` was committed or checked out meanwhile: the snapshot may be a mixture",
            )
        protect(capture, seen)
        nested = [item.path.rstrip("/") for item in seen.items if item.path.endswith("/")]
        items = {item.path: item.change for item in seen.items if not item.path.endswith("/")}
        untracked = [item.path for item in seen.items if item.change == "untracked" and item.path in items]
        key = capture.request.sign
        apart: list[LeftOut] = []
        if capture.request.inputs and untracked:
            from xt.collect.apart import divide

            untracked, apart = divide(seen.top, untracked, capture)
        kept, left, much = choose(seen.top, untracked, settings, _outputs(capture), key)
        left = apart + left
        if much is not None:
            capture.problem("code", much, HINT)
        # One that was added to git's index, and is perhaps not committed yet.
        tracked = (item.path for item in seen.items if item.change != "untracked")
        left += [LeftOut(to_text(path), KEY) for path in tracked if is_key(seen.top, path, key)]
        if key is not None and _is_committed(seen, key):
            capture.problem("code", f"the key that signs is in commit {seen.head}: whoever has that can sign")
        refused = {from_text(entry.path) for entry in left}
        conversion = converted(seen, f"{capture.store}/cache", settings.max_file)
        out = refused | conversion.over
        modified = [item.path for item in seen.items if item.change != "untracked"]
        forced = [*seen.hidden, *conversion.forced]
        paths = [
            path for path in (*forced, *modified, *kept) if path not in out and path not in conversion.kept
        ]
        if kept or modified or seen.hidden:
            from xt.collect.secret_lines import Looking  # a clean tree does without

            looking = Looking(capture, seen.top)
            secret = looking.refused(
                path
                for path in (*seen.hidden, *modified, *kept)
                if path not in out and path not in conversion.kept
            )
            looking.remember()
            left += secret
            refused |= {from_text(entry.path) for entry in secret}
            out |= refused
            paths = [path for path in paths if path not in out]
        # A path taken out of the index and left on disk is deleted and untracked in one.
        gone = [path for path in (*forced, *modified) if path in out]
        self.tree = seen.head_tree
        failed: dict[str, str] = {}
        differing: dict[str, str] = {}
        if paths or gone or seen.head_tree is None:
            from xt.collect.codestore import CodeStore  # a clean tree does without

            store = CodeStore(capture.store, seen.object_format, capture.outside.environ)
            self.tree, failed, differing = store.write(
                seen.top, seen.borrowed, seen.head_tree, paths, gone, modes=seen.modes
            )
        lost = [path for path, reason in failed.items() if not reason.startswith(NEVER_OFFERED)]
        if lost:
            more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
            capture.problem("code", f"`{lost[0]}` is not in the snapshot: {failed[lost[0]]}{more}")
        self.raw = [path for path in conversion.forced if path in differing]
        self.lfs_pointers = conversion.pointers
        self.changed = _changed(seen, items, differing, {*failed, *conversion.over})
        away = [*seen.ignored, *refused, *failed]
        special, self.empty = specials(seen.top, away, [*nested, *seen.gitlinks])
        self.left_out = [
            *left,
            *conversion.left_out,
            *special,
            *(LeftOut(to_text(path), reason) for path, reason in failed.items()),
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
            if _has_content(top):
                self.left_out.append(
                    LeftOut(to_text(path), "files in the place of a submodule that is not there")
                )
            self.repositories.append(_without(path, kind, "absent", commit))
            return
        try:
            if depth >= DEPTH:
                raise GitError(f"more than {DEPTH} repositories inside each other")
            seen = look(top, capture.outside.environ)
            shot = Shot(capture, seen, depth + 1)
        except (GitError, OSError) as error:
            capture.problem("code", f"`{path}` is not in the snapshot: {error}")
            self.repositories.append(_without(path, kind, "failed", commit, str(error)))
            return
        self.repositories.append(
            Repository(
                path=to_text(path),
                kind=kind,
                status="recorded",
                recorded_head=commit,
                head=seen.head,
                branch=to_text(clean(seen.branch)) if seen.branch is not None else None,
                dirty=bool(shot.changed),
                tree=shot.tree,
                remote=remote(seen, capture),
            )
        )
        for entry in shot.left_out:
            self.left_out.append(LeftOut(_below(path, entry.path), entry.reason, entry.size, entry.mtime_ns))
        self.empty += [f"{path}/{folder}" for folder in shot.empty]
        for inner in shot.repositories:
            self.repositories.append(msgspec.structs.replace(inner, path=_below(path, inner.path)))


def _is_committed(seen: Look, key: str) -> bool:
    path = os.path.relpath(os.path.realpath(key), os.path.realpath(seen.top))
    if seen.head_tree is None or path.startswith("../") or not is_key(seen.top, path, key):
        return False
    return bool(seen.git.run("ls-tree", "--full-tree", seen.head_tree, "--", path))


def protect(capture: Capture, seen: Look) -> None:
    """Keep the base commit's content from its repository's garbage collection, once per commit."""
    if seen.head is None or seen.head_tree is None or seen.places is None:
        return
    try:
        keep(seen.git, seen.places.common, seen.head, seen.head_tree, reference(seen.top, capture.store))
    except GitError as error:
        capture.problem("code", f"commit {seen.head} is not protected from git's gc: {error}")


def reference(top: str, store: str) -> str:
    """Below what references of a store protect commits: of one that the repository does not show, elsewhere.

    `xt gc` of a store in the project removes the first, when no other store is around. What stores need that
    it cannot find (`XT_STORE`) it thus leaves alone.

    Args:
        top: of the working tree.
        store: path of the store.
    """
    root, tree = os.path.realpath(os.path.dirname(store)), os.path.realpath(top)
    around = os.path.basename(store) == ".xt" and os.path.commonpath((root, tree)) in (root, tree)
    return KEPT if around else f"{KEPT}elsewhere/"


def keep(git: Git, common: str, head: str, head_tree: str, below: str) -> None:
    """Protect a commit's content by a reference, unless there is one.

    The reference names the tree, not the commit: so `git log --all` shows nothing new, not even when the
    commit is amended or rebased away later.

    Args:
        git: on the repository.
        common: its folder of references.
        head: id of the commit.
        head_tree: id of its tree.
        below: see `reference`.

    Raises:
        GitError: the repository does not have it, or cannot be written.
    """
    ref = f"{below}{head}"
    if fsio.freshen(f"{common}/{ref}"):
        return  # and its time keeps it from being swept as one that nobody needs
    try:
        with open(f"{common}/packed-refs", "rb") as packed:
            if f" {ref}\n".encode() in packed.read():
                return
    except OSError:
        pass  # none are packed
    git.run("update-ref", ref, head_tree)


def remote(seen: Look, capture: Capture) -> Text | None:
    """URL of the remote, without credentials, which are masked in the logs too."""
    url = seen.remote()
    if url is None:
        return None
    cleaned = clean_url(url)
    if cleaned != url:
        for part in taken(url, cleaned):
            if len(part) >= 8:
                capture.noticed[f"remote of {seen.top}"] = part
    return to_text(cleaned)


def _changed(
    seen: Look, items: dict[str, ChangeKind], differing: dict[str, str], failed: Iterable[str]
) -> list[Change]:
    """Paths unlike the commit, by what git calls them.

    Not among them: one that was staged and then put back, one a sparse checkout leaves away, and one that
    differs only by git's own conversion.
    """
    away = set(failed)
    found = {path: change for path, change in items.items() if path in differing or path in away}
    for path in seen.hidden:
        if path in differing and os.path.lexists(os.path.join(seen.top, path)):
            found.setdefault(path, _LETTERS.get(differing[path], "modified"))
    return [Change(to_text(path), change) for path, change in sorted(found.items())]


def _has_content(folder: str) -> bool:
    try:
        return bool(os.listdir(folder))
    except OSError:
        return False  # nothing there, or a file that the status names


def _without(
    path: str,
    kind: Literal["nested", "submodule"],
    status: Literal["absent", "failed"],
    commit: str | None,
    reason: str | None = None,
) -> Repository:
    return Repository(to_text(path), kind, status, commit, None, None, None, None, None, reason)


def _outputs(capture: Capture) -> list[str]:
    return [os.path.normpath(os.path.join(item.base, item.path)) for item in capture.request.outputs]


def _below(path: str, inner: Text) -> Text:
    return to_text(f"{path}/{from_text(inner)}")
