"""`xt rerun`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Annotated, Literal

import typer

from xt.cli.elsewhere import On, OnOpt, Retries, Through

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.context import Outside
    from xt.ops.away.fan import Fan
    from xt.ops.repeat.wish import Wish
    from xt.store import Store


def rerun(
    reference: Annotated[str, typer.Argument(metavar="RUN", help="Id, name, tag, @ (newest) or @~N.")],
    extra: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- WORD...]", help="Words to add to the command.", show_default=False),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; may be repeated."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Another seed than the recorded.")] = None,
    environment: Annotated[
        Literal["check", "strict", "recreate", "docker"],
        typer.Option(
            "--env",
            metavar="check|strict|recreate|docker",
            help="Say how it drifted; refuse then; build it again with uv; the recorded image.",
        ),
    ] = "check",
    in_place: Annotated[
        bool, typer.Option("--in-place", help="In the project as it is now; says how it differs.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep-workspace", help="Leave the folder it ran in, and say where.")
    ] = False,
    purpose: Annotated[
        str | None, typer.Option("-m", "--purpose", help="Why it is done again; else as recorded.")
    ] = None,
    name: Annotated[str | None, typer.Option("-n", "--name", help="A name to find it by.")] = None,
    on: On = None,
    on_opt: OnOpt = None,
    through: Through = None,
    retries: Retries = None,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="No notes, no line after the command.")
    ] = False,
) -> int:
    """Do a run again, from its record."""
    from xt.cli.elsewhere import one_at_a_time
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.find import open_store, resolve
    from xt.ops.repeat.wish import Wish

    if extra and "--" not in sys.argv:
        raise UsageError(f"`{extra[0]}`: one run at a time", "words for the command are written after `--`")
    if in_place and environment in ("recreate", "docker"):
        raise UsageError(f"--env {environment} takes a workspace: leave --in-place out")
    if in_place and keep:
        raise UsageError("--in-place makes no workspace to keep")
    if in_place and through is not None:
        raise UsageError("--in-place is where the project is: leave --through out")
    if keep and on is not None:
        raise UsageError("--keep-workspace is for repeats that are made here: leave --on out")
    outside = Outside.real()
    store = open_store(outside)
    wish = Wish(
        run=resolve(store, reference, outside),
        extra=extra or [],
        sets=sets or [],
        seed=seed,
        environment=environment,
        in_place=in_place,
        keep=keep,
        purpose=purpose,
        name=name,
    )
    fan = one_at_a_time(store, outside, on, on_opt, retries, through)
    if fan is None:
        return repeat(store, wish, outside, quiet=quiet)
    from xt.cli.elsewhere import EndedError, closing, ending, interrupted

    try:
        with ending(), closing(fan):
            return repeat_elsewhere(store, wish, outside, fan, quiet=quiet)[0]
    except (EndedError, KeyboardInterrupt) as ended:
        return interrupted(ended, fan)


def repeat_elsewhere(store: Store, wish: Wish, outside: Outside, fan: Fan, *, quiet: bool) -> tuple[int, str]:
    """Repeat a run on an engine, then write what it wrote, and say what there is to say.

    Args:
        store: that has the run.
        wish: what is asked.
        outside: of the caller.
        fan: makes it.
        quiet: no notes, no line after the command.

    Returns:
        The status to end with, and the id of the repeat.
    """
    from xt.cli.reused import play
    from xt.cli.run import after, say
    from xt.ops.away.once import once
    from xt.ops.find import project_settings
    from xt.render import rerunlines
    from xt.render.progress import Progress
    from xt.render.visible import visible

    stream = None if quiet else sys.stderr
    progress = Progress(stream, outside.environ, f"repeating {wish.run[: store.shown(wish.run)]}")

    def waiting() -> None:
        progress.step(0, 1)

    try:
        terminals = (os.isatty(1), os.isatty(2))
        done = once(store, wish, fan, terminals, project_settings(outside), waiting)
    finally:
        progress.close()
    if not quiet:
        say(rerunlines.before(done.told))
    play(store, done.report.record.id, outside)
    after(done.report, outside, quiet=quiet)
    if done.otherwise is not None and not quiet:
        say([visible(f"xt: note: {done.otherwise}")])
    return done.report.record.result.xt_exit, done.report.record.id


def repeat(
    store: Store, wish: Wish, outside: Outside, ended: Callable[[str], None] | None = None, *, quiet: bool
) -> int:
    """Repeat a run and say so; this process is good for nothing else then.

    Args:
        store: that has the run.
        wish: what is asked.
        outside: of the caller.
        ended: gets the id of the repeat, if it is recorded.
        quiet: no notes, no line after the command.

    Returns:
        The status to end with.
    """
    from xt.cli.doing import Doing
    from xt.cli.run import after, end, say
    from xt.ops.repeat.interrupts import InterruptedRepeatError
    from xt.ops.repeat.verb import rerun as verb
    from xt.render import rerunlines
    from xt.render.visible import visible

    doing = Doing(outside.environ, quiet=quiet)

    def begun(lines: list[str]) -> None:
        if not quiet:
            say(lines)

    try:
        done = verb(store, wish, outside, doing.tell, lambda told: begun(rerunlines.before(told)))
    except InterruptedRepeatError as error:
        doing.close()
        say(["xt: interrupted before the command started; nothing is left behind"])
        # By the signal itself, so that a shell's loop stops as it would have.
        signal.signal(error.number, signal.SIG_DFL)
        os.kill(os.getpid(), error.number)
        return 128 + error.number
    finally:
        doing.close()
    if ended is not None and done.report.trouble is None:
        ended(done.report.record.id)
    after(done.report, outside, quiet=quiet)
    if done.kept is not None:
        say([f"xt: the workspace is {done.kept}"])
    if done.left is not None:
        say([visible(f"xt: warning: the workspace could not be removed: {done.left}")])
    if done.otherwise is not None and not quiet:
        say([visible(f"xt: note: {done.otherwise}")])
    return end(done.report)
