"""A place in a text that was given: the text, and a caret below the place."""

from __future__ import annotations

from xt.render.visible import visible

#: Characters shown before the place and after it.
AROUND = 60


def pointed(text: str, at: int) -> list[str]:
    """Two lines for standard error.

    Args:
        text: as given, of any length and content.
        at: column, from 0; the end of the text is a place too.
    """
    from xt.render.cells import cells

    before = visible(text[max(0, at - AROUND // 2) : at])
    after = visible(text[at : at + AROUND])
    before = ("…" if at > AROUND // 2 else "") + before
    after += "…" if len(text) > at + AROUND else ""
    return [f"  {before}{after}", "  " + " " * cells(before) + "^"]
