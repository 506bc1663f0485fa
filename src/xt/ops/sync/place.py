"""The remote that is meant, opened."""

from __future__ import annotations

from xt.context import Outside
from xt.store import find_root
from xt.store.remote import Remote
from xt.store.remote.defined import connect, find


def opened(outside: Outside, name: str | None) -> tuple[str, Remote]:
    """Open the remote that is meant; give its name and it.

    Args:
        outside: for the project, and for what credentials come from.
        name: or its URL; by default what `XT_REMOTE` says, else the only one that is defined.

    Raises:
        UsageError: none is meant by that.
        RemoteError: it does not answer, or was not confirmed.
        UnsupportedError: what it needs is not installed.
    """
    root = find_root(outside.cwd)
    defined = find(outside, root, name)
    return defined.name, connect(defined, outside, root)
