"""What differs in what was read: inputs by role, their files, and the text of those that can be shown."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from xt import codec
from xt.compare import Content, Rule
from xt.compare.content import Held
from xt.compare.contents import compare as compare_contents
from xt.context import Outside
from xt.errors import XtError
from xt.model.delta import Change, Delta, Relation, whole
from xt.model.files import Entry, Input, Manifest
from xt.model.snapshot import Snapshot
from xt.model.text import Text, from_text, to_shown, to_text
from xt.ops.diff.code import blobs
from xt.ops.diff.contents import find
from xt.ops.diff.sides import project_root
from xt.store import Store

#: Differing files of one input listed; the others are counted.
FILES = 200
#: Files of all inputs whose content is compared, those that people write first.
SHOWN = 24
#: Held of such a file.
LARGEST = 1_000_000
_WRITTEN = ("prompts", "policy", "config", "harness", "benchmark", "tokenizer", "data", "model")
_READABLE = (
    *(".txt", ".md", ".rst", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".yaml", ".yml", ".toml", ".ini"),
    *(".cfg", ".xml", ".html", ".py", ".sh", ".sql", ".jinja", ".j2", ".prompt", ".tmpl"),
)


class _Pair(NamedTuple):
    """A file that differs and might be shown."""

    role: str
    path: str
    """Of its Delta."""
    names: tuple[str, str]
    """Relative to the project's root, or absolute."""
    entries: tuple[Entry, Entry]


def compare(store: Store, left: Snapshot, right: Snapshot, outside: Outside) -> Delta:
    """Compare declared inputs by role and name; content that only moved to another name is the same.

    Args:
        store: that has manifests and kept texts.
        left: causes of one run.
        right: causes of the other.
        outside: for git, which may have the content of tracked files.
    """
    pairs: list[_Pair] = []
    children = [_input(store, one, other, pairs) for one, other in joined(left.inputs, right.inputs)]
    children = [child for child in children if child.relation != "same"]
    shown = _shown(store, (left, right), pairs, outside)
    return whole("inputs", [_filled(child, shown) for child in children])


def paths(snapshot: Snapshot) -> list[str]:
    """Where declared inputs lie, relative to the project's root: files, and folders of trees and globs."""
    return [from_text(item.path) for item in snapshot.inputs if item.path is not None]


def joined(left: list[Input], right: list[Input]) -> list[tuple[Input | None, Input | None]]:
    """Pair by role and what was declared, then by content, then in order of what is left of a role."""
    found: list[tuple[Input | None, Input | None]] = []
    rest = {id(item): item for item in right}
    waiting = list(left)
    # What both sides call the same; the same content under another name; whatever is left of a role.
    for key in (lambda item: (item.role, item.declared), _content_of, lambda item: item.role):
        places: dict[Any, list[Input]] = {}
        for item in reversed(rest.values()):
            places.setdefault(key(item), []).append(item)
        still = []
        for one in waiting:
            like = places.get(key(one))
            if like:
                other = like.pop()
                del rest[id(other)]
                found.append((one, other))
            else:
                still.append(one)
        waiting = still
    return [*found, *((one, None) for one in waiting), *((None, other) for other in rest.values())]


def _content_of(item: Input) -> tuple[str, str | int]:
    return item.role, item.digest or id(item)


def _input(store: Store, one: Input | None, other: Input | None, pairs: list[_Pair]) -> Delta:
    named = one or other
    assert named is not None
    path = f"inputs/{named.role}/{to_shown(from_text(named.declared))}"
    if one is None or other is None:
        change: Change = "added" if one is None else "removed"
        return Delta(path, "changed", one and _facts(one), other and _facts(other), change=change)
    facts = (_facts(one), _facts(other))
    if one.declared != other.declared:
        facts[0]["declared"], facts[1]["declared"] = (to_shown(from_text(i.declared)) for i in (one, other))
    if one.digest is None or other.digest is None:
        return _by_name(path, one, other, facts)
    if one.digest == other.digest:
        return Delta(path, "same")
    if one.kind == other.kind == "file":
        entries = (_entry(one), _entry(other))
        pairs.append(_Pair(named.role, path, (_place(one), _place(other)), entries))
        return Delta(path, "changed", *facts, change="changed")
    try:
        manifests = [_entries(store, item, path) for item in (one, other)]
    except XtError as error:
        note = f"which files differ is not known: {error.message}"
        return Delta(path, "changed", *facts, change="changed", note=note)
    folders = (_folder(one), _folder(other))
    return _tree(path, named.role, manifests, folders, facts, pairs)


def _tree(
    path: str,
    role: str,
    manifests: list[list[Entry]],
    folders: tuple[str, str],
    facts: tuple[dict[str, Any], dict[str, Any]],
    pairs: list[_Pair],
) -> Delta:
    one, other = ({_key(entry.path): entry for entry in entries} for entries in manifests)
    children: list[Delta] = []
    counts = {"added": 0, "removed": 0, "changed": 0, "renamed": 0}
    removed = {entry.digest: name for name, entry in one.items() if name not in other and entry.digest}
    renamed: set[str] = set()
    for name, after in other.items():
        before = one.get(name)
        change: Change = "changed"
        old = name
        if before is None:
            origin = removed.get(after.digest) if after.digest and after.size else None
            change = "added" if origin is None or origin in renamed else "renamed"
            if change == "renamed" and origin is not None:
                old = origin
                renamed.add(origin)
        elif before == after or (before.digest is not None and _alone(before, after)):
            continue
        counts[change] += 1
        if len(children) >= FILES:
            continue
        children.append(_file(f"{path}/{to_shown(name)}", before, after, change, old))
        if before is not None and before.digest and after.digest:
            names = (os.path.join(folders[0], name), os.path.join(folders[1], name))
            pairs.append(_Pair(role, children[-1].path, names, (before, after)))
    for name, gone in one.items():
        if name not in other and name not in renamed:
            counts["removed"] += 1
            if len(children) < FILES:
                children.append(_file(f"{path}/{to_shown(name)}", gone, None, "removed", name))
    words = [f"{count} {word}" for word, count in counts.items() if count]
    return Delta(
        path,
        "changed",
        *facts,
        change="changed",
        note=", ".join(words) + (" of " + str(len(one)) + " files" if one else ""),
        children=children,
        more=sum(counts.values()) - len(children),
    )


def _file(path: str, before: Entry | None, after: Entry | None, change: Change, old: str) -> Delta:
    note = None
    if change == "renamed":
        note = f"was {to_shown(old)}"
    elif (
        before is not None
        and after is not None
        and before.digest == after.digest
        and before.mode != after.mode
    ):
        note = f"mode {before.mode:o} → {after.mode:o}"
    elif any(entry is not None and entry.kind != "file" for entry in (before, after)):
        note = " → ".join(_sort(entry) for entry in (before, after) if entry is not None)
    left, right = ({"size": entry.size} if entry is not None else None for entry in (before, after))
    unread = before is not None and after is not None and None in (before.digest, after.digest)
    relation: Relation = (
        "unknown" if unread and before and after and before.kind == after.kind == "file" else "changed"
    )
    return Delta(path, relation, left, right, change=change, note=note)


def _sort(entry: Entry) -> str:
    return f"link to {to_shown(from_text(entry.target))}" if entry.target is not None else entry.kind


def _by_name(path: str, one: Input, other: Input, facts: tuple[dict[str, Any], dict[str, Any]]) -> Delta:
    """Compare what is known by a name and a revision only."""
    if one.declared == other.declared and one.revision and one.revision == other.revision:
        return Delta(path, "same")
    if one.revision != other.revision and one.declared == other.declared:
        note = f"revision {one.revision or 'not known'} → {other.revision or 'not known'}"
        known = one.revision is not None and other.revision is not None
        return Delta(path, "changed" if known else "unknown", *facts, change="changed", note=note)
    if one.declared != other.declared:
        return Delta(path, "changed", *facts, change="changed")
    note = f"its content was not read: {one.reason or other.reason or 'no reason is recorded'}"
    return Delta(path, "unknown", *facts, note=note)


def _facts(item: Input) -> dict[str, Any]:
    known = {"size": item.size, "files": item.files, "digest": item.digest, "revision": item.revision}
    return {name: value for name, value in known.items() if value is not None}


def _entry(item: Input) -> Entry:
    return Entry(item.path or "", "file", 0, item.size, item.digest)


def _place(item: Input) -> str:
    return from_text(item.path) if item.path is not None else ""


def _entries(store: Store, item: Input, path: str) -> list[Entry]:
    """Files of a tree or glob; of a single file beside one of these, itself."""
    if item.kind == "file":
        name = to_text(os.path.basename(_place(item)))
        return [Entry(name, "file", 0, item.size, item.digest)]
    return codec.decode(store.objects.read(item.digest or ""), Manifest, f"the manifest of {path}").entries


def _alone(before: Entry, after: Entry) -> bool:
    """Whether the content agrees where one side is a single file, whose mode is not in a record."""
    return before.digest == after.digest and 0 in (before.mode, after.mode)


def _folder(item: Input) -> str:
    return os.path.dirname(_place(item)) if item.kind == "file" else _place(item)


def _key(path: Text) -> str:
    return from_text(path)


def _shown(
    store: Store, sides: tuple[Snapshot, Snapshot], pairs: list[_Pair], outside: Outside
) -> dict[str, Delta]:
    """Compare the content of a few files, where both contents can still be had."""
    wanted = [
        pair
        for pair in pairs
        if pair.path.lower().endswith(_READABLE) or pair.role in _WRITTEN[:4]
        if all((entry.size or 0) <= LARGEST for entry in pair.entries)
    ]
    wanted.sort(key=lambda pair: _WRITTEN.index(pair.role) if pair.role in _WRITTEN else len(_WRITTEN))
    wanted = wanted[:SHOWN]
    folder = project_root(store)
    found: list[list[Content | None]] = []
    for side, snapshot in enumerate(sides):
        contents: list[Content | None] = []
        for pair in wanted:
            entry = pair.entries[side]
            contents.append(find(store, pair.names[side], entry.digest or "", entry.size or 0, folder))
        lacking = [
            pair.names[side] for pair, content in zip(wanted, contents, strict=True) if content is None
        ]
        tracked = blobs(store, snapshot, lacking, outside)
        for at, pair in enumerate(wanted):
            data = tracked.get(pair.names[side])
            # A filter (line ends, LFS) may have made other bytes of it than those that were read.
            if contents[at] is None and data is not None and codec.digest(data) == pair.entries[side].digest:
                contents[at] = Held(pair.names[side], data)
        found.append(contents)
    return {pair.path: _content(pair, left, right) for pair, left, right in zip(wanted, *found, strict=True)}


def _content(pair: _Pair, left: Content | None, right: Content | None) -> Delta:
    if left is None or right is None:
        which = "either" if left is right else "the left" if left is None else "the right"
        return Delta(pair.path, "changed", note=f"the content of {which} is no longer to be had here")
    return compare_contents(left, right, Rule(), pair.path)


def _filled(delta: Delta, shown: dict[str, Delta]) -> Delta:
    """Put what the comparison of contents said into the tree."""
    from msgspec.structs import replace

    content = shown.get(delta.path)
    if content is not None:
        notes = ", ".join(note for note in (delta.note, content.note) if note)
        return replace(
            delta,
            note=notes or None,
            text=content.text,
            measures=content.measures,
            children=content.children,
            more=content.more,
        )
    if not delta.children:
        return delta
    return replace(delta, children=[_filled(child, shown) for child in delta.children])
