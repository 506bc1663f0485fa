"""`xt stale`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from xt.cli.elsewhere import On, OnOpt, Retries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.context import Outside
    from xt.model.stale import Staleness
    from xt.store import Store


def stale(
    references: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|QUERY...]", help="Else the newest of each task or command.", show_default=False
        ),
    ] = None,
    baseline: Annotated[bool, typer.Option("--baseline", help="The pinned runs.")] = False,
    style: Annotated[
        Literal["terminal", "json"],
        typer.Option("--format", metavar="terminal|json", help="How to write it."),
    ] = "terminal",
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.")] = False,
    run: Annotated[bool, typer.Option("--run", help="Do them again, in place, in that order.")] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask before --run.")] = False,
    on: On = None,
    on_opt: OnOpt = None,
    retries: Retries = None,
) -> int:
    """Say which recorded evidence no longer holds and why, and plan what to do again."""
    from xt.cli.elsewhere import one_at_a_time
    from xt.context import Outside
    from xt.errors import EXIT_UNVERIFIABLE, UsageError
    from xt.ops.find import open_store
    from xt.ops.lineage import Uses
    from xt.ops.stale.verb import stale as verb
    from xt.render.progress import Progress

    if baseline and references:
        raise UsageError("--baseline means the pinned runs: it goes with no other")
    if run and (as_json or style == "json"):
        raise UsageError(
            "--run shows what it does: it is not for programs", "`xt stale --json`, then --run -y"
        )
    if yes and not run:
        raise UsageError("-y answers a question that only --run asks")
    if not run and (on is not None or on_opt or retries is not None):
        raise UsageError("--on says where --run makes them")
    outside = Outside.real()
    store = open_store(outside)
    fan = one_at_a_time(store, outside, on, on_opt, retries)
    runs = _runs(store, references or [], baseline, outside)
    progress = Progress(sys.stderr, outside.environ, "comparing")
    try:
        found = verb(store, Uses(store), runs, outside, progress.step)
    finally:
        progress.close()
    if run:
        from xt.cli.recompute import recompute

        return recompute(store, found, outside, fan, yes=yes)
    _write(found, outside, as_json=as_json or style == "json")
    return {"fresh": 0, "stale": 1, "unknown": EXIT_UNVERIFIABLE}[found.state]


def _runs(store: Store, references: list[str], baseline: bool, outside: Outside) -> list[str] | None:
    from xt.errors import NoSuchRunError
    from xt.ops.search import select
    from xt.store import events

    if baseline:
        pinned = sorted(set(events.pinned(store.path).values()))
        if not pinned:
            raise NoSuchRunError("no run is pinned", "`xt baseline set RUN -m WHY` pins one")
        return pinned
    if not references:
        return None
    found = select(store, outside, references)
    if not found:
        raise NoSuchRunError(f"no run fits `{' '.join(references)}`", "`xt ls QUERY` shows which do")
    # Only evidence can be stale: of those that a query finds, what ended well.
    well = [row.id for row in found if row.status == "ok"]
    if not well:
        raise NoSuchRunError(
            "none of these runs ended well: they are no evidence", "`xt show` says how it ended"
        )
    return well


def _write(found: Staleness, outside: Outside, *, as_json: bool) -> None:
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    else:
        from xt.render.stale import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        data = render(found, columns, colours).encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
