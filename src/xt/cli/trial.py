"""One trial of `xt verify`, in a process of its own: its surroundings are changed and never restored.

Not a command: `ops.verify.trials` starts it with a `Spec` as its only argument, and reads an `Answer` from
the descriptor that the spec names.
"""

from __future__ import annotations

import os
import sys

from xt import codec
from xt.context import Outside
from xt.ops.verify.trials import Answer, Spec, make


def main() -> None:
    """Make the trial, and answer."""
    spec = codec.decode(sys.argv[1].encode(), Spec, "the trial")
    os.set_inheritable(spec.answer, False)
    try:
        answer = make(spec, Outside.real())
    except Exception as error:
        if os.environ.get("XT_DEBUG"):
            raise
        answer = Answer(error=f"a bug in xt: {type(error).__name__}: {error}")
    os.write(spec.answer, codec.encode(answer))
    os._exit(0)


if __name__ == "__main__":
    main()
