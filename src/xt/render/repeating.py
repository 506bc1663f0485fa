"""The page of a run: what it repeats, and how well it repeats."""

from __future__ import annotations

from datetime import datetime

from xt.model.event import Verified
from xt.model.level import LEVELS
from xt.model.snapshot import Repeat
from xt.render.layout import flow, wrap
from xt.render.levels import style
from xt.render.quantities import count, seconds_since, since
from xt.render.styled import Line, join, say

#: Sentences about what could not be as it was.
MOST = 12


def repeat(found: Repeat, shown: int, width: int) -> list[Line]:
    """What a run repeats, by which command, and what was or had to be different.

    Args:
        found: as recorded.
        shown: letters of an id.
        width: of the longest line wanted.
    """
    made = [say(f"made by xt {'verify' if found.trial else 'rerun'}")]
    changed = []
    if found.varied:
        changed.append(f"{_listed(found.varied)} varied")
    if found.pinned:
        changed.append(f"{_listed(found.pinned)} held fixed")
    if changed:
        made.append(say(f" with {', '.join(changed)}"))
    items: list[Line] = [[say("of "), say(found.of[:shown], "key")], made]
    if found.in_place:
        items.append([say("in the project as it was when the repeat was made")])
    if found.environment != "check":
        items.append([say(f"environment: {found.environment}")])
    lines = flow(items, width)
    for sentence in found.adjusted[:MOST]:
        lines += wrap([say(sentence, "dim")], width, 2)
    if len(found.adjusted) > MOST:
        lines.append([say(f"and {len(found.adjusted) - MOST} more", "dim")])
    return lines


def verified(found: Verified, shown: int, now: datetime, width: int) -> list[Line]:
    """How well a run repeats, as last verified: `identical in 5 of 5 repeats, 2 h ago`.

    Args:
        found: the last event.
        shown: letters of an id.
        now: to say how long ago.
        width: of the longest line wanted.
    """
    number = len(found.repeats)
    line: Line = [say(found.level, style(found.level, found.required))]
    if found.against is not None:
        line += [say(" held against "), say(found.against[:shown], "key")]
    elif found.level == "identical" and number:
        line.append(say(f" in {number} of {count(number, 'repeat')}"))
    elif number:
        line.append(say(f" over {count(number, 'repeat')}"))
    if style(found.level, found.required) == "bad" and found.level != "unverifiable":
        line.append(say(f", {found.required} was required"))
    age = seconds_since(found.at, now)
    line.append(say(f", {since(age)}" if age is not None else ", at an unknown time"))
    lines = wrap(line, width, 2)
    if found.varied:
        by_level = {
            level: [name for name, reached in found.varied.items() if reached == level] for level in LEVELS
        }
        items: list[Line] = [
            [say(f"{level} ", "dim"), say(f"with {_listed(names)}")]
            for level, names in by_level.items()
            if names
        ]
        lines += flow(items, width)
    if found.level == "unverifiable" or found.sources:
        lines += wrap([say(found.sentence)], width, 2)
    if found.sources:
        source: Line = [say("differs by ", "dim"), say(_listed(found.sources), "bold")]
        held: Line = (
            [say("repeats with ", "dim"), say(f"{_listed(found.pins)} held fixed")] if found.pins else []
        )
        lines += wrap(join([part for part in (source, held) if part], " · "), width, 2)
    return lines


def _listed(names: list[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
