"""What somebody may have meant: the nearest of the valid names, for hints."""

from __future__ import annotations

from collections.abc import Iterable

#: Names a hint lists; the rest becomes `…`.
SHOWN = 16


def suggest(word: str, names: Iterable[str], noun: str) -> str | None:
    """Word a hint for a name that is not valid: ``did you mean `inputs`? keys: command, inputs, …``.

    Args:
        word: what was written.
        names: what could have been, in the order to list them.
        noun: what they are, plural.

    Returns:
        None when there are no valid names at all.
    """
    names = list(names)
    if not names:
        return None
    from difflib import get_close_matches

    near = get_close_matches(word, names, n=1) or get_close_matches(word.lower(), names, n=1)
    shown = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    return (f"did you mean `{near[0]}`? " if near else "") + f"{noun}: {shown}"
