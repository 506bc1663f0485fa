"""The phrases of a comparison, as harmless styled text: what the terminal, Markdown and HTML all say.

Old is plain, new is bold, what did not change is dim; green and red are for better and worse alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from xt.model.delta import Delta, Judgement, Measure, Side, Tally
from xt.render.cells import clip
from xt.render.diff_numbers import scientific
from xt.render.diff_view import View
from xt.render.quantities import count, cut, size
from xt.render.quoting import value as quoted
from xt.render.styled import Line, Span, join, say

#: Cells of one value beside its counterpart.
LONG_VALUE = 120
#: Measures named of one thing.
MEASURES = 3
#: The name of several inputs of one role that were compared as one bundle.
BUNDLE = "bundle"
_OUTCOMES = {"beyond tolerance": "over tolerance", "beyond noise": "beyond noise"}


def last(path: str, parents: int) -> str:
    """The name of a part: its path without so many parents, which may itself hold slashes."""
    parts = path.split("/", parents)
    return parts[-1] if len(parts) > parents else path


def short(side: Side) -> str:
    """The unique prefix of a run's id."""
    return side.id[: side.shown]


def rows_of(found: Delta) -> Iterator[Delta]:
    """Every metric and cost with its cohorts, in order."""
    for section in found.children:
        if section.path in ("metrics", "cost"):
            for row in section.children:
                yield row
                yield from row.children


def part(whole: Delta, name: str) -> Delta | None:
    """The section of a name."""
    return next((child for child in whole.children if child.path == name), None)


def outcome(judged: Judgement) -> Line:
    """The verdict on one number: `within noise`, `beyond noise, worse ▼`."""
    word: str = judged.word
    if word in ("improved", "regressed"):
        word = "beyond noise" if judged.noise is not None or judged.p is not None else "over tolerance"
    word = _OUTCOMES.get(word, word)
    if judged.word not in ("improved", "regressed", "beyond tolerance", "beyond noise"):
        return [say(word, "dim" if judged.word == "same" else "")]
    direction = judged.direction or {"improved": "better", "regressed": "worse"}.get(judged.word)
    if direction is None:
        return [say(word, "bold")]
    better = direction == "better"
    return [say(f"{word}, "), say("better ▲" if better else "worse ▼", "good" if better else "bad")]


def unjudged(found: Delta, sides: tuple[Side, Side]) -> Line:
    """What is said of a number nobody judged."""
    if found.left is None and found.right is not None:
        return [say(f"only in {short(sides[1])}")]
    if found.right is None and found.left is not None:
        return [say(f"only in {short(sides[0])}")]
    if found.note:
        return [say(found.note)]
    words = {"same": "same", "within": "within tolerance", "unknown": "cannot tell", "changed": "differs"}
    # A cost that does not count is information, no finding.
    return [say(words[found.relation] if found.counted else "", "dim" if found.relation == "same" else "")]


def is_told_elsewhere(section: Delta, options: View) -> bool:
    """Whether a section of causes only repeats another (the command the params), and nobody asked for it."""
    return section.relation == "changed" and not section.counted and not options.asks(section.path)


def caveats(comparability: Delta) -> list[Line]:
    """Why the effects cannot be held against each other, or only with care; none when they can."""
    if comparability.relation == "same":
        return []
    parts = [child for child in comparability.children if child.relation != "same"]
    lines = []
    for child in parts or [comparability]:
        bad = child.relation == "changed"
        why = child.note or f"{last(child.path, 1)} {'differs' if bad else 'cannot be compared'}"
        line = [say("not comparable: " if bad else "caution: ", "bad" if bad else "bold"), say(why)]
        lines.append([*line, *([say(f" · {child.hint}", "dim")] if child.hint else [])])
    if parts and comparability.note:
        lines.append([say(comparability.note, "dim")])
    if comparability.more:
        lines.append([say(f"and {count(comparability.more, 'more difference')} of this kind", "dim")])
    return lines


def arrow(found: Delta, plain: bool = False) -> Line:
    """Left and right of a setting: `0.1 → 0.05`, `added 0.05`, `removed 0.1`.

    Args:
        found: with JSON values.
        plain: texts are names or versions and need no quotes.
    """
    left, right = found.left, found.right
    if left is None and right is None:
        return [say(found.change, "dim")] if found.change in ("added", "removed") else []
    if found.change == "added" or (left is None and right is not None and found.change != "changed"):
        return [say("added ", "dim"), say(shown(right, plain), "bold")]
    if found.change == "removed" or (right is None and left is not None and found.change != "changed"):
        return [say("removed ", "dim"), say(shown(left, plain))]
    line = [say(shown(left, plain)), say(" → ", "dim"), say(shown(right, plain), "bold")]
    older = found.change == "down" and found.path.startswith("environment/packages/")
    return [*line, say(" (older)", "dim")] if older else line


def shown(value: Any, plain: bool) -> str:
    """Write a JSON value, short."""
    if isinstance(value, str) and (plain or len(value) > 10 * LONG_VALUE):
        return cut(value, LONG_VALUE)
    try:
        return cut(quoted(value), LONG_VALUE)
    except (OverflowError, ValueError, TypeError):
        return "a value too large to be shown"


def weights(found: Delta, *, digests: bool = False) -> Line:
    """Sizes and numbers of files of two versions of a file or tree; contents where these agree, or always."""
    left, right = _facts(found.left), _facts(found.right)
    if not left and not right:
        return [say(found.change, "dim")] if found.change in ("added", "removed") else []
    if not left or not right:
        side = right or left
        items = [[say(text)] for text in (_files(side), _bytes(side)) if text]
        items += [[say(text, "dim")] for text in (_digest(side), _revision(side)) if text]
        return [say("added " if right else "removed ", "dim"), *join(items, " · ")]
    items = []
    for write in (_files, _bytes, _revision):
        old, new = write(left), write(right)
        if old and new and old != new:
            items.append([say(old), say(" → ", "dim"), say(new, "bold")])
        elif (old or new) and write is not _revision:
            items.append([say(new or old)])
    moved = any(span.style == "bold" for item in items for span in item)
    if (digests or not moved) and _digest(left) and left.get("digest") != right.get("digest"):
        items.append([say(f"{_digest(left)} → {_digest(right, kind=False)}", "dim")])
    return join(items, " · ")


def named_input(found: Delta) -> Line:
    """What an input was declared as, and the versions of the bundle it is; of several as one these alone."""
    name, known = last(found.path, 2), versions(found)
    return known if known and name == BUNDLE else join([[say(name)], known], "  ")


def versions(found: Delta) -> Line:
    """Versions of a bundle on both sides: `prompts@3f9a2c → prompts@77ab01`; nothing for what has none."""
    known = [_facts(side).get("version") for side in (found.left, found.right)]
    said = [[say(name, "bold")] for name in known if isinstance(name, str)]
    return join(said if known[0] != known[1] else said[:1], " → ")


def _facts(value: Any) -> dict[str, Any]:
    if isinstance(value, int) and not isinstance(value, bool):
        return {"size": value}
    return value if isinstance(value, dict) else {}


def _files(side: dict[str, Any]) -> str:
    number = side.get("files")
    return count(number, "file") if isinstance(number, int) and number != 1 else ""


def _bytes(side: dict[str, Any]) -> str:
    known = side.get("size")
    return size(known) if isinstance(known, int) and 0 <= known < 10**24 else ""


def _digest(side: dict[str, Any], *, kind: bool = True) -> str:
    digest = side.get("digest")
    if not isinstance(digest, str):
        return ""
    name, _, letters = digest.partition(":")
    return f"{name} {letters[:6]}…" if kind else f"{letters[:6]}…"


def _revision(side: dict[str, Any]) -> str:
    revision = side.get("revision")
    return f"revision {revision[:16]}" if isinstance(revision, str) else ""


def tally(found: Tally, sides: tuple[Side, Side], *, whole: bool) -> Line:
    """Cases of both sides in words; those that did not change only of the whole."""
    items: list[Line] = []
    if found.fixed:
        items.append([say(f"{found.fixed} "), say("fixed", "good")])
    if found.broken:
        items.append([say(f"{found.broken} "), say("broken", "bad")])
    if not items:
        items.append([say("none fixed, none broken")])
    if whole:
        items += [[say(f"{found.failing} failing in both", "dim")]] if found.failing else []
        items += [[say(f"{found.passing} passing in both", "dim")]] if found.passing else []
    for number, side in ((found.only_left, sides[0]), (found.only_right, sides[1])):
        if number:
            items.append([say(f"{number} only in {short(side)}")])
    return join(items, " · ")


def case_verdict(section: Delta) -> Line:
    """Whether the cases moved beyond chance; nothing when they did not move or nobody judged them."""
    judged = section.judgement
    if judged is None or judged.word == "same":
        return []
    reason = [say(f" ({judged.reason})", "dim")] if judged.reason else []
    return [*outcome(judged), *reason]


def distance(found: Measure) -> Line:
    """How far apart: `max |Δ| 0.031 at [12, 4] (tolerance 1e-5)`."""
    line = [say(f"{found.what} "), say(scientific(found.value), "bold")]
    if found.at is not None:
        line += [say(" at ", "dim"), brief(found.at, 60)]
    if found.bound is not None:
        line.append(say(f" (tolerance {scientific(found.bound)})", "dim"))
    return line


def distances(found: Delta, without: Sequence[str] = ()) -> Line:
    """The first measures of a thing, in a row, but for some."""
    told = [item for item in found.measures if item.what not in without]
    return join([distance(item) for item in told[:MEASURES]], " · ")


def agreement(found: Delta, sides: tuple[Side, Side]) -> Line:
    """What an output, or a part of one, comes to."""
    if found.change == "added":
        return [say(f"only in {short(sides[1])}", "bold")]
    if found.change == "removed":
        return [say(f"only in {short(sides[0])}", "bold")]
    words = {
        "same": ("same", "dim"),
        # Also by packaging, the sign of a zero, an order of keys: nobody declared a tolerance for these.
        "within": ("equivalent", ""),
        "unknown": ("cannot be compared", "bold"),
        "changed": ("different", "bold"),
    }
    return [say(*words[found.relation])]


def described(found: Delta, sides: tuple[Side, Side]) -> Line:
    """An output in a line: how it agrees, by how much, what is noted of it."""
    line = agreement(found, sides)
    # A note is the measures in words.
    detail = [say(found.note)] if found.note else distances(found)
    if not detail:
        sizes = weights(found)
        detail = sizes if found.change not in ("added", "removed") else []
    return [*line, say(": "), *detail] if detail else line


def brief(text: str, width: int, style: str = "") -> Span:
    """Say something in at most so many cells; of what is huge only the beginning is looked at."""
    return Span(clip(say(text[: 4 * width + 1]).text, width), style)
