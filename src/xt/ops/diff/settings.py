"""What differs in the params, the command line and the seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xt.collect.scalars import scalar
from xt.model.delta import Change, Delta, Relation, whole
from xt.model.snapshot import Command, Param, Seed, points
from xt.model.text import Text, from_text, to_shown
from xt.redact import MASK

#: Words of a command compared one by one; a longer one (a shell's glob over files) is said to differ.
WORDS = 5_000
#: Differing params listed; the others are counted.
PARAMS = 1_000


def params(left: list[Param], right: list[Param], *, same_recipe: bool) -> Delta:
    """Compare named settings by value; where one was read from does not matter.

    Args:
        left: of one run.
        right: of the other.
        same_recipe: whether both have one recipe, so that masked values are the same too.
    """
    one, other = ({param.name: param.value for param in side} for side in (left, right))
    # Of the command's own words the recipe has keyed digests.
    words = {param.name for param in left if param.source == "argv"}
    children = []
    for name in dict.fromkeys([*one, *other]):
        if name in one and name in other:
            if not _equal(one[name], other[name]):
                children.append(Delta(f"params/{name}", "changed", one[name], other[name], change="changed"))
            elif MASK in str(one[name]) and not (same_recipe and name in words):
                note = "its value is masked and cannot be compared"
                children.append(Delta(f"params/{name}", "unknown", note=note))
        else:
            change: Change = "removed" if name in one else "added"
            children.append(Delta(f"params/{name}", "changed", one.get(name), other.get(name), change=change))
    return whole("params", children, most=PARAMS)


def facts(left: list[Param], right: list[Param]) -> Delta:
    """Compare declared facts by value; pointers to a registry are shown and do not count."""
    one, other = ({fact.name: fact.value for fact in side} for side in (left, right))
    children = []
    for name in sorted({*one, *other}):
        path, counted = f"facts/{name}", not points(name)
        if name not in one or name not in other:
            change: Change = "removed" if name in one else "added"
            sides = (one.get(name), other.get(name))
            children.append(Delta(path, "changed", *sides, change=change, counted=counted))
        elif not _equal(one[name], other[name]):
            children.append(Delta(path, "changed", one[name], other[name], change="changed", counted=counted))
        elif MASK in str(one[name]):
            note = "its value is masked and cannot be compared"
            children.append(Delta(path, "unknown", note=note, counted=counted))
    return whole("facts", children, most=PARAMS)


def _equal(left: Any, right: Any) -> bool:
    """JSON equality: 1 and 1.0 are the same number, 1 and true are not the same thing."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)


def command(left: Command, right: Command, changed: Delta, *, same_recipe: bool) -> Delta:
    """Compare command lines word by word.

    Args:
        left: of one run.
        right: of the other.
        changed: what `params` gave; words that only say what differs there are not a second cause.
        same_recipe: whether both have one recipe, which knows masked words by a keyed digest.
    """
    one, other = _words(left), _words(right)
    children: list[Delta] = []
    said = True
    if one != other:
        for tag, a, b, c, d in _steps(one, other):
            relation: Relation = "same" if tag == "equal" else "changed"
            said = said and (
                tag == "equal" or (_said(one, a, b, changed, 0) and _said(other, c, d, changed, 1))
            )
            children.append(Delta(f"command/{len(children)}", relation, one[a:b], other[c:d]))
    before, after = _shown(left.cwd), _shown(right.cwd)
    if before != after:
        children.append(Delta("command/cwd", "changed", before, after))
        said = False
    found = _stdin(left, right)
    if found is not None:
        children.append(found)
        said = said and not found.counted
    if left.executable.digest != right.executable.digest:
        before, after = (_executable(side) for side in (left, right))
        unread = left.executable.digest is None or right.executable.digest is None
        children.append(Delta("command/executable", "unknown" if unread else "changed", before, after))
        said = False
    if (left.redacted or right.redacted) and not same_recipe:
        return whole("command", children, least="unknown", note="masked words cannot be compared")
    if any(child.counted and child.relation != "same" for child in children) and said:
        note = "it says what differs in the params"
        return Delta("command", "changed", note=note, children=children, counted=False)
    return whole("command", children)


def _stdin(left: Command, right: Command) -> Delta | None:
    """Compare what standard input held, and else what it was; None when nothing can be said against it."""
    # A terminal and nothing at all differ for those who ask; for nearly all programs they are one.
    nothing = [
        side.stdin in ("terminal", "null", "closed")
        or (side.stdin_digest is not None and not side.stdin_size)
        for side in (left, right)
    ]
    path = "command/stdin"
    if all(nothing):
        same = left.stdin == right.stdin
        return None if same else Delta(path, "changed", left.stdin, right.stdin, counted=False)
    before, after = _held(left), _held(right)
    known = [side.stdin_digest is not None for side in (left, right)]
    if all(known) and left.stdin_digest == right.stdin_digest:
        same = left.stdin == right.stdin
        return None if same else Delta(path, "changed", left.stdin, right.stdin, counted=False)
    sizes = {left.stdin_size, right.stdin_size}
    if all(known) or any(nothing) or (len(sizes) == 2 and None not in sizes):
        return Delta(path, "changed", before, after)
    if left.stdin == right.stdin and not any(known) and left.stdin != "file":
        # Many programs are started with a pipe that they never read.
        return None
    return Delta(path, "unknown", before, after, note="what it held is not known")


def _held(ran: Command) -> str:
    if ran.stdin_digest is None:
        return ran.stdin
    return f"{ran.stdin}, {ran.stdin_size} bytes {ran.stdin_digest[:15]}…"


def _words(ran: Command) -> list[str]:
    return [_shown(word) for word in ran.argv]


def _shown(text: Text) -> str:
    return to_shown(from_text(text))


def _executable(ran: Command) -> str:
    if ran.executable.digest is None:
        return f"not known: {ran.executable.reason or 'no reason is recorded'}"
    return f"{_shown(ran.executable.path or '')} {ran.executable.digest[:15]}…"


def _steps(one: list[str], other: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    if len(one) > WORDS or len(other) > WORDS:
        return [("replace", 0, len(one), 0, len(other))]
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other, autojunk=False).get_opcodes()


def _said(words: list[str], start: int, end: int, changed: Delta, side: int) -> bool:
    """Whether words only give params the values that are shown to differ.

    Args:
        words: the whole command.
        start: of the words that differ.
        end: behind them.
        changed: what `params` gave.
        side: 0 for left, 1 for right.
    """
    known: dict[str, Any] = {
        child.path.partition("/")[2]: child.right if side else child.left for child in changed.children
    }
    for at in range(start, end):
        word = words[at]
        name, equals, value = word.lstrip("-+").partition("=")
        before = words[at - 1] if at else ""
        if equals:
            fits = name in known and _equal(scalar(value), known[name])
        elif word.startswith("--"):
            fits = name in known
        else:
            # A bare word is the value of the option before it, or something of its own.
            option = before.removeprefix("--") if before.startswith("--") and "=" not in before else None
            fits = option in known and _equal(scalar(word), known[option])
        if not fits:
            return False
    return True


def seed(left: Seed, right: Seed) -> Delta:
    """Compare what controlled randomness."""
    if left.value is None and right.value is None:
        children = [
            Delta(f"seed/{name}", "changed", left.known.get(name), right.known.get(name), counted=False)
            for name in sorted(left.known.keys() | right.known.keys())
            if left.known.get(name) != right.known.get(name)
        ]
        return Delta("seed", "same", note="not controlled", children=children)
    if left.value == right.value:
        return Delta("seed", "same", left.value, right.value)
    note = "one run controlled none" if left.value is None or right.value is None else None
    return Delta("seed", "changed", left.value, right.value, note=note)
