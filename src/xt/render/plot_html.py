"""Metrics as one page of HTML that needs nothing else."""

from __future__ import annotations

from xt.model.plot import Plot
from xt.render.diff_html import page
from xt.render.plot_frame import heading
from xt.render.plot_svg import inline, style


def render(plot: Plot) -> str:
    """Write the page.

    Args:
        plot: what is drawn.
    """
    title = ", ".join(heading(panel) for panel in plot.panels)
    return page(f"xt plot: {title}", inline(plot), style())
