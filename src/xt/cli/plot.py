"""`xt plot`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def plot(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="METRIC… [RUN…]",
            help="Metrics by name or glob, then runs: any word that is no metric of these runs names a run. "
            "Without one: the newest run that has the metric, beside the baseline.",
        ),
    ],
    runs: Annotated[
        list[str] | None,
        typer.Option("-r", "--runs", metavar="REF|QUERY", help="Runs, never taken for a metric."),
    ] = None,
    x: Annotated[
        str | None, typer.Option("--x", metavar="AXIS", help="step, run, time or param.NAME.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write FILE.svg, .png or .html instead."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE even if xt did not draw it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The points, as JSON.")] = False,
) -> int:
    """Draw metrics of runs, in the terminal or to SVG, PNG or HTML."""
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.find import open_store, project_settings
    from xt.ops.plot.panels import COLUMNS
    from xt.ops.plot.verb import Wish
    from xt.ops.plot.verb import plot as find

    if as_json and output is not None:
        raise UsageError("--json and -o exclude each other", "give one of them")
    outside = Outside.real()
    kind = _kind(output) if output is not None else None
    store = open_store(outside)
    wish = Wish(words, tuple(runs or ()), x, None if as_json else COLUMNS)
    found = find(store, wish, project_settings(outside), outside)
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        sys.stdout.buffer.write(for_programs(codec.encode(found)))
        return 0
    if output is None or kind is None:
        from xt.render.plot_text import has_unicode, render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        text = render(found, columns, colours, unicode=has_unicode(outside.environ))
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        return 0
    from xt.ops.page_file import put
    from xt.render.visible import visible

    place = put(os.path.join(outside.cwd, output), _drawn(found, kind), store.path, outside, force=force)
    sys.stderr.write(f"xt: wrote {visible(place)}\n")
    return 0


def _kind(output: str) -> str:
    from xt.errors import UsageError

    kind = os.path.splitext(output)[1].lower()
    if kind not in (".svg", ".png", ".html"):
        raise UsageError(f"-o: `{output}` does not say what to draw", "end it in .svg, .png or .html")
    return kind


def _drawn(found: object, kind: str) -> bytes:
    from importlib import import_module

    from xt.errors import UnsupportedError

    try:
        written = import_module(f"xt.render.plot_{kind[1:]}").render(found)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "PIL":
            raise
        raise UnsupportedError(
            "PNG needs Pillow, which is not installed",
            "`pip install 'xt[images]'` installs it; .svg and .html need nothing",
        ) from None
    return written if isinstance(written, bytes) else str(written).encode("utf-8", "backslashreplace")
