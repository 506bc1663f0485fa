"""`xt trace`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer


def trace(
    thing: Annotated[
        str,
        typer.Argument(
            metavar="THING",
            help="A file or folder, blake3:HEX, a run, RUN:OUTPUT, an environment or a deployment.",
        ),
    ],
    up: Annotated[bool, typer.Option("--up", help="Only what it came from.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only what came of it.")] = False,
    depth: Annotated[
        int | None, typer.Option("--depth", metavar="N", min=1, help="At most so many runs away; else all.")
    ] = None,
    style: Annotated[
        Literal["terminal", "json", "dot", "mermaid"],
        typer.Option("--format", metavar="terminal|json|dot|mermaid", help="How to write it."),
    ] = "terminal",
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
) -> int:
    """Show which run made a file, from what, and what was made from it; by content, whatever it is called."""
    from xt.cli.doing import Doing
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.find import open_store, project_settings
    from xt.ops.lineage import Uses
    from xt.ops.trace import trace as verb

    if as_json and style not in ("terminal", "json"):
        raise UsageError(f"--json and --format {style} are two forms", "choose one of them")
    outside = Outside.real()
    store = open_store(outside)
    doing = Doing(outside.environ, quiet=False)
    doing.tell(f"tracing {thing}")
    try:
        found = verb(
            store,
            Uses(store),
            thing,
            outside,
            project_settings(outside),
            direction="both" if up == down else "up" if up else "down",
            depth=depth,
        )
    finally:
        doing.close()
    if as_json or style == "json":
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    elif style == "terminal":
        from xt.render.terminal import colour, width
        from xt.render.trace import render

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        data = render(found, outside.now(), columns, colours).encode("utf-8", "backslashreplace")
    else:
        from xt.render import trace_graph

        text = trace_graph.dot(found) if style == "dot" else trace_graph.mermaid(found)
        data = text.encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    return 0 if found.known else 1
