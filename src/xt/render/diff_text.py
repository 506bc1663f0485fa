"""Patches on a terminal: the bars of `git diff --stat`, hunks, and git's word-diff."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from xt.model.delta import Delta
from xt.render.cells import cells, clip, clip_front, split
from xt.render.diff_words import weights
from xt.render.quantities import count
from xt.render.styled import LONGEST, Line, Span, join, measure, say

#: Lines of patches that are shown without being asked for.
FOLDED = 40
#: Lines shown of one patch, asked for or not: more is for another tool.
MOST = 20_000
#: Cells of the longest bar and of the name before it.
_BAR, _NAME = 30, 48
_TAB = 4
#: Characters of what differs that must be seen of a line that is cut.
_SEEN = 8
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)", re.DOTALL)
_WORD = re.compile(r"\[-.*?-\]|\{\+.*?\+\}")


class Stat(NamedTuple):
    """How much of a file differs."""

    added: int
    removed: int


def stat(found: Delta) -> Stat | None:
    """Lines added and removed; None for what has no lines."""
    known = {
        item.what: item.value
        for item in found.measures
        if item.what in ("lines added", "lines removed") and isinstance(item.value, int) and item.value >= 0
    }
    return Stat(known.get("lines added", 0), known.get("lines removed", 0)) if known else None


def stats(found: list[Delta], names: list[Line], width: int) -> list[Line]:
    """One line a file: `train.py | 4 ++--`, bars on one scale (as in diff.c of git).

    Args:
        found: files with measures, or notes where there are no lines.
        names: of the files.
        width: of the longest line wanted.
    """
    shown = [stat(file) for file in found]
    widest = max(map(measure, names), default=0)
    figures = max((len(str(sum(one))) for one in shown if one), default=1)
    own = min(widest, _NAME, max(width * 3 // 5, 8))
    most = max((sum(one) for one in shown if one), default=0)
    space = min(_BAR, width - own - figures - 4)
    lines = []
    for file, name, one in zip(found, names, shown, strict=True):
        head = [*_fit(name, own), Span(" | ", "dim")]
        if one is None or (file.note and not sum(one)):
            note: Line = [say(file.note, "dim")] if file.note else weights(file) or [say(_bare(file), "dim")]
            lines.append([*head, *_fit(note, width - own - 3, fill=False)])
            continue
        added, removed = _scaled(one, most, space)
        bar = [Span("+" * added, "bold"), Span("-" * removed, "")]
        lines.append([*head, Span(str(sum(one)).rjust(figures) + " ", ""), *bar])
    return lines


def _bare(file: Delta) -> str:
    """What is said of a file of which no more is known."""
    return "unknown" if file.relation == "unknown" else file.change or "differs"


def _fit(line: Line, width: int, *, fill: bool = True) -> Line:
    """Bring a name to a width; of one that is too long the end is kept."""
    own = measure(line)
    if own > width:
        text = "".join(span.text for span in line)
        cut = clip_front(text, width) if fill else clip(text, width)
        return [Span(cut + " " * (width - cells(cut) if fill else 0), "" if fill else "dim")]
    return [*line, Span(" " * (width - own if fill else 0), "")]


def _scaled(one: Stat, most: int, space: int) -> Stat:
    """Signs for the bar of a file; what there is of either kind has at least one."""
    if most <= space:
        return one
    if space < 2:
        return Stat(0, 0)

    def signs(lines: int) -> int:
        return 1 + lines * (space - 2) // most if lines else 0

    return Stat(signs(one.added), signs(one.removed))


def patch(lines: list[str], width: int, *, whole: bool, words: bool) -> list[Line]:
    """Hunks of one file.

    Args:
        lines: of a unified diff, or of git's plain word-diff.
        width: of the longest line wanted.
        whole: long lines are broken; they are cut otherwise, and begin near what differs where the cut
            would hide it.
        words: it is a word-diff.
    """
    found: list[Line] = []
    starts = {} if whole or words else _starts(lines[:MOST], width)
    for at, text in enumerate(lines[:MOST]):
        seen = f"{text[0]}…{text[1:][starts[at] :]}" if at in starts else text
        line = _words(seen) if words and not seen.startswith("@@") else [_styled(seen)]
        found += _broken(line, width) if whole else [_clipped(line, width)]
    if len(lines) > MOST:
        found.append([say(f"and {count(len(lines) - MOST, 'more line')}", "dim")])
    return found


def _starts(lines: list[str], width: int) -> dict[int, int]:
    """Number of a line that differs from its counterpart where the cut hides it → characters to leave out."""
    starts = {}
    at = 0
    while at < len(lines):
        old = _run(lines, at, "-")
        new = _run(lines, at + old, "+")
        for number in range(at, at + min(old, new)):
            pair = lines[number][1 : LONGEST + 1], lines[number + old][1 : LONGEST + 1]
            letters = enumerate(zip(*pair, strict=False))
            alike = next((where for where, (a, b) in letters if a != b), min(map(len, pair)))
            # Tabs and wide letters take more cells than they are characters.
            if alike + _SEEN > width - 1 - pair[0].count("\t", 0, alike) * (_TAB - 1):
                room = max(width // 4, width - 3 - max(map(len, pair)) + alike)
                lead = max(0, alike - room)
                starts.update(dict.fromkeys((number, number + old), lead) if lead else {})
        at += old + new or 1
    return starts


def _run(lines: list[str], at: int, sign: str) -> int:
    """How many lines from there on have the sign."""
    end = at
    while end < len(lines) and lines[end].startswith(sign):
        end += 1
    return end - at


def _styled(text: str) -> Span:
    hunk = _HUNK.match(text)
    if hunk:
        return say(f"@@ line {hunk[1]}  {hunk[2]}".rstrip(), "dim")
    if text.startswith(("+", "-")):
        return say(text[0] + text[1 : LONGEST + 2].expandtabs(_TAB), "bold" if text[0] == "+" else "")
    return say(text[:1] + text[1 : LONGEST + 2].expandtabs(_TAB), "dim")


def _words(text: str) -> Line:
    """A line of git's plain word-diff: `[-old-]{+new+}`."""
    text = text[: LONGEST + 1].expandtabs(_TAB)
    line: Line = []
    at = 0
    for match in _WORD.finditer(text):
        new = match.group().startswith("{")
        line += [say(text[at : match.start()], "dim"), say(match.group(), "bold" if new else "")]
        at = match.end()
    return [span for span in (*line, say(text[at:], "dim")) if span.text]


def _clipped(line: Line, width: int) -> Line:
    """Cut a line, which keeps its spaces."""
    cut: Line = []
    used = 0
    for span in line:
        text = span.text if used + cells(span.text) <= width else clip(span.text, width - used)
        cut.append(Span(text, span.style))
        used += cells(text)
        if text != span.text:
            break
    return cut


def _broken(line: Line, width: int) -> Iterator[Line]:
    """Break a line wherever it is full; it goes on under its own sign."""
    current: Line = []
    used = 0
    for span in line:
        rest = span.text
        while used + cells(rest) > width:
            if width - used >= 2:
                head, rest = split(rest, width - used)
                current.append(Span(head, span.style))
            yield current
            current, used = [Span("  ", "")], 2
        current.append(Span(rest, span.style))
        used += cells(rest)
    yield current


def length(found: list[Delta]) -> int:
    """Lines of all their patches."""
    return sum(len(file.text) for file in found)


def renamed(found: Delta, parent: str, style: str = "") -> Line:
    """The name of a file, or of a renamed one both: `old.py → new.py`."""
    if found.change == "renamed" and isinstance(found.left, str) and isinstance(found.right, str):
        return join([[say(found.left, style)], [say(found.right, style)]], " → ")
    return [say(found.path.removeprefix(parent + "/"), style)]
