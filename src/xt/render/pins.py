"""Pins as lines."""

from __future__ import annotations

from xt.model.event import Pin
from xt.render.layout import flow
from xt.render.styled import Line, paint, say


def line(pin: Pin, shown: int, width: int, colour: bool) -> str:
    """Write a pin: name, run, when, by whom, why."""
    run = say(pin.run[:shown], "key") if pin.run else say("none")
    items: list[Line] = [[say(f"{pin.name} "), run], [say(pin.at[:16].replace("T", " ") + " UTC", "dim")]]
    items += [[say("by ", "dim"), say(pin.by)]] if pin.by else []
    items += [[say(pin.reason)]] if pin.reason else []
    return "".join(paint(part, colour) + "\n" for part in flow(items, width))
