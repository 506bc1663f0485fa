"""`xt run` below a launcher: rank 0 makes the run, the others join it."""

from __future__ import annotations

from xt.config import Settings
from xt.context import Outside
from xt.launch import Place, place
from xt.model.request import RunRequest


def lead(request: RunRequest, outside: Outside, settings: Settings, store: str) -> Place | int | None:
    """Join the run of rank 0, and run the command as one of its ranks.

    Returns:
        The status to end with; the place of rank 0, which is to make the run; None for a run of its own.
    """
    here = place(outside.environ)
    if here is None or here.rank == 0:
        return here
    from xt.cli.run import say
    from xt.ops.ranks import Joined, join

    found = join(request, outside, settings, store, here)
    if not isinstance(found, Joined):
        say([f"xt: warning: rank {here.rank} becomes a run of its own: {found}"])
        return None
    if found.trouble is not None:
        say([f"xt: warning: {found.trouble}"])
    return found.status
