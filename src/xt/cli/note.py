"""`xt note`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def note(
    reference: Annotated[
        str, typer.Argument(metavar="[RUN]", help="Id, name, tag, @ (newest) or @~N.")
    ] = "@",
    text: Annotated[
        str | None,
        typer.Option("-m", "--message", help="The note, in Markdown; - reads it from standard input."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The notes as they are stored.")] = False,
) -> int:
    """Write down something about a run, or read the notes on it."""
    from xt import codec
    from xt.cli.answer import for_programs
    from xt.cli.labelled import run_first, warn
    from xt.context import Outside
    from xt.ops import labels
    from xt.ops.find import open_store, project_settings
    from xt.ops.statements import standing
    from xt.render.labels import notes
    from xt.render.terminal import colour, width

    outside = Outside.real()
    store = open_store(outside)
    if text is not None:
        if text == "-":
            text = sys.stdin.buffer.read(labels.LONGEST * 8).decode("utf-8", "backslashreplace")
        run = labels.note(store, reference, text, outside)
        run.said.notes = run.said.notes[-1:]
    else:
        with run_first("xt", "note", "@", "-m", reference):
            run = labels.labels(store, reference, outside)
    warn(standing(store).doubts)
    if as_json:
        sys.stdout.buffer.write(for_programs(codec.encode(run.said.notes)))
        return 0
    room, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
    said = notes(run, outside.now(), room, colours, project_settings(outside).tickets)
    sys.stdout.buffer.write(said.encode("utf-8", "backslashreplace"))
    return 0
