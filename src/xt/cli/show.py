"""`xt show`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def show(
    reference: Annotated[
        str, typer.Argument(metavar="[RUN]", help="Id, name, tag, @ (newest) or @~N.")
    ] = "@",
    as_json: Annotated[bool, typer.Option("--json", help="The record as it is stored.")] = False,
    code: Annotated[
        str | None, typer.Option("--code", metavar="PATH", help="Print a file as it ran; a folder is listed.")
    ] = None,
) -> int:
    """Show one run: what, why, causes, effects, what is missing."""
    from xt.context import Outside
    from xt.ops.find import open_store, resolve
    from xt.ops.show import code_file, json_bytes, page

    outside = Outside.real()
    store = open_store(outside)
    run_id = resolve(store, reference, outside)
    if code is not None:
        sys.stdout.buffer.write(code_file(store, run_id, code, outside))
    elif as_json:
        sys.stdout.buffer.write(json_bytes(store, run_id))
    else:
        from xt.cli.run import colour
        from xt.render.show import render
        from xt.render.terminal import width

        text = render(page(store, run_id), outside.now(), width(sys.stdout), colour(sys.stdout))
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    return 0
