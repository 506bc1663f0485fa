"""`xt fsck`."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated

import typer


def fsck(
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Put aside what is damaged, bring back what is to be had, fix the index."
        ),
    ] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Read contents over 8 MB and all code too.")] = False,
    remotes: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="REMOTE",
            help="With --repair, where to ask for what is missing; by default every remote. Repeatable.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with everything.")] = False,
) -> int:
    """Look through the store for what is damaged or missing, and say which runs are affected."""
    from xt.cli.syncing import Bar
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.upkeep.check import look_through, report
    from xt.ops.upkeep.looking import Look
    from xt.ops.upkeep.opening import opened
    from xt.ops.upkeep.repair import repair as mend
    from xt.ops.upkeep.sources import Places

    if remotes and not repair:
        raise UsageError("`--from` says where `--repair` gets what is missing", "`xt fsck --repair --from …`")
    outside = Outside.real()
    store = opened(outside, writing=repair)
    places = Places(outside, remotes or None) if repair else None
    bar = Bar(outside)
    try:
        with Look(store, outside, bar.step, deep=deep) as look:
            look_through(look)
            interrupted = False
            try:
                if places is not None and look.suspects:
                    mend(look, places)
            except KeyboardInterrupt:
                interrupted = True
            found = report(look, places, interrupted=interrupted)
    finally:
        bar.close()
        if places is not None:
            places.close()
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    else:
        from xt.cli.answer import for_people
        from xt.render.fsck import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        named = sorted({one.run for finding in found.findings for one in finding.runs})
        shown = {}
        with suppress(OSError):  # a folder of the store may be something else
            shown = store.shown_all(named)
        data = for_people(render(found, shown, columns, colours))
    sys.stdout.buffer.write(data)
    if interrupted:
        return 130
    return 0 if found.clean else 1
