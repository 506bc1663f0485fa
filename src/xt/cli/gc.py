"""`xt gc`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def gc(
    dry: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would go, and remove nothing.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="RULE",
            help="Drop all runs but those that a rule keeps: `last 50`, `since 30d`, tagged, named, noted, "
            "signed, baseline, deployed, or a query of `xt ls`; repeatable.",
        ),
    ] = None,
    by_rules: Annotated[
        bool, typer.Option("--rules", help="The same with the rules of `[gc] keep` in xt.toml.")
    ] = False,
    grace: Annotated[
        str, typer.Option("--grace", metavar="TIME", help="What is newer stays; at least 1h.")
    ] = "1d",
    everything: Annotated[bool, typer.Option("--all", help="List all runs that go or stay.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with everything.")] = False,
) -> int:
    """Remove what nobody refers to: of runs that were put away (`xt rm`), and what was left over."""
    from xt.cli.syncing import Bar
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.moments import length
    from xt.ops.find import open_store, project_settings
    from xt.ops.upkeep.sweep import LEAST, Wish
    from xt.ops.upkeep.sweep import gc as sweep

    outside = Outside.real()
    try:
        seconds = length(grace)
    except ValueError as error:
        raise UsageError(error.args[0], "such as `--grace 12h`") from None
    if not LEAST <= seconds < 1e9:
        raise UsageError(
            f"a grace period of `{grace}` is not possible", "at least `1h`, and less than `11574d`"
        )
    settings = project_settings(outside)
    rules = [*(keep or []), *(settings.gc.keep if by_rules else [])]
    if by_rules and not settings.gc.keep:
        raise UsageError("`xt.toml` has no rules", '`[gc]` with `keep = ["last 50", "tagged"]`')
    bar = Bar(outside)
    try:
        found = sweep(open_store(outside), Wish(tuple(rules), seconds, dry), settings, outside, bar.step)
    except KeyboardInterrupt:
        bar.close()
        said = "nothing was removed" if dry else "the store is whole, and the same command goes on from here"
        print(f"xt: interrupted: {said}", file=sys.stderr)
        return 130
    finally:
        bar.close()
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    else:
        from xt.render.sweeping import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        hint = bool(settings.gc.keep) and not rules
        text = render(found, outside.now(), columns, colours, everything=everything, unused=hint)
        data = text.encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    return 1 if found.failed else 0
