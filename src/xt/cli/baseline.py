"""`xt baseline`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer


def baseline(
    action: Annotated[Literal["set", "show", "history", "rm"], typer.Argument(help="What to do.")] = "show",
    reference: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="For `set`: id, name, tag, @ or @~N.")
    ] = None,
    reason: Annotated[str | None, typer.Option("-m", "--message", help="Why.")] = None,
) -> int:
    """Pin the run that others are compared with; it never moves by itself."""
    from xt.context import Outside
    from xt.errors import NoSuchRunError, UsageError
    from xt.ops import baseline as verbs
    from xt.ops.find import open_store
    from xt.render.pins import line

    outside = Outside.real()
    if (action == "set") != (reference is not None):
        raise UsageError(
            f"`xt baseline {action}` takes {'a' if action == 'set' else 'no'} run", "`xt baseline set RUN`"
        )
    store = open_store(outside)
    if action == "set" and reference is not None:
        pins = [verbs.pin(store, reference, reason, outside)]
    elif action == "rm":
        pins = [verbs.unpin(store, reason, outside)]
    else:
        pins = verbs.history(store)
        if not pins or (action == "show" and pins[-1].run is None):
            raise NoSuchRunError("no baseline is pinned", "`xt baseline set RUN` pins one")
        pins = pins[-1:] if action == "show" else pins
    for pin in pins:
        sys.stdout.write(line(pin, store.shown(pin.run) if pin.run else 0))
    return 0
