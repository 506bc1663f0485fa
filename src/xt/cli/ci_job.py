"""The job of continuous integration that a command reports to, if it runs in one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.cli.ci import Job
    from xt.context import Outside


def job(command: str, option: str | None, folder: str | None, outside: Outside) -> Job | None:
    """Find the job to report to, as `xt.cli.ci.opened` does; outside one nothing is loaded for it."""
    from xt.context import in_ci

    if option is None and "XT_CI" not in outside.environ and not in_ci(outside.environ):
        return None
    from xt.cli.ci import opened

    return opened(command, option, folder, outside)
