"""Tables of implementations: named without importing them, imported when asked for.

The layout is the laziness: a heavy dependency is imported at the top of one leaf, and the leaf is
named here by a string.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One implementation."""

    name: str
    target: str
    """`package.module:attribute`."""
    summary: str
    claims: tuple[str, ...] = ()
    """Suffixes of names it is for, lower case."""
    extra: str | None = None
    """The optional dependency of `pyproject.toml` that it needs."""
    module: str | None = None
    """The module by which it is seen whether that is installed."""


class Table:
    """An ordered family of implementations; its order is the order of help and output."""

    def __init__(self, family: str, rows: list[Row]) -> None:
        """Name the family (for messages) and list its rows."""
        self.family = family
        self.rows = {row.name: row for row in rows}

    def __iter__(self) -> Iterator[Row]:
        """Iterate over the rows without importing any."""
        return iter(self.rows.values())

    def get(self, name: str) -> Any:
        """Import an implementation.

        Raises:
            KeyError: if the family has no such row.
        """
        module, _, attribute = self.rows[name].target.partition(":")
        return getattr(import_module(module), attribute)
