"""Levels of a verification as signs and styles, the same in every list and table."""

from __future__ import annotations

from collections.abc import Iterable

from xt.model.level import LEVELS, Level, reaches
from xt.render.styled import Line, say

#: One cell each, told apart without colour; where they stand alone, `legend` stands below.
SIGNS: dict[Level, str] = {
    "identical": "≡",
    "equivalent": "≈",
    "consistent": "~",
    "divergent": "≠",
    "unverifiable": "?",
}


def style(level: Level, required: Level | None) -> str:
    """Style of a level: green and red for reached and not, nothing where nothing was required."""
    if required is None:
        return ""
    return "good" if reaches(level, required) else "bad"


def legend(levels: Iterable[Level]) -> list[Line]:
    """What the signs of some levels mean, best first."""
    used = set(levels)
    return [[say(SIGNS[level]), say(f" {level}", "dim")] for level in LEVELS if level in used]
