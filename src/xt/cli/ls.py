"""`xt ls`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def ls(
    number: Annotated[int, typer.Option("-n", "--number", min=0, help="Rows at most; 0 for all.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
) -> int:
    """List runs, newest first."""
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.find import listing, open_store

    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other", "give one of them")
    outside = Outside.real()
    found = listing(open_store(outside), outside, number or None)
    if as_json:
        from xt.render.listing_data import to_json

        sys.stdout.buffer.write(to_json(found.rows))
    elif as_csv:
        from xt.render.listing_data import to_csv

        sys.stdout.buffer.write(to_csv(found.rows).encode("utf-8", "backslashreplace"))
    else:
        from xt.cli.run import colour
        from xt.render.listing import table
        from xt.render.terminal import width

        text = table(
            found.rows, found.shown, found.total, outside.now(), width(sys.stdout), colour(sys.stdout)
        )
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    return 0
