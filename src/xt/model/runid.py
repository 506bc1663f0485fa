"""Run ids: 16 letters from `k` to `z`, which cannot be taken for a hex digest."""

from __future__ import annotations

import re

LETTERS = "klmnopqrstuvwxyz"
ALL = frozenset(LETTERS)
LENGTH = 16
#: Fewer letters than this are not accepted as a reference, nor shown.
SHORTEST = 4

_PREFIX = re.compile(f"[{LETTERS}]{{{SHORTEST},{LENGTH}}}")


def make(random: bytes) -> str:
    """Make an id.

    Args:
        random: 8 unpredictable bytes: 64 bits, so a collision is expected after some 4 billion runs.
    """
    return "".join(LETTERS[byte >> 4] + LETTERS[byte & 15] for byte in random)


def is_id(text: str) -> bool:
    """Whether the text is a whole run id."""
    return len(text) == LENGTH and _PREFIX.fullmatch(text) is not None


def is_prefix(text: str) -> bool:
    """Whether the text can be the beginning of a run id, and is long enough to be one."""
    return _PREFIX.fullmatch(text) is not None


def shortest_unique(run_id: str, others: list[str]) -> int:
    """How many letters of an id tell it from all others.

    Args:
        run_id: the id.
        others: ids that share its first letters, itself included or not.
    """
    length = SHORTEST
    for other in others:
        if other == run_id:
            continue
        common = 0
        while common < min(LENGTH, len(run_id)) and other[common] == run_id[common]:
            common += 1
        length = max(length, common + 1)
    return min(length, LENGTH)
