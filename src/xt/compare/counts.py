"""Counts in words, the noun and the verb in the number they need."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Write `1 array`, `3 arrays`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def share_differs(count: int, total: int, noun: str) -> str:
    """Write `1 of 5 members differs`, `2 of 5 members differ`: the verb follows those that differ."""
    return f"{count} of {counted(total, noun)} {'differs' if count == 1 else 'differ'}"
