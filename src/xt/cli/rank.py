"""`xt run` below a launcher: rank 0 makes the run, the others join it."""

from __future__ import annotations

from xt.config import Settings
from xt.context import Outside
from xt.errors import NotStartedError
from xt.launch import Place, place
from xt.model.request import RunRequest


def lead(
    request: RunRequest, outside: Outside, settings: Settings, store: str, root: str
) -> Place | int | None:
    """Join the run of rank 0, and run the command as one of its ranks.

    Returns:
        The status to end with; the place of rank 0, which is to make the run; None for a run of its own.

    Raises:
        NotStartedError: an earlier run is to stand for it, which all ranks would have to agree on.
    """
    here = place(outside.environ)
    if here is not None and request.reuse is not None:
        raise NotStartedError(
            f"`--reuse` cannot tell for one of {here.size} ranks",
            "put it in front of the launcher: xt run --reuse -- srun …, or record each rank with --per-rank",
        )
    if here is None or here.rank == 0:
        return here
    from xt.cli.run import say
    from xt.ops.ranks import Joined, join

    container = None
    if request.docker is not None:
        from xt.ops.contained import of_run

        container = of_run(request, root, outside.environ, outside.umask)
    found = join(request, outside, settings, store, here, container)
    if not isinstance(found, Joined):
        say([f"xt: warning: rank {here.rank} becomes a run of its own: {found}"])
        return None
    if found.trouble is not None:
        say([f"xt: warning: {found.trouble}"])
    return found.status
