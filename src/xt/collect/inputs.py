"""Declared inputs, by content: files, folders, globs and URIs, as they were before the command started."""

from __future__ import annotations

from xt.collect import Capture
from xt.errors import NotStartedError
from xt.model.files import Input


def collect(capture: Capture) -> list[Input]:
    """Identify every declared input.

    Raises:
        NotStartedError: one or more of them do not exist; all are named.
    """
    if not capture.request.inputs:
        return []
    from xt.collect.paths import shown
    from xt.collect.reading import Reading

    reading = Reading(capture)
    found: dict[tuple[str, str], Input] = {}
    for spec in capture.request.inputs:
        reading.add(spec, found)
    if reading.looking is not None:
        reading.looking.remember()
    if reading.missing:
        names = ", ".join(dict.fromkeys(reading.missing))
        several = len(set(reading.missing)) > 1
        raise NotStartedError(
            f"declared inputs do not exist: {names}"
            if several
            else f"a declared input does not exist: {names}",
            f"relative paths start from {shown(capture.request.inputs[0].base)}; nothing was started",
        )
    return list(found.values())
