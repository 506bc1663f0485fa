"""`xt run --docker`: the command in a container that xt starts, recorded from outside."""

from __future__ import annotations

from typing import Any

from xt.cli.run import unrecorded
from xt.config import Settings
from xt.context import Outside
from xt.model.request import RunRequest
from xt.model.snapshot import Snapshot
from xt.ops.contained import of_run
from xt.ops.run import Hooks, NotRecordedError, Report, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.ops.reuse import Hit


def execute(
    request: RunRequest, outside: Outside, root: str, settings: Settings, store: str, hooks: Hooks
) -> Report | Hit | int:
    """Run a request whose `docker` is set.

    Args:
        request: see `ops.run.run`, as all the others.
        outside: see there.
        root: see there.
        settings: see there.
        store: see there.
        hooks: see there; the container is added to them.

    Returns:
        The run, or the status to end with when it could not be recorded.

    Raises:
        NotStartedError: the engine, the image, or what the run needs is not here.
    """
    assert request.docker is not None
    container = of_run(request, root, outside.environ, outside.umask)
    # The first look into a large image takes its time.
    looking = f"looking into the image {request.docker.image}"
    waiting = hooks.waiting

    def until_begun(doing: str, amount: Any = None) -> None:
        waiting(doing or looking, amount)

    def begin(snapshot: Snapshot) -> None:
        nonlocal looking
        container.begin(snapshot, request)
        looking = ""
        waiting("")

    hooks = hooks._replace(check=begin, wrap=container.wrap, judge=container.judge, waiting=until_begun)
    try:
        waiting(looking)
        return run(request, outside, root, settings, store, hooks)
    except NotRecordedError as error:
        waiting("")
        # Not here, where it may do something else: in the container, without a record.
        return unrecorded(request, error, lambda: container.unrecorded(request.command, root, settings))
    finally:
        container.end()
