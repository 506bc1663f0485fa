"""`xt prod`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def prod(
    environment: Annotated[
        str | None, typer.Argument(metavar="[ENV]", help="Its history; without it, what is live everywhere.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with everything.")] = False,
) -> int:
    """Show what is live and was, and how it did beside what was measured offline."""
    from xt.context import Outside
    from xt.ops.find import open_store, project_settings
    from xt.ops.production.history import production

    outside = Outside.real()
    found = production(open_store(outside), environment, project_settings(outside))
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    else:
        from xt.render.production import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        text = render(found, outside.now(), columns, colours, history=environment is not None)
        data = text.encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    return 0
