"""`xt export`."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

#: The formats, as help and completion name them: the rows of `xt.exchange.EXPORTERS`.
FORMATS = "rocrate|in-toto|mlflow|prov|openlineage|cyclonedx|json|csv|parquet"


def export(
    words: Annotated[
        list[str],
        typer.Argument(metavar="RUN…|QUERY", help="A run; for some formats several, or a query."),
    ],
    to: Annotated[str, typer.Option("--to", metavar=FORMATS, help="The format.")],
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="PATH", help="Where to; `-`: standard output."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="outputs|inputs|code|logs",
            help="Files to carry, where the format does; again for more. Else all but logs.",
        ),
    ] = None,
    identify: Annotated[
        bool, typer.Option("--identify", help="Say user, host and absolute paths too.")
    ] = False,
    licence: Annotated[
        str | None,
        typer.Option("--license", metavar="LICENSE", help="Of what is exported: a URL, an SPDX identifier."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--sign", metavar="KEY", help="Sign it, where the format is signed (in-toto)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What was done, as JSON.")] = False,
) -> int:
    """Hand runs to others, in a format of theirs."""
    from xt.cli.doing import saying
    from xt.cli.labelled import warn
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.model.restored import SOURCES
    from xt.model.text import from_text
    from xt.ops import export as verb
    from xt.ops.find import open_store
    from xt.suggest import suggest

    outside = Outside.real()
    for word in only or ():
        if word not in SOURCES:
            raise UsageError(f"--only: no `{word}` to carry", suggest(word, SOURCES, "sorts"))
    if as_json and output == "-":
        raise UsageError("--json and `-o -` both are for standard output", "give one of them")
    chosen = tuple(source for source in SOURCES if source in (only or ()))
    wish = verb.Wish(tuple(words), to, output, force, chosen, identify, licence, key)
    verb.check(wish)
    store = open_store(outside)
    held = io.BytesIO() if sys.stdout.isatty() else sys.stdout.buffer
    with saying("exporting", outside.environ):
        done = verb.export(store, wish, held, outside)
    if isinstance(held, io.BytesIO):
        _show(held.getvalue())
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        sys.stdout.buffer.write(for_programs(codec.encode(done)))
    else:
        from xt.render.exported import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stderr, outside.environ), colour(sys.stderr, outside.environ)
        sys.stderr.write(render(done, store.shown_all(done.runs), columns, colours))
    warn([from_text(path) for path in done.doubts])
    return 1 if any(gap.lost for gap in done.report.gaps) else 0


def _show(data: bytes) -> None:
    """Write what is for a file to a terminal, which must not act on it."""
    from xt.errors import UsageError
    from xt.render.visible import visible_lines

    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UsageError("this format is not for a terminal", "`-o FILE`, or a pipe") from None
    sys.stdout.buffer.write(visible_lines(text.replace("\r\n", "\n")).encode("utf-8", "backslashreplace"))
