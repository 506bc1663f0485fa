"""What a comparison shall look at."""

from __future__ import annotations

from typing import NamedTuple


class Options(NamedTuple):
    """As asked for on the command line."""

    code: bool | None = None
    """The patch: all of it, none of it, or only a short one."""
    words: bool = False
    """Changes of code word by word."""
    metrics: tuple[str, ...] = ()
    """Globs; only metrics of such names are judged."""
    by: tuple[str, ...] = ()
    """Labels or columns to group by, besides those declared."""
    tolerances: tuple[str, ...] = ()
    """`NAME=KIND:BOUND`, before those of `xt.toml`."""
    logs: bool = False
    images: str | None = None
    """Absolute folder to draw into how images differ."""
