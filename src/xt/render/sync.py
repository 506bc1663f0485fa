"""What a push or a pull did: what needs attention run by run, and the sum."""

from __future__ import annotations

from xt.model.sync import EXTRA, Synced, Transfer
from xt.render.layout import table, wrap
from xt.render.quantities import count, size
from xt.render.styled import Line, join, paint, say

#: Runs that are named one by one.
FEW = 12
#: Contents that are named of one run.
NAMED = 3
_WORDS = {
    "push": {"copied": "pushed", "completed": "completed", "present": "there already"},
    "pull": {"copied": "pulled", "completed": "completed", "present": "here already"},
}
_BAD = {"refused": "refused", "waiting": "not come to"}


def render(found: Synced, shown: int, columns: int, colour: bool) -> str:
    """Write the report.

    Args:
        found: what was done.
        shown: letters of ids to show.
        columns: of the longest line wanted.
        colour: whether to write colours.
    """
    telling = [one for one in found.runs if one.state != "waiting" and (one.reason or one.lacking)]
    rows = [_row(found, one, shown) for one in telling[:FEW]]
    lines = table(rows, columns, 2) if rows else []
    if len(telling) > FEW:
        lines += wrap([say(f"… and {len(telling) - FEW} more (--json)", "dim")], columns, 2)
    for doubt in found.doubts[:FEW]:
        lines += wrap([say("passed over: ", "dim"), say(doubt)], columns, 2)
    if len(found.doubts) > FEW:
        lines += wrap([say(f"… and {len(found.doubts) - FEW} more (--json)", "dim")], columns, 2)
    lines += wrap(_sum(found), columns, 2)
    if found.single_writer:
        text = "this remote cannot refuse to overwrite: only one at a time may push to it"
        lines += wrap([say(text, "dim")], columns, 2)
    if found.stopped is not None:
        lines += wrap([say("stopped: ", "bad"), say(found.stopped)], columns, 2)
        text = "what was copied is kept; the same command goes on from there"
        lines += wrap([say(text, "dim")], columns, 2)
    hint = _hint(found)
    lines += wrap([say(hint, "dim")], columns, 2) if hint else []
    return "".join(f"{paint(line, colour)}\n" for line in lines)


def _row(found: Synced, one: Transfer, shown: int) -> list[Line]:
    word = {**_WORDS[found.direction], **_BAD}[one.state]
    style = "bad" if one.state in _BAD else "good" if one.state == "copied" else ""
    if one.reason:
        said = one.reason
    else:
        named = ", ".join(name if "`" in name else f"`{name}`" for name in one.lacking[:NAMED])
        more = len(one.lacking) - NAMED
        where = "to be had" if found.direction == "pull" else "in this store"
        said = f"not {where}: {named}" + (f" and {more} more" if more > 0 else "")
    return [[say(one.run[:shown], "accent")], [say(word, style)], [say(said)]]


def _sum(found: Synced) -> Line:
    to = "to" if found.direction == "push" else "from"
    parts: list[Line] = []
    for state, word in {**_WORDS[found.direction], **_BAD}.items():
        number = sum(1 for one in found.runs if one.state == state)
        if number:
            parts.append([say(f"{number} {word}", "bad" if state in _BAD else "")])
    if not parts:
        parts = [[say("no run")]]
    if found.objects:
        parts.append([say(f"{count(found.objects, 'content')}, {size(found.size)}")])
    if found.events:
        parts.append([say(count(found.events, "event"))])
    # A URL without a name is its own name.
    return [say(f"{to} "), say(found.remote, "accent"), say(": "), *join(parts, " · ")]


def _hint(found: Synced) -> str | None:
    if found.secrets or any(one.secret for one in found.runs):
        return "look at it; `--allow-secrets` sends it all the same"
    sorts = {name.partition(":")[0] for one in found.runs for name in one.lacking}
    options = " ".join(f"--{sort}" for sort in EXTRA if sort in sorts)
    if found.direction == "pull" and options:
        return f"`xt push {options}` from a store that has it brings it there"
    return None
