"""`xt push`."""

from __future__ import annotations

from typing import Annotated

import typer


def push(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN|QUERY]...", help="Runs, or a query as for `xt ls`; all by default."),
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option("-r", "--remote", metavar="REMOTE", help="Which, if there are several; or a URL."),
    ] = None,
    code: Annotated[bool, typer.Option("--code", help="The code as it ran too.")] = False,
    inputs: Annotated[bool, typer.Option("--inputs", help="Contents of inputs that are stored too.")] = False,
    outputs: Annotated[bool, typer.Option("--outputs", help="Contents of all outputs too.")] = False,
    allow_secrets: Annotated[
        bool, typer.Option("--allow-secrets", help="Send what looks like a secret too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What came of each run.")] = False,
) -> int:
    """Copy runs to a remote: records, events, logs, metrics and cases, and what more is asked for."""
    from xt.cli.syncing import Bar, carry_out
    from xt.context import Outside
    from xt.model.runid import SHORTEST
    from xt.ops.find import open_store
    from xt.ops.sync.place import opened
    from xt.ops.sync.push import Push, Wish

    outside = Outside.real()
    store = open_store(outside)
    name, place = opened(outside, remote)
    asked = [word for word, on in (("code", code), ("inputs", inputs), ("outputs", outputs)) if on]
    bar = Bar(outside)
    verb = Push(store, place, name, Wish(tuple(words or ()), tuple(asked), allow_secrets), outside, bar.step)
    try:
        return carry_out(verb, bar, outside, 2 * SHORTEST, as_json=as_json)
    finally:
        place.close()
