"""`xt ls`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

#: Rows asked for at most; more are all.
MOST = 10**9


def ls(
    number: Annotated[
        int, typer.Option("-n", "--number", min=0, max=MOST, help="Rows at most; 0 for all.")
    ] = 20,
    every: Annotated[bool, typer.Option("-a", "--all", help="With the repeats that xt verify made.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
) -> int:
    """List runs, newest first."""
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.find import listing, open_store, with_levels

    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other", "give one of them")
    outside = Outside.real()
    store = open_store(outside)
    found = listing(store, outside, number or None, trials=every)
    found = found._replace(rows=with_levels(store, found.rows))
    # What others wrote reaches a file or a pipe as it is, and a terminal harmless.
    if as_json:
        from xt.cli.answer import for_programs
        from xt.render.listing_data import to_json

        data = for_programs(to_json(found.rows))
    elif as_csv:
        from xt.render.listing_data import to_csv

        text = to_csv(found.rows)
        if sys.stdout.isatty():
            from xt.render.visible import visible_lines

            text = visible_lines(text.replace("\r\n", "\n"))
        data = text.encode("utf-8", "backslashreplace")
    else:
        from xt.ops.beside import current
        from xt.render.listing import table
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        pinned = current(store)
        text = table(
            found.rows, found.shown, found.total, outside.now(), columns, colours, pinned, found.trials
        )
        data = text.encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    return 0
