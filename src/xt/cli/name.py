"""`xt name`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def name(
    reference: Annotated[str, typer.Argument(metavar="RUN", help="Id, name, tag, @ (newest) or @~N.")],
    chosen: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Its name from now on; none prints the one it has.")
    ] = None,
    off: Annotated[bool, typer.Option("-d", "--off", help="Take its name away.")] = False,
) -> int:
    """Give a run a name; a name may go from run to run, and means the newest that has it."""
    from xt.cli.labelled import run_first, told, warn
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops import labels
    from xt.ops.find import open_store

    outside = Outside.real()
    store = open_store(outside)
    if off and chosen is not None:
        raise UsageError("`--off` takes no name", "`xt name RUN --off`")
    with run_first("xt", "name", "@", reference):
        if off or chosen is not None:
            now = labels.name(store, reference, chosen, outside)
        else:
            now = labels.labels(store, reference, outside)
    sys.stdout.write(told(now, outside))
    warn([*now.doubts])
    return 0
