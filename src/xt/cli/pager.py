"""Long pages through the user's pager, as git does it: only on a terminal, and not when it fits a screen."""

from __future__ import annotations

import sys
from collections.abc import Mapping


def write(data: bytes, environ: Mapping[str, str], *, paged: bool) -> None:
    """Write a page to standard output, through a pager if that is a terminal.

    Args:
        data: the page.
        environ: where `XT_PAGER` or else `PAGER` names the program (run by `sh`, so it may have options);
            empty or `cat` is none. Without either it is `less`, with `LESS=FRX` where nothing else is said:
            quit if it fits, keep colours, leave the page on the screen.
        paged: whether a pager may be used.
    """
    pager = environ.get("XT_PAGER", environ.get("PAGER", "less")).strip()
    if not paged or not sys.stdout.isatty() or pager in ("", "cat") or environ.get("TERM") == "dumb":
        sys.stdout.buffer.write(data)
        return
    import subprocess

    sys.stdout.flush()
    process = subprocess.Popen(
        ["/bin/sh", "-c", pager], stdin=subprocess.PIPE, env={"LESS": "FRX", "LV": "-c", **environ}
    )
    assert process.stdin is not None
    try:
        process.stdin.write(data)
        process.stdin.close()
    except BrokenPipeError:
        pass  # the reader has seen enough, or there is no such program
    # Ctrl-C belongs to the pager, which stays on until it is left.
    while True:
        try:
            status = process.wait()
            break
        except KeyboardInterrupt:
            continue
    if status in (126, 127):
        # The shell has said why there is no pager; the page is not lost for it.
        sys.stdout.buffer.write(data)
