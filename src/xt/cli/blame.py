"""`xt blame`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def blame(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="Where it was measured.")],
    observed: Annotated[str, typer.Argument(metavar="METRIC", help="As it was observed.")],
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="Leave out what was measured before: ISO 8601, `7d`, `today`."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with everything.")] = False,
) -> int:
    """Say where a metric moved in production, and which deployment that coincides with."""
    from xt.context import Outside
    from xt.ops.find import open_store, project_settings
    from xt.ops.production.blame import blame as verb

    outside = Outside.real()
    found = verb(open_store(outside), environment, observed, since, project_settings(outside), outside)
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    else:
        from xt.render.blame import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        data = render(found, outside.now(), columns, colours).encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    return 0
