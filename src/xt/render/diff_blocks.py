"""Blocks of the terminal page: a label on the left and what belongs to it, or above it where it is narrow."""

from __future__ import annotations

from xt.render.layout import pad
from xt.render.styled import Line, Span, measure

#: Cells of the label column of the causes, margin included.
LABEL = 11
#: Below this many columns labels stand on lines of their own.
STACKED = 60
#: Cells a label may have before it takes a line of its own.
LONG_LABEL = 26


def room(width: int, label: int = LABEL) -> int:
    """Cells for the content of a block."""
    return width - 4 if width < STACKED else width - label


def block(label: Line, content: list[Line], width: int, column: int = LABEL) -> list[Line]:
    """Put a label beside or above its content.

    Args:
        label: of the block.
        content: wrapped to `room(width, column)`.
        width: of the page.
        column: cells of the label column, margin included.
    """
    margin = Span("  ", "")
    if not content:
        return [[margin, *label]]
    if width < STACKED:
        return [[margin, *label], *([Span("    ", ""), *line] for line in content)]
    head: Line = [margin, *label]
    lines: list[Line] = []
    if measure(head) > column - 2:
        lines.append(head)
        head = []
    for line in content:
        lines.append([*pad(head, column), *line] if line else head)
        head = []
    return lines


def indent(lines: list[Line], by: int = 2) -> list[Line]:
    """Move lines to the right."""
    return [[Span(" " * by, ""), *line] for line in lines]
