"""What the repairs have in common."""

from __future__ import annotations

from xt.ops.upkeep.looking import Look
from xt.ops.upkeep.sources import Sources


class Mending:
    """One repair of a store."""

    def __init__(self, look: Look, sources: Sources) -> None:
        """Mend nothing yet.

        Args:
            look: that was taken.
            sources: where what is missing can be had.
        """
        self.look, self.sources = look, sources
        self.store = look.store
        self.restored: list[str] = []
        """Runs that have a record again."""
