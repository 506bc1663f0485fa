"""One repeat on another machine: what an engine starts.

Not a command: `ops.away.fan` has `python -P -m xt.cli.worker FOLDER SLOT`, or `REMOTE NAME SLOT`,
started by the engine; what came of it stands there. Its own output is of interest only where it cannot even
begin.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

from xt.cli.main import load_msgspec_lean, plug_closed


def main() -> None:
    """Make the repeat of a slot."""
    gc.disable()
    plug_closed()
    load_msgspec_lean()
    from xt.context import Outside
    from xt.errors import XtError
    from xt.ops.away.work import BLIND, EndedError, opened, work

    def end(number: int, frame: object) -> None:
        for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)  # it is about to end already
        raise EndedError(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    # An engine may start it with some of them held back.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.chdir("/")
    try:
        *words, slot = sys.argv[1:]
        outside = Outside.real()
        slots = opened(words, outside)
        try:
            status, why = work(slots, int(slot), outside)
        finally:
            slots.done()
    except (OSError, XtError) as error:
        status, why = BLIND, f"{os.uname().nodename}: {error}"
    except EndedError as error:
        status, why = 128 + error.number, None  # before it had claimed anything
    if why is not None:
        print(f"xt: {why}", file=sys.stderr, flush=True)
    os._exit(status)


if __name__ == "__main__":
    main()
