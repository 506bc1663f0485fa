"""Lines of styled text: harmless from the moment they are made, painted at the very end.

Colour carries no meaning that the text does not carry too: one accent, dim for what matters less, green and
red for pass and fail only (the 16 colours every terminal has, ECMA-48 8.3.117).
"""

from __future__ import annotations

from typing import NamedTuple

from xt.model.text import Raw, Text, from_text
from xt.render.cells import cells
from xt.render.visible import visible

SGR = {
    "bold": "1",
    "dim": "2",
    "accent": "36",
    "key": "1;36",
    "good": "32",
    "bad": "31",
    # Lines of a plot, told apart by their labels too: neither green nor red.
    "line0": "36",
    "line1": "33",
    "line2": "35",
    "line3": "34",
    "line4": "96",
    "line5": "93",
    "line6": "95",
    "line7": "94",
}
#: Characters of one piece of text: what is longer is no text for people, and would take long to lay out.
LONGEST = 10_000
_RESET = "\x1b[0m"


class Span(NamedTuple):
    """A piece of a line in one style; made by `say`, which makes its text harmless."""

    text: str
    style: str


Line = list[Span]


def say(text: Text, style: str = "") -> Span:
    """Make a piece of a line.

    Args:
        text: anything, of anybody: control characters become escapes.
        style: a name in `SGR`, or '' for none.

    Returns:
        The piece; what is too long to be read is cut, and says so.
    """
    said = from_text(text) if isinstance(text, Raw) else text
    if len(said) > LONGEST:
        said = f"{said[:LONGEST]}… ({len(said) - LONGEST} characters more)"
    return Span(visible(said), style)


def measure(line: Line) -> int:
    """Width of a line in cells."""
    return sum(cells(span.text) for span in line)


def join(items: list[Line], separator: str) -> Line:
    """Put a dim separator between lines to make one of them."""
    line: Line = []
    for item in items:
        if line and item:
            line.append(Span(separator, "dim"))
        line += item
    return line


def paint(line: Line, colour: bool) -> str:
    """Write a line, without spaces at its end."""
    line = list(line)
    while line and not line[-1].text.rstrip(" "):
        line.pop()
    if not line:
        return ""
    line[-1] = Span(line[-1].text.rstrip(" "), line[-1].style)
    if not colour:
        return "".join(span.text for span in line)
    return "".join(
        f"\x1b[{SGR[span.style]}m{span.text}{_RESET}" if span.style and span.text.strip(" ") else span.text
        for span in line
    )
