"""Open a store that may be damaged, to look at it."""

from __future__ import annotations

import os
import re

from xt import fsio
from xt.context import Outside
from xt.errors import NoSuchRunError, StoreError, is_passing
from xt.ops.find import store_path, trusts_foreign
from xt.store import Store, layout
from xt.store.layout import FOLDERS


def opened(outside: Outside, *, writing: bool) -> Store:
    """Open the store of the project; one without a file `format` too.

    Args:
        outside: for where it is.
        writing: whether it is to be repaired.

    Raises:
        NoSuchRunError: there is none.
        NewerStoreError: a newer xt made it.
        StoreError: it belongs to another user, or cannot be understood.
    """
    path = store_path(outside)
    if not fsio.is_there(path, follow=True) or not os.path.isdir(path):
        raise NoSuchRunError(
            f"no runs yet: there is no `{path}`", "`xt run -- COMMAND` records the first one"
        )
    if writing and not os.access(path, os.W_OK):
        raise StoreError(
            f"the store cannot be repaired: `{path}` cannot be written",
            "without `--repair` it is only looked at",
        )
    if not _has_format(path):
        layout.check_owner(path, foreign=trusts_foreign(outside))
        if not FOLDERS & set(os.listdir(path)):
            raise StoreError(f"`{path}` is no store: it has neither `format` nor anything else of one")
        return Store(path)
    return Store.open(path, foreign=trusts_foreign(outside))


def _has_format(path: str) -> bool:
    """Whether the file `format` says anything; of what it says, the store itself judges."""
    try:
        return re.fullmatch(rb"xt-store [0-9]+\s*", fsio.read_file(f"{path}/format", 4096)) is not None
    except OSError as error:
        if is_passing(error):
            raise
        return False
