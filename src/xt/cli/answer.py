"""An answer as it goes to standard output: for programs, and for people."""

from __future__ import annotations

import os
import sys


def for_programs(data: bytes) -> bytes:
    """Give JSON as it is to a file or a pipe, and to a terminal nothing it would act on."""
    if not sys.stdout.isatty():
        return data
    from xt.render.visible import visible_json

    return visible_json(data)


def for_people(page: str) -> bytes:
    """Give a page as it is; in a job, with nothing that a runner would take for a command of its own."""
    from xt.context import in_ci

    if in_ci(os.environ):
        from xt.render.ci_github import harmless

        page = harmless(page)
    return page.encode("utf-8", "backslashreplace")
