"""`xt pull`."""

from __future__ import annotations

from typing import Annotated

import typer


def pull(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|QUERY]...",
            help="Runs of the remote, a query, or `baseline` with all it takes to compare; all by default.",
        ),
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option("-r", "--remote", metavar="REMOTE", help="Which, if there are several; or a URL."),
    ] = None,
    code: Annotated[bool, typer.Option("--code", help="The code as it ran too.")] = False,
    inputs: Annotated[bool, typer.Option("--inputs", help="Contents of inputs too.")] = False,
    outputs: Annotated[bool, typer.Option("--outputs", help="Contents of all outputs too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What came of each run.")] = False,
) -> int:
    """Bring runs from a remote: records, events, logs, metrics and cases, and what more is asked for."""
    from xt.cli.syncing import Bar, carry_out
    from xt.context import Outside
    from xt.model.runid import SHORTEST
    from xt.ops.find import store_path, trusts_foreign
    from xt.ops.sync.place import opened
    from xt.ops.sync.pull import Pull, Wish
    from xt.store import Store

    outside = Outside.real()
    name, place = opened(outside, remote)
    store = Store.create(store_path(outside), foreign=trusts_foreign(outside))
    asked = [word for word, on in (("code", code), ("inputs", inputs), ("outputs", outputs)) if on]
    bar = Bar(outside)
    verb = Pull(store, place, name, Wish(tuple(words or ()), tuple(asked)), outside, bar.step)
    try:
        return carry_out(verb, bar, outside, 2 * SHORTEST, as_json=as_json)
    finally:
        place.close()
