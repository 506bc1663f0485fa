"""What differs in the params, the command line and the seed."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from xt.collect.scalars import scalar
from xt.model.delta import Change, Delta, Relation, whole
from xt.model.snapshot import Command, Param, Seed
from xt.model.text import Text, from_text, to_shown

#: Words of a command compared one by one; a longer one (a shell's glob over files) is said to differ.
WORDS = 5_000
#: Differing params listed; the others are counted.
PARAMS = 1_000


def params(left: list[Param], right: list[Param]) -> Delta:
    """Compare named settings by value; where one was read from does not matter."""
    one, other = ({param.name: param.value for param in side} for side in (left, right))
    children = []
    for name in dict.fromkeys([*one, *other]):
        if name in one and name in other:
            if not _equal(one[name], other[name]):
                children.append(Delta(f"params/{name}", "changed", one[name], other[name], change="changed"))
        else:
            change: Change = "removed" if name in one else "added"
            children.append(Delta(f"params/{name}", "changed", one.get(name), other.get(name), change=change))
    return whole("params", children, most=PARAMS)


def _equal(left: Any, right: Any) -> bool:
    """JSON equality: 1 and 1.0 are the same number, 1 and true are not the same thing."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)


def command(left: Command, right: Command, changed: Delta) -> Delta:
    """Compare command lines word by word.

    Args:
        left: of one run.
        right: of the other.
        changed: what `params` gave; words that only say what differs there are not a second cause.
    """
    one, other = _words(left), _words(right)
    children: list[Delta] = []
    said = True
    if one != other:
        for tag, a, b, c, d in _steps(one, other):
            words = one[a:b], other[c:d]
            relation: Relation = "same" if tag == "equal" else "changed"
            said = said and (tag == "equal" or _said(words, changed))
            children.append(Delta(f"command/{len(children)}", relation, *words))
    masked = bool(left.redacted or right.redacted)
    for name, before, after in (
        ("cwd", _shown(left.cwd), _shown(right.cwd)),
        ("stdin", left.stdin, right.stdin),
    ):
        # A terminal and nothing at all differ for those who ask; for nearly all programs they are one.
        counts = name == "cwd" or not {before, after} <= {"terminal", "null", "closed"}
        if before != after:
            children.append(Delta(f"command/{name}", "changed", before, after, counted=counts))
            said = said and not counts
    if left.executable.digest != right.executable.digest:
        before, after = (_executable(side) for side in (left, right))
        relation = (
            "unknown" if left.executable.digest is None or right.executable.digest is None else "changed"
        )
        children.append(Delta("command/executable", relation, before, after))
        said = False
    if children and said:
        note = "it says what differs in the params"
        return Delta("command", "same", note=note if one != other else None, children=children)
    return whole("command", children, note="masked words are not compared" if masked else None)


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
    return SequenceMatcher(None, one, other, autojunk=False).get_opcodes()


def _said(words: tuple[list[str], list[str]], changed: Delta) -> bool:
    """Whether words only give params the values that are shown to differ."""
    for side, tokens in enumerate(words):
        known: dict[str, Any] = {}
        for child in changed.children:
            name = child.path.partition("/")[2]
            known[name] = child.right if side else child.left
        for token in tokens:
            name, equals, value = token.lstrip("-+").partition("=")
            if equals and name in known:
                fits = _equal(scalar(value), known[name])
            else:
                fits = (token.startswith("--") and name in known) or any(
                    _equal(scalar(token), other) for other in known.values()
                )
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
