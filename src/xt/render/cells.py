"""Text measured in terminal cells: how wide it is, where it can be cut.

The one use of rich on the way of `xt ls`: `rich.cells` is a leaf of 1.5 ms that knows the widths of Unicode;
`rich.table` is 20 ms more (measured after msgspec: text 9, console 8, table 3), half as much again as all
else that `xt ls` does, and what it adds is not used here: columns go by their importance, lines hang, and
every text of others is made harmless first.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

ELLIPSIS = "…"
#: Characters after which a word too long for a line is broken with preference.
_BREAKS = frozenset("/,=;:&-_.")


def cells(text: str) -> int:
    """Width of text in cells; controls must have been made visible before."""
    return len(text) if text.isascii() else cell_len(text)


def clusters(text: str) -> Iterator[tuple[str, int]]:
    """Split into what must stay together, with its width: a character and the marks that sit on it."""
    cluster, width = "", 0
    for character in text:
        own = cells(character)
        if own and cluster:
            yield cluster, width
            cluster, width = "", 0
        cluster += character
        # A variation selector makes some narrow characters wide: measured together.
        width = cells(cluster) if len(cluster) > 1 else own
    if cluster:
        yield cluster, width


def clip(text: str, width: int) -> str:
    """Shorten to a width; what was cut shows as an ellipsis."""
    if cells(text) <= width:
        return text
    kept, used = [], 0
    for cluster, own in clusters(text):
        if used + own > width - 1:
            break
        kept.append(cluster)
        used += own
    return "".join(kept) + ELLIPSIS if width > 0 else ""


def clip_front(text: str, width: int) -> str:
    """Shorten to a width by leaving out the beginning: `…/val/accuracy`."""
    if cells(text) <= width:
        return text
    kept, used = [], 0
    for cluster, own in reversed(list(clusters(text))):
        if used + own > width - 1:
            break
        kept.append(cluster)
        used += own
    return ELLIPSIS + "".join(reversed(kept)) if width > 0 else ""


def split(text: str, width: int) -> tuple[str, str]:
    """Break a word that is too long: what fits, preferably up to a `/` or the like, and the rest.

    Args:
        text: wider than `width`.
        width: at least 2, so that every character fits.
    """
    used = end = better = 0
    for cluster, own in clusters(text):
        if used + own > width and end:
            break
        used += own
        end += len(cluster)
        if cluster in _BREAKS and 2 * used >= width:
            better = end
    at = better or end
    return text[:at], text[at:]
