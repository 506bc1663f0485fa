"""Sections of a GitLab job's log that can be folded (https://docs.gitlab.com/ci/jobs/job_logs/)."""

from __future__ import annotations

import re

from xt.render.visible import visible

_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
_ERASE = "\x1b[0K"


def section(name: str, head: str, body: str, now: float) -> str:
    """Fold a report away under one line.

    Args:
        name: tells it from other sections of the job.
        head: the line that stays.
        body: of lines that are harmless already.
        now: seconds since 1970.
    """
    name = _UNFIT.sub("_", name)[:100]
    at = int(now)
    lines = body if not body or body.endswith("\n") else body + "\n"
    return (
        f"{_ERASE}section_start:{at}:{name}[collapsed=true]\r{_ERASE}{visible(head)}\n"
        f"{lines}{_ERASE}section_end:{at}:{name}\r{_ERASE}\n"
    )
