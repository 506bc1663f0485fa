"""`xt noise`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def noise(
    reference: Annotated[
        str, typer.Argument(metavar="[RUN]", help="Id, name, tag, @ (newest) or @~N.")
    ] = "@",
    everything: Annotated[bool, typer.Option("--all", help="Cohorts and all outputs too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with everything.")] = False,
) -> int:
    """Show how much the results of a run's recipe scatter, from its repeats."""
    from xt.context import Outside
    from xt.ops.find import open_store, project_settings, resolve
    from xt.ops.noise import noise as collect

    outside = Outside.real()
    store = open_store(outside)
    found = collect(store, resolve(store, reference, outside), project_settings(outside))
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    else:
        from xt.render.noise import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        text = render(found, outside.now(), columns, colours, everything=everything)
        data = text.encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    return 0
