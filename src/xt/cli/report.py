"""`xt report`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def report(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN…|QUERY]", help="Runs; without any, the newest 20, and the baseline."),
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="File to write; `-`: standard output.")
    ] = "report.html",
    title: Annotated[str | None, typer.Option("--title", help="Title of the page.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace FILE even if it is no report of xt.")
    ] = False,
) -> int:
    """Write one self-contained HTML page about runs."""
    from xt.cli.doing import saying
    from xt.context import Outside
    from xt.ops.find import open_store, project_settings
    from xt.ops.page_file import put
    from xt.ops.report.verb import report as gather
    from xt.render.report import render
    from xt.render.visible import visible

    outside = Outside.real()
    store = open_store(outside)
    with saying("writing the report", outside.environ):
        found = gather(store, words or [], title, project_settings(outside), outside)
        data = render(found).encode("utf-8", "backslashreplace")
    if output == "-":
        sys.stdout.buffer.write(data)
        return 0
    place = put(os.path.join(outside.cwd, output), data, store.path, outside, force=force)
    sys.stderr.write(f"xt: wrote {visible(place)}\n")
    return 0
