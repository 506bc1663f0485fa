"""Runs that are meant by references or a query."""

from __future__ import annotations

from xt.context import Outside
from xt.ops.find import resolve
from xt.store import Store


def select(store: Store, outside: Outside, words: list[str]) -> list[str]:
    """Find runs.

    Args:
        store: that has them.
        outside: for the time.
        words: references.

    Raises:
        NoSuchRunError: a reference names none.
    """
    return [resolve(store, word, outside) for word in words]
