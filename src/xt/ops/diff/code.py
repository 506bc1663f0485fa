"""What differs between two snapshot trees: git's own diff, renames found, in every repository of the tree."""

from __future__ import annotations

import os
from typing import NamedTuple

from xt.context import Outside
from xt.model.code import Code, LeftOut
from xt.model.delta import Change, Delta, Measure, whole
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown
from xt.ops.recipe import INPUT, OUTPUT
from xt.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.collect.git import Git

#: Differing files listed; the others are counted.
FILES = 1_000
#: Changed lines up to which the patch itself is fetched when nobody asked for it.
LINES = 2_000
#: The same when it was asked for.
ASKED = 200_000
_FLAGS = ("-r", "-M", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index", "-l2000")
_KINDS: dict[str, Change] = {"A": "added", "D": "removed", "R": "renamed", "C": "added"}
#: Git's id of nothing, for a repository that is on one side only.
_LINK = "160000"


class Patch(NamedTuple):
    """How much of the patch is wanted."""

    wanted: bool | None
    """True: all of it. None: unless it is long. False: nothing."""
    words: bool
    """Changes within lines, as `[-old-]{+new+}`."""


class _File(NamedTuple):
    """One row of `git diff-tree --raw --numstat`."""

    status: str
    left: str
    right: str
    modes: tuple[str, str]
    added: int | None
    """None for a binary file."""
    removed: int | None
    blobs: tuple[str, str]


def compare(
    store: Store, left: Snapshot, right: Snapshot, patch: Patch, outside: Outside, away: str | None = None
) -> Delta:
    """Compare the code of two runs.

    Args:
        store: that has both.
        left: causes of one.
        right: causes of the other.
        patch: how much of it is wanted.
        outside: for git.
        away: where the code of a run is that is not here.
    """
    missing = [code for code in (left.code, right.code) if code.tree is None]
    if missing:
        if len(missing) == 2 and left.code.reason == right.code.reason:
            return Delta("code", "unknown", note=f"no snapshot of either: {left.code.reason}")
        which = "the left" if left.code.tree is None else "the right"
        return Delta("code", "unknown", note=f"no snapshot of {which} run: {missing[0].reason}")
    children: list[Delta] = []
    trees, others = _trees(left.code), _trees(right.code)
    for folder in sorted(trees.keys() | others.keys()):
        one, other = trees.get(folder), others.get(folder)
        if one == other:
            continue
        path = f"code/{to_shown(folder)}".rstrip("/")
        if one is None or other is None:
            gone = _inner_absent(left.code if one is None else right.code, folder)
            change: Change = "added" if one is None else "removed"
            children.append(Delta(path, "changed" if gone is None else "unknown", change=change, note=gone))
            continue
        if len(one) != len(other):
            children.append(
                Delta(path, "unknown", note="one snapshot names objects by SHA-1, one by SHA-256")
            )
            continue
        from xt.collect.git import GitError
        from xt.ops.code_trees import reader

        try:
            git = reader(store, left, folder, one, outside)
            children += _tree(git, one, other, folder, trees.keys() - {""}, patch)
        except (GitError, OSError) as error:
            note = f"the trees differ and cannot be compared: {error}"
            if away:
                note = f"{note}; {away}"
            children.append(Delta(path, "changed", note=note))
    children += _left_out(left.code, right.code)
    return whole("code", children, most=FILES)


def _trees(code: Code) -> dict[str, str | None]:
    """Tree of each repository by its folder, `` for the outermost."""
    inner = {from_text(one.path): one.tree for one in code.repositories if one.status != "absent"}
    return {"": code.tree, **inner}


def _inner_absent(code: Code, folder: str) -> str | None:
    """Why a repository inside has no tree on a side: None when it is not there at all."""
    for inner in code.repositories:
        if from_text(inner.path) == folder:
            return inner.reason or ("it was never initialised" if inner.status == "absent" else inner.status)
    return None


def _tree(git: Git, left: str, right: str, folder: str, inner: set[str], patch: Patch) -> list[Delta]:
    listing = git.run("diff-tree", *_FLAGS, "-z", "--raw", "--numstat", left, right)
    files = [
        # What lies in a repository inside is compared there.
        file
        for file in _parse(listing)
        if not (_LINK in file.modes and os.path.join(folder, file.right) in inner)
    ]
    lines = sum((file.added or 0) + (file.removed or 0) for file in files)
    most = ASKED if patch.wanted else LINES
    texts: dict[int, list[str]] = {}
    if files and patch.wanted is not False and lines <= most and len(files) <= FILES:
        texts = _texts(git, left, right, files, patch.words)
    sizes = _sizes(git, [blob for file in files[:FILES] if file.added is None for blob in file.blobs])
    return [_delta(file, folder, texts.get(at, []), sizes) for at, file in enumerate(files)]


def _sizes(git: Git, blobs: list[str]) -> dict[str, int]:
    """Bytes of blobs; of those that are there."""
    if not blobs:
        return {}
    answer = git.run("cat-file", "--batch-check", data="".join(f"{blob}\n" for blob in blobs).encode())
    words = (line.split() for line in answer.decode().splitlines())
    return {found[0]: int(found[2]) for found in words if len(found) == 3 and found[1] == "blob"}


def _delta(file: _File, folder: str, text: list[str], sizes: dict[str, int]) -> Delta:
    name = to_shown(os.path.join(folder, file.right))
    change = _KINDS.get(file.status, "changed")
    measures = []
    notes = []
    if file.added is not None and file.removed is not None:
        measures = [Measure("lines added", file.added), Measure("lines removed", file.removed)]
    elif _LINK in file.modes:
        notes.append(f"a repository inside: {file.blobs[0][:7]} → {file.blobs[1][:7]}")
    else:
        known = [sizes[blob] for blob in file.blobs if blob in sizes]
        notes.append(" ".join(["binary,", " → ".join(f"{size} B" for size in known)]) if known else "binary")
    if change in ("changed", "renamed") and file.modes[0] != file.modes[1]:
        notes.append(f"mode {file.modes[0][-3:]} → {file.modes[1][-3:]}")
    renamed = change == "renamed"
    return Delta(
        f"code/{name}",
        "changed",
        left=to_shown(os.path.join(folder, file.left)) if renamed else None,
        right=name if renamed else None,
        change=change,
        measures=measures,
        note=", ".join(notes) or None,
        text=text,
    )


def _parse(data: bytes) -> list[_File]:
    r"""Read `--raw --numstat -z`: `:MODES BLOBS STATUS\0PATH\0[PATH\0]`…, then `ADDED\tREMOVED\tPATH\0`….

    See git-diff-tree(1), "Raw output format", and git-diff(1), "Other diff formats".
    """
    words = data.decode("utf-8", "surrogateescape").split("\0")
    at = 0
    raw: list[tuple[str, str, str, tuple[str, str], tuple[str, str]]] = []
    while at < len(words) and words[at].startswith(":"):
        first, second, blob, other, status = words[at][1:].split(" ")
        two = status[0] in "RC"
        left, right = words[at + 1], words[at + 2 if two else at + 1]
        raw.append((status[0], left, right, (first, second), (blob, other)))
        at += 3 if two else 2
    counts: list[tuple[int | None, int | None]] = []
    while at < len(words) and words[at]:
        added, removed, path = words[at].split("\t", 2)
        # Of a rename the path is empty, and the two names follow.
        at += 1 if path else 3
        counts.append((None, None) if added == "-" else (int(added), int(removed)))
    return [
        _File(status, left, right, modes, *count, blobs)
        for (status, left, right, modes, blobs), count in zip(raw, counts, strict=True)
    ]


def _texts(git: Git, left: str, right: str, files: list[_File], words: bool) -> dict[int, list[str]]:
    """Hunks of every file, by its place in the list, whose order is that of the patch."""
    # In the other word formats a line of a file could pass for a line of the format.
    style = ["--word-diff=porcelain"] if words else []
    data = git.run("diff-tree", *_FLAGS, "-p", "-U3", *style, left, right)
    found: dict[int, list[str]] = {}
    at = -1
    inside = False
    # Splitting at line feeds only: `splitlines` knows others, which are part of a line here.
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith("diff --git "):
            at += 1
            inside = False
            continue
        inside = inside or line.startswith("@@ ")
        if inside and line:
            found.setdefault(at, []).append(to_shown(line))
    if at + 1 != len(files):
        # A type change is two patches to git: better no hunks than those of another file.
        return {}
    return {place: _words(lines) for place, lines in found.items()} if words else found


def _words(lines: list[str]) -> list[str]:
    """Turn git's word-diff porcelain into lines with `[-old-]{+new+}` (git-diff(1))."""
    found: list[str] = []
    current = ""
    for line in lines:
        if line.startswith("@@ "):
            found.append(line)
        elif line == "~":
            found.append(" " + current)
            current = ""
        else:
            text = line[1:]
            current += {"-": f"[-{text}-]", "+": f"{{+{text}+}}"}.get(line[0], text)
    return [*found, " " + current] if current else found


def _left_out(left: Code, right: Code) -> list[Delta]:
    """Files whose content is in neither snapshot: known by size and time alone."""
    one, other = ({from_text(entry.path): entry for entry in code.left_out} for code in (left, right))
    found = []
    for path in sorted(one.keys() | other.keys()):
        before, after = one.get(path), other.get(path)
        if any(entry is not None and entry.reason in (OUTPUT, INPUT) for entry in (before, after)):
            continue
        if before is not None and after is not None and _stat(before) == _stat(after):
            continue
        reason = (after or before or LeftOut("", "")).reason
        change: Change = "added" if before is None else "removed" if after is None else "changed"
        found.append(
            Delta(
                f"code/{to_shown(path)}",
                "unknown",
                change=change,
                note=f"its content is not in the snapshot ({reason}); its size or time differs",
            )
        )
    return found


def _stat(entry: LeftOut) -> tuple[int | None, int | None]:
    return entry.size, entry.mtime_ns


def blobs(store: Store, snapshot: Snapshot, paths: list[str], outside: Outside) -> dict[str, bytes]:
    """Read files of a snapshot, in one go.

    Args:
        store: that has the run.
        snapshot: its causes.
        paths: relative to the project's root, of files of the outermost repository.
        outside: for git.

    Returns:
        Content by path, of those that are there.
    """
    code = snapshot.code
    if code.tree is None or not paths:
        return {}
    from xt.collect.git import GitError
    from xt.ops.code_trees import reader

    top = os.path.normpath(os.path.join("/p", from_text(code.root or ".")))
    inside = {path: os.path.relpath(os.path.join("/p", path), top) for path in paths if "\n" not in path}
    asked = "".join(f"{code.tree}:{name}\n" for name in inside.values())
    try:
        git = reader(store, snapshot, "", code.tree, outside)
        answer = git.run("cat-file", "--batch", data=asked.encode("utf-8", "surrogateescape"))
    except (GitError, OSError):
        return {}
    found: dict[str, bytes] = {}
    at = 0
    for path in inside:
        end = answer.index(b"\n", at)
        words = answer[at:end].split(b" ")
        at = end + 1
        if words[-1] == b"missing" or len(words) != 3:
            continue
        size = int(words[2])
        if words[1] == b"blob":
            found[path] = answer[at : at + size]
        at += size + 1
    return found
