"""`xt init`."""

from __future__ import annotations

import sys


def init() -> int:
    """Write a commented xt.toml from what is here."""
    import os

    from xt.context import Outside
    from xt.ops.init import init as begin
    from xt.render.init import report
    from xt.render.terminal import colour, width

    outside = Outside.real()
    done = begin(outside)
    found = done.found
    sorts = [
        ("programs", found.programs),
        ("inputs", found.inputs),
        ("params", found.params),
        ("outputs", found.outputs),
        ("metrics", found.metrics),
    ]
    path = os.path.relpath(done.path, outside.cwd)
    columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
    text = report(path, sorts, found.stopped, done.start, columns, colours)
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    return 0
