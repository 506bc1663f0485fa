"""`xt observe`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def observe(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="Where it was measured.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="Such as `refusal_rate=0.031`."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="TIME", help="When: ISO 8601, seconds since 1970, `-2h`; `now` by default."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE.csv",
            help="Columns `time` and one a metric, or `time`, `name`, `value`; `-` for standard input.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What was recorded.")] = False,
) -> int:
    """Record measurements of production; the same one twice is one."""
    from xt import codec
    from xt.cli.answer import for_programs
    from xt.context import Outside
    from xt.ops.find import open_store
    from xt.ops.production.observe import gather
    from xt.ops.production.observe import observe as verb
    from xt.render.deployed import observed

    outside = Outside.real()
    store = open_store(outside)
    done = verb(store, environment, gather(words or [], at, source, sys.stdin.buffer, outside), outside)
    told = for_programs(codec.encode(done)) if as_json else observed(done).encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(told)
    return 0
