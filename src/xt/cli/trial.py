"""One trial of `xt verify`, in a process of its own: its surroundings are changed and never restored.

Not a command: `ops.verify.trials` starts it with a `Spec` as its only argument, and reads an `Answer` from
the descriptor that the spec names.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

from xt.cli.main import load_msgspec_lean

#: What ends a verification ends its trials.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt(number: int, frame: object) -> None:
    """End what is being made as Ctrl-C does: the workspace is taken away."""
    raise KeyboardInterrupt


def end_with_parent() -> None:
    """Be ended by SIGTERM when the verification is gone without a word (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)


def main() -> None:
    """Make the trial, and answer."""
    gc.disable()
    load_msgspec_lean()
    from xt import codec
    from xt.context import Outside
    from xt.errors import reason
    from xt.ops.verify.trials import Answer, Spec, make

    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)
    # They are held back from before this process was begun, so that none came too early.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    end_with_parent()
    spec = codec.unpack(sys.argv[1].encode(), Spec, "the trial")
    os.set_inheritable(spec.answer, False)
    try:
        answer = make(spec, Outside.real())
    except Exception as error:
        if os.environ.get("XT_DEBUG"):
            raise
        answer = Answer(error=reason(error))
    os.write(spec.answer, codec.pack(answer))
    os._exit(0)


if __name__ == "__main__":
    main()
