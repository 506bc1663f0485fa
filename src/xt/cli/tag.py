"""`xt tag`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def tag(
    reference: Annotated[str, typer.Argument(metavar="RUN", help="Id, name, tag, @ (newest) or @~N.")],
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="[TAG]...", help="Tags; none prints those it has.")
    ] = None,
    off: Annotated[bool, typer.Option("-d", "--off", help="Take them off.")] = False,
) -> int:
    """Put tags on a run, or take them off."""
    from xt.cli.labelled import run_first, told, warn
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops import labels
    from xt.ops.find import open_store

    outside = Outside.real()
    store = open_store(outside)
    if off and not tags:
        raise UsageError("`--off` needs the tags to take off", "`xt tag RUN --off TAG`")
    others = [tag for tag in tags or [] if not tag.startswith("@")]
    with run_first("xt", "tag", "@", reference, *others):
        if tags:
            now = labels.tag(store, reference, tags, outside, off=off)
        else:
            now = labels.labels(store, reference, outside)
    sys.stdout.write(told(now, outside))
    warn([*now.doubts])
    return 0
