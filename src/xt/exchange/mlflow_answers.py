"""What an MLflow server answers, which is not trusted to have the shape it should."""

from __future__ import annotations

import math
import sys
from typing import Any

from xt.errors import RemoteError


def stored(value: float) -> str:
    """Write a value as the server gives it back: what is infinite is its largest number there."""
    return repr(max(min(value, sys.float_info.max), -sys.float_info.max)) if not math.isnan(value) else "nan"


def pairs(items: object) -> dict[str, Any]:
    """Keys and values of a list, as answers have them."""
    if not isinstance(items, list | None):
        raise odd("data")
    return {text(item.get("key")): item.get("value") for item in items or [] if isinstance(item, dict)}


def table(answer: object, name: str) -> dict[str, Any]:
    """A table in an answer."""
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise odd(name)
    return found


def text(value: object) -> str:
    """A text in an answer."""
    if not isinstance(value, str):
        raise odd("a name")
    return value


def odd(what: str) -> RemoteError:
    """What is raised where an answer has not the shape it should."""
    return RemoteError(f"the server's answer makes no sense: {what}", "is it an MLflow server?")
