"""`xt stale --run`: do a plan, run by run, each in a process of its own, and stop at the first that fails."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from xt import config
from xt.cli.elsewhere import EndedError, closing, ending, interrupted
from xt.cli.fault import ours, tell
from xt.cli.rerun import repeat, repeat_elsewhere
from xt.cli.run import say
from xt.context import Outside
from xt.errors import EXIT_UNVERIFIABLE, UnverifiableError, UsageError, XtError
from xt.model.stale import Judged, Staleness
from xt.ops.repeat.wish import Wish
from xt.ops.stale.remaking import Remaking
from xt.render.stale import render
from xt.render.terminal import colour, width
from xt.render.visible import visible
from xt.store import Store, find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.ops.away.fan import Fan

#: What ends a plan, passed on to the run that goes on.
_ENDING = (signal.SIGTERM, signal.SIGHUP)


def recompute(store: Store, found: Staleness, outside: Outside, fan: Fan | None, *, yes: bool) -> int:
    """Show a plan, ask, and do it.

    Args:
        store: that has the runs.
        found: the plan.
        outside: of the caller.
        fan: makes them elsewhere; None: they are made here.
        yes: whether to begin without asking.

    Returns:
        0 when all is done; 1 when it was not begun; 3 when nothing is known to be stale, and not all is
        known; else the status of the run that failed.
    """
    columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
    sys.stdout.write(render(found, columns, colours, hint=False))
    sys.stdout.flush()
    if not found.plan:
        return 0 if found.state == "fresh" else EXIT_UNVERIFIABLE
    for one in found.plan:
        if one.by_hand is not None:
            name = f"{one.run[: one.shown]} {one.task or ''}".rstrip()
            raise UnverifiableError(
                f"{name} cannot be done again as it was: {one.by_hand}", "then `xt stale --run`"
            )
    if not yes and not _agreed(len(found.plan)):
        say(["xt: nothing was done"])
        return 1
    with ending() if fan is not None else contextlib.nullcontext(), closing(fan):
        return _do(store, found, outside, fan)


def _do(store: Store, found: Staleness, outside: Outside, fan: Fan | None) -> int:
    remaking = Remaking(store, outside, config.load(find_root(outside.cwd), outside.cwd))
    done = 0
    for number, one in enumerate(found.plan, 1):
        name = one.run[: one.shown]
        try:
            step = remaking.next(one)
        except XtError as error:
            return _stopped(found, number - 1, f"{name}: {error.message}", 1)
        if step.obstacle is not None:
            return _stopped(found, number - 1, f"{name}: {step.obstacle}", 1)
        if not step.needed:
            say([f"xt: {number}/{len(found.plan)} {name} holds: all that it reads came out as it was"])
            continue
        said = f"xt: {number}/{len(found.plan)} {one.action} again: {name} {one.task or one.name or ''}"
        say([visible(said.rstrip())])
        if fan is not None:
            status, run_id = _elsewhere(store, one, outside, fan)
        else:
            status, run_id = _again(store, one, outside)
        if status == 130 or status < 0:
            return _stopped(found, number, f"{name}: interrupted", 130 if status == 130 else 128 - status)
        if status != 0 or run_id is None:
            return _stopped(found, number, f"{name}: it ended with {status}", status or 1)
        remaking.done(one, run_id)
        if one.pinned:
            pins = ", ".join(one.pinned)
            new = run_id[: store.shown(run_id)]
            say([visible(f"xt: note: {pins} is {name} still: `xt baseline set {new} -m WHY` pins this one")])
        done += 1
    say(
        [
            f"xt: done: {done} made again"
            + (f", {len(found.plan) - done} still held" if done < len(found.plan) else "")
        ]
    )
    return 0


def _agreed(runs: int) -> bool:
    if not sys.stdin.isatty() or not sys.stderr.isatty():
        raise UsageError("there is nobody to ask whether to begin", "`-y` begins without asking")
    sys.stderr.write(f"xt: begin with {'it' if runs == 1 else f'these {runs} runs'}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _stopped(found: Staleness, at: int, why: str, status: int) -> int:
    left = len(found.plan) - at
    rest = f"; {left} of the plan {'is' if left == 1 else 'are'} left" if left else ""
    say(
        [
            visible(f"xt: stopped at {why}{rest}"),
            "xt: hint: `xt stale` says what is left; `xt show` what went wrong",
        ]
    )
    return status


def _elsewhere(store: Store, one: Judged, outside: Outside, fan: Fan) -> tuple[int, str | None]:
    """Make a run again on an engine; as `_again`."""
    wish = Wish(run=one.run, in_place=True, recompute=True)
    sys.stdout.flush()
    try:
        return repeat_elsewhere(store, wish, outside, fan, quiet=False)
    except XtError as error:
        tell(error)
        return error.exit_status, None
    except (EndedError, KeyboardInterrupt) as ended:
        status = interrupted(ended, fan)
        return (130 if status == 130 else 128 - status), None


def _again(store: Store, one: Judged, outside: Outside) -> tuple[int, str | None]:
    """Make a run again in a child: its folder, variables and signals become those of the run.

    Returns:
        The status it ended with, negative for a signal, and the id of the new run.
    """
    wish = Wish(run=one.run, in_place=True, recompute=True)
    read, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    handler = signal.getsignal(signal.SIGINT)
    pid = os.fork()
    if pid == 0:
        os.close(read)
        _child(store, wish, outside, write)
    os.close(write)
    # Ctrl-C reaches the command too, which decides what comes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with _passed_on(pid):
            with os.fdopen(read, "rb") as answer:
                run_id = answer.read().decode("ascii", "replace").strip() or None
            _, status = os.waitpid(pid, 0)
    finally:
        signal.signal(signal.SIGINT, handler)
    code = os.waitstatus_to_exitcode(status)
    return (130 if code == -signal.SIGINT else code), run_id


def _child(store: Store, wish: Wish, outside: Outside, answer: int) -> None:
    """Be the run; never returns."""
    status = 70
    try:
        status = repeat(store, wish, outside, lambda run: _answer(answer, run), quiet=False)
    except KeyboardInterrupt:
        status = 130
    except Exception as error:
        known = ours(error)
        tell(known)
        status = known.exit_status
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(status)


def _answer(answer: int, run: str) -> None:
    os.write(answer, run.encode())


@contextlib.contextmanager
def _passed_on(pid: int) -> Iterator[None]:
    """Within it, signals that end reach the run that goes on, and end the plan with it."""

    def pass_on(number: int, frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    before = {}
    for number in _ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, pass_on)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
