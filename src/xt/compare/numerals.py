"""Numbers inside lines of text."""

from __future__ import annotations

import re
from functools import lru_cache

from xt.compare import Rule
from xt.compare.closeness import Widest, close

#: A sign belongs to a number when no letter or digit stands before it; digits inside a word do not count.
_NUMBER = re.compile(
    r"(?<![\w.])([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)\b)",
    re.ASCII | re.IGNORECASE,
)
#: A zero before another digit: a label such as a postal code or a part number, and no number.
_PADDED = re.compile(r"[-+]?0[0-9]")
#: Digits of a number; Python refuses to read integers of more than 4300.
_DIGITS = 400


def numeral(text: str) -> int | float | None:
    """Read the number a text is, as tables and logs hold it.

    Args:
        text: `12`, ` 0.5`, `1e-3`, `NaN`, `-Infinity`; no digit separators, no units, no other digits than
            those of ASCII, no zero before another digit (`007`).
    """
    text = text.strip()
    # Most cells that are no numbers show it in their first letter.
    if not text or len(text) > _DIGITS or text[0] not in "0123456789+-.nNiI":
        return None
    if not text.isascii() or "_" in text or _PADDED.match(text):
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def parts(line: str) -> tuple[str, ...]:
    """Cut a line at its numbers: words at even places, numbers at odd ones."""
    return tuple(_NUMBER.split(line))


def frame(line: str) -> str:
    """The line with a mark in place of each number, by which lines are aligned."""
    return "\0".join(parts(line)[::2])


def differ_within(left: str, right: str, rule: Rule) -> list[tuple[float, float]] | None:
    """Compare two lines that are not equal.

    Returns:
        The pairs of numbers in which alone they differ and which are close by the rule; None when anything
        else differs, or a number by more.
    """
    ours, theirs = parts(left), parts(right)
    if len(ours) != len(theirs) or ours[::2] != theirs[::2]:
        return None
    pairs = []
    for one, other in zip(ours[1::2], theirs[1::2], strict=True):
        if one == other:
            continue
        here, there = numeral(one), numeral(other)
        if here is None or there is None or not close(here, there, rule):
            return None
        pairs.append((here, there))
    return pairs


def see(widest: Widest, pairs: list[tuple[float, float]], where: str) -> None:
    """Take pairs of numbers of one place into account."""
    for one, other in pairs:
        widest.see(one, other, where)
