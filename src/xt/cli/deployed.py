"""What `xt deploy` and `xt rollback` say about a deployment."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.context import Outside
    from xt.ops.production.deploy import Done
    from xt.store import Store


def tell(command: str) -> None:
    """Show the hook before it is run."""
    from xt.render.visible import visible

    sys.stderr.write(f"xt: hook: {visible(command)}\n")
    sys.stderr.flush()


def answer(store: Store, done: Done, outside: Outside, *, as_json: bool) -> bytes:
    """Write a deployment for standard output."""
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        return for_programs(codec.encode(done.event))
    from xt.ops.production.history import went
    from xt.render.deployed import render
    from xt.render.terminal import colour, width

    shown = store.shown_all(done.others)
    others = [run[: shown[run]] for run in done.others]
    before = None if done.before is None else done.before.run[: store.shown(done.before.run)]
    columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
    text = render(went(store, done.event), before, others, done.notes, columns, colours, is_live=done.is_live)
    return text.encode("utf-8", "backslashreplace")
