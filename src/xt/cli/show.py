"""`xt show`."""

from __future__ import annotations

import sys
from typing import Annotated

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typer

    from xt.config import Settings
    from xt.context import Outside
    from xt.ops.show import Page


def show(
    reference: Annotated[
        str, typer.Argument(metavar="[RUN]", help="Id, name, tag, @ (newest) or @~N.")
    ] = "@",
    as_json: Annotated[bool, typer.Option("--json", help="The record as it is stored.")] = False,
    code: Annotated[
        str | None, typer.Option("--code", metavar="PATH", help="Print a file as it ran; a folder is listed.")
    ] = None,
) -> int:
    """Show one run: what, why, causes, effects, what is missing."""
    from xt.context import Outside
    from xt.ops.find import open_store, resolve
    from xt.ops.show import code_file, json_bytes, page

    outside = Outside.real()
    store = open_store(outside)
    run_id = resolve(store, reference, outside)
    # What others wrote reaches a file or a pipe as it is, and a terminal harmless.
    if code is not None:
        data = code_file(store, run_id, code, outside)
        if sys.stdout.isatty():
            from xt.render.visible import visible_lines

            data = visible_lines(data.decode("utf-8", "surrogateescape")).encode()
    elif as_json:
        from xt.cli.answer import for_programs

        data = for_programs(json_bytes(store, run_id))
    else:
        from xt.cli.answer import for_people
        from xt.cli.labelled import warn
        from xt.render.show import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        found = page(store, run_id)
        settings, wanted = _now(found, outside)
        text = render(found.judged(wanted), outside.now(), columns, colours, settings.tickets)
        data = for_people(text)
        warn(found.doubts)
    sys.stdout.buffer.write(data)
    return 0


def _now(found: Page, outside: Outside) -> tuple[Settings, list[str]]:
    """What the project says now and asks of a run; a mistake in `xt.toml` keeps nobody from reading it."""
    from xt.config import Settings
    from xt.errors import ConfigError
    from xt.ops.evidence import required
    from xt.ops.find import project_settings
    from xt.render.visible import visible

    try:
        settings = project_settings(outside)
    except ConfigError as error:
        said = f"xt: warning: what evidence is required now is not known: {error.message}"
        print(visible(said), file=sys.stderr)
        return Settings(), found.snapshot.required
    return settings, required(settings, found.snapshot.context.task)
