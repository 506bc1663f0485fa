"""Facts: what is declared to be so of a run, and no command is told. A leaf beside `params`."""

from __future__ import annotations

from typing import Any

from xt.collect import Capture
from xt.collect.params import MAX_LIST, MAX_STRING, masked, tell_apart
from xt.collect.scalars import json_safe, scalar
from xt.model.request import FactSpec
from xt.model.snapshot import Param


def collect(capture: Capture) -> list[Param]:
    """Gather the facts of a run, one per name, sorted by name, secrets masked as in params."""
    found: dict[str, Param] = {}
    for spec in capture.request.facts:
        value = _value(spec)
        if (isinstance(value, str) and len(value) > MAX_STRING) or (
            isinstance(value, list) and len(value) > MAX_LIST
        ):
            capture.problem("facts", f"`{spec.name}` is too large to be a fact and is not recorded as one")
        else:
            found[spec.name] = Param(json_safe(spec.name), value, spec.source)
    given = [found[name] for name in sorted(found)]
    safe = masked(given)
    tell_apart(capture, "fact", given, safe)
    return safe


def _value(spec: FactSpec) -> Any:
    if spec.written:
        return scalar(spec.value)
    if isinstance(spec.value, list):
        return [json_safe(item) for item in spec.value]
    return json_safe(spec.value)
