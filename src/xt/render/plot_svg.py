"""Metrics as SVG: the same bytes for the same points, nothing but shapes and text.

Written here and not by a library: what is needed is six elements; Matplotlib would be 60 MB and a second of
start for them.
"""

from __future__ import annotations

from xt.model.plot import Plot
from xt.render.diff_html import escape
from xt.render.plot_picture import DARK, HIGH, LIGHT, WIDE, Dot, Item, Picture, Words, picture

_MARGIN = 14
#: What all styles look like on white and on black paper.
_PAPER = (
    {"ink": "#1c1e21", "quiet": "#667085", "grid": "#eaecf0", "axis": "#b6bcc6", "base": "#7a8290"},
    {"ink": "#e4e6e8", "quiet": "#98a2b3", "grid": "#2a2f36", "axis": "#4d5561", "base": "#98a2b3"},
)


def colours(dark: bool) -> dict[str, str]:
    """Colour of each style."""
    lines = DARK if dark else LIGHT
    found = {f"line{at}": colour for at, colour in enumerate(lines)}
    return {**_PAPER[dark], **found, "pale": "#3f4650" if dark else "#d0d5dd"}


def style() -> str:
    """CSS of the pictures, for a page that has some."""
    light, dark = (
        "".join(f"--p-{name}:{colour};" for name, colour in colours(black).items()) for black in (False, True)
    )
    strokes = "".join(
        f".p-{name}{{stroke:var(--p-{name})}}.q-{name}{{fill:var(--p-{name})}}" for name in colours(False)
    )
    return (
        f"svg.xt{{{light}max-width:100%;height:auto;font-family:system-ui,sans-serif}}\n"
        f"@media (prefers-color-scheme:dark){{svg.xt{{{dark}}}}}\n"
        f"{strokes}\n.xt path{{fill:none;stroke-linejoin:round;stroke-linecap:round}}"
        ".q-unseen{fill:transparent}.xt .b{font-weight:600}"
    )


def render(plot: Plot) -> str:
    """Write a file of its own.

    Args:
        plot: what is drawn.
    """
    drawn = picture(plot)
    wide, high = drawn.width + 2 * _MARGIN, drawn.height + 2 * _MARGIN
    # A file of its own has paper of its own: a viewer's may be any colour.
    sheet = "svg.xt{background:#fff}@media (prefers-color-scheme:dark){svg.xt{background:#16181b}}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- drawn by xt -->\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" class="xt" role="img" width="{wide:g}" height="{high:g}" '
        f'viewBox="{-_MARGIN} {-_MARGIN} {wide:g} {high:g}">\n'
        f"<style>{style()}\n{sheet}</style>\n{_items(drawn)}</svg>\n"
    )


def inline(plot: Plot, wide: int = WIDE, high: int = HIGH) -> str:
    """Write an element for a page that has `style()`.

    Args:
        plot: what is drawn.
        wide: pixels between the axes.
        high: likewise.
    """
    drawn = picture(plot, wide, high)
    return (
        f'<svg class="xt" role="img" width="{drawn.width:g}" height="{drawn.height:g}" '
        f'viewBox="0 0 {drawn.width:g} {drawn.height:g}">\n{_items(drawn)}</svg>'
    )


def _items(drawn: Picture) -> str:
    return "".join(_item(item) + "\n" for item in drawn.items)


def _item(item: Item) -> str:
    if isinstance(item, Words):
        anchor = f' text-anchor="{item.anchor}"' if item.anchor != "start" else ""
        names = f"q-{item.style}{' b' if item.bold else ''}"
        head = f'<text x="{item.x:g}" y="{item.y:g}" font-size="{item.size}"{anchor} class="{names}">'
        return f"{head}{escape(item.text)}</text>"
    title = f"<title>{escape(item.title)}</title>" if item.title else ""
    if isinstance(item, Dot):
        head = f'<circle cx="{item.x:g}" cy="{item.y:g}" r="{item.radius:g}" class="q-{item.style}">'
        return f"{head}{title}</circle>"
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in item.places)
    dash = f' stroke-dasharray="{" ".join(map(str, item.dash))}"' if item.dash else ""
    return f'<path d="{path}" class="p-{item.style}" stroke-width="{item.width:g}"{dash}>{title}</path>'
