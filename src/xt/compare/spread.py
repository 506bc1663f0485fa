"""How far two arrays are apart: counts and largest distances, gathered block by block.

What is counted and what is largest does not depend on how the arrays are cut into blocks, nor on who looks at
them: `spread_plain` pair by pair, `spread_arrays` with numpy. Both follow this law, for two numbers that are
not equal (two NaN are):

- NaN on one side, or an infinity on any, is a difference that no bound excuses, and has no distance.
- Of floats the distance is `|a - b|` and its share `distance / max(|a|, |b|)`, or `|a / max - b / max|` where
  the distance overflows. The largest is found in the arithmetic of float32 for types up to 32 bits, else in
  that of the type; of equal ones the first counts. Its value is then computed in double precision.
- Of integers the distance is exact, and its share that by the larger magnitude, in double precision.
- The steps are the representable numbers from one to the other, of types up to 64 bits.
"""

from __future__ import annotations

from typing import NamedTuple

from xt.compare import Rule


class Peak(NamedTuple):
    """A largest value and the flat index where it was first met."""

    value: float | int = 0
    at: int = -1
    rank: float | int = 0
    """By what it is the largest: its value in the arithmetic of its type."""

    def beside(self, other: Peak) -> Peak:
        """The larger; of equal ones the first."""
        if other.rank > self.rank or (other.rank == self.rank and 0 <= other.at < self.at):
            return other
        return self


class Spread:
    """The comparison of two arrays of one shape, so far."""

    def __init__(self, rule: Rule) -> None:
        """Start with nothing compared."""
        self.rule = rule
        self.total = 0
        """Values compared."""
        self.differing = 0
        """Values that are not equal."""
        self.beyond = 0
        """Values that are not close by the rule."""
        self.nan = 0
        """Pairs with NaN on one side only."""
        self.infinite = 0
        """Pairs of an infinity with another number."""
        self.delta = Peak()
        """Largest |left - right| of finite pairs."""
        self.relative = Peak()
        """Largest |left - right| / max(|left|, |right|) of finite pairs."""
        self.steps: Peak | None = None
        """Largest distance in representable numbers; None where they are not counted."""
        self.measured = False
        """Whether distances have a meaning: not for raw bytes and booleans."""
        self.exact = not (rule.rtol or rule.atol or rule.ulp)
        """Whether nothing but equality is close."""

    def join(self, other: Spread) -> None:
        """Add what was gathered over another part of the same arrays."""
        self.total += other.total
        self.differing += other.differing
        self.beyond += other.beyond
        self.nan += other.nan
        self.infinite += other.infinite
        self.delta = self.delta.beside(other.delta)
        self.relative = self.relative.beside(other.relative)
        if other.steps is not None:
            self.steps = other.steps if self.steps is None else self.steps.beside(other.steps)
        self.measured |= other.measured

    def skip(self, count: int) -> None:
        """Count values whose bytes are the same."""
        self.total += count
