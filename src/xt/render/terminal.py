"""What a stream can show: its width, and whether it wants colour."""

from __future__ import annotations

import os
from collections.abc import Mapping

#: Columns where nobody says: of a pipe or a file.
DEFAULT = 80
#: More than any screen has: a mistyped COLUMNS must not fill the memory.
MOST = 10_000


def width(stream: object, environ: Mapping[str, str]) -> int:
    """Columns to write for: `COLUMNS` if it is a positive number, else the terminal's own, else 80.

    Args:
        stream: such as `sys.stdout`.
        environ: the variables.
    """
    told = environ.get("COLUMNS", "")
    if told.isascii() and told.isdigit() and 0 < len(told) < 10 and int(told):
        return min(int(told), MOST)
    fileno = getattr(stream, "fileno", None)
    if fileno is None:
        return DEFAULT
    try:
        columns = os.get_terminal_size(fileno()).columns
    except (OSError, ValueError):
        return DEFAULT  # not a terminal, or closed
    return min(columns, MOST) or DEFAULT


def colour(stream: object, environ: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal that wants colour (https://no-color.org)."""
    isatty = getattr(stream, "isatty", None)
    wanted = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return wanted and isatty is not None and bool(isatty())


def folded(line: str, columns: int) -> str:
    """Break a line of a message between words, and nowhere within backticks, so that a command can be copied.

    Args:
        line: without colours.
        columns: of the terminal, which would break it in the middle of a word.
    """
    if len(line) <= columns:
        return line
    words: list[str] = []
    quoted = False
    for part in line.split(" "):
        if quoted:
            words[-1] += f" {part}"
        else:
            words.append(part)
        quoted ^= part.count("`") % 2 == 1
    lines = words[:1]
    for word in words[1:]:
        # One that fits on no line stays where it is: a path can then be taken up whole.
        if len(lines[-1]) + 1 + len(word) <= columns or 4 + len(word) > columns:
            lines[-1] += f" {word}"
        else:
            lines.append(f"    {word}")
    return "\n".join(lines)
