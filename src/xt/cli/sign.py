"""`xt sign`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def sign(
    reference: Annotated[str, typer.Argument(metavar="RUN", help="Id, name, tag, @ (newest) or @~N.")],
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="KEY",
            help="An ed25519 key, or KEY.pub of one the ssh-agent holds. Else [seal] key.",
        ),
    ] = None,
) -> int:
    """Sign the record of a run, and with it all that it names."""
    from xt.context import Outside
    from xt.errors import UsageError
    from xt.ops.find import open_store, resolve, seal_key
    from xt.ops.signing import sign as verb
    from xt.ops.signing import signer
    from xt.render.visible import visible

    outside = Outside.real()
    path = seal_key(outside, key)
    if path is None:
        raise UsageError(
            "nothing says which key signs", "`xt sign RUN --key KEY`, or `[seal] key` in xt.toml"
        )
    store = open_store(outside)
    run_id = resolve(store, reference, outside)
    made = verb(store, run_id, signer(path, outside), outside)
    whose = made.envelope.signatures[0].keyid
    sys.stdout.write(visible(f"{run_id[: store.shown(run_id)]} signed with {whose}") + "\n")
    return 0
