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
