"""`xt complete KINDS WORD`, which shells call while something is typed: a line for each candidate.

Not in the help, and without Typer, which alone would take as long as all of it. Whatever is in the way, a
store that is damaged or somebody else's, prints nothing and is no error: nobody wants to read of it there.
"""

from __future__ import annotations

import _thread
import os
import sys
import time

#: Seconds after which nothing is offered: an index that has to be made anew is made by the next command.
PATIENCE = 3.0


def complete(arguments: list[str]) -> int:
    """Print candidates: text, a tab, a few words about it.

    Args:
        arguments: kinds of values with commas between (`xt.ops.complete.KINDS`), and what is typed so far.
    """
    # A thread and no alarm: a handler would have to wait for what the main thread waits for.
    _thread.start_new_thread(_give_up, ())
    try:
        from xt.context import Outside
        from xt.ops.complete import ABOUT, Completing
        from xt.render.visible import visible

        kinds, word = arguments
        found = Completing(Outside.real()).candidates(kinds.split(","), word)
        lines = [f"{one.text}\t{visible(one.about)[:ABOUT]}\n" for one in found]
        sys.stdout.buffer.write("".join(lines).encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
    except Exception:
        if os.environ.get("XT_DEBUG"):
            raise
        # What was printed so far is whole lines or nothing; the rest must not raise again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


def _give_up() -> None:
    time.sleep(PATIENCE)
    os._exit(0)
