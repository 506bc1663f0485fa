"""`xt deploy`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def deploy(
    artefact: Annotated[
        str,
        typer.Argument(
            metavar="PATH|RUN:OUTPUT",
            help="A file or folder, known by its content; or an output, by path or role.",
        ),
    ],
    to: Annotated[str, typer.Option("--to", metavar="ENV", help="Environment it goes live in.")],
    prompts: Annotated[
        str | None,
        typer.Option(
            "--prompts", metavar="BUNDLE", help="Prompts that go live with it; else those of its run."
        ),
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="BUNDLE", help="The same of tool policies.")
    ] = None,
    reason: Annotated[str | None, typer.Option("-m", "--message", help="Why.")] = None,
    force: Annotated[
        bool,
        typer.Option(
            "-f", "--force", help="In spite of what speaks against it, which is recorded; needs -m."
        ),
    ] = False,
    no_hook: Annotated[bool, typer.Option("--no-hook", help="Record it only.")] = False,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="TIME", help="When it went live, if that was before; then no hook is run."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The event as it is stored.")] = False,
) -> int:
    """Record what goes live where: the artefact, its run, prompts and config."""
    from xt.cli.deployed import answer, tell
    from xt.context import Outside
    from xt.ops.find import open_store, project_settings
    from xt.ops.production.deploy import Wish
    from xt.ops.production.deploy import deploy as verb

    outside = Outside.real()
    store = open_store(outside)
    wish = Wish(to, reason, prompts, policy, force, not no_hook, at)
    done = verb(store, artefact, wish, project_settings(outside), outside, tell)
    sys.stdout.buffer.write(answer(store, done, outside, as_json=as_json))
    return 0
