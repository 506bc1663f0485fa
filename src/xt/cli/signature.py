"""`xt audit --signature`."""

from __future__ import annotations

import sys

from xt.context import Outside


def answer(reference: str, allowed: list[str], keys: list[str], *, as_json: bool) -> int:
    """Check the signatures of a run and say what came of it.

    Args:
        reference: names the run.
        allowed: files of allowed signers, as they were typed.
        keys: files of public keys, as they were typed.
        as_json: for programs.

    Returns:
        0 when it is signed by somebody who is trusted and whole, 1 when not, 3 when it cannot be told.
    """
    from xt.cli.doing import Doing
    from xt.errors import EXIT_UNVERIFIABLE
    from xt.ops.find import open_store, resolve
    from xt.ops.signature import check, trust

    outside = Outside.real()
    trusted = trust(outside, allowed, keys)
    store = open_store(outside)
    run_id = resolve(store, reference, outside)
    doing = Doing(outside.environ, quiet=as_json)
    doing.tell("reading what was signed")
    try:
        found = check(store, run_id, trusted, outside)
    finally:
        doing.close()
    if as_json:
        from xt import codec
        from xt.cli.answer import for_programs

        data = for_programs(codec.encode(found))
    else:
        from xt.render.signature import render
        from xt.render.terminal import colour, width

        columns, colours = width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ)
        data = render(found, outside.now(), columns, colours).encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    return EXIT_UNVERIFIABLE if found.valid is None else 0 if found.valid else 1
