"""Pins as lines."""

from __future__ import annotations

from xt.model.event import Pin
from xt.render.visible import visible


def line(pin: Pin, shown: int) -> str:
    """Write a pin: name, run, when, by whom, why."""
    where = pin.run[:shown] if pin.run else "none"
    parts = [f"{visible(pin.name)} {where}", pin.at[:16].replace("T", " ") + " UTC"]
    if pin.by:
        parts.append(f"by {visible(pin.by)}")
    if pin.reason:
        parts.append(visible(pin.reason))
    return " · ".join(parts) + "\n"
