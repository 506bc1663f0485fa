"""`xt restore`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def restore(
    reference: Annotated[str, typer.Argument(metavar="RUN", help="Id, name, tag, @ (newest) or @~N.")],
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Files, folders or patterns of it; all by default."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="DIR", help="Write below this folder, not into the project."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="outputs|inputs|code|logs",
            help="Only these; again for more. Else outputs and stored inputs, and with --to everything.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("-f", "--force", help="Replace what differs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What came of each path.")] = False,
) -> int:
    """Bring back what a run has: outputs, stored inputs, code, logs."""
    from xt.cli.doing import saying
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.model.restored import SOURCES
    from xt.ops import restore as verb
    from xt.ops.find import open_store, resolve
    from xt.suggest import suggest

    outside = Outside.real()
    for word in only or ():
        if word not in SOURCES:
            raise UsageError(f"--only: no `{word}` to restore", suggest(word, SOURCES, "sorts"))
    store = open_store(outside)
    run_id = resolve(store, reference, outside)
    wish = verb.Wish(
        tuple(paths or ()),
        tuple(source for source in SOURCES if source in (only or ())),
        None if to is None else os.path.normpath(os.path.join(outside.cwd, to)),
        force,
    )
    with saying(f"restoring what {run_id[: store.shown(run_id)]} has", outside.environ):
        done = verb.restore(store, run_id, wish, outside)
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(done))
    else:
        from xt.render.restore import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        text = render(done, store.shown(run_id), outside.cwd, columns, colours)
        data = text.encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    error = verb.fault(done)
    if error is not None:
        sys.stdout.flush()
        raise error
    return 0
