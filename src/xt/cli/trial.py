"""One trial of `xt verify`, in a process of its own: its surroundings are changed and never restored.

Not a command: `ops.verify.trials` starts it with a `Spec` as its only argument, and reads an `Answer` from
the descriptor that the spec names.
"""

from __future__ import annotations

import os
import sys

from xt import codec
from xt.context import Outside
from xt.errors import XtError
from xt.execute.vary import ImpossibleError
from xt.ops.repeat.verb import Told, rerun
from xt.ops.verify.trials import Answer, Spec
from xt.store import Store


def main() -> None:
    """Make the trial, and answer."""
    spec = codec.decode(sys.argv[1].encode(), Spec, "the trial")
    os.set_inheritable(spec.answer, False)
    told = Told([], [])

    def begun(known: Told) -> None:
        nonlocal told
        told = known

    try:
        store = Store.open(spec.store, foreign=True)
        done = rerun(store, spec.wish, Outside.real(), lambda doing: None, begun)
        trouble = done.report.trouble
        answer = Answer(done.report.record.id if trouble is None else None, trouble)
    except ImpossibleError as error:
        answer = Answer(impossible=str(error))
    except XtError as error:
        answer = Answer(error=error.message, hint=error.hint)
    except OSError as error:
        answer = Answer(error=f"{error.strerror}: {error.filename or ''}")
    except KeyboardInterrupt:
        answer = Answer(error="interrupted")
    except Exception as error:
        if os.environ.get("XT_DEBUG"):
            raise
        answer = Answer(error=f"a bug in xt: {type(error).__name__}: {error}")
    answer.drift, answer.adjusted = told.drift, told.adjusted
    os.write(spec.answer, codec.encode(answer))
    os._exit(0)


if __name__ == "__main__":
    main()
