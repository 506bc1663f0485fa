"""Versions in their order."""

from __future__ import annotations

import re


def version_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Order versions as people do: parts in turn, numbers as numbers, a pre-release before its release.

    A simplification of PEP 440: `2.4rc1` < `2.4` = `2.4.0` < `2.4.post1` < `2.10`; what follows a `+` is
    the last to decide.
    """
    public, plus, local = text.lower().removeprefix("v").partition("+")
    parts: list[tuple[int, int, str]] = []
    for digits, letters in re.findall(r"(\d+)|([a-z]+)", public):
        if digits:
            parts.append((2, int(digits), ""))
            continue
        while parts and parts[-1] == (2, 0, ""):
            parts.pop()
        # The end of a version lies between its pre-releases and what comes after it.
        parts.append((1 if letters in ("post", "p", "patch", "rev", "r") else -1, 0, letters))
    while parts and parts[-1] == (2, 0, ""):
        parts.pop()
    return (*parts, (0, 0, ""), *(((0, 0, local),) if plus else ()))
