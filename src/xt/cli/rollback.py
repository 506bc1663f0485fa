"""`xt rollback`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def rollback(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="Where to go back.")],
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="RUN|DEPLOYMENT|BUNDLE",
            help="Go back to this; without it, what there is to go back to.",
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option("-m", "--message", help="Why.")] = None,
    force: Annotated[
        bool,
        typer.Option(
            "-f", "--force", help="In spite of what speaks against it, which is recorded; needs -m."
        ),
    ] = False,
    no_hook: Annotated[bool, typer.Option("--no-hook", help="Record it only.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The candidates; with --to, the event as it is stored.")
    ] = False,
) -> int:
    """Show what was live before, what going back would undo and cost; with --to, go back."""
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.find import open_store, project_settings
    from xt.ops.production.deploy import Wish
    from xt.ops.production.rollback import candidates, roll_back

    outside = Outside.real()
    store, settings = open_store(outside), project_settings(outside)
    if to is not None:
        from xt.cli.deployed import answer, tell

        wish = Wish(environment, reason, force=force, hook=not no_hook)
        done = roll_back(store, to, wish, settings, outside, tell)
        sys.stdout.buffer.write(answer(store, done, outside, as_json=as_json))
        return 0
    if reason is not None or force or no_hook:
        raise UsageError("without --to nothing is rolled back", "`xt rollback ENV --to RUN -m WHY`")
    found = candidates(store, environment, settings, outside)
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    else:
        from xt.render.rollback import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        data = render(found, outside.now(), columns, colours).encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    return 0
