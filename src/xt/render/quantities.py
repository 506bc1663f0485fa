"""Numbers as people read them."""

from __future__ import annotations

import math
from datetime import datetime

from xt.model.result import Number


def duration(seconds: float) -> str:
    """Write seconds: `12 ms`, `8.4 s`, `41 min`, `3 h 5 min`, `2 d 4 h`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def ago(seconds: float) -> str:
    """Write an age in one unit: `now`, `2 min`, `3 h`, `5 d`; a future moment (clock set back) is `now`."""
    if seconds < 5:
        return "now"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"


def since(seconds: float) -> str:
    """Write how long ago: `just now`, `3 h ago`."""
    text = ago(seconds)
    return "just now" if text == "now" else f"{text} ago"


def size(count: int) -> str:
    """Write bytes in decimal units: `118 B`, `5.2 KB`, `1.2 GB`."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("KB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return f"{value:.0f} PB"


def number(value: float | Number | None) -> str:
    """Write a metric's value: four significant digits, whole numbers whole."""
    if value is None:
        return "–"
    if isinstance(value, Number):
        return value.special
    if isinstance(value, int) or (abs(value) < 1e15 and value == int(value)):
        return str(int(value))
    return f"{value:.4g}" if math.isfinite(value) else str(value)


def count(number_of: int, thing: str) -> str:
    """Write `1 output`, `2 outputs`."""
    plural = thing[:-1] + "ies" if thing.endswith("y") else thing + "s"
    return f"{number_of:,} {thing if number_of == 1 else plural}".replace(",", " ")


def cut(text: str, width: int) -> str:
    """Shorten to a width in characters, with an ellipsis."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def seconds_since(moment: str, now: datetime) -> float | None:
    """Seconds from an RFC 3339 time to now; None when it is not one."""
    try:
        return (now - datetime.fromisoformat(moment)).total_seconds()
    except (ValueError, TypeError):
        return None


def moment(text: str, now: datetime) -> str:
    """Write an RFC 3339 time in the zone of `now`, to the minute; as it is when it is not one."""
    try:
        when = datetime.fromisoformat(text).astimezone(now.tzinfo)
    except ValueError:
        return text
    return f"{when:%Y-%m-%d %H:%M} {when.tzname()}"


def fingerprint(digest: str) -> str:
    """Write the beginning of a digest, enough to compare by eye: `blake3 91c0f3a2…`."""
    kind, _, letters = digest.partition(":")
    return f"{kind} {letters[:8]}…"
