"""`xt cases`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

#: Cases asked for at most; more are all.
MOST = 10**9


def cases(
    reference: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Id, name, tag, @ or @~N; by default the newest with cases."),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only cases that failed.")] = False,
    broken: Annotated[
        bool, typer.Option("--broken", help="Only cases that pass in the baseline and not here.")
    ] = False,
    fixed: Annotated[
        bool, typer.Option("--fixed", help="Only cases that fail in the baseline and pass here.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="RUN", help="Another run than the baseline for --broken, --fixed."),
    ] = None,
    cohort: Annotated[
        list[str] | None,
        typer.Option("--cohort", metavar="COLUMN=VALUE", help="Only cases with this value; repeatable."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="COLUMN", help="Count those listed by a column.")
    ] = None,
    history: Annotated[
        str | None, typer.Option("--history", metavar="ID", help="One case through all runs of the task.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", metavar="PATH", help="Which output, where a run has several of role cases."),
    ] = None,
    number: Annotated[
        int | None,
        typer.Option("-n", "--number", min=0, max=MOST, help="Rows at most, 0 for all; 20 on a page."),
    ] = None,
    style: Annotated[
        Literal["terminal", "json", "csv"],
        typer.Option("--format", metavar="terminal|json|csv", help="How to write it."),
    ] = "terminal",
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
) -> int:
    """Show the evaluated examples of a run: how many passed, in which cohorts, which failed."""
    from xt.cli import pager
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.cases import chosen_run
    from xt.ops.find import open_store, project_settings
    from xt.render import cases_data
    from xt.render.terminal import colour, width

    style = "json" if as_json else style
    kinds = [word for word, wanted in (("failed", failed), ("broken", broken), ("fixed", fixed)) if wanted]
    if len(kinds) > 1:
        raise UsageError(f"--{kinds[0]} and --{kinds[1]} exclude each other", "give one of them")
    if against is not None and kinds not in (["broken"], ["fixed"]):
        raise UsageError(
            "--against belongs to `--broken` or `--fixed`", "`xt cases RUN --broken --against RUN`"
        )
    if history is not None and (kinds or cohort or by is not None or output is not None):
        raise UsageError("--history shows one case", "`xt cases --history ID`")
    only = tuple(_pair(word) for word in cohort or ())
    outside = Outside.real()
    store = open_store(outside)
    settings = project_settings(outside).cases
    run = chosen_run(store, reference, outside)
    most = 20 if style == "terminal" else None
    if number is not None:
        most = number or None
    columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
    found: object
    if history is not None:
        from xt.ops.case_history import history as follow
        from xt.render import case_history as page

        found = past = follow(store, run, history, most, settings, outside)
        if style == "terminal":
            text = page.render(past, outside.now(), columns, colours)
        elif style == "csv":
            text = cases_data.history(past)
    else:
        from xt.ops.case_pass import Wish
        from xt.ops.cases import cases as collect
        from xt.render import cases as table

        chosen: Literal["all", "failed", "broken", "fixed"] = (
            "failed" if failed else "broken" if broken else "fixed" if fixed else "all"
        )
        wish = Wish(chosen, only, by, against, output, most)
        found = now = collect(store, run, wish, settings, outside)
        if style == "terminal":
            text = table.render(now, outside.now(), columns, colours)
        elif style == "csv":
            text = cases_data.cases(now)
    if style == "json":
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    else:
        if style == "csv" and sys.stdout.isatty():
            from xt.render.visible import visible_lines

            # What others wrote reaches a file or a pipe as it is, and a terminal harmless.
            text = visible_lines(text.replace("\r\n", "\n"))
        data = text.encode("utf-8", "backslashreplace")
    pager.write(data, outside.environ, paged=style == "terminal")
    return 0


def _pair(word: str) -> tuple[str, str]:
    from xt.errors import UsageError

    column, separator, value = word.partition("=")
    if not separator or not column:
        raise UsageError(f"`--cohort {word}` names no value", "`--cohort COLUMN=VALUE`")
    return column, value
