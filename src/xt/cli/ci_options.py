"""The options of commands that report to a job."""

from __future__ import annotations

from typing import Annotated

import typer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.cli.ci import Job
    from xt.context import Outside

Ci = Annotated[
    str | None,
    typer.Option(
        "--ci",
        metavar="auto|off|github|gitlab|jenkins|buildkite|generic",
        help="Whose job to report to; by default (auto) that of the variables, if there is one.",
    ),
]
CiDir = Annotated[
    str | None,
    typer.Option("--ci-dir", metavar="DIR", help="Folder of the files of that report; else xt-ci."),
]


def job(command: str, option: str | None, folder: str | None, outside: Outside) -> Job | None:
    """Find the job to report to, as `xt.cli.ci.opened` does; outside one nothing is loaded for it."""
    from xt.context import in_ci

    if option is None and "XT_CI" not in outside.environ and not in_ci(outside.environ):
        return None
    from xt.cli.ci import opened

    return opened(command, option, folder, outside)
