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
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Another name to pin under, or to look at.")
    ] = None,
    reason: Annotated[str | None, typer.Option("-m", "--message", help="Why; `set` needs it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The pins as they are stored.")] = False,
) -> int:
    """Pin the run that others are compared with; it never moves by itself."""
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.model.event import BASELINE
    from xt.ops import baseline as verbs
    from xt.ops.find import open_store
    from xt.render.pins import line
    from xt.render.terminal import colour, width

    outside = Outside.real()
    if (action == "set") != (reference is not None):
        raise UsageError(
            f"`xt baseline {action}` takes {'a' if action == 'set' else 'no'} run",
            "`xt baseline set RUN -m WHY`" if action == "set" else f"`xt baseline {action} --name NAME`",
        )
    if action == "set" and not (reason or "").strip():
        raise UsageError("a pin needs a reason", "`xt baseline set RUN -m WHY`")
    store = open_store(outside)
    if action == "set" and reference is not None:
        pins = [verbs.pin(store, BASELINE if name is None else name, reference, reason, outside)]
    elif action == "rm":
        pins = [verbs.unpin(store, BASELINE if name is None else name, reason, outside)]
    else:
        pins = verbs.current(store, name) if action == "show" else verbs.history(store, name)
        if not pins:
            raise verbs.none_pinned(name)
    if as_json:
        from xt import codec

        sys.stdout.write(codec.encode(pins).decode())
        return 0
    room, colours = max(24, width(sys.stdout, outside.environ)), colour(sys.stdout, outside.environ)
    for pin in pins:
        sys.stdout.write(line(pin, store.shown(pin.run) if pin.run else 0, room, colours))
    return 0
