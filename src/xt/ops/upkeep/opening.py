"""Open a store that may be damaged, to look at it."""

from __future__ import annotations

import os

from xt.context import Outside
from xt.errors import NoSuchRunError, StoreError
from xt.ops.find import store_path, trusts_foreign
from xt.store import Store, layout
from xt.store.layout import FOLDERS


def opened(outside: Outside) -> Store:
    """Open the store of the project; one without a file `format` too.

    Raises:
        NoSuchRunError: there is none.
        NewerStoreError: a newer xt made it.
        StoreError: it belongs to another user, or cannot be understood.
    """
    path = store_path(outside)
    if not os.path.isdir(path):
        raise NoSuchRunError(
            f"no runs yet: there is no `{path}`", "`xt run -- COMMAND` records the first one"
        )
    if not os.path.lexists(f"{path}/format"):
        layout.check_owner(path, foreign=trusts_foreign(outside))
        if not FOLDERS & set(os.listdir(path)):
            raise StoreError(f"`{path}` is no store: it has neither `format` nor anything else of one")
        return Store(path)
    return Store.open(path, foreign=trusts_foreign(outside))
