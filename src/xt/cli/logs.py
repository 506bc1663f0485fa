"""`xt logs`."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typer


def logs(
    reference: Annotated[
        str, typer.Argument(metavar="[RUN]", help="Id, name, tag, @ (newest) or @~N.")
    ] = "@",
    stdout: Annotated[bool, typer.Option("--stdout", help="Standard output only.")] = False,
    stderr: Annotated[bool, typer.Option("--stderr", help="Standard error only.")] = False,
    rank: Annotated[
        int, typer.Option("--rank", metavar="N", min=0, help="Of a run of several processes, this one's.")
    ] = 0,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Wait for what it still writes.")] = False,
    times: Annotated[bool, typer.Option("-t", "--times", help="Begin each line with its time.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Every byte as it was, also to a terminal.")] = False,
    replay: Annotated[bool, typer.Option("--replay", help="At the speed it was written.")] = False,
) -> int:
    """Print what a run wrote."""
    from xt.context import Outside, sort_of
    from xt.ops.find import open_store, resolve
    from xt.ops.logs import Name, pieces
    from xt.render.logs import LogPrinter
    from xt.render.terminal import colour

    outside = Outside.real()
    store = open_store(outside)
    run_id = resolve(store, reference, outside)
    both: tuple[Name, ...] = ("stdout", "stderr")
    chosen = {name for name, wanted in zip(both, (stdout, stderr), strict=True) if wanted}
    began = time.monotonic()
    as_is = raw or (sort_of(1) == "file" and not times)
    # In a pipe the log's own colours pass too; a time before each line is for reading, and plain there.
    piped = not sys.stdout.isatty() and not times and not outside.environ.get("NO_COLOR")
    coloured = piped or colour(sys.stdout, outside.environ)
    printer = LogPrinter(_write, colour=coloured, times=times)
    for piece in pieces(store, run_id, chosen or set(both), follow=follow, rank=rank):
        if replay and piece.at is not None:
            time.sleep(max(0.0, began + piece.at - time.monotonic()))
        if as_is:
            _write_bytes(piece.data)
        else:
            printer.feed(piece.stream, piece.at, piece.data)
            sys.stdout.flush()
    if not as_is:
        printer.finish()
    return 0


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))


def _write_bytes(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]
