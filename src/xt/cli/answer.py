"""An answer for programs, as it goes to standard output."""

from __future__ import annotations

import sys


def for_programs(data: bytes) -> bytes:
    """Give JSON as it is to a file or a pipe, and to a terminal nothing it would act on."""
    if not sys.stdout.isatty():
        return data
    from xt.render.visible import visible_json

    return visible_json(data)
