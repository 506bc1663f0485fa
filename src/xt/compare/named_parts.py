"""Parts that both sides name: what was added, removed, ignored, and the note of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Protocol

from xt.compare import Rule
from xt.compare.counts import counted, share_differs
from xt.compare.jsonable import text
from xt.model.delta import Delta, Measure, whole

#: Children that are listed; the others are counted.
MOST_LISTED = 200


class Labelled(Protocol):
    """A part that can be named in a word or two."""

    @property
    def label(self) -> str:
        """Such as `float32 [640, 10]`."""


def ignored(name: str, rule: Rule) -> bool:
    """Whether the rule says that differences of this part do not count."""
    return any(fnmatchcase(name, glob) for glob in rule.ignore)


def join(
    path: str,
    sides: tuple[Mapping[str, Labelled], Mapping[str, Labelled]],
    deltas: list[Delta],
    identical: int,
    rule: Rule,
    noun: str,
) -> Delta:
    """Join the parts of a content to its whole.

    Args:
        path: of the whole.
        sides: the parts of both sides by name.
        deltas: what differs, of the parts that both have and of everything around them.
        identical: parts that both have and that are equal value by value.
        rule: whose `ignore` names parts that do not count.
        noun: `array` or `tensor`.

    Returns:
        `within` when nothing but the packaging differs: the bytes are known to differ.
    """
    left, right = sides
    gone = [_one_sided(path, name, part, "removed") for name, part in left.items() if name not in right]
    new = [_one_sided(path, name, part, "added") for name, part in right.items() if name not in left]
    children = [_without_ignored(child, path, rule) for child in [*deltas, *gone, *new]]
    # What counts comes first: only so many are listed.
    children.sort(key=lambda child: (not child.counted, child.relation != "changed"))
    total = len(left.keys() | right.keys())
    spared = sum(not child.counted for child in children)
    if not children:
        alike = f"the {noun} is identical" if total == 1 else f"all {counted(total, noun)} are identical"
        note = f"only the packaging differs: {alike}"
        if not total:
            note = f"only the packaging differs: there is no {noun} in it"
    else:
        note = share_differs(total - identical, total, noun)
        note += f", {spared} ignored" if spared else ""
    return whole(path, children, least="within", most=MOST_LISTED, change="changed", note=note)


def _one_sided(path: str, name: str, part: Labelled, change: Any) -> Delta:
    where = f"{path}:{name}" if name else path
    if change == "removed":
        return Delta(where, "changed", left=part.label, change=change)
    return Delta(where, "changed", right=part.label, change=change)


def _without_ignored(child: Delta, path: str, rule: Rule) -> Delta:
    """Mark a part that the rule ignores as not counting."""
    name = child.path.removeprefix(path).removeprefix(":")
    if not name or not ignored(name, rule):
        return child
    return Delta(
        **{field: getattr(child, field) for field in child.__struct_fields__ if field != "counted"},
        counted=False,
    )


def compare_mappings(left: Mapping[str, Any], right: Mapping[str, Any], path: str) -> list[Delta]:
    """List the keys whose values differ; values are text, numbers, booleans or None."""
    children = []
    for key in [*left, *(key for key in right if key not in left)]:
        where = f"{path}/{key}"
        if key not in right:
            children.append(Delta(where, "changed", left=shown(left[key]), change="removed"))
        elif key not in left:
            children.append(Delta(where, "changed", right=shown(right[key]), change="added"))
        elif left[key] != right[key]:
            children.append(Delta(where, "changed", shown(left[key]), shown(right[key]), "changed"))
    return children


def shown(value: Any) -> Any:
    """A value for a person: a long text is cut, and can be encoded."""
    return text(value) if isinstance(value, str) else value


def measure_first(deltas: list[Delta]) -> list[Measure]:
    """The measures of the only part, for a whole that is nothing but its part."""
    return deltas[0].measures if len(deltas) == 1 else []
