"""What a store and a remote have that the other has not."""

from __future__ import annotations

from xt.model.sync import RemoteStatus, Surplus
from xt.render.layout import table, wrap
from xt.render.quantities import count, size
from xt.render.styled import Line, join, paint, say

#: Runs, or wrong copies, that are named.
FEW = 8
#: Letters of an id.
SHOWN = 8


def render(found: RemoteStatus, columns: int, colour: bool) -> str:
    """Write the report.

    Args:
        found: what was found out.
        columns: of the longest line wanted.
        colour: whether to write colours.
    """
    rows = [
        [[say("both", "bold")], [say(count(found.runs, "run"))]],
        [[say("only here", "bold")], _side(found.here)],
        [[say("only there", "bold")], _side(found.there)],
    ]
    head = [say(found.remote, "accent")]
    if found.url != found.remote:
        head.append(say(f"  {found.url}", "dim"))
    lines = [*wrap(head, columns, 2), *table(rows, columns, 1)]
    for wrong in found.wrong[:FEW]:
        lines += wrap([say("wrong: ", "bad"), say(wrong)], columns, 2)
    if len(found.wrong) > FEW:
        lines += wrap([say(f"… and {len(found.wrong) - FEW} more (--json)", "dim")], columns, 2)
    if found.checked and not found.wrong:
        lines += wrap([say("all records on the remote are what was sealed", "dim")], columns, 2)
    hints = [hint for side, hint in ((found.here, "xt push"), (found.there, "xt pull")) if side.runs]
    if hints:
        lines += wrap([say(" · ".join(hints), "dim")], columns, 2)
    return "".join(f"{paint(line, colour)}\n" for line in lines)


def _side(side: Surplus) -> Line:
    parts: list[Line] = []
    if side.runs:
        named = ", ".join(run[:SHOWN] for run in side.runs[:FEW]) + (" …" if len(side.runs) > FEW else "")
        parts.append([say(f"{count(len(side.runs), 'run')} ({named})")])
    if side.objects:
        parts.append([say(f"{count(side.objects, 'content')}, {size(side.size)}")])
    if side.events:
        parts.append([say(count(side.events, "event"))])
    return join(parts, " · ") if parts else [say("nothing", "dim")]
