"""The options of commands that report to a job."""

from __future__ import annotations

from typing import Annotated

import typer

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
