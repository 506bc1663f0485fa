"""The lines `xt rerun` writes before the command starts: what is not as it was."""

from __future__ import annotations

from typing import Protocol

from xt.render.visible import visible


class Told(Protocol):
    """What is known before the start."""

    @property
    def drift(self) -> list[str]:
        """How the environment differs."""

    @property
    def adjusted(self) -> list[str]:
        """What could not be as it was."""


#: Clauses in a line.
CLAUSES = 6


def before(told: Told) -> list[str]:
    """One line for the drift, one for each thing that is not as it was."""
    lines = []
    if told.drift:
        more = f"; and {len(told.drift) - CLAUSES} more" if len(told.drift) > CLAUSES else ""
        lines.append(f"xt: warning: the environment drifted: {'; '.join(told.drift[:CLAUSES])}{more}")
    lines += [f"xt: note: {sentence}" for sentence in told.adjusted]
    return [visible(line) for line in lines]
