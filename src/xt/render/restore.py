"""What `xt restore` did: one line a path while they are few, a line for many of one sort, and the sum."""

from __future__ import annotations

import itertools
import os

from xt import fsio
from xt.model.restored import Restoration, Restored
from xt.model.text import from_text
from xt.render.layout import table, wrap
from xt.render.quantities import count, size
from xt.render.styled import Line, join, paint, say

#: Paths of one sort that are named one by one.
FEW = 12
#: Words and styles, in the order of the page: what needs attention is last, next to the sum.
_STATES = {
    "written": ("restored", "good"),
    "unchanged": ("unchanged", "dim"),
    "shadowed": ("passed over", "dim"),
    "absent": ("not stored", "dim"),
    "pending": ("not written", "dim"),
    "conflict": ("differs", "bad"),
    "refused": ("refused", "bad"),
    "failed": ("failed", "bad"),
}
_WRONG = ("conflict", "refused", "failed")


def render(done: Restoration, shown: int, cwd: str, columns: int, colour: bool) -> str:
    """Write the report.

    Args:
        done: what came of each path.
        shown: letters of the run's id that tell it from all others.
        cwd: the working directory, absolute, for naming the target.
        columns: of the longest line wanted.
        colour: whether to write colours.
    """
    rank = list(_STATES)
    paths = sorted(_telling(done.paths), key=lambda item: rank.index(item.state))
    rows: list[list[Line]] = []
    for _, group in itertools.groupby(paths, key=lambda item: (item.state, item.source)):
        rows += _rows(list(group))
    lines = table(rows, columns, 3, frozenset((2,))) if rows else []
    if done.remark:
        lines += wrap([say(done.remark, "dim")], columns, 2)
    lines += wrap(_sum(done, paths, shown, cwd), columns, 2)
    return "".join(f"{paint(line, colour)}\n" for line in lines)


def _rows(group: list[Restored]) -> list[list[Line]]:
    """Rows of one state and source: every conflict is named, of others only a few."""
    word, style = _STATES[group[0].state]
    head: list[Line] = [[say(word, style)], [say(group[0].source)]]
    if len(group) <= FEW or group[0].state == "conflict":
        return [[*head, _size(item.size), _named(item)] for item in group]
    reasons: dict[str | None, list[Restored]] = {}
    for item in group:
        reasons.setdefault(item.reason, []).append(item)
    rows: list[list[Line]] = []
    for reason, alike in reasons.items():
        if len(alike) == 1:
            rows.append([*head, _size(alike[0].size), _named(alike[0])])
            continue
        what = [say(count(len(alike), "path")), *([say(f": {reason}", "dim")] if reason else [])]
        rows.append([*head, _size(sum(item.size or 0 for item in alike)), what])
    if len(rows) > FEW:
        more = say(f"… and {len(rows) - FEW + 1} more (--json)", "dim")
        rows = [*rows[: FEW - 1], [*head, [], [more]]]
    return rows


def _telling(paths: list[Restored]) -> list[Restored]:
    """All but the folders that something else of the report is in, unless something is wrong with them."""
    above: set[str] = set()
    for item in paths:
        folder = os.path.dirname(from_text(item.path))
        while folder and folder not in above:
            above.add(folder)
            folder = os.path.dirname(folder)
    return [
        item
        for item in paths
        if item.form != "folder" or item.state in _WRONG or from_text(item.path) not in above
    ]


def _named(item: Restored) -> Line:
    path = item.place if item.place is not None else item.path
    end = "/" if item.form == "folder" else ""
    line = [say(path, "bold"), *([say(end, "bold")] if end else [])]
    return [*line, say(f"  {item.reason}", "dim")] if item.reason else line


def _size(number: int | None) -> Line:
    return [say(size(number), "dim")] if number else []


def _sum(done: Restoration, paths: list[Restored], shown: int, cwd: str) -> Line:
    target = from_text(done.target)
    if fsio.is_inside(target, cwd):
        target = fsio.relative_to(target, cwd)
    elif fsio.is_inside(cwd, target):
        target = os.path.relpath(target, cwd)
    parts: list[Line] = []
    for state, (word, style) in _STATES.items():
        found = [item for item in paths if item.state == state]
        if found:
            bytes_written = sum(item.size or 0 for item in found) if state == "written" else 0
            extra = f" ({size(bytes_written)})" if bytes_written else ""
            parts.append([say(f"{len(found)} {word}{extra}", style if style != "dim" else "")])
    if not parts:
        parts = [[say("nothing to restore")]]
    return [say(done.run[:shown], "accent"), say(f" to {target}: "), *join(parts, ", ")]
