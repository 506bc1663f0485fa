"""`xt du`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def du(
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Id, name, tag, @ (newest) or @~N: what each takes."),
    ] = None,
    runs: Annotated[bool, typer.Option("--runs", help="The runs that take the most.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="With `--runs`: all of them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, in bytes.")] = False,
) -> int:
    """Show what takes the space of the store, by sort and by run; sizes are those on the disk."""
    from xt.cli.syncing import Bar
    from xt.context import Outside
    from xt.ops.find import open_store, resolve
    from xt.ops.upkeep.usage import Asked
    from xt.ops.upkeep.usage import du as measure

    outside = Outside.real()
    store = open_store(outside)
    chosen = dict.fromkeys(resolve(store, reference, outside) for reference in references or [])
    bar = Bar(outside)
    try:
        found = measure(store, Asked(tuple(chosen), runs or everything, everything), bar.step)
    finally:
        bar.close()
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    else:
        from xt.render.space import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        text = render(found, outside.now(), columns, colours, alone=bool(chosen))
        data = text.encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    return 0
