"""`xt run --reuse` that found a run: what it wrote, written again, and a line about it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from xt.context import Outside
from xt.fsio import write_all
from xt.ops.logs import pieces
from xt.ops.reuse import Hit
from xt.render.runline import reused
from xt.render.terminal import colour
from xt.store import Store


def tell(hit: Hit, store_path: str, outside: Outside, began: float, *, quiet: bool) -> int:
    """Write to both streams what the run wrote to them, and then a line; return the status to end with.

    Args:
        hit: the run.
        store_path: of `.xt`.
        outside: the world.
        began: when xt did, on its monotonic clock.
        quiet: no line.
    """
    play(Store(store_path), hit.record.id, outside)
    lines = [f"xt: warning: {note}" for note in hit.notes]
    if not quiet:
        seconds = outside.monotonic() - began
        lines.append(
            reused(hit.record, hit.shown, seconds, hit.restored, colour=colour(sys.stderr, outside.environ))
        )
    if lines:
        write_all(2, ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
    return 0


def play(store: Store, run_id: str, outside: Outside) -> None:
    """Write to both streams what a run wrote to them.

    Args:
        store: that has it.
        run_id: whole.
        outside: the world.

    Raises:
        NotRecordedError, DamagedError: a log is not there, or not what it was.
    """
    feeds: dict[str, Callable[[float | None, bytes], None]] = {}
    ends: list[Callable[[], None]] = []
    for name, fd in (("stdout", 1), ("stderr", 2)):
        feeds[name] = _to(name, fd, outside, ends)
    for piece in pieces(store, run_id, {"stdout", "stderr"}, follow=False):
        feeds[piece.stream](piece.at, piece.data)
    for end in ends:
        end()


def _to(
    name: str, fd: int, outside: Outside, ends: list[Callable[[], None]]
) -> Callable[[float | None, bytes], None]:
    """Make what writes to a stream: every byte as it was, but to a terminal harmless."""
    if not os.isatty(fd):
        return lambda _at, data: write_all(fd, data)
    from xt.render.logs import LogPrinter

    coloured = colour(sys.stdout if fd == 1 else sys.stderr, outside.environ)
    printer = LogPrinter(
        lambda text: write_all(fd, text.encode("utf-8", "backslashreplace")), colour=coloured, times=False
    )
    ends.append(printer.finish)
    return lambda at, data: printer.feed(name, at, data)
