"""What `xt init` found and wrote, and what to do next."""

from __future__ import annotations

from xt.render.layout import flow, pad, wrap
from xt.render.styled import Line, paint, say

#: Cells of the label column.
LABEL = 12
NARROWEST = 30


def report(
    path: str, found: list[tuple[str, list[str]]], stopped: bool, start: str, width: int, colour: bool
) -> str:
    """Write the report.

    Args:
        path: of the new file, as it would be typed.
        found: what there is of each sort.
        stopped: whether not everything was looked at.
        start: a command to try.
        width: of the terminal.
        colour: whether it may have colours.
    """
    width = max(width, NARROWEST)
    lines: list[Line] = [*wrap([say("wrote "), say(path, "key")], width), []]
    for label, names in found:
        items: list[Line] = [[say(name)] for name in names]
        content = flow(items, width - LABEL, ", ") if items else [[say("none found", "dim")]]
        for number, line in enumerate(content):
            lines.append([*pad([say("  "), say(label if number == 0 else "", "accent")], LABEL), *line])
    if stopped:
        lines.append([say("  more than was looked at", "dim")])
    lines += [[], *wrap([say("Take the `#` away in front of what fits; then:")], width)]
    lines += [
        [say("  "), *line] for line in wrap([say(f'xt run -m "why" -- {start}', "accent")], width - 2, 2)
    ]
    return "".join(paint(line, colour) + "\n" for line in lines)
