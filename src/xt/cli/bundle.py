"""`xt bundle`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer


def bundle(
    action: Annotated[Literal["ls", "show", "diff"], typer.Argument(help="What to do.")] = "ls",
    first: Annotated[
        str | None,
        typer.Argument(
            metavar="[BUNDLE]", help="For `show` and `diff`: a version, a run that used one, or a path."
        ),
    ] = None,
    second: Annotated[
        str | None,
        typer.Argument(metavar="[BUNDLE|PATH]", help="For `diff` another one, for `show` a file of it."),
    ] = None,
    role: Annotated[
        Literal["prompts", "policy"] | None,
        typer.Option("--role", metavar="prompts|policy", help="Only bundles of this role."),
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="For `show`: the text of every file too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with everything.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="For `diff`: end with 1 if they differ or it cannot be told.")
    ] = False,
) -> int:
    """List, show and compare the versions of prompts and tool policies."""
    from xt.cli import pager
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.find import open_store
    from xt.render.terminal import colour, width

    usage = {"ls": "xt bundle ls", "show": "xt bundle show BUNDLE [PATH]", "diff": "xt bundle diff A B"}
    given = sum(word is not None for word in (first, second))
    fits = {"ls": given == 0, "show": given >= 1, "diff": given == 2}
    if not fits[action]:
        raise UsageError(
            f"`xt bundle {action}` does not take {given or 'no'} arguments", f"`{usage[action]}`"
        )
    for option, wanted, belongs in (
        ("--text", text, "show"),
        ("--exit-code", exit_code, "diff"),
    ):
        if wanted and action != belongs:
            raise UsageError(f"`{option}` belongs to `xt bundle {belongs}`", f"`{usage[belongs]}`")
    outside = Outside.real()
    store = open_store(outside)
    status = 0
    now, columns, colours = (
        outside.now(),
        width(sys.stdout, outside.environ),
        colour(sys.stdout, outside.environ),
    )
    found: object
    if action == "ls":
        from xt.ops.bundle_versions import listed
        from xt.render.bundles import listing

        found = versions = listed(store, role)
        page = "" if as_json else listing(versions, now, columns, colours)
    elif action == "show":
        from xt.ops.bundle_show import show
        from xt.render.bundles import shown

        found = one = show(store, first or "", outside, role, texts=text, path=second)
        page = "" if as_json else shown(one, now, columns, colours)
    else:
        from xt.ops.bundle_show import compare
        from xt.render.bundles import compared

        found = both = compare(store, first or "", second or "", outside, role)
        page = "" if as_json else compared(both, columns, colours)
        status = int(exit_code and both.delta.relation in ("unknown", "changed"))
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        sys.stdout.buffer.write(for_programs(codec.encode(found)))
    else:
        pager.write(page.encode("utf-8", "backslashreplace"), outside.environ, paged=action != "ls")
    return status
