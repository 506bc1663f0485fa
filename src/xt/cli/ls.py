"""`xt ls`."""

from __future__ import annotations

import os
import stat
import sys
from typing import Annotated

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typer

    from xt.context import Outside
    from xt.ops.search import Searching, Wanted

#: Rows asked for at most; more are all.
MOST = 10**9


def ls(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY]...", help="What to look for: 'tag:gold metric.val/acc>0.9 since:7d', or words."
        ),
    ] = None,
    number: Annotated[
        int, typer.Option("-n", "--number", min=0, max=MOST, help="Rows at most; 0 for all.")
    ] = 20,
    every: Annotated[bool, typer.Option("-a", "--all", help="With the repeats that xt verify made.")] = False,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="PROPERTY",
            help="metric.NAME best first, by its `goal`; all else largest first: param.NAME, time, level.",
        ),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    group_by: Annotated[
        str | None,
        typer.Option(
            "--group-by", metavar="PROPERTY", help="One row for each value of it: param.lr, task, tags."
        ),
    ] = None,
    group: Annotated[
        bool, typer.Option("--group", help="One row for each array of jobs; `group:NAME` lists one.")
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="PROPERTY,…",
            help="Columns of this list and later ones: when, metrics, param.lr, …; auto forgets them.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
) -> int:
    """List runs, newest first."""
    from xt.cli.labelled import warn, warn_of_unread
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.find import open_store
    from xt.ops.search import Searching, Wanted

    if group:
        # What is in no group makes none.
        query, group_by = ["group:*", *(f"({word})" for word in [" ".join(query or [])] if word)], "group"
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other", "give one of them")
    if group_by is not None and (as_csv or sort is not None):
        given = "--csv" if as_csv else "--sort"
        raise UsageError(
            f"{given} does not go with {'--group' if group else '--group-by'}",
            "`xt ls --group-by … --json` is for programs"
            if as_csv
            else "groups stand in the order of their values",
        )
    outside = Outside.real()
    store = open_store(outside)
    wanted = Wanted(" ".join(query or []), number or None, every, sort, reverse)
    with Searching(store, outside) as search:
        names = _columns(columns, search, memory=not (as_json or as_csv or group_by))
        if group_by is not None:
            text = _groups(search, wanted._replace(columns=names), group_by, as_json=as_json)
        else:
            text = _rows(search, wanted, names, outside, as_json=as_json, as_csv=as_csv)
        doubts, unread = search.doubts, search.unread
    sys.stdout.buffer.write(text)
    warn(doubts)
    warn_of_unread(unread)
    if query:
        _warn_of_shell()
    return 0


def _warn_of_shell() -> None:
    """Say that a shell took `acc>0.9` for a redirection; what it wrote to is named like a number."""
    try:
        if not stat.S_ISREG(os.fstat(1).st_mode):
            return  # a terminal is named like a number, too
        file = os.path.basename(os.readlink("/proc/self/fd/1"))
    except OSError:
        return  # where that cannot be seen
    if file.lstrip("=-").replace(".", "", 1).isdecimal():
        said = f"the shell took `>` for a redirection, and this list is in the file `{file}`"
        sys.stderr.write(f"xt: warning: {said} (quote a query: 'metric.acc>{file}')\n")


def _columns(asked: str | None, search: Searching, *, memory: bool) -> tuple[str, ...]:
    """Those that are asked for, and from then on remembered; else those of last time, or of the project."""
    from xt.ops.columns import chosen, remember, remembered

    if asked is None:
        return (remembered(search.store) or chosen(",".join(search.settings.ls.columns))) if memory else ()
    names = chosen(asked)
    reason = remember(search.store, names) if memory else None
    if reason is not None:
        sys.stderr.write(f"xt: warning: the columns are not remembered: {reason}\n")
    return names


def _groups(search: Searching, wanted: Wanted, by: str, *, as_json: bool) -> bytes:
    from xt.ops.groups import group

    found = group(search, wanted, by)
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        return for_programs(codec.encode(found))
    from xt.cli.answer import for_people
    from xt.render.groups import render
    from xt.render.terminal import colour, width

    shown = search.store.shown_all([one.newest for one in found.groups])
    environ = search.outside.environ
    return for_people(render(found, shown, width(sys.stdout, environ), colour(sys.stdout, environ)))


def _rows(
    search: Searching,
    wanted: Wanted,
    names: tuple[str, ...],
    outside: Outside,
    *,
    as_json: bool,
    as_csv: bool,
) -> bytes:
    from xt.ops.columns import BUILT_IN

    found = search.listing(wanted._replace(columns=tuple(name for name in names if name not in BUILT_IN)))
    if wanted.sort is not None or (found.total == 0 and wanted.query):
        _tell_strangers(search, wanted, found.total)
    # What others wrote reaches a file or a pipe as it is, and a terminal harmless.
    if as_json:
        from xt.cli.answer import for_programs
        from xt.render.listing_data import to_json

        return for_programs(to_json(found.rows, found.cells))
    if as_csv:
        from xt.render.listing_data import to_csv

        text = to_csv(found.rows, found.cells)
        if sys.stdout.isatty():
            from xt.render.visible import visible_lines

            text = visible_lines(text.replace("\r\n", "\n"))
        return text.encode("utf-8", "backslashreplace")
    from xt.cli.answer import for_people
    from xt.ops.beside import current
    from xt.render.listing import table
    from xt.render.terminal import colour, width

    text = table(
        found.rows,
        found.shown,
        found.total,
        outside.now(),
        width(sys.stdout, outside.environ),
        colour(sys.stdout, outside.environ),
        current(search.store, search.unread),
        found.trials,
        query=wanted.query,
        chosen=names,
        cells=found.cells,
        away=found.away,
    )
    return for_people(text)


def _tell_strangers(search: Searching, wanted: Wanted, total: int) -> None:
    from xt.ops.strangers import strangers
    from xt.render.visible import visible

    for one in strangers(search, wanted, total):
        sys.stderr.write(visible(f"xt: warning: {one.message}") + "\n")
        if one.hint:
            sys.stderr.write(visible(f"xt: hint: {one.hint}") + "\n")
