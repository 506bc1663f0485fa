"""Signing at once what `xt run` records: whether the key can be used is known before the command starts."""

from __future__ import annotations

from collections.abc import Callable

from xt.context import Outside
from xt.errors import EXIT_NOT_STARTED, XtError
from xt.model.result import Record
from xt.render.visible import visible
from xt.store import Store


def prepared(path: str, outside: Outside, *, must: bool) -> Callable[[Store, Record], str | None] | None:
    """Take the key into memory, or ask the ssh-agent whether it has it.

    Args:
        path: absolute, of the key.
        outside: of the run.
        must: whether the command must not start without it.

    Returns:
        What signs a record; None with a warning where nothing can.

    Raises:
        XtError: nothing can, and it must.
    """
    from xt.cli.run import say

    try:
        from xt.ops.signing import at_once, signer

        key = signer(path, outside)
    except XtError as error:
        if must:
            error.exit_status = EXIT_NOT_STARTED
            raise
        hint = f" ({error.hint})" if error.hint else ""
        say([visible(f"xt: warning: this run will not be signed: {error.message}{hint}")])
        return None
    return lambda store, record: at_once(store, record, key, outside)
