"""Recompute points: the causes whose change makes recorded evidence hold no longer."""

from __future__ import annotations

from collections.abc import Iterable

from xt.model.files import INPUT_ROLES

#: What is looked at when nothing is declared: all that a recipe is made of.
DEFAULT = ("code", "command", "params", "facts", "inputs", "runtime", "hardware", "seed")
#: All that can be declared; a role alone stands for the inputs of that role.
POINTS = (*DEFAULT, *(f"inputs.{role}" for role in INPUT_ROLES), *INPUT_ROLES)


def full(points: Iterable[str]) -> list[str]:
    """Write points in one way: `harness` is `inputs.harness`; each is there once."""
    return list(dict.fromkeys(f"inputs.{point}" if point in INPUT_ROLES else point for point in points))


def counts(point: str, declared: Iterable[str]) -> bool:
    """Whether a cause is among the points that are declared.

    Args:
        point: such as `code` or `inputs.data`.
        declared: as `full` writes them.
    """
    return point in declared or (point.startswith("inputs.") and "inputs" in declared)
