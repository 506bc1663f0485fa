"""`xt rm`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def rm(
    references: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN]...", help="Id, name, tag, @ (newest) or @~N; none lists those put away."
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option("-m", "--message", help="Why.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Bring them back; they are named by id.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what is pinned, or live somewhere.")] = False,
) -> int:
    """Put runs away: lists and names pass over them; nothing is deleted, and `--undo` brings them back."""
    from xt.cli.labelled import warn
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops import labels
    from xt.ops.find import open_store
    from xt.ops.statements import standing
    from xt.render.labels import away, line
    from xt.render.terminal import colour, width

    outside = Outside.real()
    store = open_store(outside)
    room, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
    if not references:
        if undo:
            raise UsageError("`--undo` needs the runs to bring back", "`xt rm` lists those that are put away")
        sys.stdout.write(away(labels.removed(store), outside.now(), room, colours))
    elif undo:
        for run in labels.bring_back(store, references, outside):
            sys.stdout.write(line(run, room, colours))
    else:
        runs = labels.remove(store, references, reason, outside, force=force)
        sys.stdout.write(away(runs, outside.now(), room, colours, done=True))
    warn(standing(store).doubts)
    return 0
