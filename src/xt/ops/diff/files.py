"""What differs in two sets of files: which were added, removed, renamed or changed, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import replace

from xt.compare import Content, Rule
from xt.compare.contents import compare as compare_contents
from xt.context import Outside
from xt.model.delta import Change, Delta, Relation
from xt.model.files import Entry
from xt.model.snapshot import Snapshot
from xt.model.text import Text, from_text, to_shown
from xt.ops.diff.contents import Recorded, find_all
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


class Pair(NamedTuple):
    """A file that differs and might be shown."""

    role: str
    path: str
    """Of its Delta."""
    names: tuple[str, str]
    """Relative to the project's root, or absolute."""
    entries: tuple[Entry, Entry]


def tree(
    path: str,
    role: str,
    manifests: list[list[Entry]],
    places: tuple[Callable[[str], str], Callable[[str], str]],
    facts: tuple[dict[str, Any], dict[str, Any]],
    pairs: list[Pair],
) -> Delta:
    """Compare two sets of files by name; one that only moved to another name is renamed.

    Args:
        path: of the whole.
        role: of the inputs they are.
        manifests: both sides.
        places: where a name of either side lies, relative to the project's root, or absolute.
        facts: of both sides as a whole.
        pairs: gets those that differ and whose content might be shown.
    """
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
            names = (places[0](old), places[1](name))
            pairs.append(Pair(role, children[-1].path, names, (before, after)))
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
        note=", ".join(words) + (f" of {len(one)} {'file' if len(one) == 1 else 'files'}" if one else ""),
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


def _alone(before: Entry, after: Entry) -> bool:
    """Whether the content agrees where one side is a single file, whose mode is not in a record."""
    return before.digest == after.digest and 0 in (before.mode, after.mode)


def _key(path: Text) -> str:
    return from_text(path)


def shown(
    store: Store, sides: tuple[Snapshot | None, Snapshot | None], pairs: list[Pair], outside: Outside
) -> dict[str, Delta]:
    """Compare the content of a few files, where both contents can still be had.

    Args:
        store: that has them.
        sides: causes of both runs, whose code may have the content.
        pairs: that differ.
        outside: for git.

    Returns:
        By path, for `filled`.
    """
    wanted = [
        pair
        for pair in pairs
        if pair.path.lower().endswith(_READABLE) or pair.role in _WRITTEN[:4]
        if all((entry.size or 0) <= LARGEST for entry in pair.entries)
    ]
    wanted.sort(key=lambda pair: _WRITTEN.index(pair.role) if pair.role in _WRITTEN else len(_WRITTEN))
    wanted = wanted[:SHOWN]
    found = []
    for side, snapshot in enumerate(sides):
        recorded = [
            Recorded(pair.names[side], pair.entries[side].digest or "", pair.entries[side].size or 0)
            for pair in wanted
        ]
        found.append(find_all(store, recorded, snapshot, outside))
    return {pair.path: _content(pair, left, right) for pair, left, right in zip(wanted, *found, strict=True)}


def _content(pair: Pair, left: Content | None, right: Content | None) -> Delta:
    if left is None or right is None:
        which = "either" if left is right else "the left" if left is None else "the right"
        return Delta(pair.path, "changed", note=f"the content of {which} is no longer to be had here")
    return compare_contents(left, right, Rule(), pair.path)


def filled(delta: Delta, shown: dict[str, Delta]) -> Delta:
    """Put what the comparison of contents said into the tree.

    Args:
        delta: the tree.
        shown: of `shown`.
    """
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
    return replace(delta, children=[filled(child, shown) for child in delta.children])
